//! A zip to copy an archive from: its HAR and its payloads as streams, under the limits of reading.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::Path;

use zip::{CompressionMethod, ZipArchive};

use super::limits::{Bounded, Limits};
use super::payload_path::PayloadPath;
use super::write_error::WriteError;

/// A zip that holds an archive.
pub(crate) struct ZipSource<'a> {
    path: &'a Path,
    zip: ZipArchive<BufReader<File>>,
    har: usize,
    /// Folder of the HAR inside the zip, with a slash at its end; empty at the root.
    har_folder: String,
}

impl<'a> ZipSource<'a> {
    /// Reads the directory and finds the HAR: the first entry whose name ends in `.har`.
    pub(crate) fn open(path: &'a Path) -> Result<Self, WriteError> {
        let metadata = fs::metadata(path).map_err(WriteError::io("read", path))?;
        if !metadata.is_file() {
            return Err(WriteError::NotAFile { path: path.to_path_buf(), what: "not a regular file" });
        }
        let file = File::open(path).map_err(WriteError::io("read", path))?;
        let zip = ZipArchive::new(BufReader::new(file)).map_err(|error| unusable(path, error))?;
        if zip.has_duplicate_names() {
            return Err(unusable(path, "two entries of the zip have the same name"));
        }
        let har = zip.file_names_raw().enumerate().find(|(_, name)| name.ends_with(b".har"));
        let (har, name) = har.ok_or_else(|| unusable(path, "the zip holds no .har file"))?;
        let name = String::from_utf8_lossy(name);
        let har_folder = name.rfind('/').map_or(String::new(), |slash| name[..=slash].to_owned());
        Ok(Self { path, zip, har, har_folder })
    }

    /// The HAR text.
    pub(crate) fn har(&mut self) -> Result<impl Read, WriteError> {
        self.read(self.har, Limits::default().text)
    }

    /// A payload: the entry of this very name, or of this name in the folder of the HAR. None if there is none.
    pub(crate) fn payload(&mut self, name: &PayloadPath) -> Result<Option<impl Read>, WriteError> {
        let at_root = self.zip.index_for_name_raw(name.as_str().as_bytes());
        let beside_har = || self.zip.index_for_name_raw(format!("{}{name}", self.har_folder).as_bytes());
        match at_root.or_else(beside_har) {
            Some(index) => self.read(index, Limits::default().payload).map(Some),
            None => Ok(None),
        }
    }

    /// How many files the zip holds, the HAR included.
    pub(crate) fn files(&self) -> usize {
        self.zip.file_names_raw().filter(|name| !name.ends_with(b"/")).count()
    }

    fn read(&mut self, index: usize, most: u64) -> Result<impl Read, WriteError> {
        let path = self.path;
        let in_file = fs::metadata(path).map_err(WriteError::io("read", path))?.len();
        let entry = self.zip.by_index(index).map_err(|error| unusable(path, error))?;
        if entry.is_symlink() || entry.is_dir() {
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            return Err(unusable(path, format!("{name:?} in it is a link or a folder, not a file")));
        }
        let compressed = entry.compressed_size().min(in_file);
        // What is only stored becomes no longer than it is there.
        let most = if entry.compression() == CompressionMethod::Stored { u64::MAX } else { most };
        Ok(Bounded::new(entry, compressed, most, &Limits::default()))
    }
}

fn unusable(path: &Path, reason: impl ToString) -> WriteError {
    WriteError::Existing { path: path.to_path_buf(), reason: reason.to_string() }
}
