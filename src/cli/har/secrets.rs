//! `harmock har check --secrets`: what an archive still holds that should not be committed.

use std::path::{Path, PathBuf};

use super::redact::{Looking, rules};
use crate::archive::check::Checked;
use crate::archive::{Finding, Payloads, Severity, WriteError};
use crate::redact::{Echoes, Sought, entries_of, is_har, leaks};

/// The secrets in these archives, each an error.
pub(super) fn find(archives: &[PathBuf]) -> anyhow::Result<Checked> {
    let rules = rules(&[])?;
    let (mut findings, mut entries) = (Vec::new(), 0);
    for archive in archives {
        let (text, mut payloads) = Payloads::open(archive)?;
        if !is_har(&text) {
            let reason = "it has no log.entries".to_owned();
            return Err(WriteError::Existing { path: archive.clone(), reason }.into());
        }
        let mut sought = Sought::default();
        for entry in entries_of(&text) {
            leaks::seek(entry, &rules, &mut Looking(&mut payloads), &mut sought)?;
        }
        let echoes = Echoes::of(sought);
        for (ordinal, entry) in entries_of(&text).into_iter().enumerate() {
            let leaks = leaks::in_entry(entry, &rules, echoes.as_ref(), &mut Looking(&mut payloads))?;
            findings.extend(leaks.into_iter().map(|leak| finding(archive, ordinal, leak)));
            entries += 1;
        }
    }
    Ok(Checked { archives: archives.len(), entries, findings })
}

fn finding(archive: &Path, ordinal: usize, leak: leaks::Leak) -> Finding {
    let begins = if leak.begins.is_empty() { String::new() } else { format!(", {}…", leak.begins) };
    Finding {
        severity: Severity::Error,
        archive: archive.to_path_buf(),
        entry: Some(ordinal),
        field: Some(leak.place),
        message: format!("{}{begins}", leak.what),
    }
}
