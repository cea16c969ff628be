//! The append-only file that holds every finished exchange until the archive is written.
//!
//! A record is a fixed head, the exchange's facts as JSON, and its two bodies as they came over the wire. A body too
//! large for the journal lies in a spool file that the head names by number. The checksum tells a record that was
//! cut by a crash from a whole one, so that everything before it can be read.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use super::Error;
use super::exchange::ExchangeFacts;

/// Opens every record; the digit is the version of the layout.
const MAGIC: &[u8; 4] = b"HMJ1";

/// Magic, facts length, two bodies, checksum.
const HEAD: usize = 4 + 4 + 2 * 17 + 8;

/// Facts are a few kilobytes; a length beyond this is a broken record.
const LONGEST_FACTS: u32 = 64 << 20;

/// Where the journal has one body of an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JournalBody {
    /// No body.
    None,
    /// In the record itself.
    Inline(Vec<u8>),
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

    fn inline(&self) -> &[u8] {
        if let Self::Inline(bytes) = self { bytes } else { &[] }
    }
}

/// One record read back.
#[derive(Debug)]
pub struct Record {
    /// The exchange without its bodies.
    pub facts: ExchangeFacts,
    /// The request body as it came.
    pub request: JournalBody,
    /// The response body as it came.
    pub response: JournalBody,
}

/// The spool file of a number, in the journal's folder.
pub fn spool_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("body-{number}"))
}

/// Appends records with one `write` each.
#[derive(Debug)]
pub struct JournalWriter {
    file: File,
    buffer: Vec<u8>,
    length: u64,
}

impl JournalWriter {
    /// Opens the journal for appending, making it if it is not there, readable by its owner alone.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut options = File::options();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        let length = file.metadata()?.len();
        Ok(Self { file, buffer: Vec::new(), length })
    }

    /// Appends one exchange. A record that could not be written whole is cut off again, so that later ones follow
    /// a whole one.
    ///
    /// # Errors
    ///
    /// What the system says; a full disk, most of the time.
    pub fn append(&mut self, facts: &ExchangeFacts, request: &JournalBody, response: &JournalBody) -> io::Result<()> {
        let json = serde_json::to_vec(facts).map_err(io::Error::other)?;
        let facts_length = u32::try_from(json.len()).map_err(io::Error::other)?;
        self.buffer.clear();
        self.buffer.extend_from_slice(MAGIC);
        self.buffer.extend_from_slice(&facts_length.to_le_bytes());
        for body in [request, response] {
            let (kind, length, number) = body.head();
            self.buffer.push(kind);
            self.buffer.extend_from_slice(&length.to_le_bytes());
            self.buffer.extend_from_slice(&number.to_le_bytes());
        }
        let checksum = checksum(&self.buffer, &[&json, request.inline(), response.inline()]);
        self.buffer.extend_from_slice(&checksum.to_le_bytes());
        self.buffer.extend_from_slice(&json);
        self.buffer.extend_from_slice(request.inline());
        self.buffer.extend_from_slice(response.inline());
        if let Err(error) = self.file.write_all(&self.buffer) {
            let _ = self.file.set_len(self.length);
            return Err(error);
        }
        self.length += self.buffer.len() as u64;
        Ok(())
    }
}

/// Reads records in the order in which they were appended.
#[derive(Debug)]
pub struct JournalReader {
    path: PathBuf,
    file: BufReader<File>,
    cut: bool,
}

impl JournalReader {
    /// Opens a journal from its start.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] when it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), file: BufReader::with_capacity(64 << 10, file), cut: false })
    }

    /// Whether the last record was cut by a crash; known once reading has come to the end.
    pub fn cut(&self) -> bool {
        self.cut
    }

    /// The position of the next record, in bytes; [`Self::seek`] comes back to it.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] when the system does not tell.
    pub fn position(&mut self) -> Result<u64, Error> {
        self.file.stream_position().map_err(|source| self.read_error(source))
    }

    /// Goes to a record by its position.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] when the system refuses.
    pub fn seek(&mut self, position: u64) -> Result<(), Error> {
        self.file.seek(SeekFrom::Start(position)).map(drop).map_err(|source| self.read_error(source))
    }

    /// The next whole record; `None` at the end, and at a record that was cut.
    ///
    /// # Errors
    ///
    /// [`Error::Journal`] when the file is no journal, [`Error::Read`] when it cannot be read.
    pub fn next_record(&mut self) -> Result<Option<Record>, Error> {
        let mut head = [0; HEAD];
        match self.fill(&mut head)? {
            0 => return Ok(None),
            HEAD => {}
            _ => return self.broken_off(),
        }
        if &head[..4] != MAGIC {
            return Err(Error::Journal { path: self.path.clone(), detail: "a record does not start with HMJ1".into() });
        }
        let facts_length = u32_at(&head, 4);
        if facts_length > LONGEST_FACTS {
            return self.broken_off();
        }
        let (kind_1, length_1, number_1) = (head[8], u64_at(&head, 9), u64_at(&head, 17));
        let (kind_2, length_2, number_2) = (head[25], u64_at(&head, 26), u64_at(&head, 34));
        let (Some(json), Some(request), Some(response)) = (
            self.take(u64::from(facts_length))?,
            self.take(if kind_1 == 1 { length_1 } else { 0 })?,
            self.take(if kind_2 == 1 { length_2 } else { 0 })?,
        ) else {
            return self.broken_off();
        };
        if checksum(&head[..HEAD - 8], &[&json, &request, &response]) != u64_at(&head, HEAD - 8) {
            return self.broken_off();
        }
        let facts = serde_json::from_slice(&json)
            .map_err(|error| Error::Journal { path: self.path.clone(), detail: error.to_string() })?;
        let body = |kind, bytes, length, number| match kind {
            1 => JournalBody::Inline(bytes),
            2 => JournalBody::Spooled { number, length },
            _ => JournalBody::None,
        };
        Ok(Some(Record {
            facts,
            request: body(kind_1, request, length_1, number_1),
            response: body(kind_2, response, length_2, number_2),
        }))
    }

    fn broken_off(&mut self) -> Result<Option<Record>, Error> {
        self.cut = true;
        Ok(None)
    }

    /// Reads until `buffer` is full or the file ends; gives how much was read.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.file.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(self.read_error(source)),
            }
        }
        Ok(filled)
    }

    /// `None` when the file ends first. Grows with what is there, so that a broken length asks for no memory.
    fn take(&mut self, length: u64) -> Result<Option<Vec<u8>>, Error> {
        let mut bytes = Vec::new();
        let read = self.file.by_ref().take(length).read_to_end(&mut bytes).map_err(|source| self.read_error(source))?;
        Ok((read as u64 == length).then_some(bytes))
    }

    fn read_error(&self, source: io::Error) -> Error {
        Error::Read { path: self.path.clone(), source }
    }
}

fn checksum(head: &[u8], parts: &[&[u8]]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(head);
    parts.iter().for_each(|part| hash.update(part));
    hash.digest()
}

fn u32_at(bytes: &[u8; HEAD], at: usize) -> u32 {
    bytes[at..at + 4].iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte))
}

fn u64_at(bytes: &[u8; HEAD], at: usize) -> u64 {
    bytes[at..at + 8].iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::har::FailureCause;
    use crate::record::exchange::{PhaseTimes, ResponseFacts};

    fn facts(number: u64) -> ExchangeFacts {
        ExchangeFacts {
            number,
            method: "GET".into(),
            url: "http://a/".into(),
            http_version: "HTTP/1.1".into(),
            fields: vec![("x".into(), "\u{e9}".into())],
            started: 0,
            response: ResponseFacts::failed(FailureCause::Dns, "no such host"),
            times: PhaseTimes::default(),
            server: None,
            connection: None,
        }
    }

    #[test]
    fn records_come_back_in_order_with_their_bodies() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let mut writer = JournalWriter::open(&path).unwrap();
        writer.append(&facts(0), &JournalBody::Inline(b"abc".to_vec()), &JournalBody::None).unwrap();
        drop(writer);
        let spooled = JournalBody::Spooled { number: 7, length: 9 };
        JournalWriter::open(&path).unwrap().append(&facts(1), &JournalBody::None, &spooled).unwrap();
        let mut reader = JournalReader::open(&path).unwrap();
        let first = reader.next_record().unwrap().unwrap();
        assert_eq!((first.facts.number, first.request), (0, JournalBody::Inline(b"abc".to_vec())));
        assert_eq!(first.facts.fields, [("x".to_owned(), "\u{e9}".to_owned())]);
        assert_eq!(reader.next_record().unwrap().unwrap().response, spooled);
        assert!(reader.next_record().unwrap().is_none() && !reader.cut());
    }

    #[test]
    fn a_record_cut_anywhere_leaves_those_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let mut writer = JournalWriter::open(&path).unwrap();
        writer.append(&facts(0), &JournalBody::None, &JournalBody::None).unwrap();
        let whole = std::fs::metadata(&path).unwrap().len();
        writer.append(&facts(1), &JournalBody::Inline(vec![1; 100]), &JournalBody::None).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        for end in whole as usize..bytes.len() {
            std::fs::write(&path, &bytes[..end]).unwrap();
            let mut reader = JournalReader::open(&path).unwrap();
            assert_eq!(reader.next_record().unwrap().unwrap().facts.number, 0);
            assert!(reader.next_record().unwrap().is_none(), "cut at {end}");
            assert_eq!(reader.cut(), end as u64 != whole, "cut at {end}");
        }
    }

    #[test]
    fn a_file_that_is_no_journal_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        std::fs::write(&path, [b'x'; 200]).unwrap();
        assert!(matches!(JournalReader::open(&path).unwrap().next_record(), Err(Error::Journal { .. })));
    }
}
