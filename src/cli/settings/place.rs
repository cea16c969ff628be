//! Settings that are places on disk, and how far the file may reach.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use super::value::{Scalar, Value};

/// Where the log of exchanges goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum LogTarget {
    /// Standard error.
    #[default]
    Stderr,
    /// This file.
    File(PathBuf),
    /// Nowhere.
    Off,
}

impl Value for LogTarget {
    fn parse(text: &OsStr) -> Result<Self, String> {
        match text.to_str() {
            Some("off") => Ok(Self::Off),
            Some("stderr" | "-") => Ok(Self::Stderr),
            _ => PathBuf::parse(text).map(Self::File),
        }
    }

    fn from_file(value: &Scalar, folder: &Path) -> Result<Self, String> {
        match value {
            Scalar::Text(text) if matches!(text.as_str(), "off" | "stderr" | "-") => Self::parse(OsStr::new(text)),
            other => PathBuf::from_file(other, folder).map(Self::File),
        }
    }

    fn to_scalar(&self) -> Scalar {
        match self {
            Self::Stderr => Scalar::Text("stderr".to_owned()),
            Self::File(path) => path.to_scalar(),
            Self::Off => Scalar::Text("off".to_owned()),
        }
    }
}

impl Value for PathBuf {
    fn parse(text: &OsStr) -> Result<Self, String> {
        if text.is_empty() { Err("expected a path, found nothing".to_owned()) } else { Ok(text.into()) }
    }

    /// Relative to the file's folder, and inside it.
    fn from_file(value: &Scalar, folder: &Path) -> Result<Self, String> {
        let Scalar::Text(text) = value else {
            return Err(format!("expected a path as a string, found {}", value.kind()));
        };
        let path = Self::parse(OsStr::new(text))?;
        if stays_inside(&path) && links_stay_inside(&folder.join(&path), folder) {
            Ok(folder.join(path))
        } else {
            Err("a path that leaves the file's folder, or leads into `.git`, counts only as a flag or a variable, so that a cloned \
                 repository cannot reach the rest of this machine"
                .to_owned())
        }
    }

    fn to_scalar(&self) -> Scalar {
        Scalar::Text(self.to_string_lossy().into_owned())
    }
}

/// An archive to write, whose kind its name tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ArchivePath(pub(crate) PathBuf);

impl ArchivePath {
    fn new(path: PathBuf) -> Result<Self, String> {
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
        match extension.as_deref() {
            Some("har" | "zip") => Ok(Self(path)),
            _ => Err("an archive's name ends in `.har` or `.zip`".to_owned()),
        }
    }
}

impl Value for ArchivePath {
    fn parse(text: &OsStr) -> Result<Self, String> {
        PathBuf::parse(text).and_then(Self::new)
    }

    fn from_file(value: &Scalar, folder: &Path) -> Result<Self, String> {
        PathBuf::from_file(value, folder).and_then(Self::new)
    }

    fn to_scalar(&self) -> Scalar {
        self.0.to_scalar()
    }
}

/// No root, no drive, never more `..` than folders before it, and nothing of git's own: what is cloned does not
/// include that folder, so that a log in it would be a way to change git's settings.
fn stays_inside(path: &Path) -> bool {
    let mut depth = 0_usize;
    path.components().all(|component| match component {
        Component::Normal(name) => {
            depth += 1;
            !name.eq_ignore_ascii_case(".git")
        }
        Component::CurDir => true,
        Component::ParentDir => depth.checked_sub(1).map(|above| depth = above).is_some(),
        Component::RootDir | Component::Prefix(_) => false,
    })
}

/// The part of the path that exists, links resolved, lies in the folder. What does not exist has no links.
fn links_stay_inside(path: &Path, folder: &Path) -> bool {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(folder) = folder.canonicalize() else { return true };
    let Some(existing) = path.ancestors().find(|ancestor| ancestor.symlink_metadata().is_ok()) else { return true };
    // A dangling link exists, and where it leads cannot be judged.
    let Ok(real) = existing.canonicalize() else { return false };
    real.strip_prefix(&folder).is_ok_and(stays_inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, folder: &Path) -> Result<PathBuf, String> {
        PathBuf::from_file(&Scalar::Text(text.to_owned()), folder)
    }

    #[test]
    fn a_path_in_the_file_is_relative_to_the_folder_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read("hars/a.har", folder.path()), Ok(folder.path().join("hars/a.har")));
        assert_eq!(read("a/../b", folder.path()), Ok(folder.path().join("a/../b")));
        assert_eq!(read("hars", Path::new("")), Ok(PathBuf::from("hars")));
    }

    #[test]
    fn a_path_in_the_file_may_not_leave_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["/etc/passwd", "..", "../x", "a/../../x", "./../x", ".git/config", "sub/.GIT/hooks/x"] {
            assert!(read(text, folder.path()).unwrap_err().contains("leaves the file's folder"), "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_does_not_lead_out_of_the_folder_either() {
        let outside = tempfile::tempdir().unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(outside.path(), folder.path().join("out")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path().join("dangling")).unwrap();
        std::fs::create_dir(folder.path().join("hars")).unwrap();
        std::fs::create_dir(folder.path().join(".git")).unwrap();
        std::os::unix::fs::symlink(".git", folder.path().join("git")).unwrap();
        assert!(read("git/config", folder.path()).is_err());
        assert!(read("out/new.har", folder.path()).is_err());
        assert!(read("out", folder.path()).is_err());
        assert!(read("dangling", folder.path()).is_err());
        assert!(read("hars/new.har", folder.path()).is_ok());
    }

    #[test]
    fn an_archive_to_write_is_a_har_or_a_zip() {
        for (text, good) in [("a.har", true), ("a.ZIP", true), ("a.json", false), ("hars", false), (".har", false)] {
            assert_eq!(ArchivePath::parse(OsStr::new(text)).is_ok(), good, "{text}");
        }
    }

    #[test]
    fn the_log_is_a_file_standard_error_or_nothing() {
        let parse = |text: &str| LogTarget::parse(OsStr::new(text));
        assert_eq!(parse("off"), Ok(LogTarget::Off));
        assert_eq!(parse("-"), Ok(LogTarget::Stderr));
        assert_eq!(parse("./off"), Ok(LogTarget::File("./off".into())));
        assert!(LogTarget::from_file(&Scalar::Text("/var/log/x".to_owned()), Path::new("")).is_err());
    }
}
