//! From the journal to the archive, and what a killed run left.

use std::io;
use std::path::{Path, PathBuf};

use super::Error;
use super::journal::{Commit, JournalReader, Record};
use super::lock::ArchiveLock;
use super::progress::Progress;
use super::redaction::Redaction;
use super::restored::{BodyFolders, DECODED, Restored, RestoredRequest, started};
use super::run_settings::RunSettings;
use super::ties::{Placed, Ties, ended};
use crate::archive::{
    ArchiveWriter, GIT_IGNORE, SortKey, WriteError, WriterOptions, Written, create_private, payload_hash,
    private_folder, remove_killed_writers,
};
use crate::har::{Detail, Volatile};
use crate::redact::shown_url;

/// Where the files of a recording are.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) journal: PathBuf,
    pub(super) lock: PathBuf,
}

impl Place {
    /// Makes `.harmock/NAME/` beside the archive, for its owner alone and ignored by git.
    pub(super) fn of(archive: &Path) -> Result<Self, Error> {
        let place = Self::beside(archive);
        let folder = place.folder();
        let make = || {
            private_folder(beside(archive)).map_err(|error| match error {
                WriteError::Io { path, source, .. } => Error::Folder { path, source },
                other => Error::Workspace(other),
            })?;
            match create_private(folder) {
                Err(source) if !folder.is_dir() => Err(Error::Folder { path: folder.to_owned(), source }),
                _ => Ok(()),
            }
        };
        match make() {
            // A command that ends has just taken away what it had made.
            Err(Error::Folder { source, .. }) if source.kind() == io::ErrorKind::NotFound => make()?,
            made => made?,
        }
        Ok(place)
    }

    /// What of it is not there.
    pub(super) fn missing(&self) -> Folders {
        Folders { own: !self.own().exists(), archive: !self.folder().exists() }
    }

    /// Removes the folders that were made for the lock alone, by whoever holds that. Where a file that is open cannot be
    /// told from another of its name, nothing is.
    pub(super) fn remove(&self, new: Folders) {
        if !cfg!(unix) || !new.archive || self.journal.exists() {
            return;
        }
        let own = self.own();
        let removed = std::fs::remove_file(&self.lock).and_then(|()| std::fs::remove_dir(self.folder()));
        if removed.is_err() || !new.own {
            return;
        }
        let removed = std::fs::remove_file(own.join(GIT_IGNORE)).and_then(|()| std::fs::remove_dir(own));
        if removed.is_err() && own.exists() {
            // Somebody else keeps something there.
            let _ = own.parent().map(private_folder);
        }
    }

    /// The same without making anything.
    pub(super) fn beside(archive: &Path) -> Self {
        let folder = beside(archive).join(".harmock").join(archive.file_name().unwrap_or(archive.as_os_str()));
        Self { journal: folder.join("journal"), lock: folder.join("lock") }
    }

    fn folder(&self) -> &Path {
        self.journal.parent().unwrap_or(Path::new("."))
    }

    /// `.harmock`.
    fn own(&self) -> &Path {
        self.folder().parent().unwrap_or(self.folder())
    }
}

/// The folder of an archive.
fn beside(archive: &Path) -> &Path {
    archive.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The folders of a place: `.harmock`, and that of the archive in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Folders {
    own: bool,
    archive: bool,
}

/// An archive that has been written.
#[derive(Debug, Clone, Default)]
pub struct Finished {
    /// What the writer says.
    pub written: Written,
    /// Exchanges of this journal.
    pub exchanges: usize,
    /// A crash had cut the last record of the journal; that exchange is not in the archive.
    pub cut: bool,
    /// Exchanges with a body that a power loss has cut or that somebody has removed, as `METHOD URL`: they are not in the
    /// archive.
    pub bodies_lost: Vec<String>,
    /// Bodies whose content coding could not be undone: kept as they came.
    pub undecoded: Vec<String>,
    /// Entries in which secrets were replaced.
    pub redacted: usize,
    /// Bodies in which nobody looked for secrets, and why.
    pub unread: Vec<String>,
    /// Exchanges that still hold a secret outside its place, as `METHOD URL`.
    pub echoed: Vec<String>,
    /// Requests redacted in what Playwright compares, as `METHOD URL`.
    pub unmatchable: Vec<String>,
}

/// Writes the archive from the journal, then removes the journal and its spool files. Where nothing in the journal is
/// whole, the archive stays as it is. Blocks.
///
/// # Errors
///
/// When the journal cannot be read or the archive cannot be written; both are then as they were.
pub fn finish(archive: &Path, journal: &Path, progress: &Progress) -> Result<Finished, Error> {
    let finished = Finishing::new(archive, journal, archive, progress)?.run()?;
    discard(journal)?;
    Ok(finished)
}

/// The way from a journal to the archive, in passes: the first finds each record's place and all secrets, the last writes
/// the entries in their order; between them those are read again that hold secrets. In memory there are the places, and
/// one exchange at a time.
pub(super) struct Finishing<'a> {
    archive: &'a Path,
    journal: &'a Path,
    /// Where it is written to: its own place, or for whoever only wants to read it another.
    target: &'a Path,
    folders: BodyFolders<'a>,
    reader: JournalReader,
    options: WriterOptions,
    progress: &'a Progress,
    redaction: Redaction,
}

impl<'a> Finishing<'a> {
    /// Opens the journal of an archive, which is to be written to `target`. Whoever only reads leaves nothing beside the
    /// journal.
    pub(super) fn new(
        archive: &'a Path,
        journal: &'a Path,
        target: &'a Path,
        progress: &'a Progress,
    ) -> Result<Self, Error> {
        let spool = journal.parent().unwrap_or(Path::new("."));
        let folders = BodyFolders { spool, decoded: if target == archive { spool } else { beside(target) } };
        let reader = JournalReader::open(journal)?;
        let RunSettings { archive: options, redact } = reader.settings().clone();
        let redaction = Redaction::new(&redact, archive, options.update);
        Ok(Self { archive, journal, target, folders, reader, options, progress, redaction })
    }

    /// Writes the archive, unless no exchange is there for it.
    pub(super) fn run(mut self) -> Result<Finished, Error> {
        let (mut places, bodies_lost) = self.places()?;
        let cut = self.reader.cut();
        if places.is_empty() {
            return Ok(Finished { cut, bodies_lost, ..Finished::default() });
        }
        let writer = ArchiveWriter::following(self.target, self.archive, self.options.clone());
        let mut writer = writer.map_err(|error| self.unwritten(error))?;
        let whole = self.reader.whole();
        self.mask_echoes(&mut places)?;
        places.sort_by(|a, b| a.key.compare(&b.key, self.options.detail));
        if self.options.detail == Detail::Minimal {
            self.settle_ties(&mut places)?;
        }
        let exchanges = places.len();
        self.progress.begin(exchanges);
        self.number_secrets(&places)?;
        let (mut undecoded, mut redacted) = (Vec::new(), 0);
        for Placed { key, position, .. } in &places {
            let record = self.reader.record_at(*position)?;
            let mut exchange = Restored::of(&record, self.folders)?;
            self.redaction.redact(&mut exchange)?;
            redacted += usize::from(!exchange.redacted.is_empty());
            exchange.cut()?;
            if exchange.undecoded {
                undecoded.push(exchange.request.url.as_str().to_owned());
            }
            writer.entry_at(key.clone(), &exchange.new_entry()).map_err(|error| self.unwritten(error))?;
            self.progress.written();
        }
        let note = |finished: &Path| match self.target == self.archive {
            true => Commit::of(finished)?.note(self.journal, whole),
            false => Ok(()),
        };
        let written = writer.finish_after(note).map_err(|error| self.unwritten(error))?;
        let Redaction { unread, unmatchable, echoed, .. } = self.redaction;
        Ok(Finished { written, exchanges, cut, bodies_lost, undecoded, redacted, unread, echoed, unmatchable })
    }

    /// Finds another place for requests in which a secret stands that only a later exchange told to be one.
    fn mask_echoes(&mut self, places: &mut [Placed]) -> Result<(), Error> {
        if !self.redaction.all_sought() {
            return Ok(());
        }
        for place in places {
            let record = self.reader.record_at(place.position)?;
            let (key, secrets) = self.sort_key(&record)?;
            place.key = key;
            place.secrets =
                secrets.map(|asked| asked ^ place.secrets.unwrap_or_default().rotate_left(1)).or(place.secrets);
        }
        Ok(())
    }

    /// Goes over the exchanges that hold secrets, for what stands for these: numbers in the order of the archive, or the
    /// values that were redacted in the archive before.
    fn number_secrets(&mut self, places: &[Placed]) -> Result<(), Error> {
        if !self.redaction.numbers_first() {
            return Ok(());
        }
        for place in places.iter().filter(|place| place.holds_places) {
            let record = self.reader.record_at(place.position)?;
            self.redaction.note(&place.key, &mut Restored::of(&record, self.folders)?)?;
        }
        self.redaction.number_noted();
        Ok(())
    }

    /// What sorts each record that is kept, with its position in the journal, and those whose bodies are lost.
    fn places(&mut self) -> Result<(Vec<Placed>, Vec<String>), Error> {
        let mut records = Vec::new();
        for place in 0.. {
            let position = self.reader.position()?;
            let Some(mut record) = self.reader.next_record()? else { break };
            let session = record.facts.session.take();
            let found = match record.has_its_bodies(self.folders.spool) {
                true => Ok(self.placed(&record, position)?),
                false => Err(named(&record)),
            };
            records.push((found, place, session));
        }
        let (kept, _) = self.reader.verdicts().keep(records);
        let (mut places, mut lost) = (Vec::with_capacity(kept.len()), Vec::new());
        for found in kept {
            match found {
                Ok(place) => places.push(place),
                Err(name) => lost.push(name),
            }
        }
        Ok((places, lost))
    }

    /// Where a record is and what tells its place in the archive; its secrets are known from here on.
    fn placed(&mut self, record: &Record, position: u64) -> Result<Placed, Error> {
        let secrets = match self.redaction.is_on() {
            true => self.redaction.seek(&mut Restored::of(record, self.folders)?)?,
            false => None,
        };
        let ((key, _), ended) = (self.sort_key(record)?, ended(record));
        Ok(Placed { key, position, ended, holds_places: secrets.is_some(), secrets })
    }

    /// The key of a record, and what tells other secrets from those of its request.
    fn sort_key(&self, record: &Record) -> Result<(SortKey, Option<u64>), Error> {
        let mut request = RestoredRequest::of(record, self.folders.spool)?;
        let secrets = self.redaction.mask(&mut request)?;
        let payload = payload_hash(&request.body.as_new_body()).map_err(|error| self.unwritten(error))?;
        let started = Some(started(&record.facts));
        let (url, method) = (request.url.as_str().into(), record.facts.method.as_str().into());
        Ok((SortKey { url, method, payload, started }, secrets))
    }

    /// From here on the order is that of the list.
    fn settle_ties(&mut self, places: &mut Vec<Placed>) -> Result<(), Error> {
        let volatile = Volatile::with(&self.options.volatile);
        let ties = Ties { folders: self.folders, redaction: &self.redaction, volatile: &volatile };
        ties.settle(places, &mut self.reader)?;
        places.iter_mut().for_each(|place| place.key.started = None);
        Ok(())
    }

    fn unwritten(&self, source: WriteError) -> Error {
        Error::Write { path: self.archive.to_owned(), journal: self.journal.to_owned(), source }
    }
}

/// What people are told of an exchange: `METHOD URL`.
fn named(record: &Record) -> String {
    format!("{} {}", record.facts.method, shown_url(&record.facts.url))
}

/// Finishes what a killed run left in the journal: its exchanges take their place as that run would have put them.
pub(super) fn recover(archive: &Path, place: &Place) -> Result<Option<Finished>, Error> {
    place.folder().parent().into_iter().for_each(remove_killed_writers);
    if !place.journal.exists() {
        return Ok(None);
    }
    if left(archive, place)? == 0 {
        discard(&place.journal)?;
        return Ok(None);
    }
    finish(archive, &place.journal, &Progress::default()).map(Some)
}

/// How many exchanges a journal holds that are kept and not in the archive yet.
pub(super) fn left(archive: &Path, place: &Place) -> Result<usize, Error> {
    let mut reader = JournalReader::open(&place.journal)?;
    let mut exchanges = Vec::new();
    while let Some(record) = reader.next_record()? {
        exchanges.push(((), exchanges.len(), record.facts.session));
    }
    let exchanges = reader.verdicts().keep(exchanges).0.len();
    let in_place = reader.commit().is_some_and(|commit| Commit::of(archive).is_ok_and(|there| there == commit));
    Ok(if in_place { 0 } else { exchanges })
}

/// Finishes what a killed run on this archive left, if it left anything; makes nothing where it did not. Blocks.
///
/// # Errors
///
/// When another run records into the archive, or the recording cannot be finished.
pub fn finish_killed(archive: &Path) -> Result<Option<Finished>, Error> {
    let place = Place::beside(archive);
    if !place.journal.exists() {
        return Ok(None);
    }
    let _lock = ArchiveLock::take(&place.lock, archive)?;
    recover(archive, &place)
}

/// Removes a journal and its spool files.
pub(super) fn discard(journal: &Path) -> Result<(), Error> {
    let folder = journal.parent().unwrap_or(Path::new("."));
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| is_spooled(&entry.file_name().to_string_lossy())) {
        let _ = std::fs::remove_file(entry.path());
    }
    match std::fs::remove_file(journal) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(Error::Folder { path: journal.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Bodies in the journal's folder: as they came, and as a finish that was killed had decoded them.
fn is_spooled(name: &str) -> bool {
    name.starts_with("body-") || name.starts_with(DECODED)
}
