//! The order of entries in an archive, and which of two versions stand for the same request.

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

/// What a request asked for. Entries of two versions with the same are exchanged for one another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Asked {
    pub(crate) url: Box<str>,
    pub(crate) method: Box<str>,
    /// SHA-256 of the body.
    pub(crate) payload: Option<[u8; 32]>,
}

impl Asked {
    /// In the place of a hash: there was a body that the archive does not hold.
    pub(crate) const UNKNOWN: [u8; 32] = [0; 32];

    /// The same where the archive does not hold bodies.
    pub(crate) fn without_body(&self) -> Self {
        let payload = self.payload.map(|_| Self::UNKNOWN);
        Self { url: self.url.clone(), method: self.method.clone(), payload }
    }
}

impl SortKey {
    /// The key of an entry that was asked with this.
    pub(crate) fn of(asked: &Asked, started: Option<SystemTime>) -> Self {
        let Asked { url, method, payload } = asked.clone();
        Self { url, method, payload, started }
    }

    /// By what was asked and, of equals, by the start; full entries by the start alone.
    pub(crate) fn compare(&self, other: &Self, detail: Detail) -> Ordering {
        match detail {
            Detail::Minimal => self.request().cmp(&other.request()).then_with(|| self.started.cmp(&other.started)),
            Detail::Full => self.started.cmp(&other.started),
        }
    }

    /// Whether both asked for the same.
    pub(crate) fn asks_the_same(&self, other: &Self) -> bool {
        self.request() == other.request()
    }

    fn request(&self) -> (&str, &str, Option<[u8; 32]>) {
        (&self.url, &self.method, self.payload)
    }
}
