//! What a run of replay did, for machines: one set of facts, written as JSON, JUnit XML, Markdown or GitHub annotations.

mod annotations;
mod junit;
mod markdown;
mod merge;
mod trace;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use merge::{MergeError, merge};
pub use trace::{TraceWriter, Traced, TracedBody};

/// The shape of the JSON; another number is another shape.
const VERSION: u32 = 1;

/// The facts of one run, or of several that were merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The shape of this report: 1.
    pub version: u32,
    /// Whether the run ended as it should.
    pub verdict: Verdict,
    /// Requests that were answered from the archives.
    pub served: u64,
    /// Requests in scope without an entry, counted one by one.
    pub missed: u64,
    /// Misses that are allowed.
    pub max_misses: u64,
    /// Whether more than that fail the run: not where real servers answer them.
    pub misses_fail: bool,
    /// Requests for favicons, browsers' housekeeping and ignored globs.
    pub ignored: u64,
    /// The different misses.
    pub misses: Vec<Miss>,
    /// What went wrong beside misses, a sentence each.
    pub errors: Vec<String>,
    /// Entries that can be served.
    pub entries: u64,
    /// Those that nothing asked for.
    pub unused: Vec<Unused>,
    /// Whether unused entries fail the run.
    pub fail_on_unused: bool,
    /// Requests that real servers answered, by host.
    pub passed: BTreeMap<String, u64>,
    /// Connections that were passed on unopened, by host.
    pub tunnelled: BTreeMap<String, u64>,
    /// What rules and settings did to answers, beside finding them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub applied: Vec<Applied>,
    /// The part of each session that was named, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sessions: BTreeMap<String, SessionPart>,
}

/// What became of the requests of one session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionPart {
    /// Requests that were answered from the archives.
    pub served: u64,
    /// Requests in scope without an entry, counted one by one.
    pub missed: u64,
    /// The different misses.
    pub misses: Vec<Miss>,
    /// Entries that nothing in this session asked for.
    pub unused: Vec<Unused>,
}

/// How a run ended, weightiest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Something could not be read or kept.
    Error,
    /// More misses than allowed.
    Misses,
    /// Entries that nothing asked for, where that fails the run.
    Unused,
    /// As it should.
    Well,
}

/// One request without an entry, however often it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Miss {
    /// The method as sent.
    pub method: String,
    /// The canonical URL.
    pub url: String,
    /// Why nothing matched, in one sentence.
    pub reason: String,
    /// The entry that came closest, as `ARCHIVE#ENTRY METHOD URL`.
    #[serde(default)]
    pub nearest: Option<String>,
    /// How that compares by method, URL, payload and headers, in words.
    #[serde(default)]
    pub verdict: Option<String>,
    /// What differs from it, with both values.
    pub differences: Vec<String>,
    /// Others that came close.
    #[serde(default)]
    pub also: Vec<Near>,
    /// The lines of `harmock.toml` that would have made it match.
    #[serde(default)]
    pub remedy: Option<String>,
    /// How often.
    pub count: u64,
}

/// An entry that came close to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Near {
    /// As `ARCHIVE#ENTRY METHOD URL`.
    pub entry: String,
    /// How it compares by method, URL, payload and headers, in words.
    pub verdict: String,
    /// What differs from it, with both values.
    pub differences: Vec<String>,
}

/// What a rule or a setting did to the answers of one request, however often it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// What was applied, as the log names it: `rule 1 match`.
    pub what: String,
    /// The method as sent.
    pub method: String,
    /// The canonical URL.
    pub url: String,
    /// The entry that answered, as `ARCHIVE#ENTRY`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// What that meant the first time, such as the differences that were let pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub detail: Vec<String>,
    /// How often.
    pub count: u64,
}

/// An entry that nothing asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unused {
    /// The archive's path as it was given.
    pub archive: String,
    /// Its place in `log.entries`, from zero.
    pub entry: u64,
    /// The recorded method.
    pub method: String,
    /// The recorded URL.
    pub url: String,
}

impl std::fmt::Display for Unused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { archive, entry, method, url } = self;
        write!(f, "{archive}#{entry} {method} {url}")
    }
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// All facts; what [`merge()`] reads.
    Json,
    /// JUnit XML: a test case for each miss and each error.
    Junit,
    /// A summary for people, such as GitHub's step summary.
    Markdown,
    /// Workflow commands that GitHub shows beside the changed files.
    Github,
}

impl Format {
    /// The format that a file's extension names.
    pub fn of_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "json" => Some(Self::Json),
            "xml" => Some(Self::Junit),
            "md" | "markdown" => Some(Self::Markdown),
            "github" => Some(Self::Github),
            _ => None,
        }
    }
}

impl Report {
    /// A report of nothing yet.
    pub fn empty() -> Self {
        Self {
            version: VERSION,
            verdict: Verdict::Well,
            served: 0,
            missed: 0,
            max_misses: 0,
            misses_fail: true,
            ignored: 0,
            misses: Vec::new(),
            errors: Vec::new(),
            entries: 0,
            unused: Vec::new(),
            fail_on_unused: false,
            passed: BTreeMap::new(),
            tunnelled: BTreeMap::new(),
            applied: Vec::new(),
            sessions: BTreeMap::new(),
        }
    }

    /// Whether there are more misses than the run may have.
    pub fn has_too_many_misses(&self) -> bool {
        self.misses_fail && self.missed > self.max_misses
    }

    /// The whole text in a format.
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Json => {
                let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
                text.push('\n');
                text
            }
            Format::Junit => junit::render(self),
            Format::Markdown => markdown::render(self),
            Format::Github => annotations::render(self),
        }
    }
}

impl Miss {
    /// The nearest entries, how they compare and what differs, a line each.
    fn details(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.nearest.iter().map(|nearest| format!("nearest: {nearest}")).collect();
        lines.extend(self.verdict.iter().map(|verdict| format!("  {verdict}")));
        lines.extend(self.differences.iter().map(|difference| format!("  {difference}")));
        for near in &self.also {
            lines.extend([format!("also near: {}", near.entry), format!("  {}", near.verdict)]);
            lines.extend(near.differences.iter().map(|difference| format!("  {difference}")));
        }
        lines
    }

    /// What would help, a line each.
    fn advice(&self) -> Vec<String> {
        let lines = self.remedy.iter().flat_map(|remedy| remedy.lines());
        let mut lines: Vec<String> = lines.map(str::to_owned).collect();
        if !lines.is_empty() {
            lines.insert(0, "these lines of harmock.toml would make it match:".to_owned());
        }
        lines
    }

    /// The archive of the nearest entry.
    fn nearest_archive(&self) -> Option<&str> {
        // Neither a method nor a URL has a space.
        let entry = self.nearest.as_deref()?.rsplitn(3, ' ').nth(2)?;
        Some(entry.rsplit_once('#')?.0)
    }

    fn times(&self) -> String {
        if self.count > 1 { format!(" ({} times)", self.count) } else { String::new() }
    }
}

#[cfg(test)]
mod tests;
