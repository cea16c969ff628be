//! Payload files that the previous version of an archive named and that nothing names any more.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::carry_over::folder_of;
use super::folder_writer::has_its_hash;
use super::payload_path::PayloadPath;
use super::raw_log::payloads_of;
use super::write_error::WriteError;

/// The hash that a payload's name consists of: of `<64 hex digits>.json` or `<64 hex digits>-2.json` the digits.
/// Payloads that harmock names lie in no subfolder.
pub(crate) fn named_hash(name: &str) -> Option<&str> {
    let (hash, rest) = name.split_at_checked(64)?;
    let digits = hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (digits && rest.starts_with(['.', '-']) && !rest.contains('/')).then_some(hash)
}

/// Whether a payload file is named by a hash that its content does not have any more.
pub(crate) fn is_edited(folder: &Path, name: &str) -> bool {
    named_hash(name).is_some()
        && Dir::open_ambient_dir(folder, ambient_authority())
            .is_ok_and(|dir| dir.is_file(name) && !has_its_hash(&dir, name))
}

/// The hash-named payloads of the archive that `target` holds now; none if there is no readable one.
pub(crate) fn previous_payloads(target: &Path) -> BTreeSet<PayloadPath> {
    let mut names = if target.is_file() { payloads_of(target).unwrap_or_default() } else { BTreeSet::new() };
    names.retain(|name| named_hash(name.as_str()).is_some());
    names
}

/// Removes those of `previous` that still have their hash and that no archive in `folder` names, and gives their
/// number. Nothing is removed while an archive in the folder cannot be read: it could name any of them.
pub(crate) fn remove_orphans(previous: BTreeSet<PayloadPath>, folder: &Path) -> usize {
    if previous.is_empty() {
        return 0;
    }
    let Ok(named) = payloads_named_in(folder) else { return 0 };
    let Ok(dir) = Dir::open_ambient_dir(folder, ambient_authority()) else { return 0 };
    let orphans = previous.difference(&named).map(PayloadPath::as_str);
    orphans.filter(|name| has_its_hash(&dir, name) && dir.remove_file(name).is_ok()).count()
}

/// Removes files that gave way to others, and that no archive in `folder` names any more, whatever they hold now.
pub(crate) fn remove_replaced(replaced: BTreeSet<PayloadPath>, folder: &Path) {
    let (Ok(named), Ok(dir)) = (payloads_named_in(folder), Dir::open_ambient_dir(folder, ambient_authority())) else {
        return;
    };
    for name in replaced.difference(&named) {
        let _ = dir.remove_file(name.as_str());
    }
}

/// The payloads that the other archives in the folder of `target` name.
pub(crate) fn payloads_named_beside(target: &Path) -> Result<BTreeSet<PayloadPath>, WriteError> {
    payloads_named(folder_of(target), |path| path.file_name() != target.file_name())
}

fn payloads_named_in(folder: &Path) -> Result<BTreeSet<PayloadPath>, WriteError> {
    payloads_named(folder, |_path| true)
}

fn payloads_named(folder: &Path, counts: impl Fn(&Path) -> bool) -> Result<BTreeSet<PayloadPath>, WriteError> {
    let mut named = BTreeSet::new();
    for item in fs::read_dir(folder).map_err(WriteError::io("read", folder))? {
        let path = item.map_err(WriteError::io("read", folder))?.path();
        let is_har = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("har"));
        if is_har && counts(&path) && path.is_file() {
            named.append(&mut payloads_of(&path)?);
        }
    }
    Ok(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_are_hashes_are_ever_removed() {
        let hash = "0".repeat(64);
        assert_eq!(named_hash(&format!("{hash}.json")), Some(hash.as_str()));
        assert_eq!(named_hash(&format!("{hash}-2.json")), Some(hash.as_str()));
        for other in [hash.clone(), format!("{hash}/x.json"), "logo.png".to_owned(), format!("{}.json", "A".repeat(64))]
        {
            assert_eq!(named_hash(&other), None, "{other}");
        }
    }
}
