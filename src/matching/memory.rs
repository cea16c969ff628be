//! What the lookups of one session remember: how far repeated requests are, and which live value a redacted one stands
//! for.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::bindings::{Agreement, Binding};
use super::digest::{Digest, of_bytes};

/// What one session's lookups remember. Shared by its connections.
///
/// It grows with what the archives hold (a place for each sequence, one value for each redacted one), never with the
/// number of requests, and keeps no live value itself.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    /// How often a sequence has been asked, by its name.
    cursors: HashMap<Box<str>, usize>,
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

    /// Counts a request for a sequence, and says how many there were before.
    pub(super) fn advance(&self, sequence: &str) -> usize {
        let mut remembered = self.remembered();
        match remembered.cursors.get_mut(sequence) {
            Some(count) => {
                let before = *count;
                *count = before.saturating_add(1);
                before
            }
            None => {
                remembered.cursors.insert(sequence.into(), 1);
                0
            }
        }
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
