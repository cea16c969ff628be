//! Which entries of two archives belong together.

use std::collections::HashMap;

use crate::archive::{Archive, PayloadError};
use crate::har::{Entry, RecordedPayload};

/// What makes entries of two archives one: method, URL, payload.
type Key<'a> = (&'a str, &'a str, Option<[u8; 32]>);

/// An entry of the one archive, of the other, or of both.
pub(super) enum Pair<'a> {
    Removed(&'a Entry),
    Added(&'a Entry),
    Both(&'a Entry, &'a Entry),
}

/// Pairs in the order of the first archive, and then what the second has more.
pub(super) fn pairs<'a>(before: &'a Archive, after: &'a Archive) -> Result<Vec<Pair<'a>>, PayloadError> {
    let mut partners: HashMap<Key<'a>, Vec<&'a Entry>> = HashMap::new();
    for entry in after.entries().iter().rev() {
        partners.entry(key(after, entry)?).or_default().push(entry);
    }
    let mut pairs = Vec::new();
    for entry in before.entries() {
        pairs.push(match partners.get_mut(&key(before, entry)?).and_then(Vec::pop) {
            Some(partner) => Pair::Both(entry, partner),
            None => Pair::Removed(entry),
        });
    }
    let mut added: Vec<&Entry> = partners.into_values().flatten().collect();
    added.sort_by_key(|entry| entry.ordinal);
    pairs.extend(added.into_iter().map(Pair::Added));
    Ok(pairs)
}

fn key<'a>(archive: &Archive, entry: &'a Entry) -> Result<Key<'a>, PayloadError> {
    let payload = match &entry.request.payload {
        RecordedPayload::Absent => None,
        RecordedPayload::Stored(body) => Some(archive.hash(body)?),
        RecordedPayload::Params(_) | RecordedPayload::Damaged => Some([0; 32]),
    };
    Ok((&entry.request.method, entry.request.url.as_str(), payload))
}
