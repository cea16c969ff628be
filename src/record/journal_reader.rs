//! Reading a journal back, as far as it is whole.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::Error;
use super::exchange::ExchangeFacts;
use super::journal::{
    COMMIT, COMMIT_LENGTH, Commit, EXCHANGE, FILE_HEAD, HEAD, JournalBody, LONGEST_FACTS, MAGIC, VERDICT, VERDICT_HEAD,
    checksum, spool_path,
};
use super::run_settings::RunSettings;
use super::verdicts::{Verdict, Verdicts};

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

impl Record {
    /// Whether the spool files that it names, in `folder`, are as long as they were; a power loss may have cut them.
    pub fn has_its_bodies(&self, folder: &Path) -> bool {
        [&self.request, &self.response].into_iter().all(|body| match body {
            JournalBody::Spooled { number, length } => {
                std::fs::metadata(spool_path(folder, *number)).is_ok_and(|file| file.len() == *length)
            }
            _ => true,
        })
    }
}

/// Reads records in the order in which they were appended.
#[derive(Debug)]
pub struct JournalReader {
    path: PathBuf,
    file: BufReader<File>,
    settings: RunSettings,
    commit: Option<Commit>,
    /// Exchanges that were read, and what sessions decided about them.
    exchanges: usize,
    verdicts: Verdicts,
    /// Where the last whole record ends.
    whole: u64,
    cut: bool,
}

impl JournalReader {
    /// Opens a journal from its start. One that a crash has cut before its first record has none.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] when it cannot be read, [`Error::Journal`] when the file is no journal.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        let file = BufReader::with_capacity(64 << 10, file);
        let settings = RunSettings::default();
        let mut reader = Self {
            path: path.to_owned(),
            file,
            settings,
            commit: None,
            exchanges: 0,
            verdicts: Verdicts::default(),
            whole: 0,
            cut: false,
        };
        reader.read_settings()?;
        Ok(reader)
    }

    /// How the run was to end.
    pub fn settings(&self) -> &RunSettings {
        &self.settings
    }

    /// The archive that was about to take its place when the run was killed; known once reading has come to the end.
    pub fn commit(&self) -> Option<Commit> {
        self.commit
    }

    /// What sessions have decided; known once reading has come from the start to the end.
    pub fn verdicts(&self) -> &Verdicts {
        &self.verdicts
    }

    /// Whether the last record was cut by a crash; known once reading has come to the end.
    pub fn cut(&self) -> bool {
        self.cut
    }

    /// Where the last whole record ends, of those that were read, in bytes.
    pub fn whole(&self) -> u64 {
        self.whole
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
        self.cut = false;
        self.file.seek(SeekFrom::Start(position)).map(drop).map_err(|source| self.read_error(source))
    }

    /// The next whole record of an exchange; `None` at the end, and at a record that was cut.
    ///
    /// # Errors
    ///
    /// [`Error::Journal`] when a whole record cannot be understood, [`Error::Read`] when the file cannot be read.
    pub fn next_record(&mut self) -> Result<Option<Record>, Error> {
        while !self.cut {
            let mut magic = [0; 4];
            match self.fill(&mut magic)? {
                0 => break,
                4 if magic == *EXCHANGE => return self.exchange(),
                4 if magic == *COMMIT => self.read_commit()?,
                4 if magic == *VERDICT => self.read_verdict()?,
                // Blocks that a power loss has left empty, for instance.
                _ => self.cut = true,
            }
        }
        Ok(None)
    }

    /// The whole record at a position where one was before.
    ///
    /// # Errors
    ///
    /// As [`Self::next_record`], and where there is none any more.
    pub fn record_at(&mut self, position: u64) -> Result<Record, Error> {
        self.seek(position)?;
        let record = self.next_record()?;
        record.ok_or_else(|| self.broken("it changed while it was read".to_owned()))
    }

    fn read_settings(&mut self) -> Result<(), Error> {
        let mut head = [0; FILE_HEAD];
        let filled = self.fill(&mut head)?;
        let known = filled.min(MAGIC.len());
        if head[..known] != MAGIC[..known] {
            return Err(self.broken(format!("it does not start with {}", String::from_utf8_lossy(MAGIC))));
        }
        let length = u64::from(u32_at(&head, 4));
        let json = if filled == FILE_HEAD && length <= LONGEST_FACTS { self.take(length)? } else { None };
        match json.filter(|json| checksum(&head[..FILE_HEAD - 8], &[json]) == u64_at(&head, FILE_HEAD - 8)) {
            Some(json) => {
                self.settings = serde_json::from_slice(&json).map_err(|error| self.broken(error.to_string()))?;
                self.whole = FILE_HEAD as u64 + length;
            }
            None => self.cut = filled > 0,
        }
        Ok(())
    }

    fn read_commit(&mut self) -> Result<(), Error> {
        let mut record = [0; COMMIT_LENGTH];
        record[..4].copy_from_slice(COMMIT);
        let whole = self.fill(&mut record[4..])? == COMMIT_LENGTH - 4
            && checksum(&record[..COMMIT_LENGTH - 8], &[]) == u64_at(&record, COMMIT_LENGTH - 8);
        if whole {
            self.commit = Some(Commit { length: u64_at(&record, 4), digest: u64_at(&record, 12) });
            self.whole = self.whole.max(self.position()?);
        }
        self.cut = !whole;
        Ok(())
    }

    fn read_verdict(&mut self) -> Result<(), Error> {
        let mut head = [0; VERDICT_HEAD];
        head[..4].copy_from_slice(VERDICT);
        let filled = self.fill(&mut head[4..])?;
        let length = u64::from(u32_at(&head, 4));
        let whole = filled == VERDICT_HEAD - 4 && length <= LONGEST_FACTS;
        let name = if whole { self.take(length)? } else { None };
        let intact = |name: &Vec<u8>| checksum(&head[..VERDICT_HEAD - 8], &[name]) == u64_at(&head, VERDICT_HEAD - 8);
        let Some(name) = name.filter(intact) else {
            self.cut = true;
            return Ok(());
        };
        let verdict = if head[8] == 1 { Verdict::Commit } else { Verdict::Rollback };
        self.verdicts.add(self.exchanges, String::from_utf8_lossy(&name).into_owned(), verdict);
        self.whole = self.whole.max(self.position()?);
        Ok(())
    }

    /// An exchange, whose magic has been read.
    fn exchange(&mut self) -> Result<Option<Record>, Error> {
        let mut head = [0; HEAD];
        head[..4].copy_from_slice(EXCHANGE);
        if self.fill(&mut head[4..])? < HEAD - 4 {
            return self.broken_off();
        }
        let facts_length = u64::from(u32_at(&head, 4));
        if facts_length > LONGEST_FACTS {
            return self.broken_off();
        }
        let (kind_1, length_1, number_1) = (head[8], u64_at(&head, 9), u64_at(&head, 17));
        let (kind_2, length_2, number_2) = (head[25], u64_at(&head, 26), u64_at(&head, 34));
        let (Some(json), Some(request), Some(response)) = (
            self.take(facts_length)?,
            self.take(if kind_1 == 1 { length_1 } else { 0 })?,
            self.take(if kind_2 == 1 { length_2 } else { 0 })?,
        ) else {
            return self.broken_off();
        };
        if checksum(&head[..HEAD - 8], &[&json, &request, &response]) != u64_at(&head, HEAD - 8) {
            return self.broken_off();
        }
        self.whole = self.whole.max(self.position()?);
        self.exchanges += 1;
        let facts = serde_json::from_slice(&json).map_err(|error| self.broken(error.to_string()))?;
        let body = |kind, bytes, length, number| match kind {
            1 => JournalBody::Inline(Bytes::from(bytes)),
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

    fn broken(&self, detail: String) -> Error {
        Error::Journal { path: self.path.clone(), detail }
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 8].iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}
