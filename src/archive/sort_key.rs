//! The order of entries in an archive.

use std::cmp::Ordering;
use std::time::SystemTime;

use crate::har::Detail;

/// What puts an entry in its place.
#[derive(Debug, Clone)]
pub(crate) struct SortKey {
    pub(crate) url: Box<str>,
    pub(crate) method: Box<str>,
    /// SHA-256 of the request's body.
    pub(crate) payload: Option<[u8; 32]>,
    pub(crate) started: Option<SystemTime>,
}

impl SortKey {
    /// By what was asked and, of equals, by the start; full entries by the start alone.
    pub(crate) fn compare(&self, other: &Self, detail: Detail) -> Ordering {
        match detail {
            Detail::Minimal => self.content().cmp(&other.content()),
            Detail::Full => self.started.cmp(&other.started),
        }
    }

    fn content(&self) -> impl Ord + '_ {
        (&self.url, &self.method, self.payload, self.started)
    }
}
