//! The places of an entry that were redacted: they match any value.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::Value;

use crate::message::redacted::find;

use super::multipart::{Multipart, is_form, parts};
use super::reduced_payload::Payload;

/// The redacted places of a payload: entries that have the same ones are found by one look-up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Places {
    /// JSON pointers.
    pub(super) pointers: BTreeSet<String>,
    /// Form fields and parts.
    pub(super) names: BTreeSet<String>,
    /// Something stands for a value outside of these: in text, in lines of JSON, in a key.
    pub(super) elsewhere: bool,
}

impl Places {
    /// Those of a recorded payload.
    pub(super) fn of(payload: &Payload<'_>) -> Self {
        let mut places = Self::default();
        if find(payload.bytes).next().is_none() {
            return places;
        }
        if let Some(mut json) = super::canonical_json::parse(payload.bytes) {
            add_json(&mut places.pointers, &json, &mut String::new());
            places.mask_json(&mut json);
            places.elsewhere = holds(json.to_string().as_bytes());
        } else if let Some(multipart) = payload.content_type.and_then(Multipart::parse) {
            let parts = parts(payload.bytes, &multipart);
            let redacted = parts.iter().filter(|part| holds(part.content));
            places.names.extend(redacted.map(|part| String::from_utf8_lossy(&part.name).into_owned()));
            let in_parts: usize = parts.iter().map(|part| find(part.content).count()).sum();
            places.elsewhere = in_parts < find(payload.bytes).count();
        } else {
            places.add_pairs(form_urlencoded::parse(payload.bytes));
            let in_a_name = |(name, _): (Cow<'_, str>, _)| holds(name.as_bytes());
            places.elsewhere =
                !payload.content_type.is_none_or(is_form) || form_urlencoded::parse(payload.bytes).any(in_a_name);
        }
        places
    }

    /// Those of a payload recorded as fields alone.
    pub(super) fn of_params(params: &[(String, String)]) -> Self {
        let mut places = Self::default();
        places.add_pairs(params.iter().map(|(name, value)| (name.into(), value.into())));
        places
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pointers.is_empty() && self.names.is_empty()
    }

    /// Puts one value in all these places.
    pub(super) fn mask_json(&self, json: &mut Value) {
        for pointer in &self.pointers {
            if let Some(place) = json.pointer_mut(pointer) {
                *place = Value::String("\u{1}".to_owned());
            }
        }
    }

    fn add_pairs<'a>(&mut self, pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>) {
        let redacted = pairs.filter(|(_, value)| holds(value.as_bytes()));
        self.names.extend(redacted.map(|(name, _)| name.into_owned()));
    }
}

/// What a payload begins and ends with around its redacted values, for telling without reading it again that another is
/// not the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ends {
    head: Box<[u8]>,
    tail: Box<[u8]>,
}

/// So much of each end is kept.
const LONGEST_END: usize = 64;

impl Ends {
    /// Those of a recorded payload; none of a multipart one, whose boundary is another each time.
    pub(super) fn of(payload: &Payload<'_>) -> Self {
        let Some(first) = find(payload.bytes).next() else { return Self::default() };
        if payload.content_type.and_then(Multipart::parse).is_some() {
            return Self::default();
        }
        let last = find(payload.bytes).last().map_or(first.span.end, |last| last.span.end);
        let (head, tail) = (&payload.bytes[..first.span.start], &payload.bytes[last..]);
        // Quotes may belong to what was replaced.
        let (head, tail) = (head.strip_suffix(b"\"").unwrap_or(head), tail.strip_prefix(b"\"").unwrap_or(tail));
        let (head, tail) = (&head[..head.len().min(LONGEST_END)], &tail[tail.len().saturating_sub(LONGEST_END)..]);
        Self { head: head.into(), tail: tail.into() }
    }

    /// Whether a payload has them too.
    pub(super) fn are_those_of(&self, payload: &[u8]) -> bool {
        payload.starts_with(&self.head) && payload.ends_with(&self.tail)
    }
}

fn holds(text: &[u8]) -> bool {
    find(text).next().is_some()
}

fn add_json(pointers: &mut BTreeSet<String>, json: &Value, at: &mut String) {
    let length = at.len();
    match json {
        Value::Object(fields) => {
            for (name, value) in fields {
                at.push('/');
                at.push_str(&name.replace('~', "~0").replace('/', "~1"));
                add_json(pointers, value, at);
                at.truncate(length);
            }
        }
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                at.push_str(&format!("/{n}"));
                add_json(pointers, item, at);
                at.truncate(length);
            }
        }
        Value::String(text) if holds(text.as_bytes()) => drop(pointers.insert(at.clone())),
        _ => {}
    }
}

/// The live texts in the redacted places of a recorded one, if the two are equal everywhere else.
///
/// In JSON the quotes around a replacement belong to it: what it replaced may have been a number.
pub(super) fn values<'a>(recorded: &[u8], live: &'a [u8], json: bool) -> Option<Vec<(String, &'a [u8])>> {
    let mut values = Vec::new();
    let (mut from, mut at) = (0, 0);
    let mut open: Option<String> = None;
    let quoted =
        |start: usize, end: usize| json && start > 0 && recorded[start - 1] == b'"' && recorded.get(end) == Some(&b'"');
    for redacted in find(recorded) {
        let (mut start, mut end) = (redacted.span.start, redacted.span.end);
        if quoted(start, end) {
            (start, end) = (start - 1, end + 1);
        }
        let literal = recorded.get(from..start)?;
        at = take(&mut values, &mut open, live, at, literal)?;
        open = Some(redacted.text());
        from = end;
    }
    let literal = &recorded[from..];
    match open {
        None => (live == recorded).then_some(values),
        Some(text) => {
            let end = live.len().checked_sub(literal.len()).filter(|end| *end >= at)?;
            if live[end..] != *literal {
                return None;
            }
            values.push((text, unquoted(&live[at..end])));
            Some(values)
        }
    }
}

/// Moves on behind the next literal; what lies before it is the value of the open place.
fn take<'a>(
    values: &mut Vec<(String, &'a [u8])>,
    open: &mut Option<String>,
    live: &'a [u8],
    at: usize,
    literal: &[u8],
) -> Option<usize> {
    match open.take() {
        None => live[at..].starts_with(literal).then_some(at + literal.len()),
        Some(text) => {
            let found = memchr::memmem::find(&live[at..], literal)?;
            values.push((text, unquoted(&live[at..at + found])));
            Some(at + found + literal.len())
        }
    }
}

fn unquoted(value: &[u8]) -> &[u8] {
    value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(recorded: &str, live: &str, json: bool) -> Option<Vec<(String, String)>> {
        let values = values(recorded.as_bytes(), live.as_bytes(), json)?;
        Some(values.into_iter().map(|(text, value)| (text, String::from_utf8(value.to_vec()).unwrap())).collect())
    }

    fn one(text: &str, value: &str) -> Option<Vec<(String, String)>> {
        Some(vec![(text.to_owned(), value.to_owned())])
    }

    #[test]
    fn the_live_values_are_read_where_all_else_is_equal() {
        assert_eq!(
            bound("Bearer redacted-authorization-1", "Bearer abc", false),
            one("redacted-authorization-1", "abc")
        );
        assert_eq!(bound("Bearer redacted-authorization-1", "Basic abc", false), None);
        assert_eq!(bound("a=redacted-a-1&b=2", "a=7&b=2", false), one("redacted-a-1", "7"));
        assert_eq!(bound("a=redacted-a-1&b=2", "a=7&b=3", false), None);
        assert_eq!(
            bound(r#"{"pin":"redacted-pin-1","x":1}"#, r#"{"pin":1234,"x":1}"#, true),
            one("redacted-pin-1", "1234")
        );
        assert_eq!(bound(r#"{"pin":"redacted-pin-1","x":1}"#, r#"{"pin":"1","x":2}"#, true), None);
        assert_eq!(bound("plain", "plain", false), Some(Vec::new()));
        assert_eq!(bound("plain", "other", false), None);
    }

    #[test]
    fn the_places_of_a_payload_are_named() {
        let json = Places::of(&Payload { bytes: br#"{"a":{"b/c":["x","redacted-b-1"]}}"#, content_type: None });
        assert_eq!(json.pointers.into_iter().collect::<Vec<_>>(), ["/a/b~1c/1"]);
        let form = Places::of(&Payload { bytes: b"user=ada&password=redacted-password-1", content_type: None });
        assert_eq!(form.names.into_iter().collect::<Vec<_>>(), ["password"]);
    }
}
