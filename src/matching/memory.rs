//! What the lookups of one session remember: how far repeated requests are, and which live value a redacted one stands
//! for.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::bindings::{Agreement, Binding};
use super::digest::{Digest, of_bytes};
use super::index::EntryRef;

/// What one session's lookups remember. Shared by its connections.
///
/// It grows with what the archives hold (a place for each sequence, one value for each redacted one), never with the
/// number of requests, and keeps no live value itself.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Remembered>);

/// Answers that follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Sequence {
    /// The entry of the first.
    pub(super) first: EntryRef,
    /// How far its URLs are from those that are asked for.
    pub(super) tier: u8,
    /// Its payloads are equal under rules alone.
    pub(super) by_rules: bool,
}

#[derive(Debug, Default)]
struct Remembered {
    /// How often a sequence has been asked.
    cursors: HashMap<Sequence, usize>,
    /// The digest of the live value for which a redacted one of an archive was taken first.
    bound: HashMap<(u32, String), Digest>,
    /// The same the other way round.
    taken: HashMap<(u32, Digest), String>,
}

impl Memory {
    /// Forgets everything: sequences begin anew, redacted values stand for nothing yet.
    pub fn reset(&self) {
        let mut remembered = self.remembered();
        remembered.cursors.clear();
        remembered.bound.clear();
        remembered.taken.clear();
    }

    /// Sequences go on where they were although their entries have other places now, and redacted values of an archive
    /// that is still there stand for what they stood for; the rest is forgotten.
    pub fn follow(&self, places: &HashMap<EntryRef, EntryRef>) {
        let archives: HashMap<u32, u32> = places.iter().map(|(old, new)| (old.archive, new.archive)).collect();
        let mut remembered = self.remembered();
        let Remembered { cursors, bound, taken } = std::mem::take(&mut *remembered);
        let moved = cursors.into_iter().filter_map(|(sequence, asked)| {
            Some((Sequence { first: *places.get(&sequence.first)?, ..sequence }, asked))
        });
        remembered.cursors = moved.collect();
        let archive = |old: u32| archives.get(&old).copied();
        remembered.bound =
            bound.into_iter().filter_map(|((old, text), live)| Some(((archive(old)?, text), live))).collect();
        remembered.taken =
            taken.into_iter().filter_map(|((old, live), text)| Some(((archive(old)?, live), text))).collect();
    }

    /// Counts a request for a sequence, and says how many there were before.
    pub(super) fn advance(&self, sequence: Sequence) -> usize {
        let mut remembered = self.remembered();
        let count = remembered.cursors.entry(sequence).or_default();
        let before = *count;
        *count = before.saturating_add(1);
        before
    }

    /// How well values fit what is bound. A redacted value that comes back as it was handed out is itself.
    pub(super) fn agreement(&self, values: &[Binding]) -> Agreement {
        let remembered = self.remembered();
        let (mut conflicts, mut confirmed) = (0, 0);
        for value in values {
            if value.is_itself() {
                confirmed += 1;
                continue;
            }
            match remembered.bound.get(&(value.archive, value.redacted.clone())) {
                Some(live) if *live == value.live => confirmed += 1,
                Some(_) => conflicts += 1,
                None if remembered.taken.contains_key(&(value.archive, value.live)) => conflicts += 1,
                None => {}
            }
        }
        Agreement { conflicts: Reverse(conflicts), confirmed }
    }

    /// Binds the values that are not bound yet.
    pub(super) fn bind(&self, values: Vec<Binding>) {
        let mut remembered = self.remembered();
        for value in values.into_iter().filter(|value| !value.is_itself()) {
            let Binding { archive, redacted, live } = value;
            remembered.taken.entry((archive, live)).or_insert_with(|| redacted.clone());
            remembered.bound.entry((archive, redacted)).or_insert(live);
        }
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Binding {
    fn is_itself(&self) -> bool {
        self.live == of_bytes(self.redacted.as_bytes())
    }
}
