//! Reports of a run for machines: written when it ends, and those of shards merged by `harmock report merge`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueHint};

use super::CommandResult;
use super::report::{Expected, Limits, Verdict};
use super::settings::value::flag;
use crate::launch::write_atomically;
use crate::proxy::Summary;
use crate::report::{self, Format, Report};

/// Standard output, as a file's name.
const STDOUT: &str = "-";

/// The reports that were asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ReportFiles {
    pub(crate) files: Vec<PathBuf>,
    /// In the place of what the extensions say.
    pub(crate) format: Option<Format>,
}

impl ReportFiles {
    /// The format of a file, or what to do where none is known.
    pub(crate) fn format_of(&self, file: &Path) -> Result<Format, String> {
        let by_extension = || Format::of_extension(file.extension()?.to_str()?);
        self.format.or_else(by_extension).ok_or_else(|| {
            format!(
                "what {} is to hold is not known: name it with --report-format, or end the file's name in .json, .xml, .md or \
                 .github",
                file.display()
            )
        })
    }

    /// Writes each report, by rename.
    pub(crate) fn write(&self, report: &Report) -> anyhow::Result<()> {
        for file in &self.files {
            let text = report.render(self.format_of(file).map_err(anyhow::Error::msg)?);
            if file.as_os_str() == STDOUT {
                std::io::stdout().write_all(text.as_bytes()).context("cannot write the report to standard output")?;
            } else {
                write_atomically(file, text.as_bytes())
                    .with_context(|| format!("cannot write the report {}; name another file", file.display()))?;
            }
        }
        Ok(())
    }
}

/// The facts of a run of replay. What a report holds of the traffic comes through here alone.
pub(crate) fn of_run(summary: &Summary, expected: &Expected, limits: Limits, verdict: Verdict) -> Report {
    let sessions = summary.sessions.iter().map(|session| {
        let part = report::SessionPart {
            served: session.served,
            missed: session.missed,
            misses: session.misses.clone(),
            unused: session.unused.clone(),
        };
        (session.name.clone(), part)
    });
    Report {
        verdict: match verdict {
            Verdict::Error | Verdict::CaughtNothing => report::Verdict::Error,
            Verdict::Misses => report::Verdict::Misses,
            Verdict::Unused => report::Verdict::Unused,
            Verdict::Well => report::Verdict::Well,
        },
        served: summary.served,
        missed: summary.missed,
        max_misses: limits.max_misses,
        misses_fail: matches!(expected, Expected::Replay { misses_fail: true }),
        ignored: summary.ignored,
        misses: summary.misses.clone(),
        errors: summary.errors.clone(),
        entries: summary.entries as u64,
        unused: summary.unused.clone(),
        fail_on_unused: limits.fail_on_unused,
        passed: summary.passed.clone(),
        tunnelled: summary.tunnelled.clone(),
        applied: summary.applied.clone(),
        sessions: sessions.collect(),
        ..Report::empty()
    }
}

/// Works on the reports that `harmock replay --report` wrote
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    #[command(subcommand)]
    command: ReportCommand,
}

#[derive(Debug, Subcommand)]
enum ReportCommand {
    Merge(MergeArgs),
}

/// Joins the JSON reports of a test suite that ran in parts
///
/// Counts are added; an entry is unused when no part used it. The exit code is what one run would have had: 3 for misses, or
/// for unused entries where a part had --fail-on-unused, 1 for errors.
#[derive(Debug, Args)]
struct MergeArgs {
    /// JSON reports
    #[arg(value_name = "REPORT", required = true, value_hint = ValueHint::FilePath)]
    reports: Vec<PathBuf>,

    /// A file to write: `.json`, `.xml` (JUnit), `.md`, `.github`, or `-`; repeatable
    #[arg(short, long, value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    output: Vec<PathBuf>,

    /// What the files hold, whatever their extensions say
    #[arg(long, value_name = "FORMAT", value_parser = flag::<Format>())]
    report_format: Option<Format>,
}

pub(crate) fn run(args: ReportArgs) -> CommandResult {
    let ReportCommand::Merge(args) = args.command;
    let files = ReportFiles { files: args.output, format: args.report_format };
    let reports = args.reports.iter().map(|path| read(path)).collect::<anyhow::Result<Vec<_>>>()?;
    let merged = report::merge(reports)?;
    files.write(&merged)?;
    anstream::eprintln!(
        "harmock: {} reports: served {}, missed {}, errors {}, unused {} of {}",
        args.reports.len(),
        merged.served,
        merged.missed,
        merged.errors.len(),
        merged.unused.len(),
        merged.entries
    );
    Ok(ExitCode::from(match merged.verdict {
        report::Verdict::Well => 0,
        report::Verdict::Error => 1,
        report::Verdict::Misses | report::Verdict::Unused => 3,
    }))
}

fn read(path: &Path) -> anyhow::Result<Report> {
    let text = fs::read(path).with_context(|| format!("cannot read the report {}", path.display()))?;
    match serde_json::from_slice(&text) {
        Ok(report) => Ok(report),
        Err(error) => bail!(
            "{} is no JSON report of harmock: {error}; name files that `harmock replay --report NAME.json` wrote",
            path.display()
        ),
    }
}
