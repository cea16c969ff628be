//! A summary in Markdown, for a CI job's page or a comment on a pull request.

use super::{Applied, Miss, Report, Verdict};

/// Rows of one table; the rest is counted.
const SHOWN: usize = 50;

/// The report as Markdown.
pub(super) fn render(report: &Report) -> String {
    let verdict = match report.verdict {
        Verdict::Well => "as recorded",
        Verdict::Misses => "requests were not recorded",
        Verdict::Unused => "entries were not used",
        Verdict::Error => "errors",
    };
    let mut lines = vec![format!("## harmock replay: {verdict}"), String::new()];
    lines.push("| served | missed | errors | ignored | entries | unused |".to_owned());
    lines.push("| ---: | ---: | ---: | ---: | ---: | ---: |".to_owned());
    lines.push(format!(
        "| {} | {} | {} | {} | {} | {} |",
        report.served,
        report.missed,
        report.errors.len(),
        report.ignored,
        report.entries,
        report.unused.len()
    ));
    if !report.sessions.is_empty() {
        lines.extend([String::new(), "| session | served | missed | unused |".to_owned()]);
        lines.push("| --- | ---: | ---: | ---: |".to_owned());
        lines.extend(report.sessions.iter().map(|(name, part)| {
            format!("| {} | {} | {} | {} |", text(name), part.served, part.missed, part.unused.len())
        }));
    }
    section(&mut lines, "Not recorded", &report.misses, missed);
    section(&mut lines, "Applied", &report.applied, applied);
    section(&mut lines, "Errors", &report.errors, |error| vec![format!("- {}", code(error))]);
    unused(&mut lines, report);
    if !report.passed.is_empty() {
        let hosts: Vec<_> = report.passed.iter().map(|(host, count)| format!("{} ({count})", code(host))).collect();
        lines.extend([String::new(), format!("Answered by real servers: {}", hosts.join(", "))]);
    }
    lines.push(String::new());
    lines.join("\n")
}

/// A list under a heading, where there is anything to list.
fn section<T>(lines: &mut Vec<String>, heading: &str, items: &[T], item: impl Fn(&T) -> Vec<String>) {
    if items.is_empty() {
        return;
    }
    lines.extend([String::new(), format!("### {heading}"), String::new()]);
    lines.extend(items.iter().take(SHOWN).flat_map(item));
    more(lines, items.len());
}

fn missed(miss: &Miss) -> Vec<String> {
    let request = code(&format!("{} {}", miss.method, miss.url));
    let mut lines = vec![format!("- {request}{}: {}", miss.times(), text(&miss.reason))];
    lines.extend(miss.details().iter().map(|detail| format!("  - {}", code(detail.trim_start()))));
    if let Some(remedy) = &miss.remedy {
        lines.push("  - these lines of `harmock.toml` would make it match:".to_owned());
        lines.extend(fenced(remedy, "    "));
    }
    lines
}

fn applied(applied: &Applied) -> Vec<String> {
    let request = code(&format!("{} {}", applied.method, applied.url));
    let mut lines = vec![format!("- {} to {request}: {}", code(&applied.what), applied.count)];
    lines.extend(applied.detail.iter().map(|detail| format!("  - {}", code(detail))));
    lines
}

fn unused(lines: &mut Vec<String>, report: &Report) {
    if report.unused.is_empty() {
        return;
    }
    let summary = format!("<details><summary>{} entries were not used</summary>", report.unused.len());
    lines.extend([String::new(), summary, String::new()]);
    for unused in report.unused.iter().take(SHOWN) {
        lines.push(format!("- {}", code(&unused.to_string())));
    }
    more(lines, report.unused.len());
    lines.extend([String::new(), "</details>".to_owned()]);
}

fn more(lines: &mut Vec<String>, there_are: usize) {
    if there_are > SHOWN {
        lines.push(format!("- … and {} more", there_are - SHOWN));
    }
}

/// More backticks than a text has in a row, and no fewer than this.
fn fence(text: &str, least: usize) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(least.max(longest + 1))
}

/// A code span that holds any text: fenced by more backticks than it has in a row.
fn code(text: &str) -> String {
    let text = text.replace(['\n', '\r'], " ");
    let fence = fence(&text, 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A block of TOML, which no line of it can end.
fn fenced(text: &str, indent: &str) -> Vec<String> {
    let fence = fence(text, 3);
    let begin = format!("{indent}{fence}toml");
    let lines = text.lines().map(|line| format!("{indent}{line}"));
    std::iter::once(begin).chain(lines).chain([format!("{indent}{fence}")]).collect()
}

/// Text that stays text.
fn text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => escaped.push(' '),
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
    }
    escaped
}
