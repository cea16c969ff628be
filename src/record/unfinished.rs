//! Recordings of runs that were killed, for whoever only reads: their archives as they would be, made elsewhere.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::Error;
use super::finish::{Finishing, Place, left};
use super::lock::ReadingLock;
use super::progress::Progress;

/// An archive to read, and where it is read.
#[derive(Debug)]
pub struct Readable {
    /// The archive, as it was asked for.
    pub archive: PathBuf,
    /// The file to open: the archive itself, or what stands in for it.
    pub path: PathBuf,
    /// What a killed run left of it; goes with the stand-in.
    pub unfinished: Option<Unfinished>,
}

/// The stand-in of an archive whose run was killed.
#[derive(Debug)]
pub struct Unfinished {
    /// Exchanges that are in the journal alone.
    pub exchanges: usize,
    _folder: TempDir,
}

impl Readable {
    /// One archive.
    ///
    /// # Errors
    ///
    /// When its journal cannot be read.
    pub fn of(archive: &Path) -> Result<Self, Error> {
        let whole = || Self { archive: archive.to_owned(), path: archive.to_owned(), unfinished: None };
        Ok(stand_in(archive)?.unwrap_or_else(whole))
    }

    /// A line about what is not in the archive yet.
    pub fn note(&self) -> Option<String> {
        let exchanges = self.unfinished.as_ref()?.exchanges;
        let (exchanges, verb) =
            if exchanges == 1 { ("1 exchange".to_owned(), "is") } else { (format!("{exchanges} exchanges"), "are") };
        let archive = self.archive.display();
        Some(format!(
            "{archive}: its recording was left unfinished; {exchanges} of its journal {verb} read as if it had ended \
             (`harmock har recover {archive}` writes the archive)"
        ))
    }
}

/// The archives that `paths` name, folders searched, in the order of [`discover`](crate::archive::discover). One whose
/// recording was killed is read with what its journal holds; one that is being recorded as it was before. Nothing is
/// written beside them. Blocks.
///
/// # Errors
///
/// When an archive is missing, or a journal cannot be read.
pub fn readable(paths: &[PathBuf]) -> Result<Vec<Readable>, ReadableError> {
    let mut all = Vec::new();
    for path in paths {
        let killed = if path.is_dir() { killed_in(path) } else { vec![path.clone()] };
        let mut found = Vec::new();
        for archive in killed {
            found.extend(stand_in(&archive)?);
        }
        let whole = match crate::archive::discover(std::slice::from_ref(path)) {
            // The first recording of an archive was killed: there is nothing yet but its journal.
            Err(_) if !found.is_empty() => Vec::new(),
            discovered => discovered?,
        };
        let whole = whole.into_iter().filter(|archive| found.iter().all(|readable| readable.archive != *archive));
        let whole: Vec<_> =
            whole.map(|archive| Readable { path: archive.clone(), archive, unfinished: None }).collect();
        found.extend(whole);
        found.sort_by(|a, b| a.archive.as_os_str().as_encoded_bytes().cmp(b.archive.as_os_str().as_encoded_bytes()));
        all.append(&mut found);
    }
    Ok(all)
}

/// Why archives cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadableError {
    /// One of them.
    #[error(transparent)]
    Archive(#[from] crate::archive::Error),
    /// What a killed run left.
    #[error(transparent)]
    Record(#[from] Error),
}

/// The archives in a folder, and in the folders in it, whose recording was killed; whether they are there already or
/// not. In the order of their path's bytes.
pub fn killed_in(folder: &Path) -> Vec<PathBuf> {
    found_in(folder, was_killed)
}

/// The same for those into which a run records now.
pub fn recording_in(folder: &Path) -> Vec<PathBuf> {
    found_in(folder, |archive| ReadingLock::take(&Place::beside(archive).lock).is_none())
}

/// The same for those into which a run has recorded, or still does.
pub(super) fn recorded_in(folder: &Path) -> Vec<PathBuf> {
    found_in(folder, |archive| Place::beside(archive).lock.is_file())
}

fn found_in(folder: &Path, wanted: fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    search(folder, wanted, &mut found);
    found.sort_by(|a, b| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
    found
}

fn search(folder: &Path, wanted: fn(&Path) -> bool, found: &mut Vec<PathBuf>) {
    let items = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten();
    for item in items(folder) {
        let name = item.file_name();
        let is_folder = item.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && name == ".harmock" {
            let archives = items(&item.path()).map(|archive| folder.join(archive.file_name()));
            found.extend(archives.filter(|archive| wanted(archive)));
        } else if is_folder && !name.as_encoded_bytes().starts_with(b".") {
            search(&item.path(), wanted, found);
        }
    }
}

/// Whether there is a journal that nobody writes to.
pub(super) fn was_killed(archive: &Path) -> bool {
    let place = Place::beside(archive);
    place.journal.is_file() && ReadingLock::take(&place.lock).is_some()
}

fn stand_in(archive: &Path) -> Result<Option<Readable>, Error> {
    let place = Place::beside(archive);
    if !place.journal.is_file() {
        return Ok(None);
    }
    // Whoever wants to record waits until this has been read, and takes nothing away meanwhile.
    let Some(_lock) = ReadingLock::take(&place.lock) else { return Ok(None) };
    // The run may have ended meanwhile.
    if !place.journal.is_file() || left(archive, &place)? == 0 {
        return Ok(None);
    }
    let made = tempfile::Builder::new().prefix("harmock-").tempdir();
    let folder = made.map_err(|source| Error::Folder { path: std::env::temp_dir(), source })?;
    let path = folder.path().join(archive.file_name().unwrap_or(archive.as_os_str()));
    let finished = Finishing::new(archive, &place.journal, &path, &Progress::default())?.run()?;
    if finished.exchanges == 0 {
        return Ok(None);
    }
    let unfinished = Unfinished { exchanges: finished.exchanges, _folder: folder };
    Ok(Some(Readable { archive: archive.to_owned(), path, unfinished: Some(unfinished) }))
}
