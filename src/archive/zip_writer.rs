//! The zip form of an archive: `har.har` first, payloads after it by name, the same bytes for the same content.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipWriter};

use super::media_types::is_compressed;
use super::write_error::WriteError;

/// The name of the HAR inside; Playwright takes the first one that ends in `.har`.
pub(crate) const HAR_NAME: &str = "har.har";

/// A zip in the making.
pub(crate) struct ZipArchiveWriter<'a> {
    path: &'a Path,
    zip: ZipWriter<BufWriter<File>>,
}

impl<'a> ZipArchiveWriter<'a> {
    /// Starts a zip in `file`; `path` is what errors name.
    pub(crate) fn new(file: File, path: &'a Path) -> Self {
        Self { path, zip: ZipWriter::new(BufWriter::with_capacity(64 << 10, file)) }
    }

    /// Adds an entry of `length` bytes.
    pub(crate) fn add(&mut self, name: &str, length: u64, content: &mut dyn Read) -> Result<(), WriteError> {
        let zip_error = |source| WriteError::Zip { path: self.path.to_path_buf(), source };
        self.zip.start_file(name, options(name, length)).map_err(zip_error)?;
        io::copy(content, &mut self.zip).map(drop).map_err(WriteError::io("write", self.path))
    }

    /// Adds a file from the disk.
    pub(crate) fn add_file(&mut self, name: &str, path: &Path) -> Result<(), WriteError> {
        let mut file = File::open(path).map_err(WriteError::io("read", path))?;
        let length = file.metadata().map_err(WriteError::io("read", path))?.len();
        self.add(name, length, &mut file)
    }

    /// Writes the directory, syncs, and gives the size.
    pub(crate) fn finish(self) -> Result<u64, WriteError> {
        let path = self.path;
        let mut out = self.zip.finish().map_err(|source| WriteError::Zip { path: path.to_path_buf(), source })?;
        let mut finish = || {
            out.flush()?;
            out.get_ref().sync_all()?;
            out.stream_position()
        };
        finish().map_err(WriteError::io("write", path))
    }
}

/// No clock, no umask, no system in it; what is compressed already is stored; sizes from nearly 4 GiB on are zip64.
fn options(name: &str, length: u64) -> SimpleFileOptions {
    const NEARLY_4_GIB: u64 = (4 << 30) - (16 << 20);
    let stored = name.rsplit_once('.').is_some_and(|(_, extension)| is_compressed(extension));
    let options = SimpleFileOptions::default()
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644)
        .system(System::Unix)
        .large_file(length >= NEARLY_4_GIB);
    if stored {
        options.compression_method(CompressionMethod::Stored)
    } else {
        options.compression_method(CompressionMethod::Deflated).compression_level(Some(6))
    }
}
