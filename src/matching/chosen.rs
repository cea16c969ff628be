//! The entry that a request itself names: by status or by name, among those of its method and path.

use std::collections::HashMap;

use super::digest::{Digest, of_pairs};
use super::header_ranking::overlap;
use super::index::{EntryRef, Index};
use super::query_fit::QueryFit;
use super::request::LiveRequest;
use crate::har::{Entry, Outcome};

/// What a request wants its answer to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// The status.
    pub status: Option<u16>,
    /// The name of the entry.
    pub name: Option<String>,
}

impl Choice {
    fn fits(&self, entry: &Entry) -> bool {
        let status = match &entry.outcome {
            Outcome::Answered(answer) => Some(answer.status),
            Outcome::Failed(_) => None,
        };
        self.status.is_none_or(|wanted| status == Some(wanted))
            && self.name.as_deref().is_none_or(|wanted| entry.name.as_deref() == Some(wanted))
    }
}

/// All entries by method and path.
#[derive(Debug, Default)]
pub(super) struct Places(HashMap<Digest, Vec<EntryRef>>);

impl Index {
    /// The entry of the request's method and path that is what was chosen. Of several the one whose query fits best
    /// answers, then the one with the most header fields that the request has too, then the first.
    ///
    /// # Errors
    /// There is none; then all entries of that method and path are given.
    pub fn choose(&self, request: &LiveRequest<'_>, choice: &Choice) -> Result<EntryRef, &[EntryRef]> {
        let there = self.prepare_choosing().0.get(&key(request.method, request.url)).map(Vec::as_slice);
        let there = there.unwrap_or_default();
        let fitting: Vec<EntryRef> = there.iter().copied().filter(|&entry| choice.fits(self.entry(entry))).collect();
        let mut fit = QueryFit::default();
        fitting.iter().for_each(|&entry| fit.add(self.entry(entry).request.url.as_str(), None));
        let best = fit.best(request.url, None, None).into_iter().filter_map(|at| fitting.get(at as usize).copied());
        let scored = best.map(|entry| (overlap(self.entry(entry), request.fields), entry));
        scored.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, entry)| entry).ok_or(there)
    }

    /// Puts the entries into the order in which one is chosen; the first request that chooses would do it otherwise.
    pub(super) fn prepare_choosing(&self) -> &Places {
        self.places.get_or_init(|| {
            let mut places = Places::default();
            for entry in self.entries() {
                let request = &self.entry(entry).request;
                places.0.entry(key(&request.method, request.url.as_str())).or_default().push(entry);
            }
            places
        })
    }
}

fn key(method: &str, url: &str) -> Digest {
    let place = url.split('?').next().unwrap_or(url);
    of_pairs(std::iter::once((method.as_bytes(), place.as_bytes())))
}
