//! `.harmock/` beside an archive: where everything is until it is finished, on the same file system, out of git.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::write_error::WriteError;

/// How the folders of writers are called.
const WRITING: &str = "write-";

/// How those are called that are not in `.harmock`.
const HIDDEN: &str = ".harmock-";

/// In such a folder: locked while its writer lives.
const LIVES: &str = "lives";

/// Keeps git out of `.harmock`.
pub(crate) const GIT_IGNORE: &str = ".gitignore";

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
        Self::named(WRITING, &private)
    }

    /// Makes a temporary folder in `folder` itself, for work that is done at once and is to leave no `.harmock`.
    pub(crate) fn hidden(folder: &Path) -> Result<Self, WriteError> {
        Self::named(HIDDEN, folder)
    }

    fn named(prefix: &str, folder: &Path) -> Result<Self, WriteError> {
        let temp = tempfile::Builder::new().prefix(prefix).tempdir_in(folder);
        let mut workspace =
            Self { _lives: None, temp: temp.map_err(WriteError::io("create a temporary folder in", folder))? };
        let path = workspace.join(LIVES);
        let lives = File::create_new(&path).map_err(WriteError::io("create", &path))?;
        // Where files cannot be locked, what a killed writer leaves is left.
        workspace._lives = lives.try_lock().is_ok().then_some(lives);
        Ok(workspace)
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
    ignore_all(&ignore).map_err(WriteError::io("write", &ignore))?;
    Ok(private)
}

/// Writes the `.gitignore`, also where there is an empty one: a full disk may have taken the name and no content. One in
/// which somebody has written is theirs, and so is what a link leads to.
fn ignore_all(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path).is_ok_and(|there| there.len() > 0) {
        return Ok(());
    }
    OpenOptions::new().create(true).truncate(false).write(true).open(path)?.write_all(b"*\n")
}

/// Makes a folder for its owner alone.
pub(crate) fn create_private(path: &Path) -> io::Result<()> {
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
    fn a_list_for_git_that_a_full_disk_has_left_empty_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let ignore = private_folder(folder.path()).unwrap().join(".gitignore");
        for (there, then) in [("", "*\n"), ("mine", "mine")] {
            fs::write(&ignore, there).unwrap();
            private_folder(folder.path()).unwrap();
            assert_eq!(fs::read_to_string(&ignore).unwrap(), then);
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

    #[test]
    fn a_writer_outside_is_known_to_be_alive_however_long_it_takes() {
        let folder = tempfile::tempdir().unwrap();
        let long = Workspace::hidden(folder.path()).unwrap();
        let hours_ago = std::time::SystemTime::now() - 2 * BEING_MADE;
        File::open(long.temp.path()).unwrap().set_modified(hours_ago).unwrap();
        assert!(left_writing(folder.path()).is_empty());
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
