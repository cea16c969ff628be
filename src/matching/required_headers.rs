//! The entries of a group by the header fields that a rule wants to be equal.

use std::collections::HashMap;

use http::{HeaderMap, HeaderName};

use crate::har::Entry;
use crate::message::redacted::find;

use super::digest::{Digest, of_pairs};
use super::index::{EntryRef, Index};
use super::rules::Ruled;

/// Positions, each list sorted, by the values of the required fields.
#[derive(Debug)]
pub(super) struct RequiredHeaders {
    /// Each name with whether any value will do, because the recorded one was redacted.
    by_values: HashMap<(Vec<bool>, Digest), Vec<u32>>,
    /// The different combinations of redacted ones.
    redacted: Vec<Vec<bool>>,
}

impl RequiredHeaders {
    pub(super) fn build(index: &Index, members: &[EntryRef], required: &[Ruled<HeaderName>]) -> Self {
        let mut table = Self { by_values: HashMap::new(), redacted: Vec::new() };
        for (position, &member) in (0..).zip(members) {
            let entry = index.entry(member);
            let values: Option<Vec<_>> = required.iter().map(|name| recorded(entry, name.value.as_str())).collect();
            // An entry that lacks one has no value that a request could equal.
            let Some(values) = values else { continue };
            let redacted: Vec<bool> = values
                .iter()
                .map(|value| !entry.redacted.is_empty() && find(value.as_bytes()).next().is_some())
                .collect();
            let key = digest(&values, &redacted);
            table.by_values.entry((redacted.clone(), key)).or_default().push(position);
            if !table.redacted.contains(&redacted) {
                table.redacted.push(redacted);
            }
        }
        table
    }

    /// The positions whose fields equal the request's; none where the request lacks one.
    pub(super) fn equal_to(&self, live: &HeaderMap, required: &[Ruled<HeaderName>]) -> Vec<u32> {
        let values: Option<Vec<_>> = required.iter().map(|name| sent(live, &name.value)).collect();
        let Some(values) = values else { return Vec::new() };
        let found = self.redacted.iter().filter_map(|redacted| {
            let key = digest(&values, redacted);
            self.by_values.get(&(redacted.clone(), key))
        });
        let mut positions: Vec<u32> = found.flatten().copied().collect();
        positions.sort_unstable();
        positions
    }
}

/// The recorded values of a field, in one text and lower case.
pub(super) fn recorded(entry: &Entry, name: &str) -> Option<String> {
    let values = entry.request.fields.iter().filter(|field| &*field.name == name).map(|field| &*field.value);
    joined(values)
}

/// The request's values of a field, in one text and lower case.
pub(super) fn sent(live: &HeaderMap, name: &HeaderName) -> Option<String> {
    joined(live.get_all(name).iter().map(http::HeaderValue::as_bytes))
}

fn joined<'a>(values: impl Iterator<Item = &'a [u8]>) -> Option<String> {
    let values: Vec<_> = values.map(|value| String::from_utf8_lossy(value).trim().to_lowercase()).collect();
    (!values.is_empty()).then(|| values.join(", "))
}

fn digest(values: &[String], redacted: &[bool]) -> Digest {
    let shown =
        values.iter().zip(redacted).map(|(value, redacted)| if *redacted { &b""[..] } else { value.as_bytes() });
    of_pairs(shown.map(|value| (value, &b""[..])))
}
