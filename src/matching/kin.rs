//! Entries by what rules and redacted places leave of their URL: where those are found that a strict look-up does not
//! find.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::message::redacted;

use super::digest::{Digest, of_pairs};
use super::index::{EntryRef, Index, Several};
use super::reduced_url::{parameters, query, reduce, segment_name, segments};
use super::rules::{Rules, Terms};

/// The tables beside the strict one. Their keys are made when the archives are loaded.
#[derive(Debug, Default)]
pub(super) struct Kin {
    groups: HashMap<Digest, Several>,
    /// The different sets of redacted parameters and segments, without rules and under each terms.
    redacted: HashMap<Option<String>, BTreeSet<Vec<String>>>,
}

/// A group of entries that are near a request, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Relatives<'a> {
    pub(super) several: &'a Several,
    /// Rules made the URLs equal, not redacted places alone.
    pub(super) by_rules: bool,
}

impl Kin {
    pub(super) fn build(index: &Index, rules: &Rules) -> Self {
        let mut kin = Self::default();
        for entry in index.entries() {
            kin.add(index, rules, entry);
        }
        kin
    }

    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The groups of a method and URL, the nearest first.
    pub(super) fn of<'a>(
        &'a self,
        method: &'a str,
        url: &'a str,
        terms: Option<&'a Arc<Terms>>,
    ) -> impl Iterator<Item = Relatives<'a>> {
        let names: BTreeSet<String> = match self.groups.is_empty() {
            true => BTreeSet::new(),
            false => {
                let parameters = parameters(query(url)).map(|parameter| parameter.name.into_owned());
                parameters.chain((0..segments(url).count()).map(segment_name)).collect()
            }
        };
        let under = std::iter::once(None).chain(terms.map(|terms| Some(Arc::clone(terms))));
        under.flat_map(move |terms| {
            let name = terms.as_ref().map(|terms| terms.name());
            let sets: Vec<_> = self.redacted.get(&name).into_iter().flatten().collect();
            let known: Vec<_> = sets.into_iter().filter(|set| set.iter().all(|name| names.contains(name))).collect();
            known.into_iter().flat_map(move |redacted| {
                let keys = keys(method, url, terms.as_ref(), redacted);
                let groups = keys.into_iter().filter_map(|key| self.groups.get(&key));
                let by_rules = terms.is_some();
                groups.map(move |several| Relatives { several, by_rules }).collect::<Vec<_>>()
            })
        })
    }

    fn add(&mut self, index: &Index, rules: &Rules, entry: EntryRef) {
        let recorded = index.entry(entry);
        let (method, url) = (&*recorded.request.method, recorded.request.url.as_str());
        let terms = rules.of(url);
        let redacted = if recorded.redacted.is_empty() { Vec::new() } else { redacted_names(url) };
        let mut under = Vec::new();
        if !redacted.is_empty() {
            under.push(None);
        }
        under.extend(terms.clone().filter(|terms| terms.reduces_urls()).map(Some));
        for reducing in under {
            for key in keys(method, url, reducing.as_ref(), &redacted) {
                let several = self.groups.entry(key).or_insert_with(|| Several::under(terms.clone()));
                index.add(several, entry);
            }
            self.redacted.entry(reducing.map(|terms| terms.name())).or_default().insert(redacted.clone());
        }
    }
}

/// The parameters whose values were redacted, and the segments of the path.
fn redacted_names(url: &str) -> Vec<String> {
    let redacted = |value: &str| redacted::find(value.as_bytes()).next().is_some();
    let names = parameters(query(url)).filter(|parameter| redacted(&parameter.value));
    let open = segments(url).enumerate().filter(|(_, segment)| redacted(segment));
    let names = names.map(|parameter| parameter.name.into_owned()).chain(open.map(|(at, _)| segment_name(at)));
    let names: BTreeSet<String> = names.collect();
    names.into_iter().collect()
}

fn keys(method: &str, url: &str, terms: Option<&Arc<Terms>>, redacted: &[String]) -> Vec<Digest> {
    let which = terms.map_or_else(String::new, |terms| terms.name());
    let names = redacted.join("\u{1}");
    let reduced = reduce(url, terms.map(|terms| &**terms), redacted);
    let digest = |reduced: &String| {
        of_pairs([(which.as_bytes(), names.as_bytes()), (method.as_bytes(), reduced.as_bytes())].into_iter())
    };
    reduced.iter().map(digest).collect()
}
