//! Reading an archive: entries at once, bodies when they are asked for.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use bytes::Bytes;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use sha2::{Digest, Sha256};

use crate::archive::discover::unreadable;
use crate::archive::folder::PayloadFolder;
use crate::archive::limits::{Bounded, past_limit};
use crate::archive::source::{Source, SourceCursor};
use crate::archive::zip_reader::ZipReader;
use crate::archive::{Error, Limits, PayloadError, PayloadPath, embedded};
use crate::har::log::LogError;
use crate::har::read::HarLog;
use crate::har::windowed;
use crate::har::{Entry, LeftOut, StoredBody, Warning};

/// An opened archive. It keeps the entries and where their bodies are, not the text and not the bodies; it may be read
/// from several threads at once.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    text: Source,
    /// The text as it was loaded, for when somebody writes into the file.
    copy: OnceLock<Source>,
    pub(super) payloads: Payloads,
    pub(super) limits: Limits,
    har: HarLog,
}

/// Where `_file` leads.
#[derive(Debug)]
pub(super) enum Payloads {
    Folder(PayloadFolder),
    Zip(ZipReader),
}

impl Archive {
    /// Opens a `.har`, a `.zip` or a gzip- or zlib-compressed HAR (`.zhar`), told apart by their first bytes.
    ///
    /// # Errors
    ///
    /// What makes the whole archive unusable. Odd entries are [`Archive::warnings`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::open_within(path, &Limits::default())
    }

    /// [`Archive::open`] with limits of one's own.
    ///
    /// # Errors
    ///
    /// As [`Archive::open`].
    pub fn open_within(path: &Path, limits: &Limits) -> Result<Self, Error> {
        let archive = Self::open_unchecked(path, limits)?;
        let bad = archive.bad_payload_paths().next().or_else(|| archive.refused_payload());
        bad.map_or(Ok(archive), Err)
    }

    /// Opens an archive whose payload paths may be unacceptable; reading such a payload is an error.
    pub(crate) fn open_unchecked(path: &Path, limits: &Limits) -> Result<Self, Error> {
        let file = open_regular(path)?;
        let source = Source::of_file(file).map_err(|source| unreadable(path, source))?;
        let payloads = || {
            let folder = PayloadFolder::of_archive(path).map_err(|source| unreadable(path, source))?;
            Ok(Payloads::Folder(folder))
        };
        let (text, payloads) = match Container::of(path, &source)? {
            Container::Zip => {
                let zip = ZipReader::open(path, source.clone(), *limits)?;
                (zip.unpack_har(path)?, Payloads::Zip(zip))
            }
            Container::Gzip => (unpack(path, &source, limits, MultiGzDecoder::new(source.cursor()))?, payloads()?),
            Container::Zlib => (unpack(path, &source, limits, ZlibDecoder::new(source.cursor()))?, payloads()?),
            Container::Plain => (source.clone(), payloads()?),
        };
        let (text, har) = read_text(path, text, limits)?;
        if source.changed().map_err(|source| unreadable(path, source))? {
            return Err(Error::ChangedWhileLoading { path: path.to_path_buf() });
        }
        Ok(Self { path: path.to_path_buf(), text, copy: OnceLock::new(), payloads, limits: *limits, har })
    }

    /// As it was given to [`Archive::open`].
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The entries that replay can use, in file order.
    pub fn entries(&self) -> &[Entry] {
        &self.har.entries
    }

    /// The usable entry at this place in `log.entries`.
    pub fn entry(&self, ordinal: usize) -> Option<&Entry> {
        let place = self.har.entries.binary_search_by_key(&ordinal, |entry| entry.ordinal).ok()?;
        self.har.entries.get(place)
    }

    /// Moves the entries out, for an index that owns them; [`Archive::entries`] is empty afterwards.
    pub fn take_entries(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.har.entries)
    }

    /// What was odd about single entries, in file order.
    pub fn warnings(&self) -> &[Warning] {
        &self.har.warnings
    }

    /// Entries that HTTP replay has no use for.
    pub fn left_out(&self) -> LeftOut {
        self.har.left_out
    }

    /// The length of `log.entries`, usable or not.
    pub fn entry_count(&self) -> usize {
        self.har.spans.len()
    }

    /// Whether the log is marked as one of requests that are to be sent (`_harmock.kind` is `outgoing`).
    pub fn is_outgoing(&self) -> bool {
        self.har.is_outgoing
    }

    /// `log.creator.name`, empty where there is none.
    pub fn creator(&self) -> &str {
        &self.har.creator
    }

    /// The bytes of a body, decoded. Blocks on the disk. Payload files are read anew each time: people edit them.
    ///
    /// # Errors
    ///
    /// The payload is missing or refused, the HAR changed on disk, or the text does not decode.
    pub fn read(&self, body: &StoredBody) -> Result<Bytes, PayloadError> {
        match body {
            StoredBody::File(name) => {
                let path = self.payload_path(name)?;
                match &self.payloads {
                    Payloads::Folder(folder) => folder.read(&self.path, &path, self.limits.payload),
                    Payloads::Zip(zip) => zip.read(&self.path, &path),
                }
                .map(Bytes::from)
            }
            StoredBody::Embedded { span, text } => {
                let literal = self.read_text(&(span.start.saturating_sub(1)..span.end.saturating_add(1)))?;
                embedded::decode(literal, *text).map_err(|problem| problem.in_archive(&self.path, span.start))
            }
        }
    }

    /// SHA-256 of a body, decoded; of a payload without holding it in memory.
    ///
    /// # Errors
    ///
    /// As [`Archive::read`].
    pub(crate) fn hash(&self, body: &StoredBody) -> Result<[u8; 32], PayloadError> {
        let StoredBody::File(name) = body else { return Ok(Sha256::digest(self.read(body)?).into()) };
        let path = self.payload_path(name)?;
        match &self.payloads {
            Payloads::Folder(folder) => folder.hash(&self.path, &path),
            Payloads::Zip(zip) => zip.hash(&self.path, &path),
        }
    }

    /// Bytes of the text of one item of `log.entries`.
    pub(crate) fn entry_length(&self, ordinal: usize) -> u64 {
        self.har.spans.get(ordinal).map_or(0, |span| span.end - span.start)
    }

    /// The JSON text of one item of `log.entries`, usable or not; none behind the last.
    ///
    /// # Errors
    ///
    /// The HAR changed on disk or cannot be read.
    pub fn entry_json(&self, ordinal: usize) -> Result<Option<String>, PayloadError> {
        let Some(span) = self.har.spans.get(ordinal) else { return Ok(None) };
        let bytes = self.read_text(span)?;
        String::from_utf8(bytes).map(Some).map_err(|_| PayloadError::Changed { archive: self.path.clone() })
    }

    /// Each `_file` that is no acceptable payload path.
    pub(crate) fn bad_payload_paths(&self) -> impl Iterator<Item = Error> + '_ {
        self.har.entries.iter().flat_map(Entry::payload_files).filter_map(|(entry, field, name)| {
            let source = PayloadPath::parse(name).err()?;
            Some(Error::PayloadPath { path: self.path.clone(), entry, field, source })
        })
    }

    /// The first `_file` that names something which is never read: a link out of the folder, a FIFO, a folder. A file
    /// that is missing may still come.
    fn refused_payload(&self) -> Option<Error> {
        let Payloads::Folder(folder) = &self.payloads else { return None };
        let mut looked_at = HashSet::new();
        let mut files = self.har.entries.iter().flat_map(Entry::payload_files);
        files.find_map(|(entry, field, name)| {
            let path = PayloadPath::parse(name).ok().filter(|_| looked_at.insert(name))?;
            let source = folder.refusal(&self.path, &path)?;
            Some(Error::RefusedPayload { path: self.path.clone(), entry, field, source })
        })
    }

    pub(super) fn payload_path(&self, name: &str) -> Result<PayloadPath, PayloadError> {
        PayloadPath::parse(name).map_err(|source| PayloadError::Path { archive: self.path.clone(), source })
    }

    /// Copies the text into a temporary file without a name, so that embedded bodies can be read after somebody has
    /// written into the archive. Gives the bytes that it took: none where the text is in such a file already, or where it
    /// would take more than `most`. Blocks.
    ///
    /// # Errors
    ///
    /// When there is no room, or the archive has changed already.
    pub fn keep_text(&self, most: u64) -> io::Result<u64> {
        let length = self.text.len()?;
        if length > most || !self.text.is_users() {
            return Ok(0);
        }
        if self.copy.get().is_some() {
            return Ok(length);
        }
        let copy = Source::unpacked(&mut self.text.cursor())?;
        if self.text.changed()? {
            return Err(io::Error::other("the archive has changed"));
        }
        Ok(self.copy.set(copy).map_or(0, |()| length))
    }

    /// The line of the text on which an item of `log.entries` begins, from one; none behind the last item.
    pub fn line_of(&self, ordinal: usize) -> Option<usize> {
        let span = self.har.spans.get(ordinal)?;
        let mut before = BufReader::new(self.text.cursor().take(span.start));
        let mut line = 1;
        loop {
            let bytes = before.fill_buf().ok()?;
            if bytes.is_empty() {
                return Some(line);
            }
            line += memchr::memchr_iter(b'\n', bytes).count();
            let taken = bytes.len();
            before.consume(taken);
        }
    }

    fn read_text(&self, span: &Range<u64>) -> Result<Vec<u8>, PayloadError> {
        let failed = |source| self.unreadable_text(source);
        let text = self.text();
        let changed = || PayloadError::Changed { archive: self.path.clone() };
        if text.changed().map_err(failed)? {
            return Err(changed());
        }
        let bytes = text.read_span(span);
        // Once more: what was written during the reading may have been read.
        if text.changed().map_err(failed)? {
            return Err(changed());
        }
        bytes.map_err(failed)
    }

    /// Where embedded bodies are read from.
    pub(super) fn text(&self) -> &Source {
        self.copy.get().unwrap_or(&self.text)
    }

    pub(super) fn unreadable_text(&self, source: io::Error) -> PayloadError {
        PayloadError::Unreadable { archive: self.path.clone(), what: "an embedded body".to_owned(), source }
    }
}

/// What the first bytes say the file is.
enum Container {
    Gzip,
    Plain,
    Zip,
    Zlib,
}

impl Container {
    fn of(path: &Path, source: &Source) -> Result<Self, Error> {
        let mut head = Vec::new();
        source.cursor().take(4).read_to_end(&mut head).map_err(|source| unreadable(path, source))?;
        let named_zip = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip"));
        Ok(match head[..] {
            [b'P', b'K', 1..=8, ..] => Self::Zip,
            [0x1F, 0x8B, ..] => Self::Gzip,
            [0x78, check, ..] if (0x7800 + u16::from(check)) % 31 == 0 => Self::Zlib,
            [b'{' | b'[' | b' ' | b'\t' | b'\r' | b'\n' | 0xEF, ..] => Self::Plain,
            _ if named_zip => Self::Zip,
            _ => Self::Plain,
        })
    }
}

fn open_regular(path: &Path) -> Result<File, Error> {
    // Asked before opening: opening a FIFO waits for a writer.
    let metadata = fs::metadata(path).map_err(|source| unreadable(path, source))?;
    if metadata.is_dir() {
        return Err(Error::Folder { path: path.to_path_buf() });
    }
    if !metadata.is_file() {
        return Err(Error::NotRegular { path: path.to_path_buf() });
    }
    File::open(path).map_err(|source| unreadable(path, source))
}

fn unpack(path: &Path, packed: &Source, limits: &Limits, decoder: impl Read) -> Result<Source, Error> {
    let compressed = packed.len().map_err(|source| unreadable(path, source))?;
    Source::unpacked(&mut Bounded::new(decoder, compressed, limits.text, limits)).map_err(|source| {
        let path = path.to_path_buf();
        match past_limit(&source) {
            Some(problem) => Error::TooLarge { path, what: "the HAR text".to_owned(), problem },
            None if matches!(source.kind(), io::ErrorKind::StorageFull) => Error::Temporary { path, source },
            None => Error::Compressed { path, source },
        }
    })
}

/// Reads the text and gives it up again; what comes back is where its parts are read from later.
fn read_text(path: &Path, source: Source, limits: &Limits) -> Result<(Source, HarLog), Error> {
    let length = source.len().map_err(|source| unreadable(path, source))?;
    if length > limits.text {
        let problem = format!("larger than {} bytes", limits.text);
        return Err(Error::TooLarge { path: path.to_path_buf(), what: "the HAR text".to_owned(), problem });
    }
    let mut text = source.cursor();
    let base = skip_byte_order_mark(&mut text).map_err(|source| unreadable(path, source))?;
    if let Some(har) = windowed::read(&mut text, base, length).map_err(|source| unreadable(path, source))? {
        return Ok((source, har));
    }
    read_whole_text(path, source, length)
}

/// How many bytes the mark has that it skips, if there is one.
fn skip_byte_order_mark(text: &mut SourceCursor) -> io::Result<u64> {
    let mut head = Vec::new();
    text.by_ref().take(3).read_to_end(&mut head)?;
    let base = if head == [0xEF, 0xBB, 0xBF] { 3 } else { 0 };
    text.seek(SeekFrom::Start(base))
}

/// Reads a text that is odd as a whole, or that is wrong, and says where.
fn read_whole_text(path: &Path, mut source: Source, length: u64) -> Result<(Source, HarLog), Error> {
    let bytes = source.read_span(&(0..length)).map_err(|source| unreadable(path, source))?;
    if bytes.starts_with(&[0xFE, 0xFF]) || bytes.starts_with(&[0xFF, 0xFE]) {
        return Err(Error::Utf16 { path: path.to_path_buf() });
    }
    let base = if bytes.starts_with(&[0xEF, 0xBB, 0xBF]) { 3 } else { 0 };
    let text = String::from_utf8_lossy(bytes.get(base..).unwrap_or_default());
    let har = HarLog::read(&text, base as u64).map_err(|error| not_a_har(path, error, base as u64))?;
    if let Cow::Owned(repaired) = &text {
        // The spans count in the repaired text, so that has to be what they are read from.
        let whole = [bytes.get(..base).unwrap_or_default(), repaired.as_bytes()].concat();
        source = Source::unpacked(&mut &whole[..])
            .map_err(|source| Error::Temporary { path: path.to_path_buf(), source })?;
    }
    Ok((source, har))
}

fn not_a_har(path: &Path, error: LogError, base: u64) -> Error {
    let path = path.to_path_buf();
    match error {
        LogError::NotJson { line, column, byte, reason } => {
            Error::NotJson { path, line, column, byte: byte + base, reason }
        }
        LogError::Truncated { place, byte } => Error::Truncated { path, place, byte: byte + base },
        LogError::NotHar(reason) => Error::NotHar { path, reason },
    }
}

#[cfg(test)]
mod tests;
