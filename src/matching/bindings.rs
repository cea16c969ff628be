//! Which live value stands for which redacted one.

use std::borrow::Cow;

use crate::har::RecordedPayload;

use super::candidates::Asked;
use super::digest::{Digest, of_bytes};
use super::index::EntryRef;
use super::judged::Court;
use super::redacted::values;
use super::reduced_url::{parameters, query, segments};

/// A redacted value of an archive, and the digest of what a request has in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binding {
    /// Values are numbered by archive.
    pub(super) archive: u32,
    pub(super) redacted: String,
    pub(super) live: Digest,
}

/// How well an entry fits what is bound, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Agreement {
    /// Fewer values that stand for something else come first.
    pub(super) conflicts: std::cmp::Reverse<usize>,
    pub(super) confirmed: usize,
}

/// What a request has in the redacted places of an entry.
pub(super) fn of(court: &Court<'_>, entry: EntryRef, asked: &Asked<'_>) -> Vec<Binding> {
    let recorded = court.index.entry(entry);
    if recorded.redacted.is_empty() {
        return Vec::new();
    }
    let mut bound = Vec::new();
    let mut add = |values: Option<Vec<(String, &[u8])>>| {
        let values = values.into_iter().flatten();
        bound.extend(values.map(|(redacted, live)| Binding { archive: entry.archive, redacted, live: of_bytes(live) }));
    };
    for field in &*recorded.request.fields {
        let live = asked.fields.get_all(&*field.name).iter();
        add(live.filter_map(|live| values(&field.value, live.as_bytes(), false)).next());
    }
    let live: Vec<_> = parameters(query(court.url)).collect();
    for theirs in parameters(query(recorded.request.url.as_str())) {
        let ours = live.iter().find(|ours| ours.name == theirs.name);
        add(ours.and_then(|ours| values(theirs.value.as_bytes(), ours.value.as_bytes(), false)));
    }
    for (ours, theirs) in segments(court.url).zip(segments(recorded.request.url.as_str())) {
        add(values(theirs.as_bytes(), ours.as_bytes(), false));
    }
    if let RecordedPayload::Stored(_) = recorded.request.payload {
        let stored = court.payloads.request_payload(entry).unwrap_or_default();
        add(values(&stored, asked.payload, true));
    } else if let RecordedPayload::Params(params) = &recorded.request.payload {
        let live: Vec<(Cow<'_, str>, Cow<'_, str>)> = form_urlencoded::parse(asked.payload).collect();
        for (name, theirs) in params {
            let ours = live.iter().find(|(ours, _)| ours == name);
            add(ours.and_then(|(_, ours)| values(theirs.as_bytes(), ours.as_bytes(), false)));
        }
    }
    bound
}
