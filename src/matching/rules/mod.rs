//! What the user lets vary, and what must be equal beyond the strict rule: by URL glob.
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
use crate::route::GlobList;

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
#[derive(Debug, Default)]
pub struct Rules {
    rules: Vec<Compiled>,
    origins: OriginMap,
    /// Terms by the rules that they are made of.
    terms: RwLock<HashMap<Box<[usize]>, Arc<Terms>>>,
}

#[derive(Debug)]
struct Compiled {
    rule: Rule,
    glob: GlobList,
    /// What it says alone.
    parts: terms::Parts,
}

impl Compiled {
    /// Whether it has a say in which entry answers a request for this URL.
    fn decides_for(&self, url: &str) -> bool {
        self.rule.decides() && self.glob.matches_or_empty(url)
    }
}

impl Rules {
    /// Compiles the rules, or names the first item that cannot be used.
    ///
    /// # Errors
    /// A glob, a JSONPath, a regular expression or a name is none.
    pub fn compile(rules: Vec<Rule>) -> Result<Self, RuleError> {
        let compiled = rules.into_iter().zip(1..).map(|(rule, number)| {
            let glob = GlobList::compile(&rule.glob).map_err(|error| {
                let item = rule.glob.first().cloned().unwrap_or_default();
                RuleError { rule: number, key: "glob", item, reason: error.to_string() }
            })?;
            let parts = terms::Parts::of(&rule, number)?;
            Ok(Compiled { rule, glob, parts })
        });
        let rules = compiled.collect::<Result<_, _>>()?;
        Ok(Self { rules, origins: OriginMap::default(), terms: RwLock::default() })
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

    fn put_together(&self, matching: &[usize]) -> Terms {
        let mut terms = Terms::default();
        for &at in matching {
            let Compiled { rule, parts, .. } = &self.rules[at];
            terms.add(rule, parts, at + 1);
        }
        terms
    }
}
