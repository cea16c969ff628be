//! Payload files beside a `.har`: opened anew for each reading, and never outside the archive's folder.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use cap_fs_ext::OpenOptionsSyncExt;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, OpenOptions};

use crate::archive::body_scan::hash_reader;
use crate::archive::source::Source;
use crate::archive::{BodyFile, Fetched, PayloadError, PayloadPath};

/// The folder that `_file` is relative to.
#[derive(Debug)]
pub(crate) struct PayloadFolder {
    folder: PathBuf,
}

impl PayloadFolder {
    /// The folder of this archive.
    pub(crate) fn of_archive(archive: &Path) -> io::Result<Self> {
        let absolute = std::path::absolute(archive)?;
        Ok(Self { folder: absolute.parent().map_or(absolute.clone(), Path::to_path_buf) })
    }

    /// The bytes of a payload file of at most `most` bytes.
    pub(crate) fn read(&self, archive: &Path, path: &PayloadPath, most: u64) -> Result<Vec<u8>, PayloadError> {
        let report = Report { archive, path };
        Self::read_whole(self.open(&report)?, &report, most)
    }

    /// The bytes of a payload file, or the file where they are more than `whole`.
    pub(crate) fn fetch(&self, archive: &Path, path: &PayloadPath, whole: u64) -> Result<Fetched, PayloadError> {
        let report = Report { archive, path };
        let mut file = self.open(&report)?;
        let length = file.metadata().map_err(|source| report.unreadable(source))?.len();
        if length <= whole {
            match Self::read_whole(file, &report, whole) {
                // It has grown meanwhile.
                Err(PayloadError::TooLarge { .. }) => file = self.open(&report)?,
                bytes => return bytes.map(|bytes| Fetched::Whole(bytes.into())),
            }
        }
        let opened = Source::of_file(file.into_std()).and_then(BodyFile::whole);
        opened.map(Fetched::Large).map_err(|source| report.unreadable(source))
    }

    fn read_whole(file: File, report: &Report<'_>, most: u64) -> Result<Vec<u8>, PayloadError> {
        let length = file.metadata().map_err(|source| report.unreadable(source))?.len();
        let too_large = || report.too_large(format!("larger than {most} bytes"));
        if length > most {
            return Err(too_large());
        }
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(|source| report.unreadable(source))?;
        if bytes.len() as u64 > most { Err(too_large()) } else { Ok(bytes) }
    }

    /// SHA-256 of a payload file.
    pub(crate) fn hash(&self, archive: &Path, path: &PayloadPath) -> Result<[u8; 32], PayloadError> {
        let report = Report { archive, path };
        hash_reader(self.open(&report)?).map_err(|source| report.unreadable(source))
    }

    /// Why a payload that is there is never read: it lies outside the folder, or is no regular file.
    pub(crate) fn refusal(&self, archive: &Path, path: &PayloadPath) -> Option<PayloadError> {
        // What lies in the folder itself cannot lead out of it, unless it is a link. An archive may name very many.
        let here = !path.as_str().contains('/');
        if here && fs::symlink_metadata(self.folder.join(path.to_path())).is_ok_and(|metadata| metadata.is_file()) {
            return None;
        }
        let error = self.open(&Report { archive, path }).err()?;
        matches!(error, PayloadError::Escapes { .. } | PayloadError::NotRegular { .. }).then_some(error)
    }

    /// Opens a payload file that is a regular one inside the folder.
    pub(crate) fn open(&self, report: &Report<'_>) -> Result<File, PayloadError> {
        // Opened by name each time, so that a folder that was checked out anew is found.
        let folder = Dir::open_ambient_dir(&self.folder, ambient_authority()).map_err(|source| report.of(source))?;
        let path = report.path.to_path();
        let mut options = OpenOptions::new();
        // Without waiting: a FIFO would otherwise hold the reader until somebody writes to it.
        options.read(true).nonblock(cfg!(unix));
        let file = folder.open_with(&path, &options).map_err(|source| {
            let irregular = folder.metadata(&path).is_ok_and(|metadata| !metadata.is_file());
            if irregular { report.not_regular() } else { report.of(source) }
        })?;
        let metadata = file.metadata().map_err(|source| report.unreadable(source))?;
        if metadata.is_file() { Ok(file) } else { Err(report.not_regular()) }
    }
}

/// Makes the errors of one payload.
pub(crate) struct Report<'a> {
    pub(crate) archive: &'a Path,
    pub(crate) path: &'a PayloadPath,
}

impl Report<'_> {
    fn of(&self, source: io::Error) -> PayloadError {
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => self.missing(),
            // cap-std's own refusal carries no system error, a file mode does.
            io::ErrorKind::PermissionDenied if source.raw_os_error().is_none() => {
                PayloadError::Escapes { archive: self.archive.to_path_buf(), payload: self.path.to_string() }
            }
            _ => self.unreadable(source),
        }
    }

    pub(crate) fn missing(&self) -> PayloadError {
        PayloadError::Missing { archive: self.archive.to_path_buf(), payload: self.path.to_string() }
    }

    pub(crate) fn not_regular(&self) -> PayloadError {
        PayloadError::NotRegular { archive: self.archive.to_path_buf(), payload: self.path.to_string() }
    }

    pub(crate) fn too_large(&self, problem: String) -> PayloadError {
        PayloadError::TooLarge { archive: self.archive.to_path_buf(), what: self.what(), problem }
    }

    pub(crate) fn zip(&self, reason: String) -> PayloadError {
        PayloadError::Zip { archive: self.archive.to_path_buf(), payload: self.path.to_string(), reason }
    }

    pub(crate) fn unreadable(&self, source: io::Error) -> PayloadError {
        PayloadError::Unreadable { archive: self.archive.to_path_buf(), what: self.what(), source }
    }

    fn what(&self) -> String {
        format!("payload {:?}", self.path.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(folder: &Path, payload: &str) -> Result<Vec<u8>, PayloadError> {
        let archive = folder.join("a.har");
        let path = PayloadPath::parse(payload).unwrap();
        PayloadFolder::of_archive(&archive).unwrap().read(&archive, &path, 100)
    }

    #[test]
    fn files_are_read_anew_each_time_in_subfolders_too() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        fs::write(folder.path().join("sub/x.txt"), "one").unwrap();
        assert_eq!(read(folder.path(), "sub/x.txt").unwrap(), b"one");
        fs::write(folder.path().join("sub/x.txt"), "two").unwrap();
        assert_eq!(read(folder.path(), "sub/x.txt").unwrap(), b"two");
    }

    #[test]
    fn a_file_that_is_sent_from_where_it_lies_may_be_of_any_size() {
        let folder = tempfile::tempdir().unwrap();
        let length = crate::archive::Limits::default().payload + 1;
        fs::File::create(folder.path().join("big")).unwrap().set_len(length).unwrap();
        let (archive, path) = (folder.path().join("a.har"), PayloadPath::parse("big").unwrap());
        let payloads = PayloadFolder::of_archive(&archive).unwrap();
        let Fetched::Large(file) = payloads.fetch(&archive, &path, 100).unwrap() else {
            panic!("it is held in memory")
        };
        assert_eq!(file.length(), length);
        assert!(matches!(payloads.read(&archive, &path, length - 1), Err(PayloadError::TooLarge { .. })));
    }

    #[test]
    fn what_is_missing_too_large_or_no_file_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        fs::write(folder.path().join("big"), [b'x'; 101]).unwrap();
        assert!(matches!(read(folder.path(), "nope.txt"), Err(PayloadError::Missing { .. })));
        assert!(matches!(read(folder.path(), "big/x"), Err(PayloadError::Missing { .. })));
        assert!(matches!(read(folder.path(), "big"), Err(PayloadError::TooLarge { .. })));
        assert!(matches!(read(folder.path(), "sub"), Err(PayloadError::NotRegular { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn links_may_lead_anywhere_but_out() {
        use std::os::unix::fs::symlink;
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("hars");
        fs::create_dir(&folder).unwrap();
        fs::write(outer.path().join("secret"), "s").unwrap();
        fs::write(folder.join("real.txt"), "r").unwrap();
        symlink("real.txt", folder.join("inside.txt")).unwrap();
        symlink("../secret", folder.join("relative.txt")).unwrap();
        symlink(outer.path().join("secret"), folder.join("absolute.txt")).unwrap();
        symlink("..", folder.join("up")).unwrap();
        assert_eq!(read(&folder, "inside.txt").unwrap(), b"r");
        for payload in ["relative.txt", "absolute.txt", "up/secret"] {
            let error = read(&folder, payload).unwrap_err();
            assert!(matches!(error, PayloadError::Escapes { .. }), "{payload}: {error:?}");
        }
    }
}
