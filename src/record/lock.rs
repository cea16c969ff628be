//! One run at a time records into an archive.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Error;
use super::finish::{Folders, Place, left};
use super::unfinished::{recorded_in, was_killed};

/// Held while a run records; let go by the system when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct ArchiveLock {
    file: File,
}

impl Drop for ArchiveLock {
    /// The file stays, for whoever takes the lock next may have opened it already; the number in it goes.
    fn drop(&mut self) {
        let _ = self.file.set_len(0);
    }
}

impl ArchiveLock {
    /// Takes the lock of `archive`, whose lock file is `path`. Waits for those who only read what a killed run left.
    pub(super) fn take(path: &Path, archive: &Path) -> Result<Self, Error> {
        let folder_error = |source| Error::Folder { path: PathBuf::from(path), source };
        let mut file = loop {
            let mut file = match open(path) {
                // A command that has held the archive meanwhile has taken the folder away that it had made.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    Place::of(archive)?;
                    open(path)
                }
                opened => opened,
            }
            .map_err(folder_error)?;
            match file.try_lock() {
                Ok(()) if is_at(&file, path) => break file,
                Ok(()) => {}
                Err(TryLockError::WouldBlock) if is_read(&file) => std::thread::sleep(AGAIN),
                Err(TryLockError::WouldBlock) => {
                    let mut holder = String::new();
                    let _ = file.read_to_string(&mut holder);
                    let holder = if holder.trim().is_empty() { "unknown".into() } else { holder.trim().to_owned() };
                    return Err(Error::Locked { path: archive.to_owned(), holder });
                }
                Err(TryLockError::Error(source)) => return Err(folder_error(source)),
            }
        };
        // The number is for the message of the run that comes second; the lock holds without it.
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Self { file })
    }
}

/// Between two attempts to take a lock that readers have.
const AGAIN: Duration = Duration::from_millis(20);

/// Whether those who have the lock share it with other readers; nothing is kept of it.
fn is_read(file: &File) -> bool {
    file.try_lock_shared().is_ok_and(|()| file.unlock().is_ok())
}

fn open(path: &Path) -> io::Result<File> {
    File::options().create(true).truncate(false).read(true).write(true).open(path)
}

/// Whether the file is still there: whoever held its lock last may have removed it after it was opened here.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let same =
        |there: std::fs::Metadata, held: std::fs::Metadata| (there.dev(), there.ino()) == (held.dev(), held.ino());
    std::fs::metadata(path).is_ok_and(|there| file.metadata().is_ok_and(|held| same(there, held)))
}

#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> bool {
    true
}

/// Held while an archive is changed by a command, and no run records into it.
#[derive(Debug)]
pub struct Held {
    place: Place,
    new: Folders,
    _lock: ArchiveLock,
}

impl Drop for Held {
    /// While the lock is held, what was made for it goes again.
    fn drop(&mut self) {
        self.place.remove(self.new);
    }
}

/// Takes the lock of an archive.
///
/// # Errors
///
/// When a run records into the archive, or what a killed one left is not in it yet.
pub fn hold(archive: &Path) -> Result<Held, Error> {
    let new = Place::beside(archive).missing();
    let place = Place::of(archive)?;
    let lock = ArchiveLock::take(&place.lock, archive)?;
    if place.journal.exists() && left(archive, &place)? > 0 {
        return Err(Error::Unfinished { path: archive.to_owned() });
    }
    Ok(Held { place, new, _lock: lock })
}

/// The same for an archive that is there, or of which a killed run has left the journal alone; `None`, and nothing is
/// made, where there is none.
///
/// # Errors
///
/// As [`hold`].
pub fn hold_existing(archive: &Path) -> Result<Option<Held>, Error> {
    if archive.is_file() || was_killed(archive) { hold(archive).map(Some) } else { Ok(None) }
}

/// Takes the locks of all archives in a folder, and in the folders in it, into which a run has ever recorded. With an
/// archive in the place of a folder, the folder is the one it is in.
///
/// # Errors
///
/// As [`hold`], of any of them.
pub fn hold_all(folder: &Path) -> Result<Vec<Held>, Error> {
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = if folder.is_file() { parent } else { folder };
    recorded_in(folder).iter().map(|archive| hold(archive)).collect()
}

/// Held while a journal is read that no run writes to; no run begins meanwhile.
#[derive(Debug)]
pub(super) struct ReadingLock {
    _file: Option<File>,
}

impl ReadingLock {
    /// Takes the lock by its file; `None` while a run records.
    pub(super) fn take(path: &Path) -> Option<Self> {
        // Where the file cannot be opened, nobody has ever recorded, or a user who cannot be asked.
        let Ok(file) = File::open(path) else { return Some(Self { _file: None }) };
        let is_recording = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
        (!is_recording).then_some(Self { _file: Some(file) })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn whoever_wants_to_record_waits_for_readers_and_is_refused_by_who_records() {
        let folder = tempfile::tempdir().unwrap();
        let (path, archive) = (folder.path().join("lock"), folder.path().join("a.har"));
        drop(ArchiveLock::take(&path, &archive).unwrap());
        let reading = ReadingLock::take(&path).unwrap();
        assert!(is_read(&File::open(&path).unwrap()));
        let (begins, begun) = channel();
        let taking = std::thread::spawn({
            let (path, archive) = (path.clone(), archive.clone());
            move || {
                begins.send(()).unwrap();
                ArchiveLock::take(&path, &archive)
            }
        });
        begun.recv().unwrap();
        drop(reading);
        let lock = taking.join().unwrap().unwrap();
        assert!(!is_read(&File::open(&path).unwrap()));
        assert!(matches!(ArchiveLock::take(&path, &archive), Err(Error::Locked { .. })));
        assert!(ReadingLock::take(&path).is_none());
        drop(lock);
    }
}
