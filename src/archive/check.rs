//! What is wrong with archives, or cannot be served from them, found ahead of a replay.

mod body;
mod entry;
mod whole;

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::archive::{Archive, Error, Limits};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Replay fails: it does not start, or a request gets a 502.
    Error,
    /// Replay works, but not as the recorded server did.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// `error`, `warning` or `note`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// Where it was found.
    pub archive: PathBuf,
    /// Place in `log.entries`, from zero; none where the whole archive is concerned.
    pub entry: Option<usize>,
    /// The HAR field, such as `response.content._file`; none where no single one is concerned.
    pub field: Option<String>,
    /// What is wrong, and what comes of it or what to do.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: ", self.severity.as_str(), self.archive.display())?;
        if let Some(entry) = self.entry {
            write!(f, "entry {entry}: ")?;
        }
        if let Some(field) = &self.field {
            write!(f, "{field}: ")?;
        }
        f.write_str(&self.message)
    }
}

/// What a check came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// Archives that were looked at.
    pub archives: usize,
    /// Items of their `log.entries`.
    pub entries: usize,
    /// Archive by archive, in the order of their entries.
    pub findings: Vec<Finding>,
}

impl Checked {
    /// How many findings are of this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}

/// Checks these archives as one set: a redirect may lead from one to another. Every body is read.
pub fn check(paths: &[PathBuf]) -> Checked {
    let mut checked = Checked { archives: paths.len(), ..Checked::default() };
    let opened: Vec<_> =
        paths.iter().map(|path| (path.as_path(), Archive::open_unchecked(path, &Limits::default()))).collect();
    let entries = opened.iter().filter_map(|(_, opened)| opened.as_ref().ok()).flat_map(Archive::entries);
    let urls: HashSet<&str> = entries.map(|entry| entry.request.url.as_str()).collect();
    for (path, opened) in &opened {
        match opened {
            Err(error) => checked.findings.push(unusable(path, error)),
            Ok(archive) => {
                checked.entries += archive.entry_count();
                checked.findings.extend(findings_in(archive, &urls));
            }
        }
    }
    checked
}

fn findings_in(archive: &Archive, urls: &HashSet<&str>) -> Vec<Finding> {
    let mut report = Report { archive, findings: Vec::new() };
    whole::check_log(&mut report);
    for warning in archive.warnings() {
        let message = if warning.skipped {
            format!("{}; the entry is skipped", warning.message)
        } else {
            warning.message.clone()
        };
        report.add(Severity::Warning, Some(warning.entry), Some(&warning.field), message);
    }
    let mut bodies = body::Bodies::default();
    let mut duplicates = whole::Duplicates::default();
    for entry in archive.entries() {
        entry::check_entry(&mut report, entry, urls);
        let payload = bodies.check(&mut report, entry);
        duplicates.check(&mut report, entry, payload);
    }
    // In the order of the archive; what was found first about an entry stays first.
    report.findings.sort_by_key(|finding| finding.entry);
    report.findings
}

fn unusable(path: &Path, error: &Error) -> Finding {
    let whole = error.to_string();
    // The finding names the file itself; line and column may follow it.
    let message = whole.strip_prefix(&path.display().to_string()).unwrap_or(&whole);
    let message = message.trim_start_matches([':', ' ']).to_owned();
    let cause = std::error::Error::source(error).filter(|cause| !message.contains(&cause.to_string()));
    let message = cause.map_or(message.clone(), |cause| format!("{message}: {cause}"));
    Finding { severity: Severity::Error, archive: path.to_path_buf(), entry: None, field: None, message }
}

/// Collects what is found in one archive.
struct Report<'a> {
    archive: &'a Archive,
    findings: Vec<Finding>,
}

impl Report<'_> {
    fn add(&mut self, severity: Severity, entry: Option<usize>, field: Option<&str>, message: impl Into<String>) {
        self.findings.push(Finding {
            severity,
            archive: self.archive.path().to_path_buf(),
            entry,
            field: field.map(str::to_owned),
            message: message.into(),
        });
    }
}
