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
    files: HashMap<Box<str>, Result<u128, String>>,
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
            RecordedPayload::Stored(body) => self
                .read(report, entry, "request.postData", body)
                .map_or(PayloadKey::Unknown(entry.ordinal), PayloadKey::Bytes),
        }
    }

    fn read(&mut self, report: &mut Report<'_>, entry: &Entry, field: &str, body: &StoredBody) -> Option<u128> {
        let read = || {
            let bytes = report.archive.read(body);
            bytes.map(|bytes| xxh3_128(&bytes)).map_err(|error| in_full(&error))
        };
        let (field, hash) = match body {
            StoredBody::Embedded { .. } => (format!("{field}.text"), read()),
            StoredBody::File(name) => {
                let hash = self.files.entry(name.clone()).or_insert_with(read);
                (format!("{field}._file"), hash.clone())
            }
        };
        match hash {
            Ok(hash) => Some(hash),
            Err(message) => {
                report.add(Severity::Error, Some(entry.ordinal), Some(&field), message);
                None
            }
        }
    }
}

fn in_full(error: &dyn std::error::Error) -> String {
    let message = error.to_string();
    match error.source().map(ToString::to_string).filter(|cause| !message.contains(cause)) {
        Some(cause) => format!("{message}: {cause}"),
        None => message,
    }
}
