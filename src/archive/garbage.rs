//! Payload files that no archive names any more, wherever they came from.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::carry_over::folder_of;
use super::discover::discover;
use super::error::Error;
use super::folder_writer::lock;
use super::limits::Limits;
use super::orphans::{is_edited, named_hash};
use super::payload_path::PayloadPath;
use super::read::Archive;
use super::workspace::left_writing;
use super::write_error::WriteError;
use super::writer::is_zip;

/// What a collection found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Garbage {
    /// Files named by their hash that no archive names: removed, or to be removed.
    pub removed: Vec<PathBuf>,
    /// Their bytes.
    pub bytes: u64,
    /// Files named by a hash that no archive names, and whose content is another by now: they stay.
    pub edited: Vec<PathBuf>,
    /// Folders in which commands that were killed had been writing: removed, or to be removed.
    pub left_writing: usize,
}

/// Removes payload files from `folder` and the folders in it that are named by their hash and that no archive there
/// names. `dry_run` only finds them. With an archive in the place of a folder, the folder is the one it is in.
///
/// # Errors
/// An archive cannot be read: it could name any of them, and nothing is removed. Or a file cannot be removed.
pub fn collect_garbage(folder: &Path, dry_run: bool) -> Result<Garbage, WriteError> {
    let folder = if folder.is_file() { folder_of(folder) } else { folder };
    let (mut candidates, mut left) = (Vec::new(), Vec::new());
    search(folder, &mut candidates, &mut left)?;
    candidates.sort();
    // Whoever puts payloads there names them before the folder is free again.
    let folders: BTreeSet<&Path> = candidates.iter().map(|path| folder_of(path)).filter(|_| !dry_run).collect();
    let _held: Vec<_> = folders.into_iter().filter_map(lock).collect();
    let named = named_in(folder)?;
    let mut garbage = Garbage::default();
    for path in candidates.iter().filter(|path| !named.contains(&plain(path))).cloned() {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if is_edited(folder_of(&path), name) {
            garbage.edited.push(path);
            continue;
        }
        garbage.bytes += fs::metadata(&path).map_err(WriteError::io("read", &path))?.len();
        if !dry_run {
            fs::remove_file(&path).map_err(WriteError::io("remove", &path))?;
        }
        garbage.removed.push(path);
    }
    garbage.left_writing = left.len();
    if !dry_run {
        for path in left {
            fs::remove_dir_all(&path).map_err(WriteError::io("remove", &path))?;
        }
    }
    Ok(garbage)
}

/// Regular files named by a hash, without those in dot-folders, and the folders of killed writers.
fn search(folder: &Path, found: &mut Vec<PathBuf>, left: &mut Vec<PathBuf>) -> Result<(), WriteError> {
    left.extend(left_writing(folder));
    for item in fs::read_dir(folder).map_err(WriteError::io("read", folder))? {
        let item = item.map_err(WriteError::io("read", folder))?;
        let (name, path) = (item.file_name(), item.path());
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let kind = item.file_type().map_err(WriteError::io("read", &path))?;
        if kind.is_dir() {
            search(&path, found, left)?;
        } else if kind.is_file() && name.to_str().is_some_and(|name| named_hash(name).is_some()) {
            found.push(path);
        }
    }
    Ok(())
}

/// Every payload file that an archive in `folder` or below names.
fn named_in(folder: &Path) -> Result<BTreeSet<PathBuf>, WriteError> {
    let archives = match discover(&[folder.to_path_buf()]) {
        Ok(archives) => archives,
        Err(Error::EmptyFolder { .. }) => Vec::new(),
        Err(error) => return Err(unusable(folder, &error)),
    };
    let mut named = BTreeSet::new();
    for path in archives {
        let archive = Archive::open_unchecked(&path, &Limits::default()).map_err(|error| unusable(&path, &error))?;
        if is_zip(&path) {
            // Its payloads are in it, whatever files beside it are called.
            continue;
        }
        for ordinal in 0..archive.entry_count() {
            let Some(text) = archive.entry_json(ordinal)? else { continue };
            let names = serde_json::from_str(&text).map(super::raw_log::payload_names).unwrap_or_default();
            let paths = names.iter().filter_map(|name| PayloadPath::parse(name).ok());
            named.extend(paths.map(|name| plain(&folder_of(&path).join(name.to_path()))));
        }
    }
    Ok(named)
}

/// Without `.` between its components.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|component| !matches!(component, Component::CurDir)).collect()
}

fn unusable(path: &Path, error: &Error) -> WriteError {
    WriteError::Existing { path: path.to_path_buf(), reason: error.to_string() }
}
