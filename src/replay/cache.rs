//! Payloads that have been asked for, as many as fit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::archive::Stamp;
use crate::matching::EntryRef;

/// A payload file that was looked at this recently has not changed.
const FRESH: Duration = Duration::from_millis(180);
/// Until this age a payload is served as it is while one who asked for it waits for a slow look at its file. A person's
/// edit is seen after this at the latest.
const SERVED: Duration = Duration::from_millis(200);
/// Looking at a file takes two microseconds, and passing that to another thread many more. Where a look takes longer than
/// this (a network drive, a system that is busy), the threads that serve look no more for a while.
const QUICK: Duration = Duration::from_micros(500);
/// That while, in times of what the slow look took: the most of its time that a thread that serves may lose.
const AVOIDED: u32 = 100;
/// For this long a body is served while its file is missing or being written.
const CHANGING: Duration = Duration::from_millis(50);

/// Response bodies by entry, bounded by their bytes.
#[derive(Debug)]
pub(super) struct PayloadCache {
    bodies: Cache<EntryRef, Arc<Cached>, ByLength>,
    /// What ages count from.
    born: Instant,
    /// Milliseconds of the cache's age until which files are looked at by other threads than those that serve.
    elsewhere_until: AtomicU64,
}

/// One body, and the state of the file that it was read from.
#[derive(Debug)]
pub(super) struct Cached {
    /// The body, after the head that an HTTP/1.1 answer has, if it is of the size that they are kept together in.
    message: Bytes,
    head: usize,
    /// `None` where the source cannot change without the archive being loaded anew.
    pub(super) stamp: Option<Stamp>,
    /// Milliseconds of the cache's age when the file was last looked at.
    checked: AtomicU64,
    being_checked: AtomicBool,
    /// Milliseconds of the cache's age when the file was first seen to be another or none; 0: it was not.
    changing_since: AtomicU64,
}

/// Whether a cached body may be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    Fresh,
    /// Once its file has been looked at.
    Due,
}

impl Cached {
    pub(super) fn body(&self) -> Bytes {
        self.message.slice(self.head..)
    }

    /// Head and body in one piece.
    pub(super) fn message(&self) -> Option<Bytes> {
        (self.head > 0).then(|| self.message.clone())
    }

    pub(super) fn len(&self) -> usize {
        self.message.len() - self.head
    }
}

impl PayloadCache {
    /// Keeps up to `most` bytes; 0 keeps nothing.
    pub(super) fn new(most: u64) -> Self {
        // The number of items is only an estimate that sizes the tables.
        let bodies = Cache::with_weighter(1_024, most, ByLength);
        Self { bodies, born: Instant::now(), elsewhere_until: AtomicU64::new(0) }
    }

    pub(super) fn find(&self, entry: EntryRef) -> Option<Arc<Cached>> {
        self.bodies.get(&entry)
    }

    pub(super) fn age(&self, cached: &Cached) -> Age {
        if cached.stamp.is_none() || self.unseen(cached) < FRESH { Age::Fresh } else { Age::Due }
    }

    /// Whether a body that is due may be served at once: its file, which `stamp` looks at, is as it was. Where looking has
    /// been slow, the first one to ask is told to look elsewhere, and the others need not, for a while.
    pub(super) fn is_unchanged(&self, cached: &Cached, stamp: impl FnOnce() -> Option<Stamp>) -> bool {
        if self.now() < self.elsewhere_until.load(Ordering::Relaxed) {
            return self.unseen(cached) < SERVED && cached.being_checked.swap(true, Ordering::Relaxed);
        }
        let began = Instant::now();
        let same = stamp() == cached.stamp;
        self.has_taken(began.elapsed());
        if same {
            self.unchanged(cached);
        }
        same
    }

    /// A thread that serves has looked at a file for this long.
    fn has_taken(&self, look: Duration) {
        if look > QUICK {
            let avoided = u64::try_from((look * AVOIDED).as_millis()).unwrap_or(u64::MAX);
            self.elsewhere_until.store(self.now().saturating_add(avoided), Ordering::Relaxed);
        }
    }

    /// How long ago the file of a body was looked at.
    fn unseen(&self, cached: &Cached) -> Duration {
        Duration::from_millis(self.now().saturating_sub(cached.checked.load(Ordering::Relaxed)))
    }

    /// Whether a body may be served although its file is not as it was: while that is missing, or being written, for a
    /// moment.
    pub(super) fn may_still_serve(&self, cached: &Cached, stamp: Option<Stamp>) -> bool {
        let since = match cached.changing_since.load(Ordering::Relaxed) {
            0 => {
                let now = self.now().max(1);
                cached.changing_since.store(now, Ordering::Relaxed);
                now
            }
            since => since,
        };
        let in_time = u128::from(self.now().saturating_sub(since)) < CHANGING.as_millis();
        cached.being_checked.store(false, Ordering::Relaxed);
        in_time && stamp.is_none_or(|stamp| stamp.is_settling())
    }

    /// The file of a body is as it was.
    pub(super) fn unchanged(&self, cached: &Cached) {
        cached.changing_since.store(0, Ordering::Relaxed);
        cached.checked.store(self.now(), Ordering::Relaxed);
        cached.being_checked.store(false, Ordering::Relaxed);
    }

    /// Keeps a message whose first `head` bytes are its head and whose rest is its body.
    pub(super) fn keep(&self, entry: EntryRef, message: Bytes, head: usize, stamp: Option<Stamp>) -> Arc<Cached> {
        let (checked, being_checked) = (AtomicU64::new(self.now()), AtomicBool::new(false));
        let changing_since = AtomicU64::new(0);
        let cached = Arc::new(Cached { message, head, stamp, checked, being_checked, changing_since });
        self.bodies.insert(entry, Arc::clone(&cached));
        cached
    }

    fn now(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

#[derive(Debug, Clone)]
struct ByLength;

impl Weighter<EntryRef, Arc<Cached>> for ByLength {
    fn weight(&self, _entry: &EntryRef, cached: &Arc<Cached>) -> u64 {
        // An empty body still takes the room of its key.
        cached.message.len() as u64 + 64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::EDIT_SEEN_AFTER;

    #[test]
    fn files_are_looked_at_by_who_serves_until_that_is_slow() {
        let cache = PayloadCache::new(1 << 20);
        let stamp = Stamp::of(std::path::Path::new("Cargo.toml"));
        let cached = cache.keep(EntryRef { archive: 0, entry: 0 }, Bytes::from_static(b"body"), 0, stamp);
        assert!(cache.is_unchanged(&cached, || stamp), "the file is as it was");
        assert!(!cache.is_unchanged(&cached, || None), "the file is gone");

        cache.has_taken(Duration::from_secs(60));
        cached.checked.store(u64::MAX, Ordering::Relaxed);
        let unasked = || panic!("a thread that serves has looked at a slow file");
        assert!(!cache.is_unchanged(&cached, unasked), "the first one has it looked at elsewhere");
        assert!(cache.is_unchanged(&cached, unasked), "the next one is answered meanwhile");
    }

    #[test]
    fn an_edited_payload_is_served_within_the_time_after_which_an_edit_is_seen() {
        assert!(SERVED + CHANGING <= EDIT_SEEN_AFTER);
    }
}
