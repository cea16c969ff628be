//! GitHub's workflow commands: a line of output that becomes a remark on the job, beside the archive it is about.

use super::Report;

/// GitHub shows ten of a kind for each step; further lines would only make the log longer.
const SHOWN: usize = 10;

/// The report as workflow commands.
pub(super) fn render(report: &Report) -> String {
    let mut lines = Vec::new();
    let level = if report.has_too_many_misses() { "error" } else { "notice" };
    for miss in report.misses.iter().take(SHOWN) {
        let mut message = format!("{} {}{}: {}", miss.method, miss.url, miss.times(), miss.reason);
        for detail in [miss.details(), miss.advice()].concat() {
            message.push('\n');
            message.push_str(&detail);
        }
        lines.push(command(level, miss.nearest_archive(), "harmock: not recorded", &message));
    }
    for error in report.errors.iter().take(SHOWN) {
        lines.push(command("error", None, "harmock: error", error));
    }
    let level = if report.fail_on_unused { "error" } else { "notice" };
    for unused in report.unused.iter().take(SHOWN) {
        let message = format!("no request asked for entry {}: {} {}", unused.entry, unused.method, unused.url);
        lines.push(command(level, Some(&unused.archive), "harmock: unused entry", &message));
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

fn command(level: &str, file: Option<&str>, title: &str, message: &str) -> String {
    let file = file.map(|file| format!("file={},", property(file))).unwrap_or_default();
    format!("::{level} {file}title={}::{}", property(title), data(message))
}

/// As GitHub's own toolkit escapes: nothing in a message can begin another command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
