//! What the lookups of one session remember: how far repeated requests are, and which live value a redacted one stands
//! for.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::digest::Digest;
use super::index::EntryRef;

/// What one session's lookups remember. Shared by its connections.
///
/// It grows with what the archives hold (a place for each sequence, one value for each redacted one), never with the
/// number of requests, and keeps no live value itself.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    /// How often a sequence has been asked, by its first entry.
    cursors: HashMap<EntryRef, usize>,
    /// Digests of the live values for which redacted ones were taken first.
    bound: HashMap<Box<str>, Digest>,
}

impl Memory {
    /// Forgets everything: sequences begin anew, redacted values stand for nothing yet.
    pub fn reset(&self) {
        let mut remembered = self.remembered();
        remembered.cursors.clear();
        remembered.bound.clear();
    }

    /// Sequences go on where they were although their entries have other places now; one whose entry is gone is
    /// forgotten.
    pub fn follow(&self, places: &HashMap<EntryRef, EntryRef>) {
        let mut remembered = self.remembered();
        let cursors = std::mem::take(&mut remembered.cursors);
        remembered.cursors =
            cursors.into_iter().filter_map(|(entry, asked)| Some((*places.get(&entry)?, asked))).collect();
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
