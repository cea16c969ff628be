//! From the journal to the archive, and what a killed run left.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Error;
use super::journal::{Commit, JournalReader, Record};
use super::lock::ArchiveLock;
use super::progress::Progress;
use super::redaction::Redaction;
use super::restored::{DECODED, Restored, RestoredRequest, started};
use super::run_settings::RunSettings;
use super::ties::{Placed, Ties, ended};
use crate::archive::{ArchiveWriter, SortKey, WriteError, WriterOptions, Written, payload_hash, remove_killed_writers};
use crate::har::{Detail, Volatile};

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
        let own = folder.parent().unwrap_or(folder);
        let parent = own.parent().unwrap_or(own);
        let made = std::fs::create_dir_all(parent)
            .and_then(|()| private_folder(own))
            .and_then(|()| ignored_by_git(own))
            .and_then(|()| private_folder(folder));
        match made {
            Ok(()) => Ok(place),
            Err(source) => Err(Error::Folder { path: folder.to_owned(), source }),
        }
    }

    /// The same without making anything.
    pub(super) fn beside(archive: &Path) -> Self {
        let parent = archive.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = parent.join(".harmock").join(archive.file_name().unwrap_or(archive.as_os_str()));
        Self { journal: folder.join("journal"), lock: folder.join("lock") }
    }

    fn folder(&self) -> &Path {
        self.journal.parent().unwrap_or(Path::new("."))
    }
}

fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn ignored_by_git(folder: &Path) -> io::Result<()> {
    match File::options().write(true).create_new(true).open(folder.join(".gitignore")) {
        Ok(mut file) => file.write_all(b"*\n"),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// An archive that has been written.
#[derive(Debug, Clone)]
pub struct Finished {
    /// What the writer says.
    pub written: Written,
    /// Exchanges of this journal.
    pub exchanges: usize,
    /// A crash had cut the last record of the journal, or a body; that exchange is not in the archive.
    pub cut: bool,
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

/// Writes the archive from the journal, then removes the journal and its spool files. Blocks.
///
/// # Errors
///
/// When the journal cannot be read or the archive cannot be written; both are then as they were.
pub fn finish(archive: &Path, journal: &Path, progress: &Progress) -> Result<Finished, Error> {
    let finished = Finishing::new(archive, journal, progress)?.run(archive)?;
    discard(journal)?;
    Ok(finished)
}

/// The way from a journal to the archive, in passes: the first finds each record's place and all secrets, the last writes
/// the entries in their order; between them those are read again that hold secrets. In memory there are the places, and one exchange at a time.
pub(super) struct Finishing<'a> {
    archive: &'a Path,
    journal: &'a Path,
    /// Where the spool files are.
    folder: &'a Path,
    reader: JournalReader,
    options: WriterOptions,
    progress: &'a Progress,
    redaction: Redaction,
}

impl<'a> Finishing<'a> {
    /// Opens the journal of an archive.
    pub(super) fn new(archive: &'a Path, journal: &'a Path, progress: &'a Progress) -> Result<Self, Error> {
        let folder = journal.parent().unwrap_or(Path::new("."));
        let reader = JournalReader::open(journal)?;
        let RunSettings { archive: options, redact } = reader.settings().clone();
        let redaction = Redaction::new(&redact, archive, options.update);
        Ok(Self { archive, journal, folder, reader, options, progress, redaction })
    }

    /// Writes the archive to `target`: to its own place, or for whoever only wants to read it to another.
    pub(super) fn run(mut self, target: &Path) -> Result<Finished, Error> {
        let writer = ArchiveWriter::following(target, self.archive, self.options.clone());
        let mut writer = writer.map_err(|error| self.unwritten(error))?;
        let (mut places, cut) = self.places()?;
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
            let mut exchange = Restored::of(&record, self.folder)?;
            self.redaction.redact(&mut exchange)?;
            redacted += usize::from(!exchange.redacted.is_empty());
            exchange.cut()?;
            if exchange.undecoded {
                undecoded.push(exchange.request.url.as_str().to_owned());
            }
            writer.entry_at(key.clone(), &exchange.new_entry()).map_err(|error| self.unwritten(error))?;
            self.progress.written();
        }
        let note = |finished: &Path| match target == self.archive {
            true => Commit::of(finished)?.note(self.journal, whole),
            false => Ok(()),
        };
        let written = writer.finish_after(note).map_err(|error| self.unwritten(error))?;
        let Redaction { unread, unmatchable, echoed, .. } = self.redaction;
        Ok(Finished { written, exchanges, cut, undecoded, redacted, unread, echoed, unmatchable })
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
            self.redaction.note(&place.key, &mut Restored::of(&record, self.folder)?)?;
        }
        self.redaction.number_noted();
        Ok(())
    }

    /// What sorts each record that is whole and kept, with its position in the journal, and whether one is not.
    fn places(&mut self) -> Result<(Vec<Placed>, bool), Error> {
        let (mut places, mut cut) = (Vec::new(), false);
        for place in 0.. {
            let position = self.reader.position()?;
            let Some(mut record) = self.reader.next_record()? else { break };
            if record.has_its_bodies(self.folder) {
                let session = record.facts.session.take();
                let secrets = self.redaction.seek(&mut Restored::of(&record, self.folder)?)?;
                let ((key, _), ended) = (self.sort_key(&record)?, ended(&record));
                let holds_places = secrets.is_some();
                places.push((Placed { key, position, ended, holds_places, secrets }, place, session));
            } else {
                cut = true;
            }
        }
        let (kept, _) = self.reader.verdicts().keep(places);
        Ok((kept, cut || self.reader.cut()))
    }

    /// The key of a record, and what tells other secrets from those of its request.
    fn sort_key(&self, record: &Record) -> Result<(SortKey, Option<u64>), Error> {
        let mut request = RestoredRequest::of(record, self.folder)?;
        let secrets = self.redaction.mask(&mut request)?;
        let payload = payload_hash(&request.body.as_new_body()).map_err(|error| self.unwritten(error))?;
        let started = Some(started(&record.facts));
        let (url, method) = (request.url.as_str().into(), record.facts.method.as_str().into());
        Ok((SortKey { url, method, payload, started }, secrets))
    }

    /// From here on the order is that of the list.
    fn settle_ties(&mut self, places: &mut Vec<Placed>) -> Result<(), Error> {
        let volatile = Volatile::with(&self.options.volatile);
        let ties = Ties { folder: self.folder, redaction: &self.redaction, volatile: &volatile };
        ties.settle(places, &mut self.reader)?;
        places.iter_mut().for_each(|place| place.key.started = None);
        Ok(())
    }

    fn unwritten(&self, source: WriteError) -> Error {
        Error::Write { path: self.archive.to_owned(), journal: self.journal.to_owned(), source }
    }
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
