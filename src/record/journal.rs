//! The append-only file that holds every finished exchange until the archive is written.
//!
//! It begins with the run's settings, so that whoever finishes a killed run does so as that run would have. Then come
//! records: a fixed head, the exchange's facts as JSON, and its two bodies as they came over the wire. A body too
//! large for the journal lies in a spool file that the head names by number. The checksum tells a record that was
//! cut by a crash from a whole one, so that everything before it can be read. Where sessions decide what is kept of them, each
//! verdict is a record behind the exchanges that it is about. A last record names the archive that is
//! about to take its place: where that archive is there, the journal has done its work.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use xxhash_rust::xxh3::Xxh3;

use super::exchange::ExchangeFacts;
use super::run_settings::RunSettings;
use super::verdicts::Verdict;

pub use super::journal_reader::{JournalReader, Record};

/// Opens the file; the digit is the version of the layout.
pub(super) const MAGIC: &[u8; 4] = b"HMJ3";

/// Opens the record of an exchange.
pub(super) const EXCHANGE: &[u8; 4] = b"HMJx";

/// Opens the record of an archive that is about to take its place.
pub(super) const COMMIT: &[u8; 4] = b"HMJc";

/// Opens the record of what a session has decided.
pub(super) const VERDICT: &[u8; 4] = b"HMJv";

/// Facts are a few kilobytes; a length beyond this is that of a broken record.
pub(super) const LONGEST_FACTS: u64 = 64 << 20;

/// Bytes for records that are kept between writings.
const KEPT: usize = 256 << 10;

/// Of the file: magic, length of the settings, checksum.
pub(super) const FILE_HEAD: usize = 4 + 4 + 8;

/// Of an exchange: magic, facts length, two bodies, checksum.
pub(super) const HEAD: usize = 4 + 4 + 2 * 17 + 8;

/// Of a verdict without the session's name: magic, length of the name, verdict, checksum.
pub(super) const VERDICT_HEAD: usize = 4 + 4 + 1 + 8;

/// Of a commit: magic, length and digest of the archive, checksum.
pub(super) const COMMIT_LENGTH: usize = 4 + 8 + 8 + 8;

/// Where the journal has one body of an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JournalBody {
    /// No body.
    None,
    /// In the record itself.
    Inline(Bytes),
    /// In the spool file of this number, of this many bytes.
    Spooled {
        /// Names the file: `body-N`.
        number: u64,
        /// Bytes.
        length: u64,
    },
}

impl JournalBody {
    fn head(&self) -> (u8, u64, u64) {
        match self {
            Self::None => (0, 0, 0),
            Self::Inline(bytes) => (1, bytes.len() as u64, 0),
            Self::Spooled { number, length } => (2, *length, *number),
        }
    }

    /// The number of its spool file, where it has one.
    pub(super) fn number(&self) -> Option<u64> {
        if let Self::Spooled { number, .. } = self { Some(*number) } else { None }
    }

    fn inline(&self) -> &[u8] {
        if let Self::Inline(bytes) = self { bytes } else { &[] }
    }
}

/// The spool file of a number, in the journal's folder.
pub fn spool_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("body-{number}"))
}

/// Appends records: as many as have been added with one `write`.
#[derive(Debug)]
pub struct JournalWriter {
    file: File,
    /// Records that have been added and are not written.
    pending: Vec<u8>,
    /// Where each of them ends.
    ends: Vec<usize>,
    /// Of the file, as far as its records are whole.
    length: u64,
    /// What a failed write has left behind that could not be cut off.
    torn: bool,
}

impl JournalWriter {
    /// Makes the journal of a run, readable by its owner alone.
    ///
    /// # Errors
    ///
    /// What the system says; that the file is there already, for instance.
    pub fn create(path: &Path, settings: &RunSettings) -> io::Result<Self> {
        let mut options = File::options();
        options.create_new(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        let mut writer = Self { file, pending: Vec::new(), ends: Vec::new(), length: 0, torn: false };
        let json = serde_json::to_vec(settings).map_err(io::Error::other)?;
        let mut head = MAGIC.to_vec();
        head.extend_from_slice(&readable(json.len())?.to_le_bytes());
        let checksum = checksum(&head, &[&json]);
        head.extend_from_slice(&checksum.to_le_bytes());
        head.extend_from_slice(&json);
        writer.append(&head)?;
        Ok(writer)
    }

    /// Another handle of the file, for syncing it.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Adds one exchange to what the next [`Self::write`] writes.
    ///
    /// # Errors
    ///
    /// When its facts are too long; nothing is added then.
    pub fn add(&mut self, facts: &ExchangeFacts, request: &JournalBody, response: &JournalBody) -> io::Result<()> {
        let start = self.pending.len();
        self.pending.extend_from_slice(&[0; HEAD]);
        let added = serde_json::to_writer(&mut self.pending, facts).map_err(io::Error::other).and_then(|()| {
            let length = self.pending.len() - start - HEAD;
            readable(length)
        });
        let facts_length = added.inspect_err(|_| self.pending.truncate(start))?;
        self.pending.extend_from_slice(request.inline());
        self.pending.extend_from_slice(response.inline());
        let (head, content) = self.pending[start..].split_at_mut(HEAD);
        write_head(head, facts_length, [request, response], content);
        self.ends.push(self.pending.len());
        Ok(())
    }

    /// Adds what a session has decided about its exchanges so far to what the next [`Self::write`] writes.
    ///
    /// # Errors
    ///
    /// When its name is too long; nothing is added then.
    pub fn add_verdict(&mut self, session: &str, verdict: Verdict) -> io::Result<()> {
        let length = readable(session.len())?;
        let mut head = VERDICT.to_vec();
        head.extend_from_slice(&length.to_le_bytes());
        head.push(u8::from(verdict == Verdict::Commit));
        let checksum = checksum(&head, &[session.as_bytes()]);
        head.extend_from_slice(&checksum.to_le_bytes());
        self.pending.extend_from_slice(&head);
        self.pending.extend_from_slice(session.as_bytes());
        self.ends.push(self.pending.len());
        Ok(())
    }

    /// Bytes that have been added and are not written.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Writes what has been added, and tells of each record, in order, whether it is written. One that could not be
    /// written whole is cut off again, so that later ones follow a whole one.
    pub fn write(&mut self, mut outcome: impl FnMut(io::Result<()>)) {
        let (mut pending, ends) = (std::mem::take(&mut self.pending), std::mem::take(&mut self.ends));
        match self.append(&pending) {
            Ok(()) => ends.iter().for_each(|_| outcome(Ok(()))),
            Err(error) if ends.len() == 1 => outcome(Err(error)),
            // Where all together do not fit, some still may.
            Err(_) => {
                let starts = std::iter::once(0).chain(ends.iter().copied());
                starts.zip(&ends).for_each(|(start, end)| outcome(self.append(&pending[start..*end])));
            }
        }
        pending.clear();
        pending.shrink_to(KEPT);
        self.pending = pending;
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.torn {
            self.file.set_len(self.length)?;
            self.torn = false;
        }
        if let Err(error) = self.file.write_all(bytes) {
            self.torn = self.file.set_len(self.length).is_err();
            return Err(error);
        }
        self.length += bytes.len() as u64;
        Ok(())
    }
}

/// A length that the reader does not take for that of a broken record, behind which it would read nothing.
fn readable(length: usize) -> io::Result<u32> {
    let length = u32::try_from(length).map_err(io::Error::other)?;
    if u64::from(length) > LONGEST_FACTS {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "its fields are longer than a record may be"));
    }
    Ok(length)
}

/// Fills the head of a record whose facts and inline bodies are `content`.
fn write_head(head: &mut [u8], facts_length: u32, bodies: [&JournalBody; 2], content: &[u8]) {
    head[..4].copy_from_slice(EXCHANGE);
    head[4..8].copy_from_slice(&facts_length.to_le_bytes());
    for (at, body) in [8, 25].into_iter().zip(bodies) {
        let (kind, length, number) = body.head();
        head[at] = kind;
        head[at + 1..at + 9].copy_from_slice(&length.to_le_bytes());
        head[at + 9..at + 17].copy_from_slice(&number.to_le_bytes());
    }
    let checksum = checksum(&head[..HEAD - 8], &[content]);
    head[HEAD - 8..].copy_from_slice(&checksum.to_le_bytes());
}

/// An archive by its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commit {
    pub(super) length: u64,
    pub(super) digest: u64,
}

impl Commit {
    /// Of the archive file at `path`.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn of(path: &Path) -> io::Result<Self> {
        let mut file = BufReader::with_capacity(256 << 10, File::open(path)?);
        let (mut hash, mut length, mut buffer) = (Xxh3::new(), 0, [0; 64 << 10]);
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return Ok(Self { length, digest: hash.digest() }),
                Ok(read) => {
                    hash.update(&buffer[..read]);
                    length += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Notes in the journal, whose whole records end at `end`, that this archive is about to take its place, and waits
    /// for the disk. What a crash had left behind `end` gives way.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn note(self, journal: &Path, end: u64) -> io::Result<()> {
        let mut record = COMMIT.to_vec();
        record.extend_from_slice(&self.length.to_le_bytes());
        record.extend_from_slice(&self.digest.to_le_bytes());
        let checksum = checksum(&record, &[]);
        record.extend_from_slice(&checksum.to_le_bytes());
        let mut file = File::options().append(true).open(journal)?;
        file.set_len(end)?;
        file.write_all(&record)?;
        file.sync_data()
    }
}

pub(super) fn checksum(head: &[u8], parts: &[&[u8]]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(head);
    parts.iter().for_each(|part| hash.update(part));
    hash.digest()
}

#[cfg(test)]
mod tests;
