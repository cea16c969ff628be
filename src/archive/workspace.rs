//! `.harmock/` beside an archive: where everything is until it is finished, on the same file system, out of git.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::write_error::WriteError;

/// How the folders of writers are called.
const WRITING: &str = "write-";

/// How those are called that are not in `.harmock`.
const HIDDEN: &str = ".harmock-";

/// In such a folder: locked while its writer lives.
const LIVES: &str = "lives";

const GIT_IGNORE: &str = ".gitignore";

/// Putting an archive in its place takes no longer.
const TURN_MOST: Duration = Duration::from_secs(10);

/// A folder without [`LIVES`] is one that is just being made, unless it is older.
const BEING_MADE: Duration = Duration::from_secs(3600);

/// A temporary folder of one writer, removed with it.
#[derive(Debug)]
pub(crate) struct Workspace {
    // In this order: what is open cannot be removed everywhere.
    _lives: Option<File>,
    temp: TempDir,
}

impl Workspace {
    /// Makes a temporary folder for an archive in `archive_folder`, and removes those whose writers were killed.
    pub(crate) fn open(archive_folder: &Path) -> Result<Self, WriteError> {
        let private = private_folder(archive_folder)?;
        remove_killed_writers(&private);
        let mut workspace = Self::named(WRITING, &private)?;
        let path = workspace.join(LIVES);
        let lives = File::create_new(&path).map_err(WriteError::io("create", &path))?;
        // Where files cannot be locked, what a killed writer leaves is left.
        workspace._lives = lives.try_lock().is_ok().then_some(lives);
        Ok(workspace)
    }

    /// Makes a temporary folder in `folder` itself, for work that is done at once and is to leave no `.harmock`.
    pub(crate) fn hidden(folder: &Path) -> Result<Self, WriteError> {
        Self::named(HIDDEN, folder)
    }

    fn named(prefix: &str, folder: &Path) -> Result<Self, WriteError> {
        let temp = tempfile::Builder::new().prefix(prefix).tempdir_in(folder);
        Ok(Self { _lives: None, temp: temp.map_err(WriteError::io("create a temporary folder in", folder))? })
    }

    /// Waits until no other writer puts an archive into the same folder, and keeps others waiting while what it gives is
    /// held: what one puts there is not named yet, and the other would remove it. A writer that hangs is not waited for.
    pub(crate) fn turn(&self) -> Option<File> {
        let file = File::open(self.temp.path().with_file_name(GIT_IGNORE)).ok()?;
        let since = Instant::now();
        while let Err(TryLockError::WouldBlock) = file.try_lock() {
            if since.elapsed() > TURN_MOST {
                return None;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Some(file)
    }

    /// A path inside.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }
}

/// Removes from `.harmock` what writers that were killed have left. What cannot be removed hinders nobody.
pub fn remove_killed_writers(private: &Path) {
    left_in(private, WRITING).for_each(|path| {
        let _ = fs::remove_dir_all(path);
    });
}

/// What writers that were killed have left for the archives of a folder.
pub(crate) fn left_writing(archive_folder: &Path) -> Vec<PathBuf> {
    left_in(&archive_folder.join(".harmock"), WRITING).chain(left_in(archive_folder, HIDDEN)).collect()
}

fn left_in(folder: &Path, prefix: &'static str) -> impl Iterator<Item = PathBuf> {
    let items = fs::read_dir(folder).into_iter().flatten().flatten();
    let named = items.filter(move |item| item.file_name().as_encoded_bytes().starts_with(prefix.as_bytes()));
    named
        .filter(|item| item.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|item| item.path())
        .filter(|path| is_left(path))
}

fn is_left(folder: &Path) -> bool {
    match File::open(folder.join(LIVES)) {
        Ok(lives) => lives.try_lock().is_ok(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let changed = fs::metadata(folder).and_then(|data| data.modified()).ok();
            changed.and_then(|at| at.elapsed().ok()).is_some_and(|age| age > BEING_MADE)
        }
        Err(_) => false,
    }
}

/// The folder `.harmock` beside the archives of `archive_folder`, made where it is missing: for its owner alone, and
/// ignored by git. What a recording keeps until it ends belongs here.
///
/// # Errors
/// The folder cannot be made, or something else has its name.
pub fn private_folder(archive_folder: &Path) -> Result<PathBuf, WriteError> {
    fs::create_dir_all(archive_folder).map_err(WriteError::io("create", archive_folder))?;
    let private = archive_folder.join(".harmock");
    match create_private(&private) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let kind = fs::symlink_metadata(&private).map_err(WriteError::io("read", &private))?;
            if !kind.is_dir() {
                return Err(WriteError::Workspace { path: private });
            }
        }
        Err(error) => return Err(WriteError::io("create", &private)(error)),
    }
    let ignore = private.join(GIT_IGNORE);
    match OpenOptions::new().write(true).create_new(true).open(&ignore) {
        Ok(mut file) => file.write_all(b"*\n").map_err(WriteError::io("write", &ignore))?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(WriteError::io("write", &ignore)(error)),
    }
    Ok(private)
}

fn create_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_private_and_ignored_by_git() {
        let folder = tempfile::tempdir().unwrap();
        let archive_folder = folder.path().join("new/hars");
        let private = private_folder(&archive_folder).unwrap();
        assert_eq!(fs::read_to_string(private.join(".gitignore")).unwrap(), "*\n");
        assert_eq!(private_folder(&archive_folder).unwrap(), private);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&private).unwrap().permissions().mode() & 0o777, 0o700);
        }
    }

    #[test]
    fn what_a_killed_writer_left_is_removed_and_what_a_live_one_has_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let private = private_folder(folder.path()).unwrap();
        let left = private.join("write-left");
        fs::create_dir(&left).unwrap();
        fs::write(left.join(LIVES), "").unwrap();
        fs::write(left.join("1"), "a payload").unwrap();
        let being_made = private.join("write-made");
        fs::create_dir(&being_made).unwrap();
        let first = Workspace::open(folder.path()).unwrap();
        fs::write(first.join("1"), "another").unwrap();
        let _second = Workspace::open(folder.path()).unwrap();
        assert_eq!((left.exists(), being_made.exists(), first.join("1").exists()), (false, true, true));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_its_place_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), folder.path().join(".harmock")).unwrap();
        assert!(matches!(private_folder(folder.path()), Err(WriteError::Workspace { .. })));
    }
}
