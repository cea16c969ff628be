//! Which entry of an archive somebody means.

use anyhow::bail;

use super::visible;
use crate::archive::{Archive, EntrySummary};

/// The entry of this number, of this URL, or of the only URL that contains the text.
pub(in crate::cli) fn find(archive: &Archive, wanted: &str) -> anyhow::Result<usize> {
    let count = archive.entry_count();
    if let Ok(ordinal) = wanted.parse::<usize>() {
        if ordinal < count {
            return Ok(ordinal);
        }
        bail!("there is no entry {ordinal}; it has {count}, counted from 0");
    }
    let mut entries = Vec::with_capacity(count);
    for ordinal in 0..count {
        entries.extend(archive.summary(ordinal)?);
    }
    let exact: Vec<_> = entries.iter().filter(|entry| entry.url == wanted).collect();
    let partial: Vec<_> = entries.iter().filter(|entry| entry.url.contains(wanted)).collect();
    match (&exact[..], &partial[..]) {
        ([entry], _) | ([], [entry]) => Ok(entry.ordinal),
        ([], []) => bail!("no entry's URL contains {wanted:?}; `harmock har ls` lists them"),
        ([], several) | (several, _) => bail!("{wanted:?} is ambiguous: {}; give the number", candidates(several)),
    }
}

fn candidates(entries: &[&EntrySummary]) -> String {
    let mut names: Vec<_> = entries
        .iter()
        .take(3)
        .map(|entry| format!("{} {} {}", entry.ordinal, entry.method, visible(&entry.url, &[])))
        .collect();
    if entries.len() > names.len() {
        names.push(format!("and {} more", entries.len() - names.len()));
    }
    names.join(", ")
}
