//! Reads every body once and says which cannot be read.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_128;

use super::{Report, Severity};
use crate::har::{Answer, Entry, Outcome, RecordedPayload, StoredBody};

/// What a request's payload comes to when entries are compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum PayloadKey {
    Absent,
    Bytes(u128),
    Params(Vec<(String, String)>),
    /// Equal to nothing: the bytes are unknown.
    Unknown(usize),
}

/// Payload files that were read already: many entries name the same.
#[derive(Debug, Default)]
pub(super) struct Bodies {
    files: HashMap<Box<str>, Result<Body, String>>,
}

impl Bodies {
    /// Reads both bodies of an entry and reports what is wrong with them.
    pub(super) fn check(&mut self, report: &mut Report<'_>, entry: &Entry) -> PayloadKey {
        if let Outcome::Answered(Answer { body: Some(body), .. }) = &entry.outcome {
            self.read(report, entry, "response.content", body);
        }
        match &entry.request.payload {
            RecordedPayload::Absent => PayloadKey::Absent,
            RecordedPayload::Damaged => PayloadKey::Unknown(entry.ordinal),
            RecordedPayload::Params(params) => PayloadKey::Params(params.clone()),
            RecordedPayload::Stored(body) => match self.read(report, entry, "request.postData", body) {
                Some(body) => {
                    check_length(report, entry, body.length);
                    PayloadKey::Bytes(body.hash)
                }
                None => PayloadKey::Unknown(entry.ordinal),
            },
        }
    }

    fn read(&mut self, report: &mut Report<'_>, entry: &Entry, field: &str, body: &StoredBody) -> Option<Body> {
        let read = || {
            let bytes = report.archive.read(body);
            bytes.map(|bytes| Body::of(&bytes)).map_err(|error| in_full(&error))
        };
        let (field, read) = match body {
            StoredBody::Embedded { .. } => (format!("{field}.text"), read()),
            StoredBody::File(name) => {
                let read = self.files.entry(name.clone()).or_insert_with(read);
                (format!("{field}._file"), read.clone())
            }
        };
        match read {
            Ok(body) => Some(body),
            Err(message) => {
                report.add(Severity::Error, Some(entry.ordinal), Some(&field), message);
                None
            }
        }
    }
}

/// What is kept of a body that was read.
#[derive(Debug, Clone, Copy)]
struct Body {
    hash: u128,
    length: usize,
}

impl Body {
    fn of(bytes: &[u8]) -> Self {
        Self { hash: xxh3_128(bytes), length: bytes.len() }
    }
}

/// A payload shorter or longer than its `Content-Length` is not what was sent: Chrome leaves uploaded files out.
fn check_length(report: &mut Report<'_>, entry: &Entry, stored: usize) {
    let fields = &entry.request.fields;
    if fields.iter().any(|field| &*field.name == "content-encoding") {
        return;
    }
    let mut lengths = fields.iter().filter(|field| &*field.name == "content-length");
    let (Some(said), None) = (lengths.next(), lengths.next()) else { return };
    let said = std::str::from_utf8(&said.value).ok().and_then(|said| said.parse::<usize>().ok());
    if let Some(said) = said.filter(|said| *said != stored) {
        let message =
            format!("{stored} bytes are stored and {said} were sent; where payloads are compared, no request matches");
        report.add(Severity::Warning, Some(entry.ordinal), Some("request.postData"), message);
    }
}

fn in_full(error: &dyn std::error::Error) -> String {
    let message = error.to_string();
    match error.source().map(ToString::to_string).filter(|cause| !message.contains(cause)) {
        Some(cause) => format!("{message}: {cause}"),
        None => message,
    }
}
