//! How many of an entry's request header fields a live request has too, for one entry or for many at once.

use std::collections::HashMap;

use http::{HeaderMap, HeaderName};

use crate::har::Field;

use super::index::{EntryRef, Index};

/// The header fields that tell the entries of a group apart, and which entries have each.
///
/// Fields that all entries have equally often add the same to each and are left out, so that ranking costs what the
/// differences cost, not what the group's size would.
#[derive(Debug)]
pub(super) struct HeaderRanking {
    names: Vec<(HeaderName, ByValue)>,
}

/// The entries that have each value of one field, sorted.
type ByValue = HashMap<Box<[u8]>, Vec<Posting>>;

/// An entry that has a field, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Posting {
    position: u32,
    times: u32,
}

impl HeaderRanking {
    pub(super) fn build(index: &Index, members: &[EntryRef]) -> Self {
        let mut names: HashMap<&str, HashMap<&[u8], Vec<Posting>>> = HashMap::new();
        for (position, &member) in (0..).zip(members) {
            for field in index.entry(member).request.fields.iter().filter(|field| counts(field)) {
                let postings = names.entry(&field.name).or_default().entry(&field.value).or_default();
                match postings.last_mut() {
                    Some(last) if last.position == position => last.times += 1,
                    _ => postings.push(Posting { position, times: 1 }),
                }
            }
        }
        let tells_apart = |postings: &[Posting]| {
            postings.len() < members.len() || postings.iter().any(|posting| posting.times != postings[0].times)
        };
        let names = names.into_iter().filter_map(|(name, values)| {
            let values: ByValue = values
                .into_iter()
                .filter(|(_, postings)| tells_apart(postings))
                .map(|(value, postings)| (value.into(), postings))
                .collect();
            // A name that is no header name is in no request.
            Some((HeaderName::try_from(name).ok()?, values)).filter(|(_, values)| !values.is_empty())
        });
        Self { names: names.collect() }
    }

    /// The position with the most fields in common, the first of equals; `among` is sorted, `None` means all.
    pub(super) fn best(&self, live: &HeaderMap, among: Option<&[u32]>) -> u32 {
        let mut common: Vec<Posting> = Vec::new();
        for (name, values) in &self.names {
            let mut seen: Vec<&[u8]> = Vec::new();
            for value in live.get_all(name) {
                let value = value.as_bytes();
                if seen.contains(&value) {
                    continue;
                }
                seen.push(value);
                let postings = values.get(value).into_iter().flatten();
                common.extend(
                    postings.filter(|posting| among.is_none_or(|among| among.binary_search(&posting.position).is_ok())),
                );
            }
        }
        common.sort_unstable_by_key(|posting| posting.position);
        let scores = common.chunk_by(|one, other| one.position == other.position).map(|postings| {
            let score: u32 = postings.iter().map(|posting| posting.times).sum();
            (score, postings[0].position)
        });
        let best = scores.reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.map_or_else(|| among.and_then(|among| among.first().copied()).unwrap_or(0), |(_, position)| position)
    }
}

/// How many of these fields a request has too: names in any case, values exact, each occurrence for itself.
pub(super) fn overlap(recorded: &[Field], live: &HeaderMap) -> usize {
    let common =
        |field: &&Field| counts(field) && live.get_all(&*field.name).iter().any(|value| *value == *field.value);
    recorded.iter().filter(common).count()
}

/// Fields between a client and its proxy say nothing about the request.
fn counts(field: &Field) -> bool {
    !field.name.starts_with("proxy-") && !field.name.starts_with("x-harmock-")
}
