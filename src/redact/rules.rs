//! Which places are redacted.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::json::last_key;
use super::json_path::{JsonPath, Step};
use super::spec::{Named, Spec};
use super::{leaks, listed};

/// Which places are redacted: those of the list, and what the user adds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    on: bool,
    /// What only looks like a secret counts too.
    suspects: bool,
    headers: BTreeSet<String>,
    queries: BTreeSet<String>,
    forms: BTreeSet<String>,
    paths: Vec<JsonPath>,
}

/// The documented list.
impl Default for Rules {
    fn default() -> Self {
        Self::listed_and(&[])
    }
}

impl Rules {
    /// The documented list and these places.
    pub fn listed_and(more: &[Spec]) -> Self {
        let mut rules = Self { on: true, ..Self::off() };
        for spec in more {
            match &spec.place {
                Named::Header(name) => _ = rules.headers.insert(name.clone()),
                Named::Query(name) => _ = rules.queries.insert(name.clone()),
                Named::Form(name) => _ = rules.forms.insert(name.clone()),
                Named::Json(path) => rules.paths.push(path.clone()),
            }
        }
        rules
    }

    /// The same, and values that look like secrets under names that speak of such: for finding, not for replacing.
    #[must_use]
    pub fn and_suspects(self) -> Self {
        Self { suspects: true, ..self }
    }

    /// Nothing is redacted.
    pub fn off() -> Self {
        let (headers, queries, forms) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        Self { on: false, suspects: false, headers, queries, forms, paths: Vec::new() }
    }

    /// These places and those of other rules.
    pub(super) fn join(&mut self, other: &Self) {
        for (own, more) in
            [(&mut self.headers, &other.headers), (&mut self.queries, &other.queries), (&mut self.forms, &other.forms)]
        {
            own.extend(more.iter().cloned());
        }
        let more = other.paths.iter().filter(|path| !self.paths.contains(path)).cloned();
        let more: Vec<_> = more.collect();
        self.paths.extend(more);
    }

    /// Whether anything is redacted.
    pub fn is_on(&self) -> bool {
        self.on
    }

    /// Whether the whole value of a lower-case field name is a secret.
    pub(super) fn header(&self, name: &str) -> bool {
        self.on && (listed::is_listed_header(name) || self.headers.contains(name))
    }

    pub(super) fn query(&self, name: &str, value: &[u8]) -> bool {
        self.parameter(&self.queries, name, value)
    }

    pub(super) fn form(&self, name: &str, value: &[u8]) -> bool {
        self.parameter(&self.forms, name, value)
    }

    pub(super) fn json(&self, steps: &[Step], value: &[u8]) -> bool {
        if !self.on || !listed::is_value(value) {
            return false;
        }
        last_key(steps).is_some_and(|name| self.named(name, value)) || self.paths.iter().any(|path| path.covers(steps))
    }

    /// A name such as `user[password]` counts by its last part too.
    fn parameter(&self, more: &BTreeSet<String>, name: &str, value: &[u8]) -> bool {
        self.on && listed::is_value(value) && (more.contains(name) || self.named(last_part(name), value))
    }

    fn named(&self, name: &str, value: &[u8]) -> bool {
        let folded = listed::folded(name);
        listed::is_secret(&folded, value) || self.suspects && leaks::is_suspect(&folded, value)
    }
}

/// `password` of `user[password]`, `token` of `tokens[token][]`.
pub(super) fn last_part(name: &str) -> &str {
    name.split(['[', ']']).rfind(|part| !part.is_empty()).unwrap_or(name)
}
