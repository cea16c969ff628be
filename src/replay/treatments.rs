//! What is done to the answers of each entry beside what was recorded, decided when the archives are loaded.

use std::collections::HashMap;
use std::sync::Arc;

use super::loaded::Loaded;
use super::replayer::{EntryName, OpenError};
use crate::har::Entry;
use crate::matching::{EntryRef, Rules};
use crate::treatment::{By, Delay, Delaying, Treatment};

/// The entries that are treated at all.
#[derive(Debug, Default)]
pub(super) struct Treatments(HashMap<EntryRef, Treatment>);

impl Treatments {
    pub(super) fn build(archives: &[Arc<Loaded>], rules: &Rules) -> Self {
        let mut treatments = HashMap::new();
        for (archive, loaded) in (0..).zip(archives) {
            for (entry, recorded) in (0..).zip(loaded.entries.iter()) {
                if let Some(treatment) = of(recorded, rules) {
                    treatments.insert(EntryRef { archive, entry }, treatment);
                }
            }
        }
        Self(treatments)
    }

    /// What is done to the answers of this entry, if anything.
    pub(super) fn find(&self, entry: EntryRef) -> Option<&Treatment> {
        // Most runs treat nothing.
        if self.0.is_empty() { None } else { self.0.get(&entry) }
    }

    /// Whether recorded times are asked of an entry that has none.
    ///
    /// # Errors
    /// The first such entry.
    pub(super) fn check(&self, archives: &[Arc<Loaded>]) -> Result<(), OpenError> {
        let mut wrong: Vec<_> = self.0.iter().filter(|(_, treatment)| treatment.took.is_none()).collect();
        wrong.retain(|(_, treatment)| {
            treatment.delay.as_ref().is_some_and(|delaying| matches!(delaying.delay, Delay::Recorded(_)))
        });
        let Some((entry, treatment)) = wrong.into_iter().min_by_key(|(entry, _)| **entry) else { return Ok(()) };
        let Some(loaded) = archives.get(entry.archive as usize) else { return Ok(()) };
        let ordinal = loaded.entries.get(entry.entry as usize).map_or(0, |recorded| recorded.ordinal);
        let by = treatment.delay.as_ref().map_or_else(String::new, |delaying| delaying.by.name("delay"));
        Err(OpenError::NoTimes { entry: EntryName { archive: &loaded.name, ordinal }.to_string(), by })
    }
}

fn of(recorded: &Entry, rules: &Rules) -> Option<Treatment> {
    if !rules.treat() && recorded.delay.is_none() {
        return None;
    }
    let mut treatment = rules.treatment(recorded.request.url.as_str());
    if let Some(delay) = &recorded.delay {
        treatment.delay = Some(Delaying::new(By::Entry, **delay, rules.chance()));
    }
    treatment.took = recorded.took;
    (!treatment.is_empty()).then_some(treatment)
}
