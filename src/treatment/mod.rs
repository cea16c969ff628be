//! What is done to an answer beside what was recorded: because of a rule, of a setting, of its entry, or because the
//! request asks for it.
//!
//! [`Spec`] is what was written. [`Parts`] are a rule's, with the chance that its draws share. [`Treatment`] is what holds for
//! one entry, put together when the archives are loaded: an entry that has none is served as if there were no such thing.

mod broken;
mod chance;
mod delay;
mod fault;
mod merge;
mod pace;
mod patch;
mod rate_limit;
mod resumed;

use std::path::PathBuf;
use std::sync::Arc;

use http::StatusCode;
use serde_json::Value;

pub use broken::Broken;
pub use chance::Chance;
pub use delay::{Delay, Took, Wait};
pub use fault::{Fault, FaultKind, Faults};
pub use pace::{Bandwidth, Paced};
pub use patch::{Patch, SetField, is_of_the_bytes};
pub use rate_limit::{Limiter, RateLimit};

/// What a rule or the settings say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spec {
    /// What chance begins with.
    pub seed: Option<u64>,
    /// How long answers wait.
    pub delay: Option<Delay>,
    /// How fast bodies come.
    pub bandwidth: Option<Bandwidth>,
    /// What goes wrong; the first that strikes.
    pub faults: Option<Vec<Fault>>,
    /// How many requests are answered in a window.
    pub rate_limit: Option<RateLimit>,
    /// Another status.
    pub set_status: Option<StatusCode>,
    /// Fields that are replaced or taken out.
    pub set_header: Option<SetHeader>,
    /// What the JSON of the body is merged with (RFC 7396).
    pub merge_json: Option<Arc<Value>>,
    /// Whether what was recorded is a template.
    pub template: Option<bool>,
    /// Files with further variables for it.
    pub env: Option<Vec<PathBuf>>,
}

/// Fields of one rule.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SetHeader {
    /// They add to those of earlier rules instead of taking their place.
    pub adds: bool,
    /// In order.
    pub fields: Vec<SetField>,
}

/// Who asks for a treatment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A flag, a variable or a key of the file.
    Setting,
    /// The rule of this number, from one.
    Rule(usize),
    /// The entry itself.
    Entry,
    /// The request.
    Request,
}

impl By {
    /// What is told of a treatment: `rule 2 delay`.
    pub fn name(self, key: &str) -> String {
        match self {
            Self::Setting => key.to_owned(),
            Self::Rule(number) => format!("rule {number} {key}"),
            Self::Entry => format!("_harmock.{key}"),
            Self::Request => format!("x-mock-{key}"),
        }
    }
}

/// What one rule, or the settings, do.
#[derive(Debug)]
pub struct Parts {
    by: By,
    spec: Spec,
    delays: Arc<Chance>,
    faults: Option<Arc<Faults>>,
    limiter: Option<Arc<Limiter>>,
    templates: Arc<Chance>,
}

impl Parts {
    /// `seed` holds where the rule has none of its own.
    pub fn new(spec: Spec, by: By, seed: u64) -> Self {
        let seed = spec.seed.unwrap_or(seed);
        let delays = Arc::new(Chance::new(seed, &by.name("delay")));
        let faults = spec.faults.as_ref().map(|faults| Arc::new(Faults::new(faults, by, seed)));
        let limiter = spec.rate_limit.map(|limit| Arc::new(Limiter::new(limit, by)));
        let templates = Arc::new(Chance::new(seed, &by.name("template")));
        Self { by, spec, delays, faults, limiter, templates }
    }

    /// The faults among them.
    pub fn faults(&self) -> Option<&Faults> {
        self.faults.as_deref()
    }

    /// Whether they do anything.
    pub fn treat(&self) -> bool {
        let Spec { seed: _, delay, bandwidth, faults, rate_limit, set_status, set_header, merge_json, template, env } =
            &self.spec;
        let patches = set_status.is_some() || set_header.is_some() || merge_json.is_some();
        let templates = template.is_some() || env.is_some();
        patches || templates || delay.is_some() || bandwidth.is_some() || faults.is_some() || rate_limit.is_some()
    }
}

/// A delay, and who asks for it.
#[derive(Debug, Clone)]
pub struct Delaying {
    /// Who asks.
    pub by: By,
    /// For what.
    pub delay: Delay,
    chance: Arc<Chance>,
}

impl Delaying {
    /// `seed` and who asks decide what is drawn.
    pub fn new(by: By, delay: Delay, chance: &Arc<Chance>) -> Self {
        Self { by, delay, chance: Arc::clone(chance) }
    }

    /// How long the next answer waits.
    pub fn draw(&self, took: Option<Took>) -> Wait {
        self.delay.draw(took, &self.chance)
    }
}

/// That what was recorded is a template, and who says so.
#[derive(Debug, Clone)]
pub struct Templating {
    /// Who says so.
    pub by: By,
    /// What it draws from.
    pub chance: Arc<Chance>,
}

/// What is done to the answers of one entry.
#[derive(Debug, Clone, Default)]
pub struct Treatment {
    /// They wait.
    pub delay: Option<Delaying>,
    /// Their bodies come slowly.
    pub bandwidth: Option<(By, Bandwidth)>,
    /// Something goes wrong with them.
    pub faults: Option<Arc<Faults>>,
    /// Only so many of them are given in a window.
    pub limiter: Option<Arc<Limiter>>,
    /// They are rendered.
    pub template: Option<Templating>,
    /// The files with variables that the last rule with such names.
    pub env: Option<Vec<PathBuf>>,
    /// Parts of them are overridden.
    pub patch: Patch,
    /// How long they took when they were recorded.
    pub took: Option<Took>,
}

impl Treatment {
    /// Puts what a later rule says over what is there.
    pub fn add(&mut self, parts: &Parts) {
        if let Some(delay) = parts.spec.delay {
            self.delay = Some(Delaying::new(parts.by, delay, &parts.delays));
        }
        if let Some(bandwidth) = parts.spec.bandwidth {
            self.bandwidth = Some((parts.by, bandwidth));
        }
        self.faults = parts.faults.clone().or(self.faults.take());
        self.limiter = parts.limiter.clone().or(self.limiter.take());
        if let Some(is_template) = parts.spec.template {
            self.template = is_template.then(|| Templating { by: parts.by, chance: Arc::clone(&parts.templates) });
        }
        self.env = parts.spec.env.clone().or(self.env.take());
        self.patch.add(&parts.spec, parts.by);
    }

    /// Whether nothing is done.
    pub fn is_empty(&self) -> bool {
        self.delay.is_none()
            && self.bandwidth.is_none()
            && self.faults.is_none()
            && self.limiter.is_none()
            && self.template.is_none()
            && self.patch.is_empty()
    }

    /// What it is, a line for each part.
    pub fn lines(&self) -> Vec<String> {
        let delay = self.delay.iter().map(|delaying| format!("{} {}", delaying.by.name("delay"), delaying.delay));
        let bandwidth = self.bandwidth.iter().map(|(by, bandwidth)| format!("{} {bandwidth}", by.name("bandwidth")));
        let faults = self.faults.iter().flat_map(|faults| faults.lines());
        let limit = self.limiter.iter().map(|limiter| limiter.name());
        let template = self.template.iter().map(|templating| templating.by.name("template"));
        delay.chain(bandwidth).chain(faults).chain(limit).chain(template).chain(self.patch.lines()).collect()
    }
}
