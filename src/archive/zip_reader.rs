//! A zip as an archive: which entry is the log, and payloads by their names.

use std::io::{self, Read};
use std::path::Path;

use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use crate::archive::body_scan::hash_reader;
use crate::archive::folder::Report;
use crate::archive::limits::{Bounded, past_limit};
use crate::archive::source::{Source, SourceCursor};
use crate::archive::{BodyFile, Error, Limits, PayloadError, PayloadPath};

/// An opened zip. Its directory is shared by all readers.
#[derive(Debug)]
pub(crate) struct ZipReader {
    zip: ZipArchive<SourceCursor>,
    source: Source,
    limits: Limits,
    /// Index of the log.
    har: usize,
    /// Folder of the log inside the zip, with a slash at its end; empty at the root.
    har_folder: String,
}

impl ZipReader {
    /// Reads the directory and finds the log: the first entry whose name ends in `.har`.
    pub(crate) fn open(path: &Path, source: Source, limits: Limits) -> Result<Self, Error> {
        let broken = |reason: String| Error::Zip { path: path.to_path_buf(), reason };
        let zip = ZipArchive::new(source.cursor()).map_err(|error| broken(in_words(&error)))?;
        if zip.has_duplicate_names() {
            return Err(broken("two of its entries have the same name".to_owned()));
        }
        let is_log = |name: &[u8]| name.ends_with(b".har");
        let Some((har, name)) = zip.file_names_raw().enumerate().find(|(_, name)| is_log(name)) else {
            return Err(broken("it holds no entry whose name ends in `.har`".to_owned()));
        };
        let name = String::from_utf8_lossy(name);
        let har_folder = name.rfind('/').map_or(String::new(), |slash| name[..=slash].to_owned());
        Ok(Self { zip, source, limits, har, har_folder })
    }

    /// Unpacks the log into a temporary file.
    pub(crate) fn unpack_har(&self, path: &Path) -> Result<Source, Error> {
        let mut unpacked = Err(io::Error::from(io::ErrorKind::NotFound));
        let most = self.limits.text;
        self.with_entry(self.har, most, |content| unpacked = Source::unpacked(content)).map_err(|problem| {
            Error::Zip { path: path.to_path_buf(), reason: format!("its log cannot be unpacked: {problem}") }
        })?;
        unpacked.map_err(|source| match past_limit(&source) {
            Some(problem) => Error::TooLarge { path: path.to_path_buf(), what: "the HAR text".to_owned(), problem },
            None if is_damage(&source) => {
                Error::Zip { path: path.to_path_buf(), reason: format!("its log cannot be unpacked: {source}") }
            }
            None => Error::Temporary { path: path.to_path_buf(), source },
        })
    }

    /// The bytes of a payload: the entry of this very name, or of this name in the folder of the log.
    pub(crate) fn read(&self, archive: &Path, path: &PayloadPath) -> Result<Vec<u8>, PayloadError> {
        let mut bytes = Vec::new();
        self.take(&Report { archive, path }, |content| content.read_to_end(&mut bytes).map(drop))?;
        Ok(bytes)
    }

    /// SHA-256 of a payload.
    pub(crate) fn hash(&self, archive: &Path, path: &PayloadPath) -> Result<[u8; 32], PayloadError> {
        let mut hash = [0; 32];
        self.take(&Report { archive, path }, |content| {
            hash = hash_reader(content)?;
            Ok(())
        })?;
        Ok(hash)
    }

    fn take(
        &self,
        report: &Report<'_>,
        take: impl FnOnce(&mut dyn Read) -> io::Result<()>,
    ) -> Result<(), PayloadError> {
        if self.source.changed().map_err(|source| report.unreadable(source))? {
            return Err(PayloadError::Changed { archive: report.archive.to_path_buf() });
        }
        let index = self.find(report.path).ok_or_else(|| report.missing())?;
        let mut result = Ok(());
        self.with_entry(index, self.limits.payload, |content| result = take(content))
            .map_err(|problem| report.zip(problem))?;
        result.map_err(|error| match past_limit(&error) {
            Some(problem) => report.too_large(problem),
            None => report.zip(error.to_string()),
        })
    }

    /// Bytes of a payload, unpacked, as the directory has it.
    pub(crate) fn size(&self, path: &PayloadPath) -> Option<u64> {
        self.zip.by_index_data(self.find(path)?).ok().map(|entry| entry.size())
    }

    /// The file that holds a payload as it is: a temporary one, or the zip itself for bytes that are only stored, once their
    /// checksum was found right, where they are more than `copied` or where there is no room for a copy.
    pub(crate) fn unpack(&self, archive: &Path, path: &PayloadPath, copied: u64) -> Result<BodyFile, PayloadError> {
        let report = Report { archive, path };
        let index = self.find(path).ok_or_else(|| report.missing())?;
        if self.source.changed().map_err(|source| report.unreadable(source))? {
            return Err(PayloadError::Changed { archive: archive.to_path_buf() });
        }
        let copy = |content: &mut dyn Read| Source::unpacked(content).and_then(BodyFile::whole);
        let most = self.limits.payload;
        let Some((start, length)) = self.stored_span(index) else { return self.file_of(index, most, &report, copy) };
        let in_place = |content: &mut dyn Read| {
            let _checked = io::copy(content, &mut io::sink())?;
            BodyFile::part(self.source.clone(), start, length)
        };
        let copied = if length > copied { None } else { self.file_of(index, most, &report, copy).ok() };
        // It becomes no longer than it is there.
        copied.map_or_else(|| self.file_of(index, u64::MAX, &report, in_place), Ok)
    }

    fn file_of(
        &self,
        index: usize,
        most: u64,
        report: &Report<'_>,
        open: impl FnOnce(&mut dyn Read) -> io::Result<BodyFile>,
    ) -> Result<BodyFile, PayloadError> {
        let mut opened = Err(io::Error::from(io::ErrorKind::NotFound));
        self.with_entry(index, most, |content| opened = open(content)).map_err(|problem| report.zip(problem))?;
        opened.map_err(|error| match past_limit(&error) {
            Some(problem) => report.too_large(problem),
            None => report.zip(error.to_string()),
        })
    }

    /// Where in the zip the bytes of an entry lie that is not compressed: start and length.
    fn stored_span(&self, index: usize) -> Option<(u64, u64)> {
        let mut zip = self.zip.clone();
        let entry = zip.by_index(index).ok().filter(|entry| entry.compression() == CompressionMethod::Stored)?;
        Some((entry.data_start()?, entry.size()))
    }

    fn find(&self, path: &PayloadPath) -> Option<usize> {
        let at_root = self.zip.index_for_name_raw(path.as_str().as_bytes());
        at_root.or_else(|| self.zip.index_for_name_raw(format!("{}{path}", self.har_folder).as_bytes()))
    }

    fn with_entry(&self, index: usize, most: u64, take: impl FnOnce(&mut dyn Read)) -> Result<(), String> {
        // A clone shares the directory; only the position in the file is its own.
        let mut zip = self.zip.clone();
        let encrypted = zip.by_index_data(index).is_ok_and(|entry| entry.encrypted());
        if encrypted {
            return Err("it is encrypted, and harmock knows no password".to_owned());
        }
        let entry = zip.by_index(index).map_err(|error| in_words(&error))?;
        if entry.is_symlink() || entry.is_dir() {
            return Err("it is a link or a folder, not a file".to_owned());
        }
        let in_file = self.source.len().map_err(|error| error.to_string())?;
        let compressed = entry.compressed_size().min(in_file);
        take(&mut Bounded::new(entry, compressed, most, &self.limits));
        Ok(())
    }
}

/// The decoder and the checksum report damage under these kinds.
fn is_damage(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | Other | UnexpectedEof)
}

fn in_words(error: &ZipError) -> String {
    match error {
        ZipError::InvalidArchive(reason) => reason.to_string(),
        ZipError::UnsupportedArchive(reason) => (*reason).to_owned(),
        ZipError::CompressionMethodNotSupported(method) => {
            format!("compression method {method} is not supported; use deflate or none")
        }
        other => other.to_string(),
    }
}
