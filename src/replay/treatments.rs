//! What is done to the answers of each entry beside what was recorded, decided when the archives are loaded.

use std::collections::HashMap;
use std::sync::Arc;

use super::loaded::Loaded;
use super::replayer::{EntryName, OpenError};
use super::templated::{TemplateSettings, TemplateTrouble, Templated};
use crate::har::Entry;
use crate::matching::{EntryRef, Rules};
use crate::treatment::{By, Delay, Delaying, Templating, Treatment};

/// The entries that are treated at all.
#[derive(Debug, Default)]
pub(super) struct Treatments {
    all: HashMap<EntryRef, Treatment>,
    /// What of them is rendered.
    templates: HashMap<EntryRef, Templated>,
    /// The first that is no template.
    fault: Option<Fault>,
}

/// A text of an entry that is no template.
#[derive(Debug)]
pub(super) struct Fault {
    /// The entry's place in its archive.
    pub(super) ordinal: usize,
    pub(super) trouble: TemplateTrouble,
}

impl Treatments {
    pub(super) fn build(archives: &[Arc<Loaded>], rules: &Rules, settings: &TemplateSettings) -> Self {
        let mut treatments = Self::default();
        for (archive, loaded) in (0..).zip(archives) {
            for (entry, recorded) in (0..).zip(loaded.entries.iter()) {
                if let Some(treatment) = of(recorded, rules, settings) {
                    treatments.add(EntryRef { archive, entry }, treatment, (loaded, recorded), settings);
                }
            }
        }
        treatments
    }

    fn add(
        &mut self,
        entry: EntryRef,
        mut treatment: Treatment,
        (loaded, recorded): (&Loaded, &Entry),
        settings: &TemplateSettings,
    ) {
        let (templated, fault) = Templated::of(loaded, recorded, &treatment, settings);
        if let Some((part, error)) = fault {
            let ordinal = recorded.ordinal;
            let entry = EntryName { archive: &loaded.name, ordinal }.to_string();
            self.fault.get_or_insert(Fault { ordinal, trouble: TemplateTrouble { entry, part, error } });
        }
        match templated {
            Some(templated) => drop(self.templates.insert(entry, templated)),
            None => treatment.template = None,
        }
        if !treatment.is_empty() {
            self.all.insert(entry, treatment);
        }
    }

    /// What is done to the answers of this entry, if anything.
    pub(super) fn find(&self, entry: EntryRef) -> Option<&Treatment> {
        // Most runs treat nothing.
        if self.all.is_empty() { None } else { self.all.get(&entry) }
    }

    /// The templates of this entry, if it has any.
    pub(super) fn templated(&self, entry: EntryRef) -> Option<&Templated> {
        if self.templates.is_empty() { None } else { self.templates.get(&entry) }
    }

    /// The first text that is no template.
    pub(super) fn into_fault(self) -> Option<Fault> {
        self.fault
    }

    /// Whether recorded times are asked of an entry that has none, or a text is to be a template and is none.
    ///
    /// # Errors
    /// The first such entry.
    pub(super) fn check(&mut self, archives: &[Arc<Loaded>]) -> Result<(), OpenError> {
        if let Some(fault) = self.fault.take() {
            return Err(OpenError::Template(fault.trouble));
        }
        let mut wrong: Vec<_> = self.all.iter().filter(|(_, treatment)| treatment.took.is_none()).collect();
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

fn of(recorded: &Entry, rules: &Rules, settings: &TemplateSettings) -> Option<Treatment> {
    let marked = recorded.template.filter(|_| settings.allow_marked);
    if !rules.treat() && recorded.delay.is_none() && marked != Some(true) {
        return None;
    }
    let mut treatment = rules.treatment(recorded.request.url.as_str());
    if let Some(delay) = &recorded.delay {
        treatment.delay = Some(Delaying::new(By::Entry, **delay, rules.chance()));
    }
    if let Some(is_template) = marked {
        treatment.template = is_template.then(|| Templating { by: By::Entry, chance: Arc::clone(rules.chance()) });
    }
    treatment.took = recorded.took;
    (!treatment.is_empty()).then_some(treatment)
}
