//! `harmock har check`: what is wrong with archives before a replay stumbles over it.

use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;

use super::super::CommandResult;
use super::{print, secrets, visible};
use crate::archive::check::Checked;
use crate::archive::{Finding, Severity, check};
use crate::record::{Readable, readable};

/// Say what is wrong with archives, or cannot be served from them.
///
/// Every body is read. Errors are what makes a replay fail, warnings what it serves otherwise than the recorded server
/// did, notes what is worth knowing. The exit code is 1 if there are errors, else 0.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// `.har` or `.zip` files, or folders that hold them
    #[arg(value_name = "ARCHIVE", default_value = "hars")]
    archives: Vec<PathBuf>,
    /// Look for secrets instead: tokens of known formats, and values that a recording would have replaced
    ///
    /// Each is an error, named by entry and place and never shown whole: a check before a commit, and in CI.
    #[arg(long)]
    secrets: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> CommandResult {
    let readable = readable(&args.archives)?;
    for note in readable.iter().filter_map(Readable::note) {
        anstream::eprintln!("{}", visible(&note, &[]));
    }
    let archives: Vec<_> = readable.iter().map(|readable| readable.path.clone()).collect();
    let mut checked = if args.secrets { secrets::find(&archives)? } else { check(&archives) };
    for finding in &mut checked.findings {
        let called = readable.iter().find(|readable| readable.path == finding.archive);
        called.into_iter().for_each(|readable| finding.archive.clone_from(&readable.archive));
    }
    if args.json {
        print((serde_json::to_string_pretty(&Report::of(&checked))? + "\n").as_bytes())?;
    } else {
        let lines: String = checked.findings.iter().map(|finding| visible(&finding.to_string(), &[]) + "\n").collect();
        print(lines.as_bytes())?;
        anstream::eprintln!("{}", in_one_line(&checked));
    }
    Ok(if checked.count(Severity::Error) > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn in_one_line(checked: &Checked) -> String {
    let count = |number: usize, one: &str, many: &str| format!("{number} {}", if number == 1 { one } else { many });
    format!(
        "{}, {}: {}, {}, {}",
        count(checked.archives, "archive", "archives"),
        count(checked.entries, "entry", "entries"),
        count(checked.count(Severity::Error), "error", "errors"),
        count(checked.count(Severity::Warning), "warning", "warnings"),
        count(checked.count(Severity::Note), "note", "notes"),
    )
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    archives: usize,
    entries: usize,
    errors: usize,
    warnings: usize,
    notes: usize,
    findings: Vec<Row<'a>>,
}

impl<'a> Report<'a> {
    fn of(checked: &'a Checked) -> Self {
        Self {
            archives: checked.archives,
            entries: checked.entries,
            errors: checked.count(Severity::Error),
            warnings: checked.count(Severity::Warning),
            notes: checked.count(Severity::Note),
            findings: checked.findings.iter().map(Row::of).collect(),
        }
    }
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    severity: &'static str,
    archive: String,
    entry: Option<usize>,
    field: Option<&'a str>,
    message: &'a str,
}

impl<'a> Row<'a> {
    fn of(finding: &'a Finding) -> Self {
        Self {
            severity: finding.severity.as_str(),
            archive: finding.archive.display().to_string(),
            entry: finding.entry,
            field: finding.field.as_deref(),
            message: &finding.message,
        }
    }
}
