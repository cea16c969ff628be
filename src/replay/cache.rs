//! Payloads that have been asked for, as many as fit.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::archive::Stamp;
use crate::matching::EntryRef;

/// A payload file that a person edits is seen to have changed after this.
const FRESH: Duration = Duration::from_millis(100);

/// Response bodies by entry, bounded by their bytes.
#[derive(Debug)]
pub(super) struct PayloadCache {
    bodies: Cache<EntryRef, Arc<Cached>, ByLength>,
}

/// One body, and the state of the file that it was read from.
#[derive(Debug)]
pub(super) struct Cached {
    pub(super) bytes: Bytes,
    /// `None` where the source cannot change without the archive being loaded anew.
    pub(super) stamp: Option<Stamp>,
    pub(super) checked: Instant,
}

impl PayloadCache {
    /// Keeps up to `most` bytes; 0 keeps nothing.
    pub(super) fn new(most: u64) -> Self {
        // The number of items is only an estimate that sizes the tables.
        Self { bodies: Cache::with_weighter(1_024, most, ByLength) }
    }

    /// A body that need not be read again.
    pub(super) fn fresh(&self, entry: EntryRef) -> Option<Bytes> {
        let cached = self.bodies.get(&entry)?;
        (cached.stamp.is_none() || cached.checked.elapsed() < FRESH).then(|| cached.bytes.clone())
    }

    /// A body whose file has to be looked at first.
    pub(super) fn stale(&self, entry: EntryRef) -> Option<Arc<Cached>> {
        self.bodies.get(&entry)
    }

    pub(super) fn keep(&self, entry: EntryRef, bytes: Bytes, stamp: Option<Stamp>) {
        self.bodies.insert(entry, Arc::new(Cached { bytes, stamp, checked: Instant::now() }));
    }
}

#[derive(Debug, Clone)]
struct ByLength;

impl Weighter<EntryRef, Arc<Cached>> for ByLength {
    fn weight(&self, _entry: &EntryRef, cached: &Arc<Cached>) -> u64 {
        // An empty body still takes the room of its key.
        cached.bytes.len() as u64 + 64
    }
}
