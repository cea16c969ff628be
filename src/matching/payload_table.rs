//! The payloads of a group's entries by digest, so that one of ten thousand is found without reading the others.

use std::borrow::Cow;
use std::collections::HashMap;

use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;

use crate::har::RecordedPayload;

use super::candidates::Asked;
use super::digest::{Digest, of_bytes, of_multipart, of_pairs};
use super::index::{EntryRef, Index};
use super::lookup::PayloadUnreadable;
use super::multipart::{Multipart, content_type, is_form, parts};
use super::request::PayloadSource;

/// Positions, each list sorted, by what their payload is.
///
/// Payloads are equal when their length and 128-bit digest are.
#[derive(Debug, Default)]
pub(super) struct PayloadTable {
    /// By the payload's bytes.
    bytes: HashMap<Digest, Vec<u32>>,
    /// Multipart payloads by their bytes without the boundary.
    multipart: HashMap<Digest, Vec<u32>>,
    /// Payloads recorded as `params` alone, by names and values.
    form: HashMap<Digest, Vec<u32>>,
    /// Multipart payloads recorded as `params` alone.
    form_parts: Vec<u32>,
    /// No payload.
    bare: Vec<u32>,
    /// Any other.
    laden: Vec<u32>,
    /// Those that may answer a POST with another payload: the recording does not tell what theirs was.
    wildcards: Vec<u32>,
    /// All but those that are known to have had no payload.
    not_known_bare: Vec<u32>,
    /// Those whose payload could not be read.
    unreadable: Vec<u32>,
}

impl PayloadTable {
    pub(super) fn build(index: &Index, members: &[EntryRef], payloads: &dyn PayloadSource) -> Self {
        let mut table = Self::default();
        for (position, &member) in (0..).zip(members) {
            table.add(index, member, position, payloads);
        }
        table
    }

    /// A payload could not be read, and is tried again when it decides.
    pub(super) fn is_incomplete(&self) -> bool {
        !self.unreadable.is_empty()
    }

    /// The positions whose payload equals the request's.
    ///
    /// # Errors
    /// None is equal as far as can be told, and one that could be cannot be read.
    pub(super) fn equal_to(
        &self,
        index: &Index,
        members: &[EntryRef],
        asked: &Asked<'_>,
        payloads: &dyn PayloadSource,
    ) -> Result<Cow<'_, [u32]>, PayloadUnreadable> {
        if asked.payload.is_empty() {
            return Ok(Cow::Borrowed(&self.bare));
        }
        let mut equal = self.found(index, members, asked);
        if equal.is_empty() {
            // Whoever put a missing file back need not restart; one that is still missing decides.
            for &position in &self.unreadable {
                let entry = members[position as usize];
                match payloads.request_payload(entry) {
                    Ok(recorded) if same_payload(index, entry, &recorded, asked) => equal.to_mut().push(position),
                    Ok(_) => {}
                    // The only one for a method whose payloads merely rank.
                    Err(_) if members.len() == 1 && asked.method != "POST" => {}
                    Err(failure) => return Err(PayloadUnreadable { entry, failure }),
                }
            }
        }
        Ok(equal)
    }

    /// The positions that may answer although their payload is not equal.
    pub(super) fn second_rank(&self, asked: &Asked<'_>) -> &[u32] {
        match (asked.payload.is_empty(), asked.method) {
            (true, _) => &self.laden,
            (false, "POST") => &self.wildcards,
            (false, _) => &self.not_known_bare,
        }
    }

    fn add(&mut self, index: &Index, entry: EntryRef, position: u32, payloads: &dyn PayloadSource) {
        let recorded = index.entry(entry);
        let stored = match &recorded.request.payload {
            RecordedPayload::Stored(_) => payloads.request_payload(entry).map(Some),
            _ => Ok(None),
        };
        let absent = match &stored {
            Ok(Some(bytes)) => bytes.is_empty(),
            Ok(None) => recorded.request.payload == RecordedPayload::Absent,
            Err(_) => false,
        };
        let known_bare = absent && recorded.recorded_by_harmock;
        if absent { &mut self.bare } else { &mut self.laden }.push(position);
        if !known_bare {
            self.not_known_bare.push(position);
        }
        if recorded.request.payload == RecordedPayload::Damaged || absent && !known_bare {
            self.wildcards.push(position);
        }
        match stored {
            Ok(Some(bytes)) if !absent => self.add_bytes(index, entry, position, &bytes),
            Ok(_) => {}
            Err(_) => self.unreadable.push(position),
        }
        if let RecordedPayload::Params(params) = &recorded.request.payload {
            let pairs = params.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
            self.form.entry(of_pairs(pairs)).or_default().push(position);
            self.form_parts.push(position);
        }
    }

    fn add_bytes(&mut self, index: &Index, entry: EntryRef, position: u32, bytes: &Bytes) {
        self.bytes.entry(of_bytes(bytes)).or_default().push(position);
        if let Some(multipart) = recorded_multipart(index, entry) {
            self.multipart.entry(of_multipart(bytes, &multipart)).or_default().push(position);
        }
    }

    /// The positions whose digest, or whose fields, are those of the request's payload.
    fn found(&self, index: &Index, members: &[EntryRef], asked: &Asked<'_>) -> Cow<'_, [u32]> {
        let same_bytes = self.bytes.get(&of_bytes(asked.payload)).map_or(&[][..], Vec::as_slice);
        if self.multipart.is_empty() && self.form.is_empty() {
            return Cow::Borrowed(same_bytes);
        }
        let live_type = asked.fields.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        let mut found = same_bytes.to_vec();
        if let Some(multipart) = live_type.and_then(Multipart::parse) {
            found.extend(self.multipart.get(&of_multipart(asked.payload, &multipart)).into_iter().flatten());
            if !self.form_parts.is_empty() {
                let live = parts(asked.payload, &multipart);
                let same = |&&position: &&u32| has_parts(index, members[position as usize], &live);
                found.extend(self.form_parts.iter().filter(same));
            }
        } else if !self.form.is_empty() && live_type.is_none_or(is_form) {
            let pairs: Vec<_> = form_urlencoded::parse(asked.payload).collect();
            let pairs = pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
            found.extend(self.form.get(&of_pairs(pairs)).into_iter().flatten());
        }
        found.sort_unstable();
        found.dedup();
        Cow::Owned(found)
    }
}

fn recorded_multipart(index: &Index, entry: EntryRef) -> Option<Multipart> {
    content_type(&index.entry(entry).request.fields).and_then(Multipart::parse)
}

fn same_payload(index: &Index, entry: EntryRef, recorded: &[u8], asked: &Asked<'_>) -> bool {
    if recorded == asked.payload {
        return true;
    }
    let live = asked.fields.get(CONTENT_TYPE).and_then(|value| Multipart::parse(value.as_bytes()));
    match (recorded_multipart(index, entry), live) {
        (Some(theirs), Some(ours)) => of_multipart(recorded, &theirs) == of_multipart(asked.payload, &ours),
        _ => false,
    }
}

/// Whether the parts of a live payload are the recorded params: by name and content, which some producers keep as
/// base64.
fn has_parts(index: &Index, entry: EntryRef, live: &[(Vec<u8>, &[u8])]) -> bool {
    use base64::Engine;
    let RecordedPayload::Params(params) = &index.entry(entry).request.payload else { return false };
    let decoded = |value: &str| base64::engine::general_purpose::STANDARD.decode(value).ok();
    params.len() == live.len()
        && params.iter().zip(live).all(|((name, value), (live_name, content))| {
            name.as_bytes() == live_name
                && (value.as_bytes() == *content || decoded(value).is_some_and(|bytes| bytes == *content))
        })
}
