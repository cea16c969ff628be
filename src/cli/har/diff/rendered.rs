//! Differences as people read them.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use anstyle::{AnsiColor, Style};

use super::super::visible;
use super::compared::{Change, Difference, Kind};

/// How many characters of a value are shown.
const SHOWN: usize = 160;
/// How many differences of one entry are shown.
const MOST: usize = 100;

const REMOVED: Style = AnsiColor::Red.on_default();
const ADDED: Style = AnsiColor::Green.on_default();
const CHANGED: Style = AnsiColor::Yellow.on_default();

/// Prints the changes to standard output, in colour on a terminal.
pub(super) fn print(changes: &[Change]) -> io::Result<()> {
    let mut text = String::new();
    for change in changes {
        entry(&mut text, change);
    }
    match anstream::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// How many entries differ.
pub(super) fn in_one_line(changes: &[Change]) -> String {
    let count = |kind| changes.iter().filter(|change| change.change == kind).count();
    format!("{} added, {} removed, {} changed", count(Kind::Added), count(Kind::Removed), count(Kind::Changed))
}

fn entry(text: &mut String, change: &Change) {
    let (sign, style) = match change.change {
        Kind::Added => ('+', ADDED),
        Kind::Removed => ('-', REMOVED),
        Kind::Changed => ('~', CHANGED),
    };
    _ = writeln!(text, "{style}{sign} {} {}{style:#}", visible(&change.method, &[]), visible(&change.url, &[]));
    for shown in change.differences.iter().take(MOST) {
        difference(text, shown);
    }
    if change.differences.len() > MOST {
        _ = writeln!(text, "    … and {} more", change.differences.len() - MOST);
    }
}

fn difference(text: &mut String, difference: &Difference) {
    let what = visible(&difference.what, &[]);
    _ = match (&difference.before, &difference.after) {
        (Some(before), Some(after)) => writeln!(text, "    {what}: {} -> {}", excerpt(before), excerpt(after)),
        (Some(before), None) => writeln!(text, "    {REMOVED}- {what}: {}{REMOVED:#}", excerpt(before)),
        (None, Some(after)) => writeln!(text, "    {ADDED}+ {what}: {}{ADDED:#}", excerpt(after)),
        (None, None) => Ok(()),
    };
}

fn excerpt(value: &str) -> String {
    let shown = visible(value, &['\t']);
    match shown.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}
