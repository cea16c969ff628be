//! Examples from what happened: an entry of a trace, or of any HAR.

use std::path::Path;

use bytes::Bytes;
use serde::Deserialize;

use super::Example;
use crate::archive::{Archive, Limits, PayloadError};
use crate::har::{Answer, Entry, Outcome, RecordedPayload};

/// Why an entry is no example.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// Nobody answered.
    #[error("entry {0} holds no answer")]
    NoAnswer(usize),
    /// harmock answered: there is no answer of a server.
    #[error("entry {0} was answered by harmock itself ({1}), not by a server and not from an archive")]
    Own(usize, String),
    /// The archive has other bytes than the entry speaks of.
    #[error("entry {0} does not hold the body of its answer; it was not recorded there")]
    NoBody(usize),
    /// The body is in a coding.
    #[error("entry {0} holds a body that is still compressed")]
    Coded(usize),
    /// The trace names an entry that is not there as it was.
    #[error("entry {ordinal} names {named}, and {why}")]
    Named {
        /// The entry of the trace.
        ordinal: usize,
        /// `ARCHIVE#ENTRY`.
        named: String,
        /// What is wrong with that.
        why: String,
    },
    /// It cannot be read.
    #[error(transparent)]
    Payload(#[from] PayloadError),
}

/// What a trace says of an entry, and the name of an example.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Mark {
    by: Option<String>,
    entry: Option<String>,
    name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Marked {
    #[serde(rename = "_harmock")]
    harmock: Mark,
}

/// An entry as an example. One that a trace tells of has the body that its archive holds.
///
/// # Errors
///
/// It holds no whole answer of a server.
pub fn example(archive: &Archive, ordinal: usize) -> Result<Example, HistoryError> {
    let json = archive.entry_json(ordinal)?.unwrap_or_default();
    let Mark { by, entry: named, name } = serde_json::from_str::<Marked>(&json).unwrap_or_default().harmock;
    let entry = archive.entry(ordinal).ok_or(HistoryError::NoAnswer(ordinal))?;
    let name = name.unwrap_or_default();
    match (by.as_deref(), named) {
        (Some("entry"), Some(named)) => from_archive(entry, named, name),
        (Some(by @ ("miss" | "own" | "error")), _) => Err(HistoryError::Own(ordinal, by.to_owned())),
        _ => of_entry(archive, entry, name),
    }
}

/// The answer that stands in an archive to the request of a trace.
fn from_archive(traced: &Entry, named: String, name: String) -> Result<Example, HistoryError> {
    let ordinal = traced.ordinal;
    let wrong = |why: String| HistoryError::Named { ordinal, named: named.clone(), why };
    let (path, place) = named.rsplit_once('#').ok_or_else(|| wrong("that is no entry".to_owned()))?;
    let place: usize = place.parse().map_err(|_| wrong("that is no entry".to_owned()))?;
    let archive =
        Archive::open_unchecked(Path::new(path), &Limits::default()).map_err(|error| wrong(error.to_string()))?;
    let status = |entry: &Entry| match &entry.outcome {
        Outcome::Answered(answer) => Some(answer.status),
        Outcome::Failed(_) => None,
    };
    let entry = archive.entry(place).filter(|entry| status(entry) == status(traced));
    let entry = entry.ok_or_else(|| wrong("that has changed since".to_owned()))?;
    let mut example = of_entry(&archive, entry, name)?;
    // A redirect that was followed in the archive leads to an entry with another URL.
    (example.method, example.url) = (traced.request.method.to_string(), traced.request.url.clone());
    Ok(example)
}

fn of_entry(archive: &Archive, entry: &Entry, name: String) -> Result<Example, HistoryError> {
    let ordinal = entry.ordinal;
    let Outcome::Answered(answer) = &entry.outcome else { return Err(HistoryError::NoAnswer(ordinal)) };
    if answer.encoded {
        return Err(HistoryError::Coded(ordinal));
    }
    let payload = match &entry.request.payload {
        RecordedPayload::Stored(body) => archive.read(body)?,
        RecordedPayload::Absent | RecordedPayload::Params(_) | RecordedPayload::Damaged => Bytes::new(),
    };
    Ok(Example {
        name,
        method: entry.request.method.to_string(),
        url: entry.request.url.clone(),
        request_fields: entry.request.fields.to_vec(),
        payload,
        status: answer.status,
        reason: answer.reason.to_string(),
        fields: answer.fields.iter().filter(|field| &*field.name != "content-encoding").cloned().collect(),
        body: body(archive, entry, answer)?,
    })
}

fn body(archive: &Archive, entry: &Entry, answer: &Answer) -> Result<Bytes, HistoryError> {
    if let Some(body) = &answer.body {
        return Ok(archive.read(body)?);
    }
    let size = archive.summary(entry.ordinal)?.and_then(|summary| summary.size);
    let bodiless = &*entry.request.method == "HEAD" || matches!(answer.status, 204 | 304);
    // An answer of unknown size that has no body may have lost it.
    if bodiless || size == Some(0) { Ok(Bytes::new()) } else { Err(HistoryError::NoBody(entry.ordinal)) }
}
