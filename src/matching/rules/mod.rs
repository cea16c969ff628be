//! What the user lets vary, what must be equal beyond the strict rule, and what is done to answers: by URL glob.
//!
//! [`Rule`] is what was written. [`Rules`] are all of them, compiled; asked for a URL they give the [`Terms`] in force
//! there: per key the last rule that names it wins, a list takes the place of an earlier one or adds to it.

mod pattern;
mod replacement;
mod rule;
mod terms;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::origins::OriginMap;
use crate::message::Scheme;
use crate::route::GlobList;
use crate::treatment::{self, By, Chance, Spec, Treatment};

pub(super) use pattern::Pattern;
pub(super) use replacement::Replacement;
pub use rule::{Exhausted, JsonForm, Listed, MatchBody, QueryOrder, Repeat, Rule, Strictness};
pub(super) use terms::Ruled;
pub use terms::{Key, Terms, check};

/// Combinations of rules whose terms are kept; beyond them they are put together each time.
const KEPT: usize = 4096;

/// A rule that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rule {rule}: {key} {item:?}: {reason}")]
pub struct RuleError {
    /// Which one, from one.
    pub rule: usize,
    /// Its key.
    pub key: &'static str,
    /// The item that is wrong.
    pub item: String,
    /// Why.
    pub reason: String,
}

/// All rules, in order, and the origins that stand for each other.
#[derive(Debug)]
pub struct Rules {
    rules: Vec<Compiled>,
    origins: OriginMap,
    /// What the settings do to every answer.
    setting: treatment::Parts,
    /// For the draws of entries that ask for something themselves.
    chance: Arc<Chance>,
    /// Terms by the rules that they are made of.
    terms: RwLock<HashMap<Box<[usize]>, Arc<Terms>>>,
}

#[derive(Debug)]
struct Compiled {
    rule: Rule,
    glob: GlobList,
    /// What it says alone about matching.
    parts: terms::Parts,
    /// And about answers.
    treatment: treatment::Parts,
}

impl Default for Rules {
    fn default() -> Self {
        let parts = treatment::Parts::new(Spec::default(), By::Setting, 0);
        Self {
            rules: Vec::new(),
            origins: OriginMap::default(),
            setting: parts,
            chance: Arc::new(Chance::new(0, "entries")),
            terms: RwLock::default(),
        }
    }
}

impl Compiled {
    /// Whether it has a say in which entry answers a request for this URL.
    fn decides_for(&self, url: &str) -> bool {
        self.rule.decides() && self.glob.matches_or_empty(url)
    }
}

impl Rules {
    /// Compiles the rules, or names the first item that cannot be used. `setting` holds for every answer that no rule says
    /// something else about.
    ///
    /// # Errors
    /// A glob, a JSONPath, a regular expression or a name is none.
    pub fn compile(rules: Vec<Rule>, setting: Spec) -> Result<Self, RuleError> {
        let seed = setting.seed.unwrap_or_default();
        let compiled = rules.into_iter().zip(1..).map(|(rule, number)| {
            let glob = GlobList::compile(&rule.glob).map_err(|error| {
                let item = rule.glob.first().cloned().unwrap_or_default();
                RuleError { rule: number, key: "glob", item, reason: error.to_string() }
            })?;
            let parts = terms::Parts::of(&rule, number)?;
            let treatment = treatment::Parts::new(rule.treatment.clone(), By::Rule(number), seed);
            Ok(Compiled { rule, glob, parts, treatment })
        });
        Ok(Self {
            rules: compiled.collect::<Result<_, _>>()?,
            origins: OriginMap::default(),
            setting: treatment::Parts::new(setting, By::Setting, seed),
            chance: Arc::new(Chance::new(seed, "entries")),
            terms: RwLock::default(),
        })
    }

    /// The same where origins stand for each other. Rules are for URLs as they were recorded then.
    #[must_use]
    pub fn across(self, origins: OriginMap) -> Self {
        Self { origins, ..self }
    }

    /// The origins that stand for each other.
    pub fn origins(&self) -> &OriginMap {
        &self.origins
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether any lets the closest entry answer.
    pub(super) fn take_closest(&self) -> bool {
        self.rules.iter().any(|compiled| compiled.rule.strictness == Some(Strictness::Closest))
    }

    /// What holds for a URL; none where no rule is for it.
    pub(super) fn of(&self, url: &str) -> Option<Arc<Terms>> {
        let matching: Vec<usize> = (0..self.rules.len()).filter(|&at| self.rules[at].decides_for(url)).collect();
        if matching.is_empty() {
            return None;
        }
        let known = self.terms.read().unwrap_or_else(PoisonError::into_inner).get(&*matching).map(Arc::clone);
        Some(known.unwrap_or_else(|| {
            let terms = Arc::new(self.put_together(&matching));
            let mut all = self.terms.write().unwrap_or_else(PoisonError::into_inner);
            if all.len() < KEPT {
                return Arc::clone(all.entry(matching.into()).or_insert(terms));
            }
            terms
        }))
    }

    /// Whether anything is done to answers.
    pub fn treat(&self) -> bool {
        self.setting.treat() || self.rules.iter().any(|compiled| compiled.treatment.treat())
    }

    /// What is done to the answers of an entry of this URL: per key the last rule that names it wins.
    pub fn treatment(&self, url: &str) -> Treatment {
        let mut treatment = Treatment::default();
        treatment.add(&self.setting);
        for compiled in &self.rules {
            if compiled.treatment.treat() && compiled.glob.matches_or_empty(url) {
                treatment.add(&compiled.treatment);
            }
        }
        treatment
    }

    /// Whether the next TLS handshake of a host fails, and what is told of it. The last rule that names faults and is for all
    /// URLs of the host decides.
    pub fn tls_fault(&self, host: &str, port: u16) -> Option<String> {
        let of_host = |compiled: &&Compiled| {
            compiled.treatment.faults().is_some()
                && (compiled.rule.glob.is_empty() || compiled.glob.covers_origin(Scheme::Https, host, port))
        };
        self.rules.iter().rev().find(of_host)?.treatment.faults()?.draw_tls()
    }

    /// What entries draw from that ask for something themselves.
    pub fn chance(&self) -> &Arc<Chance> {
        &self.chance
    }

    fn put_together(&self, matching: &[usize]) -> Terms {
        let mut terms = Terms::default();
        for &at in matching {
            let Compiled { rule, parts, .. } = &self.rules[at];
            terms.add(rule, parts, at + 1);
        }
        terms
    }
}
