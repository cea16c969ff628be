//! Which archives the arguments mean: files as given, folders searched.

use std::fs;
use std::path::{Path, PathBuf};

use crate::archive::{Error, Stamp};

/// The archives that `paths` name: a file as given, a folder searched recursively for `*.har` and `*.zip` in the order
/// of their path's bytes, without dot-files and dot-folders. Links to folders are not followed.
///
/// # Errors
///
/// A path that is missing, is neither file nor folder or cannot be read, and a folder without archives.
pub fn discover(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    discover_noting(paths, &mut Vec::new())
}

/// A folder that was searched, and its state before that.
pub(crate) type Searched = (PathBuf, Option<Stamp>);

/// The same; notes each folder that it searches.
pub(crate) fn discover_noting(paths: &[PathBuf], folders: &mut Vec<Searched>) -> Result<Vec<PathBuf>, Error> {
    let mut archives = Vec::new();
    for path in paths {
        let metadata = fs::metadata(path).map_err(|source| unreadable(path, source))?;
        if metadata.is_file() {
            archives.push(path.clone());
        } else if metadata.is_dir() {
            let mut found = Vec::new();
            search(path, &mut found, folders)?;
            if found.is_empty() {
                return Err(Error::EmptyFolder { path: path.clone() });
            }
            found.sort_by(|a, b| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
            archives.append(&mut found);
        } else {
            return Err(Error::NotRegular { path: path.clone() });
        }
    }
    Ok(archives)
}

pub(crate) fn unreadable(path: &Path, source: std::io::Error) -> Error {
    match source.kind() {
        std::io::ErrorKind::NotFound => Error::Missing { path: path.to_path_buf() },
        _ => Error::Unreadable { path: path.to_path_buf(), source },
    }
}

fn search(folder: &Path, found: &mut Vec<PathBuf>, folders: &mut Vec<Searched>) -> Result<(), Error> {
    folders.push((folder.to_owned(), Stamp::of(folder)));
    for item in fs::read_dir(folder).map_err(|source| unreadable(folder, source))? {
        let item = item.map_err(|source| unreadable(folder, source))?;
        let (name, path) = (item.file_name(), item.path());
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let kind = item.file_type().map_err(|source| unreadable(&path, source))?;
        if kind.is_dir() {
            search(&path, found, folders)?;
        } else if is_archive_name(&path) && fs::metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
            found.push(path);
        }
    }
    Ok(())
}

fn is_archive_name(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("har") || extension.eq_ignore_ascii_case("zip"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        folder
    }

    #[test]
    fn a_folder_is_searched_recursively_in_the_order_of_path_bytes() {
        let folder = tree(&[
            "b.har",
            "a/z.zip",
            "a.har",
            "Z.har",
            "a/b/c.har",
            "a-b.har",
            "a/payload.json",
            ".harmock/x.har",
            ".y.har",
            "a/.git/x.zip",
        ]);
        let found = discover(&[folder.path().to_path_buf()]).unwrap();
        let names: Vec<_> = found
            .iter()
            .map(|path| path.strip_prefix(folder.path()).unwrap().to_str().unwrap().replace('\\', "/"))
            .collect();
        assert_eq!(names, ["Z.har", "a-b.har", "a.har", "a/b/c.har", "a/z.zip", "b.har"]);
    }

    #[test]
    fn a_file_is_taken_as_given_whatever_its_name() {
        let folder = tree(&["log.json", "x/y.har"]);
        let paths = [folder.path().join("log.json"), folder.path().join("x")];
        assert_eq!(discover(&paths).unwrap(), [paths[0].clone(), folder.path().join("x/y.har")]);
    }

    #[test]
    fn a_missing_path_and_a_folder_without_archives_say_what_to_do() {
        let folder = tree(&["a.txt"]);
        let missing = discover(&[folder.path().join("nope.har")]).unwrap_err().to_string();
        assert!(missing.contains("nope.har: there is no such file") && missing.contains("record"), "{missing}");
        let empty = discover(&[folder.path().to_path_buf()]).unwrap_err().to_string();
        assert!(empty.contains("holds no archive") && empty.contains("record one"), "{empty}");
    }

    #[cfg(unix)]
    #[test]
    fn a_loop_of_links_does_not_hang_the_search() {
        let folder = tree(&["a/x.har"]);
        std::os::unix::fs::symlink(folder.path(), folder.path().join("a/up")).unwrap();
        assert_eq!(discover(&[folder.path().to_path_buf()]).unwrap().len(), 1);
    }
}
