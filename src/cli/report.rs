//! What is said when a run ends, and the exit code that goes with it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anstyle::{AnsiColor, Style};

use crate::proxy::{Miss, Mode, NotFound, Summary};
use crate::record::{Finished, Recorded, Spooled};
use crate::redact::shown_url;

/// Lines of one kind that are printed; the rest is counted.
const SHOWN: usize = 20;

/// What the run was asked for, as far as the verdict needs it.
pub(crate) enum Expected {
    /// To record into an archive what these globs select.
    Record { har: PathBuf, glob: Vec<String> },
    /// To replay.
    Replay { misses_fail: bool },
}

impl Expected {
    pub(crate) fn of(mode: &Mode) -> Self {
        match mode {
            Mode::Record(config) => Self::Record { har: config.har.clone(), glob: config.glob.clone() },
            Mode::Replay(config) => Self::Replay {
                misses_fail: config.offline || matches!(config.not_found, NotFound::Fail | NotFound::Abort),
            },
        }
    }
}

/// What a replay is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Limits {
    /// Misses up to this number leave the exit code alone.
    pub(crate) max_misses: u64,
    /// Every entry has to be asked for.
    pub(crate) fail_on_unused: bool,
}

/// How a run ended, weightiest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Something could not be read or kept.
    Error,
    /// A recording without an exchange.
    CaughtNothing,
    /// More misses than allowed.
    Misses,
    /// Entries that nothing asked for, where that is not allowed.
    Unused,
    Well,
}

impl Verdict {
    pub(crate) fn of(summary: &Summary, expected: &Expected, limits: Limits) -> Self {
        let recorded = summary.recorded.as_ref();
        let lost = recorded.is_some_and(|recorded| recorded.spooled.lost > 0 || recorded.spooled.unsynced.is_some());
        if lost || !summary.errors.is_empty() {
            return Self::Error;
        }
        match expected {
            Expected::Record { .. } if recorded.is_none_or(|recorded| recorded.finished.is_none()) => {
                Self::CaughtNothing
            }
            Expected::Replay { misses_fail: true } if summary.missed > limits.max_misses => Self::Misses,
            Expected::Replay { .. } if limits.fail_on_unused && !summary.unused.is_empty() => Self::Unused,
            _ => Self::Well,
        }
    }

    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Well => 0,
            Self::Error | Self::CaughtNothing => 1,
            Self::Misses | Self::Unused => 3,
        }
    }
}

/// Prints the summary to standard error; with a negative verbosity only what went wrong.
pub(crate) fn print(summary: &Summary, expected: &Expected, verdict: &Verdict, verbosity: i8) {
    let mut lines = Vec::new();
    if verbosity >= 0 || *verdict != Verdict::Well {
        match expected {
            Expected::Record { har, glob } => recording(&mut lines, summary, har, glob, *verdict),
            Expected::Replay { .. } => replay(&mut lines, summary, *verdict),
        }
    }
    for line in lines {
        let style = if is_bad_news(&line) { BAD_NEWS } else { Style::new() };
        anstream::eprintln!("harmock: {style}{line}{style:#}");
    }
}

/// Red, where the terminal has colours.
const BAD_NEWS: Style = AnsiColor::Red.on_default();

fn is_bad_news(line: &str) -> bool {
    ["MISS ", "LOST ", "error", "nothing was recorded"].iter().any(|start| line.starts_with(start))
}

/// Exchanges of a killed run that are not in the archive although their records were whole.
pub(crate) fn bodies_lost(finished: &Finished) -> String {
    match &finished.bodies_lost[..] {
        [] => String::new(),
        lost @ [first, ..] => {
            format!("; LOST {}, for bodies were cut or removed: {first}", count(lost.len() as u64, "exchange"))
        }
    }
}

/// Where a run that was ended at once has left its exchanges.
pub(crate) fn kept_in_journal(expected: &Expected) -> String {
    match expected {
        Expected::Record { har, .. } => format!(
            "; what was recorded is kept beside {} and finished by the next `harmock record` on it",
            har.display()
        ),
        Expected::Replay { .. } => String::new(),
    }
}

fn recording(lines: &mut Vec<String>, summary: &Summary, har: &Path, glob: &[String], verdict: Verdict) {
    if verdict == Verdict::CaughtNothing {
        lines.push(caught_nothing(summary, har, glob));
    }
    if let Some(recorded) = &summary.recorded {
        if let Some(finished) = &recorded.finished {
            let written = &finished.written;
            lines.push(format!(
                "recorded {} into {} ({}, {})",
                count(finished.exchanges as u64, "exchange"),
                har.display(),
                count(written.entries as u64, "entry"),
                count(written.payloads as u64, "payload"),
            ));
            kept(lines, finished);
        }
        not_kept(lines, recorded);
    }
    limited(lines, "error", &summary.errors);
    if !summary.tunnelled.is_empty() {
        lines.push(format!("passed on unopened: {}", counted(&summary.tunnelled)));
    }
    informational(lines, summary);
}

fn caught_nothing(summary: &Summary, har: &Path, glob: &[String]) -> String {
    let globs = if glob.is_empty() { "everything".to_owned() } else { glob.join(" ") };
    let seen = if summary.seen.is_empty() && summary.tunnelled.is_empty() {
        "no request arrived; is the client set to the proxy?".to_owned()
    } else {
        format!("seen: {}", counted(summary.seen.iter().chain(&summary.tunnelled)))
    };
    let became = if har.exists() { "is as it was" } else { "was not made" };
    format!("nothing was recorded, and {} {became}: globs {globs}; {seen}", har.display())
}

/// What people have to know of the entries that were written.
fn kept(lines: &mut Vec<String>, finished: &Finished) {
    let edits: Vec<String> = finished.written.kept_edits.iter().map(ToString::to_string).collect();
    limited(lines, "edited by hand, left as it is", &edits);
    limited(lines, "not decodable, kept as it came", &finished.undecoded);
    if finished.redacted > 0 {
        lines.push(format!("replaced secrets in {}", count(finished.redacted as u64, "entry")));
    }
    limited(lines, "redacted in what Playwright compares, so it cannot find it", &finished.unmatchable);
    limited(lines, "a secret that is replaced elsewhere also stands in the text of", &finished.echoed);
    limited(lines, "not searched for secrets", &finished.unread);
}

/// What is not in the archive, and what it cost to keep the rest.
fn not_kept(lines: &mut Vec<String>, recorded: &Recorded) {
    let spooled = &recorded.spooled;
    if spooled.lost > 0 {
        let reason = spooled.first_error.as_deref().unwrap_or("the disk could not be written");
        lines.push(format!("LOST {}: {reason}", count(spooled.lost, "exchange")));
    }
    if let Some(unsynced) = &spooled.unsynced {
        lines.push(format!("error: {unsynced}; a power loss during the run could have taken more than a second of it"));
    }
    if recorded.abandoned > 0 {
        lines.push(format!("{} went away before an answer", count(recorded.abandoned, "client")));
    }
    if recorded.open > 0 {
        lines.push(format!("{} had not ended and is not kept", count(recorded.open, "exchange")));
    }
    if recorded.waited_ms > 0 {
        lines.push(format!("clients waited {} ms for the disk", recorded.waited_ms));
    }
}

fn replay(lines: &mut Vec<String>, summary: &Summary, verdict: Verdict) {
    lines.push(format!(
        "served {}, missed {}, errors {}, ignored {}",
        summary.served,
        summary.missed,
        summary.errors.len(),
        summary.ignored
    ));
    for miss in summary.misses.iter().take(SHOWN) {
        missed(lines, miss);
    }
    more(lines, summary.misses.len(), "different misses");
    limited(lines, "error", &summary.errors);
    if !summary.applied.is_empty() {
        lines.push(format!(
            "applied: {}",
            counted(summary.applied.iter().map(|applied| (&applied.what, &applied.count)))
        ));
    }
    if !summary.passed.is_empty() {
        lines.push(format!("passed to the upstream: {}", counted(&summary.passed)));
    }
    if !summary.tunnelled.is_empty() {
        lines.push(format!("passed on unopened: {}", counted(&summary.tunnelled)));
    }
    if let Some(recorded) = &summary.recorded {
        if let Some(finished) = &recorded.finished {
            lines.push(format!("recorded {} that had been missed", count(finished.exchanges as u64, "exchange")));
            kept(lines, finished);
        }
        decided(lines, &recorded.spooled);
        not_kept(lines, recorded);
    }
    informational(lines, summary);
    if !summary.unused.is_empty() {
        let forbidden = if verdict == Verdict::Unused { ", which --fail-on-unused forbids" } else { "" };
        let entries = count(summary.entries as u64, "entry");
        lines.push(format!("{} of {entries} never used{forbidden}:", summary.unused.len()));
        lines.extend(summary.unused.iter().take(SHOWN).map(|entry| format!("  {entry}")));
        more(lines, summary.unused.len(), "entries");
    }
}

/// What was recorded for sessions and is not in the archive.
fn decided(lines: &mut Vec<String>, spooled: &Spooled) {
    if spooled.rolled_back > 0 {
        lines.push(format!("rolled back {}", count(spooled.rolled_back, "exchange")));
    }
    let undecided = spooled.undecided.iter().map(|(session, exchanges)| {
        format!("{} of session {session}, which did not commit", count(*exchanges, "exchange"))
    });
    limited(lines, "dropped", &undecided.collect::<Vec<_>>());
}

fn missed(lines: &mut Vec<String>, miss: &Miss) {
    let times = if miss.count > 1 { format!(" ({} times)", miss.count) } else { String::new() };
    lines.push(format!("MISS {} {}{times}: {}", miss.method, shown_url(&miss.url), miss.reason));
    if let Some(nearest) = &miss.nearest {
        lines.push(format!("  nearest: {nearest}"));
        lines.extend(miss.verdict.iter().map(|verdict| format!("    {verdict}")));
        lines.extend(miss.differences.iter().map(|difference| format!("    {difference}")));
    }
    for near in &miss.also {
        lines.push(format!("  also near: {}", near.entry));
        lines.push(format!("    {}", near.verdict));
        lines.extend(near.differences.iter().map(|difference| format!("    {difference}")));
    }
    if let Some(remedy) = &miss.remedy {
        // They are to be pasted: what follows the first line is printed as it is.
        lines.push(format!("  these lines of harmock.toml would make it match:\n{}", remedy.trim_end()));
    }
}

fn informational(lines: &mut Vec<String>, summary: &Summary) {
    if summary.informational > 0 {
        lines.push(format!("{} not passed on", count(summary.informational, "informational response")));
    }
}

fn limited(lines: &mut Vec<String>, what: &str, items: &[String]) {
    lines.extend(items.iter().take(SHOWN).map(|item| format!("{what}: {item}")));
    more(lines, items.len(), what);
}

fn more(lines: &mut Vec<String>, there_are: usize, what: &str) {
    if there_are > SHOWN {
        lines.push(format!("  … and {} more {what}", there_are - SHOWN));
    }
}

/// `NAME (COUNT), NAME (COUNT)`: hosts, what was applied.
fn counted<'a>(counts: impl IntoIterator<Item = (&'a String, &'a u64)>) -> String {
    let mut joined: BTreeMap<&str, u64> = BTreeMap::new();
    for (host, count) in counts {
        *joined.entry(host).or_default() += count;
    }
    joined.iter().map(|(host, count)| format!("{host} ({count})")).collect::<Vec<_>>().join(", ")
}

pub(super) fn count(number: u64, noun: &str) -> String {
    let plural = match noun.strip_suffix('y') {
        Some(stem) if number != 1 => format!("{stem}ies"),
        None if number != 1 => format!("{noun}s"),
        _ => noun.to_owned(),
    };
    format!("{number} {plural}")
}
