//! How many of an entry's request header fields a live request has too, for one entry or for many at once.

use std::collections::HashMap;

use http::{HeaderMap, HeaderName};

use crate::har::{Entry, Field};
use crate::message::redacted;

use super::index::{EntryRef, Index};

/// The header fields that tell the entries of a group apart, and which entries have each.
///
/// Fields that all entries have equally often add the same to each and are left out, so that ranking costs what the
/// differences cost, not what the group's size would.
#[derive(Debug)]
pub(super) struct HeaderRanking {
    names: Vec<(HeaderName, Values)>,
}

/// The entries that have a field.
#[derive(Debug)]
struct Values {
    by_value: ByValue,
    /// Those whose value was redacted: any that a request has equals it.
    redacted: Vec<Posting>,
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
        let mut names: HashMap<&str, HashMap<Option<&[u8]>, Vec<Posting>>> = HashMap::new();
        for (position, &member) in (0..).zip(members) {
            let entry = index.entry(member);
            for field in entry.request.fields.iter().filter(|field| counts(field)) {
                let value = (!is_redacted(entry, field)).then_some(&*field.value);
                let postings = names.entry(&field.name).or_default().entry(value).or_default();
                match postings.last_mut() {
                    Some(last) if last.position == position => last.times += 1,
                    _ => postings.push(Posting { position, times: 1 }),
                }
            }
        }
        let tells_apart = |postings: &[Posting]| {
            postings.len() < members.len() || postings.iter().any(|posting| posting.times != postings[0].times)
        };
        let names = names.into_iter().filter_map(|(name, mut values)| {
            values.retain(|_, postings| tells_apart(postings));
            let redacted = values.remove(&None).unwrap_or_default();
            let by_value: ByValue =
                values.into_iter().filter_map(|(value, postings)| Some((value?.into(), postings))).collect();
            let is_empty = by_value.is_empty() && redacted.is_empty();
            // A name that is no header name is in no request.
            Some((HeaderName::try_from(name).ok()?, Values { by_value, redacted })).filter(|_| !is_empty)
        });
        Self { names: names.collect() }
    }

    /// The position with the most fields in common, the first of equals; `among` is sorted, `None` means all.
    pub(super) fn best(&self, live: &HeaderMap, among: Option<&[u32]>) -> u32 {
        let best = self.scores(live, among).reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.map_or_else(|| among.and_then(|among| among.first().copied()).unwrap_or(0), |(_, position)| position)
    }

    /// All positions with the most fields in common, sorted; `count`: how many there are at all.
    pub(super) fn all_best(&self, live: &HeaderMap, among: Option<&[u32]>, count: u32) -> Vec<u32> {
        let mut scores: Vec<(u32, u32)> = self.scores(live, among).collect();
        match scores.iter().map(|(score, _)| *score).max() {
            None => among.map_or_else(|| (0..count).collect(), <[u32]>::to_vec),
            Some(most) => {
                scores.retain(|(score, _)| *score == most);
                scores.into_iter().map(|(_, position)| position).collect()
            }
        }
    }

    /// How many fields each position has in common with a request; those without any are left out.
    fn scores(&self, live: &HeaderMap, among: Option<&[u32]>) -> impl Iterator<Item = (u32, u32)> {
        let mut common: Vec<Posting> = Vec::new();
        let counts = |posting: &&Posting| among.is_none_or(|among| among.binary_search(&posting.position).is_ok());
        for (name, values) in &self.names {
            let mut seen: Vec<&[u8]> = Vec::new();
            for value in live.get_all(name) {
                let value = value.as_bytes();
                if seen.contains(&value) {
                    continue;
                }
                if seen.is_empty() {
                    common.extend(values.redacted.iter().filter(counts));
                }
                seen.push(value);
                let postings = values.by_value.get(value).into_iter().flatten();
                common.extend(postings.filter(counts));
            }
        }
        common.sort_unstable_by_key(|posting| posting.position);
        let mut common = common.into_iter().peekable();
        std::iter::from_fn(move || {
            let first = common.next()?;
            let mut score = first.times;
            while let Some(next) = common.next_if(|next| next.position == first.position) {
                score += next.times;
            }
            Some((score, first.position))
        })
    }
}

/// How many of an entry's fields a request has too: names in any case, values exact unless they were redacted, each
/// occurrence for itself.
pub(super) fn overlap(entry: &Entry, live: &HeaderMap) -> usize {
    let common = |field: &&Field| {
        let mut values = live.get_all(&*field.name).iter();
        counts(field) && values.any(|value| *value == *field.value || is_redacted(entry, field))
    };
    entry.request.fields.iter().filter(common).count()
}

fn is_redacted(entry: &Entry, field: &Field) -> bool {
    !entry.redacted.is_empty() && redacted::find(&field.value).next().is_some()
}

/// Fields between a client and its proxy say nothing about the request.
fn counts(field: &Field) -> bool {
    !field.name.starts_with("proxy-") && !field.name.starts_with("x-harmock-")
}
