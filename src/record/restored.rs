//! An exchange of the journal as it goes into the archive: its bodies decoded, its values still to be redacted.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::NamedTempFile;

use super::Error;
use super::exchange::{ExchangeFacts, ResponseFacts, latin1_bytes};
use super::journal::{JournalBody, Record, spool_path};
use crate::har::write::{HttpVersion, NewAnswer, NewBody, NewEntry, NewRequest, NewResponse, Times, WireSize};
use crate::har::{FailureCause, Field};
use crate::message::CanonicalUrl;
use crate::message::coding::{codings, decoder};

/// A decoded body up to this size stays in memory while its entry is written.
const IN_MEMORY: u64 = 1 << 20;

/// Names the files of decoded bodies.
pub(super) const DECODED: &str = "decoded-";

/// What was asked, in a form that can be changed before it is written.
pub(super) struct RestoredRequest {
    pub(super) url: CanonicalUrl,
    pub(super) fields: Vec<Field>,
    /// As it was sent: replay compares what arrives, coded or not.
    pub(super) body: Decoded,
    wire: u64,
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
            body: Decoded::plain(&record.request, folder),
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
    response_wire: u64,
    connection: Option<String>,
    /// The response's content coding could not be undone.
    pub(super) undecoded: bool,
}

impl<'a> Restored<'a> {
    /// The exchange of a record whose spool files lie in `folder`.
    pub(super) fn of(record: &'a Record, folder: &Path) -> Result<Self, Error> {
        let facts = &record.facts;
        let (response_fields, trailers) = match &facts.response {
            ResponseFacts::Answered { fields, trailers, .. } => (restore_fields(fields), restore_fields(trailers)),
            ResponseFacts::Failed { .. } => (Vec::new(), Vec::new()),
        };
        let (response, undecoded) = Decoded::of(&record.response, &response_fields, folder)?;
        Ok(Self {
            facts,
            request: RestoredRequest::of(record, folder)?,
            response_fields,
            trailers,
            response,
            response_wire: wire_length(&record.response),
            connection: facts.connection.map(|id| id.to_string()),
            undecoded,
        })
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
                size: WireSize { headers: None, body: Some(self.request.wire) },
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
        let values = fields.iter().filter(|field| &*field.name == "content-encoding").map(|field| &*field.value);
        let codings = match codings(values) {
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

    /// Its bytes; none where there are none.
    pub(super) fn reader(&self) -> Result<Option<Box<dyn Read + '_>>, Error> {
        Ok(match self {
            Self::Memory(bytes) if !bytes.is_empty() => Some(Box::new(&bytes[..])),
            Self::Spooled(path) => {
                Some(Box::new(File::open(path).map_err(|source| Error::Read { path: path.clone(), source })?))
            }
            _ => None,
        })
    }

    pub(super) fn as_new_body(&self) -> NewBody<'_> {
        match self {
            Self::None => NewBody::None,
            Self::Memory(bytes) => NewBody::Bytes(bytes),
            Self::Spooled(path) => NewBody::File(path),
            Self::Temporary(file) => NewBody::File(file.path()),
        }
    }
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

/// When the exchange started.
pub(super) fn started(facts: &ExchangeFacts) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(facts.started).unwrap_or_default())
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
