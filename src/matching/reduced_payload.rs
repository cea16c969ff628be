//! A payload without what may vary: the key by which entries whose payload is equal but for that are found.

use std::borrow::Cow;

use serde_json::Value;

use super::canonical_json;
use super::digest::{self, Digest};
use super::graphql;
use super::multipart::{Multipart, Part, is_form, parts};
use super::redacted::Places;
use super::rules::{MatchBody, Pattern, Ruled, Terms};

/// A payload, and what its `Content-Type` says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Payload<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) content_type: Option<&'a [u8]>,
}

/// What tells the kinds of digests apart, so that a form is never equal to a text.
#[derive(Debug, Clone, Copy)]
enum Kind {
    GraphQl,
    Json,
    Pairs,
    Parts,
    Text,
}

impl Payload<'_> {
    /// The keys of a payload, the surest first; two payloads are the same under these terms when they share one.
    pub(super) fn reduce(&self, terms: Option<&Terms>, redacted: &Places) -> Vec<Digest> {
        let text = self.normalized(terms);
        if let Some(mut json) = canonical_json::parse(&text).filter(|_| reads_json(terms, redacted)) {
            for ruled in terms.iter().flat_map(|terms| &terms.ignore_json) {
                canonical_json::remove(&mut json, &ruled.value);
            }
            redacted.mask_json(&mut json);
            return json_keys(&json, terms);
        }
        let ignored_part = |name: &str| terms.is_some_and(|terms| any(&terms.ignore_part, name));
        if let Some(multipart) = self.content_type.and_then(Multipart::parse) {
            return multipart_keys(&parts(&text, &multipart), redacted, ignored_part);
        }
        let ignored = |name: &str| terms.is_some_and(|terms| any(&terms.ignore_form, name));
        if self.content_type.is_none_or(is_form) && (!redacted.names.is_empty() || has_form_rules(terms)) {
            let pairs: Vec<_> = form_urlencoded::parse(&text).into_owned().collect();
            return vec![pair_key(&pairs, redacted, ignored)];
        }
        if terms.is_some_and(|terms| terms.match_body() == MatchBody::GraphQl)
            && self.content_type.is_some_and(|value| value.starts_with(b"application/graphql"))
        {
            let query = Value::String(String::from_utf8_lossy(&text).into_owned());
            return json_keys(&serde_json::json!({ "query": query }), terms);
        }
        vec![key(Kind::Text, &text)]
    }

    /// The text as both sides are compared; bytes that are no text stay as they are.
    fn normalized(&self, terms: Option<&Terms>) -> Cow<'_, [u8]> {
        match (terms.filter(|terms| !terms.normalize.is_empty()), std::str::from_utf8(self.bytes)) {
            (Some(terms), Ok(text)) => Cow::Owned(terms.normalized(text).into_bytes()),
            _ => Cow::Borrowed(self.bytes),
        }
    }
}

/// The key of a payload that was recorded as fields alone.
pub(super) fn reduce_params(params: &[(String, String)], terms: Option<&Terms>, redacted: &Places) -> Digest {
    let ignored =
        |name: &str| terms.is_some_and(|terms| any(&terms.ignore_form, name) || any(&terms.ignore_part, name));
    pair_key(params, redacted, ignored)
}

fn json_keys(json: &Value, terms: Option<&Terms>) -> Vec<Digest> {
    let asks = terms.is_some_and(|terms| terms.match_body() == MatchBody::GraphQl);
    if asks && let Some(operations) = graphql::operations(json) {
        let identities = graphql::identities(&operations).into_iter();
        return identities.map(|identity| key(Kind::GraphQl, format!("{identity:?}").as_bytes())).collect();
    }
    vec![key(Kind::Json, canonical_json::text(json).as_bytes())]
}

/// By the parts as they stand, and by their names and contents, as payloads recorded as fields alone have them.
fn multipart_keys(parts: &[Part<'_>], redacted: &Places, ignored: impl Fn(&str) -> bool) -> Vec<Digest> {
    let kept = parts.iter().filter(|part| !ignored(&String::from_utf8_lossy(&part.name)));
    let (mut whole, mut pairs) = (Vec::new(), Vec::new());
    for part in kept {
        let name = String::from_utf8_lossy(&part.name);
        let content = if redacted.names.contains(&*name) { &b"\x01"[..] } else { part.content };
        whole.push((part.head, content));
        pairs.push((&*part.name, content));
    }
    let keyed =
        |kind, pairs: Vec<(&[u8], &[u8])>| key(kind, format!("{:?}", digest::of_pairs(pairs.into_iter())).as_bytes());
    vec![keyed(Kind::Parts, whole), keyed(Kind::Pairs, pairs)]
}

fn pair_key(pairs: &[(String, String)], redacted: &Places, ignored: impl Fn(&str) -> bool) -> Digest {
    let kept = pairs.iter().filter(|(name, _)| !ignored(name));
    let kept = kept.map(|(name, value)| {
        let value = if redacted.names.contains(name) { "\u{1}" } else { value };
        (name.as_bytes(), value.as_bytes())
    });
    key(Kind::Pairs, format!("{:?}", digest::of_pairs(kept)).as_bytes())
}

fn key(kind: Kind, bytes: &[u8]) -> Digest {
    digest::of_pairs(std::iter::once((format!("{kind:?}").as_bytes(), bytes)))
}

fn any(patterns: &[Ruled<Pattern>], name: &str) -> bool {
    patterns.iter().any(|ruled| ruled.value.matches(name))
}

fn reads_json(terms: Option<&Terms>, redacted: &Places) -> bool {
    !redacted.pointers.is_empty()
        || terms.is_some_and(|terms| {
            !terms.ignore_json.is_empty() || terms.canonical() || terms.match_body() == MatchBody::GraphQl
        })
}

fn has_form_rules(terms: Option<&Terms>) -> bool {
    terms.is_some_and(|terms| !terms.ignore_form.is_empty())
}
