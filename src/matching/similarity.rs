//! How much two payloads have in common, by what they consist of.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;
use serde_json::Value;

use super::canonical_json;
use super::multipart::{Multipart, is_form, parts};
use super::reduced_payload::Payload;

/// Features of a payload beyond this number are not looked at.
const FEATURES: usize = 1024;
/// How many entries of features are visited for a request.
const VISITS: usize = 50_000;
/// Bytes of a payload that are looked at.
const BYTES: usize = 1 << 20;

/// What a payload consists of, hashed and sorted: values of JSON with their places, fields, parts, words, pieces.
pub(super) fn features(payload: &Payload<'_>) -> Vec<u64> {
    let bytes = &payload.bytes[..payload.bytes.len().min(BYTES)];
    let mut features = Features(Vec::new());
    if let Some(json) = canonical_json::parse(payload.bytes).filter(|_| bytes.len() == payload.bytes.len()) {
        features.add_json(&json, &mut String::new());
    } else if let Some(multipart) = payload.content_type.and_then(Multipart::parse) {
        for part in parts(bytes, &multipart) {
            features.add(&part.name);
            features.add(&(part.name, part.content));
        }
    } else if payload.content_type.is_some_and(is_form) {
        for (name, value) in form_urlencoded::parse(bytes) {
            features.add(&name);
            features.add(&(&name, value));
        }
    } else if let Ok(text) = std::str::from_utf8(bytes) {
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).for_each(|word| features.add(&word));
    } else {
        bytes.chunks(32).for_each(|piece| features.add(&piece));
    }
    let mut features = features.0;
    features.sort_unstable();
    features.dedup();
    features
}

/// The share of features that two payloads have in common, in thousandths.
pub(super) fn similarity(one: &[u64], other: &[u64]) -> usize {
    let common = one.iter().filter(|feature| other.binary_search(feature).is_ok()).count();
    share(common, one.len(), other.len())
}

fn share(common: usize, one: usize, other: usize) -> usize {
    2000 * common / (one + other).max(1)
}

/// The features of a group's payloads, by which the most similar is found without comparing it with each.
#[derive(Debug, Default)]
pub(super) struct Similar {
    positions: HashMap<u64, Vec<u32>>,
    counts: HashMap<u32, usize>,
}

impl Similar {
    pub(super) fn add(&mut self, position: u32, payload: &Payload<'_>) {
        let features = features(payload);
        self.counts.insert(position, features.len());
        for feature in features {
            self.positions.entry(feature).or_default().push(position);
        }
    }

    /// The positions that have most in common with a payload, sorted. Rare features are looked at first, and only a
    /// bounded number of all. `among` is sorted, `None` means all.
    pub(super) fn to(&self, payload: &Payload<'_>, among: Option<&[u32]>) -> Vec<u32> {
        let live = features(payload);
        let mut shared: Vec<&Vec<u32>> = live.iter().filter_map(|feature| self.positions.get(feature)).collect();
        shared.sort_by_key(|positions| positions.len());
        let mut common: HashMap<u32, usize> = HashMap::new();
        let mut visits = 0;
        for positions in shared {
            visits += positions.len();
            if visits > VISITS && !common.is_empty() {
                break;
            }
            positions.iter().take(VISITS).for_each(|position| *common.entry(*position).or_default() += 1);
        }
        let score = |position: &u32| {
            let common = common.get(position).copied().unwrap_or_default();
            share(common, self.counts.get(position).copied().unwrap_or_default(), live.len())
        };
        let counts = |position: &u32| among.is_none_or(|among| among.binary_search(position).is_ok());
        let mut known: Vec<u32> = common.keys().copied().filter(counts).collect();
        if known.is_empty() {
            known = self.counts.keys().copied().filter(counts).collect();
        }
        let best = known.iter().map(score).max();
        let mut nearest: Vec<u32> = known.into_iter().filter(|position| Some(score(position)) == best).collect();
        nearest.sort_unstable();
        nearest
    }
}

struct Features(Vec<u64>);

impl Features {
    fn add(&mut self, feature: &impl Hash) {
        if self.0.len() < FEATURES {
            self.0.push(FixedState::default().hash_one(feature));
        }
    }

    fn add_json(&mut self, json: &Value, at: &mut String) {
        let length = at.len();
        match json {
            Value::Object(fields) => {
                for (name, value) in fields {
                    at.push('/');
                    at.push_str(name);
                    self.add_json(value, at);
                    at.truncate(length);
                }
            }
            Value::Array(items) => {
                for item in items {
                    at.push_str("/[]");
                    self.add_json(item, at);
                    at.truncate(length);
                }
            }
            leaf => {
                self.add(&*at);
                self.add(&(&*at, leaf.to_string()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Payload<'_> {
        Payload { bytes: text.as_bytes(), content_type: None }
    }

    #[test]
    fn json_is_compared_by_its_values_whatever_their_order() {
        let mut similar = Similar::default();
        for (position, text) in (0..).zip([
            r#"{"q":"tea","page":1,"size":10}"#,
            r#"{"q":"cake","page":1,"size":10}"#,
            r#"{"unrelated":true}"#,
        ]) {
            similar.add(position, &json(text));
        }
        assert_eq!(similar.to(&json(r#"{"size":10,"page":2,"q":"cake"}"#), None), [1]);
        assert_eq!(similar.to(&json(r#"{"size":10,"page":1,"q":"milk"}"#), None), [0, 1], "equally near");
        assert_eq!(similar.to(&json(r#"{"nothing":"shared"}"#), None), [0, 1, 2]);
    }

    #[test]
    fn any_payload_has_something_to_compare() {
        let text =
            |text: &'static str| features(&Payload { bytes: text.as_bytes(), content_type: Some(b"text/plain") });
        assert!(
            similarity(&text("one two three"), &text("one two four")) > similarity(&text("one two three"), &text("x"))
        );
        assert_eq!(similarity(&text("a"), &text("a")), 1000);
        assert_eq!(similarity(&[], &[]), 0);
        assert!(!features(&Payload { bytes: b"\xff\xfe", content_type: None }).is_empty());
    }
}
