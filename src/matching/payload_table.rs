//! The payloads of a group's entries by digest, so that one of ten thousand is found without reading the others.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;

use crate::har::RecordedPayload;

use super::candidates::Asked;
use super::digest::{Digest, of_bytes, of_multipart, of_pairs};
use super::index::{EntryRef, Index};
use super::judged::Court;
use super::lookup::PayloadUnreadable;
use super::multipart::{Multipart, Part, content_type, is_form, parts};
use super::redacted::{self, Ends, Places};
use super::reduced_payload::{Payload, reduce_params};
use super::request::PayloadSource;
use super::rules::{MatchBody, Terms};
use super::similarity::Similar;

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
    /// By what rules and redacted places leave of the payload.
    reduced: HashMap<Digest, Vec<u32>>,
    /// The different sets of redacted places, none for payloads that rules alone reduce.
    places: Vec<Places>,
    /// Those with redacted values that are in no place by which a payload can be reduced: in text, in lines of JSON.
    scattered: Vec<(u32, Ends)>,
    /// What payloads consist of, where the most similar one may answer.
    similar: Option<Box<Similar>>,
}

/// What rules have to do with the payloads of a table.
#[derive(Debug, Clone, Copy)]
struct Reading<'a> {
    terms: Option<&'a Terms>,
    index: &'a Index,
}

impl PayloadTable {
    pub(super) fn build(
        index: &Index,
        members: &[EntryRef],
        payloads: &dyn PayloadSource,
        terms: Option<&Terms>,
    ) -> Self {
        let mut table = Self::default();
        if terms.is_some_and(|terms| terms.match_body() == MatchBody::Closest) {
            table.similar = Some(Box::default());
        }
        let reading = Reading { terms, index };
        for (position, &member) in (0..).zip(members) {
            table.add(reading, member, position, payloads);
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

    /// The positions whose payload equals the request's but for redacted places, and but for what the rules hide.
    pub(super) fn alike(&self, asked: &Asked<'_>, court: &Court<'_>, members: &[EntryRef]) -> (Vec<u32>, Vec<u32>) {
        let (mut redacted, mut alike) = (Vec::new(), Vec::new());
        if asked.payload.is_empty() {
            return (redacted, alike);
        }
        let live = live_payload(asked);
        for rank in 0..RANKS {
            for places in &self.places {
                let keys = live.reduce(court.terms, places);
                let positions = keys.get(rank).and_then(|key| self.reduced.get(key)).into_iter().flatten();
                for &position in positions {
                    let strict = !places.is_empty() && self.equal_elsewhere(asked, court, members, position);
                    if strict { &mut redacted } else { &mut alike }.push(position);
                }
            }
            if !redacted.is_empty() || !alike.is_empty() {
                break;
            }
        }
        // Without rules for payloads, what is not redacted is equal byte for byte.
        if !court.terms.is_some_and(Terms::reduces_payloads) {
            alike.clear();
        }
        if redacted.is_empty() && alike.is_empty() {
            let may_be_equal = self.scattered.iter().filter(|(_, ends)| ends.are_those_of(asked.payload));
            let equal = |position: &u32| self.equal_elsewhere(asked, court, members, *position);
            redacted.extend(may_be_equal.map(|(position, _)| *position).filter(equal));
        }
        for positions in [&mut redacted, &mut alike] {
            positions.sort_unstable();
            positions.dedup();
        }
        (redacted, alike)
    }

    /// The positions whose payload the recording does not tell, or that are known to have had none where none is asked.
    pub(super) fn unknown(&self, asked: &Asked<'_>) -> Cow<'_, [u32]> {
        match asked.payload.is_empty() {
            // Without a payload, those without one are equal, and come before.
            true => Cow::Owned(
                self.wildcards.iter().filter(|position| self.bare.binary_search(position).is_err()).copied().collect(),
            ),
            false => Cow::Borrowed(&self.wildcards),
        }
    }

    /// The positions whose payload has most in common with the request's; `among` is sorted, `None` means all.
    pub(super) fn closest(&self, asked: &Asked<'_>, among: Option<&[u32]>) -> Vec<u32> {
        let nearest = self.similar.as_ref().map(|similar| similar.to(&live_payload(asked), among)).unwrap_or_default();
        match nearest.is_empty() {
            true => match among {
                Some(among) => among.to_vec(),
                None => self.bare.iter().chain(&self.laden).copied().collect::<BTreeSet<_>>().into_iter().collect(),
            },
            false => nearest,
        }
    }

    /// Whether a payload is that of an entry in all but its redacted places. The payload is read again: few have any.
    fn equal_elsewhere(&self, asked: &Asked<'_>, court: &Court<'_>, members: &[EntryRef], position: u32) -> bool {
        let entry = members[position as usize];
        match &court.index.entry(entry).request.payload {
            RecordedPayload::Stored(_) => {
                let Ok(recorded) = court.payloads.request_payload(entry) else { return false };
                let theirs = recorded_multipart(court.index, entry);
                let ours = asked.fields.get(CONTENT_TYPE).and_then(|value| Multipart::parse(value.as_bytes()));
                match (theirs, ours) {
                    (Some(theirs), Some(ours)) => {
                        let recorded = without_boundary(&recorded, &theirs.boundary);
                        redacted::values(&recorded, &without_boundary(asked.payload, &ours.boundary), false).is_some()
                    }
                    _ => redacted::values(&recorded, asked.payload, true).is_some(),
                }
            }
            // Names and values are all there is.
            _ => true,
        }
    }

    fn add(&mut self, reading: Reading<'_>, entry: EntryRef, position: u32, payloads: &dyn PayloadSource) {
        let index = reading.index;
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
            Ok(Some(bytes)) if !absent => {
                self.add_bytes(index, entry, position, &bytes);
                self.add_reduced(reading, entry, position, &bytes);
            }
            Ok(_) => {}
            Err(_) => self.unreadable.push(position),
        }
        if let RecordedPayload::Params(params) = &recorded.request.payload {
            let pairs = params.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
            self.form.entry(of_pairs(pairs)).or_default().push(position);
            self.form_parts.push(position);
            let places = if recorded.redacted.is_empty() { Places::default() } else { Places::of_params(params) };
            if reduces(reading.terms, &places) {
                self.keep_reduced(vec![reduce_params(params, reading.terms, &places)], places, position);
            }
        }
    }

    fn add_reduced(&mut self, reading: Reading<'_>, entry: EntryRef, position: u32, bytes: &Bytes) {
        let recorded = reading.index.entry(entry);
        let payload = Payload { bytes, content_type: content_type(&recorded.request.fields) };
        let places = if recorded.redacted.is_empty() { Places::default() } else { Places::of(&payload) };
        if places.elsewhere {
            self.scattered.push((position, Ends::of(&payload)));
        }
        if reduces(reading.terms, &places) {
            self.keep_reduced(payload.reduce(reading.terms, &places), places, position);
        }
        if let Some(similar) = &mut self.similar {
            similar.add(position, &payload);
        }
    }

    fn keep_reduced(&mut self, keys: Vec<Digest>, places: Places, position: u32) {
        for key in keys {
            self.reduced.entry(key).or_default().push(position);
        }
        if !self.places.contains(&places) {
            self.places.push(places);
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

/// The most keys that a payload has.
const RANKS: usize = 2;

fn live_payload<'a>(asked: &Asked<'a>) -> Payload<'a> {
    Payload { bytes: asked.payload, content_type: asked.fields.get(CONTENT_TYPE).map(HeaderValue::as_bytes) }
}

/// Whether payloads are found by what is left of them.
fn reduces(terms: Option<&Terms>, places: &Places) -> bool {
    !places.is_empty() || terms.is_some_and(Terms::reduces_payloads)
}

fn without_boundary(payload: &[u8], boundary: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(payload.len());
    let mut start = 0;
    for end in memchr::memmem::find_iter(payload, boundary) {
        kept.extend_from_slice(&payload[start..end]);
        start = end + boundary.len();
    }
    kept.extend_from_slice(&payload[start..]);
    kept
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
fn has_parts(index: &Index, entry: EntryRef, live: &[Part<'_>]) -> bool {
    use base64::Engine;
    let RecordedPayload::Params(params) = &index.entry(entry).request.payload else { return false };
    let decoded = |value: &str| base64::engine::general_purpose::STANDARD.decode(value).ok();
    params.len() == live.len()
        && params.iter().zip(live).all(|((name, value), part)| {
            name.as_bytes() == part.name
                && (value.as_bytes() == part.content || decoded(value).is_some_and(|bytes| bytes == part.content))
        })
}
