//! From the journal to the archive, and what a killed run left.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::NamedTempFile;

use super::Error;
use super::exchange::{ExchangeFacts, ResponseFacts, latin1_bytes};
use super::journal::{JournalBody, JournalReader, Record, spool_path};
use super::stream_cuts::Streamed;
use crate::archive::{ArchiveWriter, WriterOptions, Written};
use crate::har::write::{HttpVersion, NewAnswer, NewBody, NewEntry, NewRequest, NewResponse, Times, WireSize};
use crate::har::{Chunk, FailureCause, Field};
use crate::message::CanonicalUrl;
use crate::message::coding::{Coding, codings, decoder};

/// A decoded body up to this size stays in memory while its entry is written.
const IN_MEMORY: u64 = 1 << 20;

/// Where the files of a recording are.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) journal: PathBuf,
    pub(super) lock: PathBuf,
    /// There while the journal's exchanges are to be added to the archive instead of taking its place.
    append: PathBuf,
}

impl Place {
    /// Makes `.harmock/NAME/` beside the archive, for its owner alone and ignored by git.
    pub(super) fn of(archive: &Path) -> Result<Self, Error> {
        let parent = archive.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = archive.file_name().unwrap_or(archive.as_os_str());
        let own = parent.join(".harmock");
        let folder = own.join(name);
        let made = std::fs::create_dir_all(parent)
            .and_then(|()| private_folder(&own))
            .and_then(|()| ignored_by_git(&own))
            .and_then(|()| private_folder(&folder));
        match made {
            Ok(()) => {
                Ok(Self { journal: folder.join("journal"), lock: folder.join("lock"), append: folder.join("append") })
            }
            Err(source) => Err(Error::Folder { path: folder, source }),
        }
    }

    /// Notes what is to become of the journal about to be started, for the run that may have to finish it.
    pub(super) fn note_append(&self, append: bool) -> Result<(), Error> {
        let noted = match append {
            true => std::fs::write(&self.append, ""),
            false => match std::fs::remove_file(&self.append) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                other => other,
            },
        };
        noted.map_err(|source| Error::Folder { path: self.append.clone(), source })
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
    /// The journal ended in a record that a crash had cut.
    pub cut: bool,
    /// Bodies whose content coding could not be undone: kept as they came.
    pub undecoded: Vec<String>,
}

/// Writes the archive from the journal, then removes the journal and its spool files. Blocks.
///
/// # Errors
///
/// When the journal cannot be read or the archive cannot be written; both are then as they were.
pub fn finish(archive: &Path, journal: &Path, options: &WriterOptions, append: bool) -> Result<Finished, Error> {
    let write_error = |source| Error::Write { path: archive.to_owned(), journal: journal.to_owned(), source };
    let folder = journal.parent().unwrap_or(Path::new("."));
    let mut writer = ArchiveWriter::create(archive, *options).map_err(write_error)?;
    if append && archive.exists() {
        writer.carry_over(archive).map_err(write_error)?;
    }
    let mut reader = JournalReader::open(journal)?;
    let mut exchanges = 0;
    let mut undecoded = Vec::new();
    while let Some(record) = reader.next_record()? {
        let entry = Restored::of(&record, folder)?;
        if entry.undecoded {
            undecoded.push(record.facts.url.clone());
        }
        writer.entry(&entry.new_entry()).map_err(write_error)?;
        exchanges += 1;
    }
    let written = writer.finish().map_err(write_error)?;
    discard(journal)?;
    Ok(Finished { written, exchanges, cut: reader.cut(), undecoded })
}

/// Finishes what a killed run left in the journal: its exchanges take their place as that run would have put them.
pub(super) fn recover(archive: &Path, place: &Place, options: &WriterOptions) -> Result<Option<Finished>, Error> {
    if !place.journal.exists() {
        return Ok(None);
    }
    let holds_any = JournalReader::open(&place.journal)?.next_record()?.is_some();
    if !holds_any {
        discard(&place.journal)?;
        return Ok(None);
    }
    finish(archive, &place.journal, options, place.append.exists()).map(Some)
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

/// Names the files of decoded bodies.
const DECODED: &str = "decoded-";

/// A record with its bodies decoded.
struct Restored<'a> {
    facts: &'a ExchangeFacts,
    url: CanonicalUrl,
    request_fields: Vec<Field>,
    request: Decoded,
    request_wire: u64,
    response_fields: Vec<Field>,
    trailers: Vec<Field>,
    response: Decoded,
    response_wire: u64,
    chunks: Vec<Chunk>,
    connection: Option<String>,
    undecoded: bool,
}

impl<'a> Restored<'a> {
    fn of(record: &'a Record, folder: &Path) -> Result<Self, Error> {
        let facts = &record.facts;
        let url = CanonicalUrl::parse(&facts.url).ok_or_else(|| Error::Journal {
            path: folder.join("journal"),
            detail: format!("the URL {:?} is not one", facts.url),
        })?;
        let request_fields = restore_fields(&facts.fields);
        let (response_fields, trailers) = match &facts.response {
            ResponseFacts::Answered { fields, trailers, .. } => (restore_fields(fields), restore_fields(trailers)),
            ResponseFacts::Failed { .. } => (Vec::new(), Vec::new()),
        };
        // A request body is kept as it was sent: replay compares what arrives, coded or not.
        let request = Decoded::plain(&record.request, folder);
        let (response, undecoded) = Decoded::of(&record.response, &response_fields, folder)?;
        let codings = if undecoded { Vec::new() } else { codings_of(&response_fields).unwrap_or_default() };
        let (wire, stored) = (|| as_it_came(&record.response, folder), || response.reader());
        let streamed = Streamed { frames: &facts.frames, codings: &codings, wire: &wire, stored: &stored };
        let chunks = streamed.chunks(&response_fields)?;
        Ok(Self {
            facts,
            url,
            request_fields,
            request,
            request_wire: wire_length(&record.request),
            response_fields,
            trailers,
            response,
            response_wire: wire_length(&record.response),
            chunks,
            connection: facts.connection.map(|id| id.to_string()),
            undecoded,
        })
    }

    fn new_entry(&self) -> NewEntry<'_> {
        let answer = match &self.facts.response {
            ResponseFacts::Answered { status, reason, http_version, end, .. } => NewAnswer::Answered(NewResponse {
                status: *status,
                reason,
                version: version(http_version),
                fields: &self.response_fields,
                body: self.response.as_new_body(),
                encoded: self.undecoded,
                trailers: &self.trailers,
                end: *end,
                chunks: &self.chunks,
                size: WireSize { headers: None, body: Some(self.response_wire) },
            }),
            ResponseFacts::Failed { cause, detail } => {
                NewAnswer::Failed { cause: FailureCause::parse(cause).unwrap_or(FailureCause::Protocol), detail }
            }
        };
        NewEntry {
            request: NewRequest {
                method: &self.facts.method,
                url: &self.url,
                version: version(&self.facts.http_version),
                fields: &self.request_fields,
                body: self.request.as_new_body(),
                size: WireSize { headers: None, body: Some(self.request_wire) },
            },
            answer,
            times: Some(self.times()),
            server_ip: self.facts.server.map(|(ip, _)| ip),
            server_port: self.facts.server.map(|(_, port)| port),
            connection: self.connection.as_deref(),
        }
    }

    fn times(&self) -> Times {
        let times = self.facts.times;
        let started = Duration::from_micros(u64::try_from(self.facts.started).unwrap_or_default());
        Times {
            started: SystemTime::UNIX_EPOCH + started,
            blocked: None,
            dns: times.dns,
            connect: times.connect,
            ssl: times.ssl,
            send: Some(0.0),
            wait: Some(times.wait),
            receive: Some(times.receive),
        }
    }
}

/// A body as the archive keeps it.
enum Decoded {
    None,
    Memory(Vec<u8>),
    /// A spool file that is stored as it is.
    Spooled(PathBuf),
    /// Too large for memory; removed when dropped.
    Temporary(NamedTempFile),
}

impl Decoded {
    fn plain(body: &JournalBody, folder: &Path) -> Self {
        match body {
            JournalBody::None => Self::None,
            JournalBody::Inline(bytes) => Self::Memory(bytes.clone()),
            JournalBody::Spooled { number, .. } => Self::Spooled(spool_path(folder, *number)),
        }
    }

    /// The body without its content coding, and whether the coding could not be undone.
    fn of(body: &JournalBody, fields: &[Field], folder: &Path) -> Result<(Self, bool), Error> {
        let plain = Self::plain(body, folder);
        let codings = match codings_of(fields) {
            Some(codings) if codings.is_empty() => return Ok((plain, false)),
            Some(codings) => codings,
            None => return Ok((plain, true)),
        };
        let Some(coded) = plain.reader()? else { return Ok((plain, false)) };
        match decoder(&codings, coded).and_then(|reader| read_out(reader, folder)) {
            Ok(decoded) => Ok((decoded, false)),
            Err(_not_in_that_coding) => Ok((plain, true)),
        }
    }

    fn reader(&self) -> Result<Option<Box<dyn Read + '_>>, Error> {
        Ok(match self {
            Self::Memory(bytes) if !bytes.is_empty() => Some(Box::new(&bytes[..])),
            Self::Spooled(path) => Some(Box::new(open(path)?)),
            Self::Temporary(file) => Some(Box::new(open(file.path())?)),
            _ => None,
        })
    }

    fn as_new_body(&self) -> NewBody<'_> {
        match self {
            Self::None => NewBody::None,
            Self::Memory(bytes) => NewBody::Bytes(bytes),
            Self::Spooled(path) => NewBody::File(path),
            Self::Temporary(file) => NewBody::File(file.path()),
        }
    }
}

/// A body under its content coding.
fn as_it_came<'a>(body: &'a JournalBody, folder: &Path) -> Result<Option<Box<dyn Read + 'a>>, Error> {
    Ok(match body {
        JournalBody::None => None,
        JournalBody::Inline(bytes) => Some(Box::new(&bytes[..])),
        JournalBody::Spooled { number, .. } => Some(Box::new(open(&spool_path(folder, *number))?)),
    })
}

fn open(path: &Path) -> Result<File, Error> {
    File::open(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

/// As `content-encoding` lists them; none where one is unknown.
fn codings_of(fields: &[Field]) -> Option<Vec<Coding>> {
    codings(fields.iter().filter(|field| &*field.name == "content-encoding").map(|field| &*field.value))
}

/// Reads a decoder to its end: into memory while the body is small, else into a file.
fn read_out(mut reader: Box<dyn Read + '_>, folder: &Path) -> io::Result<Decoded> {
    let mut head = Vec::new();
    reader.by_ref().take(IN_MEMORY).read_to_end(&mut head)?;
    if (head.len() as u64) < IN_MEMORY {
        return Ok(Decoded::Memory(head));
    }
    let mut file = tempfile::Builder::new().prefix(DECODED).tempfile_in(folder)?;
    file.write_all(&head)?;
    io::copy(&mut reader, &mut file)?;
    file.flush()?;
    Ok(Decoded::Temporary(file))
}

fn restore_fields(fields: &[(String, String)]) -> Vec<Field> {
    fields.iter().map(|(name, value)| Field { name: name.as_str().into(), value: latin1_bytes(value).into() }).collect()
}

fn wire_length(body: &JournalBody) -> u64 {
    match body {
        JournalBody::None => 0,
        JournalBody::Inline(bytes) => bytes.len() as u64,
        JournalBody::Spooled { length, .. } => *length,
    }
}

fn version(text: &str) -> HttpVersion {
    [HttpVersion::Http10, HttpVersion::Http2].into_iter().find(|v| v.as_str() == text).unwrap_or(HttpVersion::Http11)
}
