//! How far the writing of an archive has come, for whoever draws it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Exchanges that are written, of those that are to be. Cheap to clone; all clones say the same.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    written: AtomicU64,
    all: AtomicU64,
}

impl Progress {
    /// How many are written, and of how many; of none before the writing has begun.
    pub fn counts(&self) -> (u64, u64) {
        (self.0.written.load(Ordering::Relaxed), self.0.all.load(Ordering::Relaxed))
    }

    pub(super) fn begin(&self, all: usize) {
        self.0.all.store(all as u64, Ordering::Relaxed);
    }

    pub(super) fn written(&self) {
        self.0.written.fetch_add(1, Ordering::Relaxed);
    }
}
