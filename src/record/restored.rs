//! An exchange of the journal as it goes into the archive: its bodies decoded, its values still to be redacted.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::NamedTempFile;

use super::Error;
use super::exchange::{ExchangeFacts, ResponseFacts, WireFields, latin1_bytes};
use super::journal::{JournalBody, Record, spool_path};
use super::stream_cuts::{arrived, chunks};
use crate::har::cuts::Cuts;
use crate::har::write::{HttpVersion, NewAnswer, NewBody, NewEntry, NewRequest, NewResponse, Times, WireSize};
use crate::har::{Chunk, End, FailureCause, Field};
use crate::message::CanonicalUrl;
use crate::message::coding::{Coding, codings, decode_into, decoder};

/// A decoded body up to this size stays in memory while its entry is written.
const IN_MEMORY: usize = 1 << 20;

/// Names the files of decoded bodies.
pub(super) const DECODED: &str = "decoded-";

/// Where the bodies of a journal are.
#[derive(Debug, Clone, Copy)]
pub(super) struct BodyFolders<'a> {
    /// Its spool files.
    pub(super) spool: &'a Path,
    /// Those that are decoded, while their entry is written.
    pub(super) decoded: &'a Path,
}

/// What was asked, in a form that can be changed before it is written.
pub(super) struct RestoredRequest {
    pub(super) url: CanonicalUrl,
    pub(super) fields: Vec<Field>,
    /// As it was sent: replay compares what arrives, coded or not.
    pub(super) body: Decoded,
    /// The length of the body on the wire, so far as it passed.
    pub(super) wire: u64,
}

impl RestoredRequest {
    /// The request of a record whose spool files lie in `folder`.
    pub(super) fn of(record: &Record, folder: &Path) -> Result<Self, Error> {
        let url = CanonicalUrl::parse(&record.facts.url).ok_or_else(|| Error::Journal {
            path: folder.join("journal"),
            detail: format!("the URL {:?} is not one", record.facts.url),
        })?;
        Ok(Self {
            url,
            fields: restore_fields(&record.facts.fields),
            body: if record.facts.payload_cut { Decoded::Unknown } else { Decoded::plain(&record.request, folder) },
            wire: wire_length(&record.request),
        })
    }
}

/// A record in a form that can be changed before it is written.
pub(super) struct Restored<'a> {
    pub(super) facts: &'a ExchangeFacts,
    pub(super) request: RestoredRequest,
    pub(super) response_fields: Vec<Field>,
    pub(super) trailers: Vec<Field>,
    pub(super) response: Decoded,
    /// The length of the response's body on the wire.
    pub(super) response_wire: u64,
    /// The places whose values were replaced.
    pub(super) redacted: Vec<String>,
    /// The decoded response body as it came in time.
    pub(super) arrived: Cuts,
    chunks: Vec<Chunk>,
    connection: Option<String>,
    /// The response's content coding could not be undone.
    pub(super) undecoded: bool,
}

impl<'a> Restored<'a> {
    /// The exchange of a record whose bodies are in these folders.
    pub(super) fn of(record: &'a Record, folders: BodyFolders<'_>) -> Result<Self, Error> {
        let facts = &record.facts;
        let (response_fields, trailers) = match &facts.response {
            ResponseFacts::Answered { fields, trailers, .. } => (restore_fields(fields), restore_fields(trailers)),
            ResponseFacts::Failed { .. } => (Vec::new(), Vec::new()),
        };
        let cut = matches!(facts.response, ResponseFacts::Answered { end: End::Client | End::Upstream, .. });
        let (response, undecoded) = Decoded::of(&record.response, &response_fields, cut, folders)?;
        let codings = if undecoded { Vec::new() } else { codings_of(&response_fields).unwrap_or_default() };
        let arrived = arrived(&facts.frames, &codings, || Decoded::plain(&record.response, folders.spool))?;
        Ok(Self {
            facts,
            request: RestoredRequest::of(record, folders.spool)?,
            response_fields,
            trailers,
            response,
            response_wire: wire_length(&record.response),
            redacted: Vec::new(),
            arrived,
            chunks: Vec::new(),
            connection: facts.connection.map(|id| id.to_string()),
            undecoded,
        })
    }

    /// What came of it, in a word.
    pub(super) fn outcome(&self) -> String {
        match &self.facts.response {
            ResponseFacts::Answered { status, reason, end, .. } => format!("{status} {reason} {end:?}"),
            ResponseFacts::Failed { cause, .. } => cause.clone(),
        }
    }

    /// Finds where the response was cut, now that its body is what the archive keeps.
    pub(super) fn cut(&mut self) -> Result<(), Error> {
        self.chunks = chunks(&self.response_fields, &self.response, &self.arrived)?;
        Ok(())
    }

    /// The entry that it makes.
    pub(super) fn new_entry(&self) -> NewEntry<'_> {
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
                url: &self.request.url,
                version: version(&self.facts.http_version),
                fields: &self.request.fields,
                body: self.request.body.as_new_body(),
                size: WireSize { headers: None, body: (!self.facts.payload_cut).then_some(self.request.wire) },
            },
            answer,
            times: Some(self.times()),
            server_ip: self.facts.server.map(|(ip, _)| ip),
            server_port: self.facts.server.map(|(_, port)| port),
            connection: self.connection.as_deref(),
            redacted: &self.redacted,
            example: self.facts.example.as_deref(),
        }
    }

    fn times(&self) -> Times {
        let times = self.facts.times;
        Times {
            started: started(self.facts),
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
pub(super) enum Decoded {
    None,
    /// There was one, and nobody knows the whole of it: half a payload would match no request.
    Unknown,
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
            JournalBody::Inline(bytes) => Self::Memory(bytes.to_vec()),
            JournalBody::Spooled { number, .. } => Self::Spooled(spool_path(folder, *number)),
        }
    }

    /// The body without its content coding, and whether the coding could not be undone. A body that was `cut` decodes as
    /// far as it came: a stream that its client left has no end of its coding.
    fn of(body: &JournalBody, fields: &[Field], cut: bool, folders: BodyFolders<'_>) -> Result<(Self, bool), Error> {
        let plain = Self::plain(body, folders.spool);
        let codings = match codings_of(fields) {
            Some(codings) if codings.is_empty() => return Ok((plain, false)),
            Some(codings) => codings,
            None => return Ok((plain, true)),
        };
        let Some(coded) = plain.reader()? else { return Ok((plain, false)) };
        let mut out = ReadOut { folder: folders.decoded, head: Vec::new(), file: None, no_room: None };
        let decoded = decode(&codings, coded, cut, &mut out).and_then(|()| out.flush());
        match (out.no_room, decoded) {
            (Some(source), _) => Err(Error::Decode { path: folders.decoded.to_owned(), source }),
            (None, Ok(())) => Ok((out.file.map_or(Self::Memory(out.head), Self::Temporary), false)),
            (None, Err(_not_in_that_coding)) => Ok((plain, true)),
        }
    }

    /// Its bytes; none where there are none.
    pub(super) fn reader(&self) -> Result<Option<Box<dyn Read + '_>>, Error> {
        Ok(match self {
            Self::Memory(bytes) if !bytes.is_empty() => Some(Box::new(&bytes[..])),
            Self::Spooled(path) => Some(Box::new(open(path)?)),
            Self::Temporary(file) => Some(Box::new(open(file.path())?)),
            _ => None,
        })
    }

    /// Its length in bytes.
    pub(super) fn length(&self) -> Result<u64, Error> {
        let of_file = |path: &Path| {
            let metadata = std::fs::metadata(path);
            metadata.map(|data| data.len()).map_err(|source| Error::Read { path: path.to_owned(), source })
        };
        match self {
            Self::None | Self::Unknown => Ok(0),
            Self::Memory(bytes) => Ok(bytes.len() as u64),
            Self::Spooled(path) => of_file(path),
            Self::Temporary(file) => of_file(file.path()),
        }
    }

    pub(super) fn as_new_body(&self) -> NewBody<'_> {
        match self {
            Self::None => NewBody::None,
            Self::Unknown => NewBody::Omitted,
            Self::Memory(bytes) => NewBody::Bytes(bytes),
            Self::Spooled(path) => NewBody::File(path),
            Self::Temporary(file) => NewBody::File(file.path()),
        }
    }
}

fn open(path: &Path) -> Result<File, Error> {
    File::open(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

/// As `content-encoding` lists them; none where one is unknown.
fn codings_of(fields: &[Field]) -> Option<Vec<Coding>> {
    codings(fields.iter().filter(|field| &*field.name == "content-encoding").map(|field| &*field.value))
}

/// Decodes to the end of the coding or, of a body that was `cut`, as far as it came.
fn decode(codings: &[Coding], mut coded: impl Read, cut: bool, out: &mut ReadOut<'_>) -> io::Result<()> {
    if !cut {
        return decoder(codings, coded).and_then(|mut reader| io::copy(&mut reader, out)).map(drop);
    }
    let mut decoder = decode_into(codings, out)?;
    io::copy(&mut coded, &mut decoder)?;
    decoder.flush()
}

/// What a decoder gives: in memory while it is small, else in a file.
struct ReadOut<'a> {
    folder: &'a Path,
    head: Vec<u8>,
    file: Option<NamedTempFile>,
    /// Why the file could not be written: the body must not stay coded then, and its secrets with it.
    no_room: Option<io::Error>,
}

impl ReadOut<'_> {
    fn write_to_file(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let mut file = tempfile::Builder::new().prefix(DECODED).tempfile_in(self.folder)?;
                file.write_all(&std::mem::take(&mut self.head))?;
                none.insert(file)
            }
        };
        file.write_all(bytes)
    }
}

impl Write for ReadOut<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.file.is_none() && self.head.len() + bytes.len() < IN_MEMORY {
            self.head.extend_from_slice(bytes);
            return Ok(bytes.len());
        }
        let written = self.write_to_file(bytes);
        written.map(|()| bytes.len()).map_err(|error| {
            let kind = error.kind();
            self.no_room.get_or_insert(error);
            kind.into()
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// When the exchange started.
pub(super) fn started(facts: &ExchangeFacts) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(facts.started).unwrap_or_default())
}

fn restore_fields(fields: &WireFields) -> Vec<Field> {
    fields.iter().map(|(name, value)| Field { name: name.into(), value: latin1_bytes(value).into() }).collect()
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
