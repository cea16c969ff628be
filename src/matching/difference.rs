//! What differs between a request and an entry, told so that a person sees it at a glance.

use std::borrow::Cow;

use form_urlencoded::parse as parse_form;
use serde_json::Value;

use crate::har::RecordedRequest;

use super::request::LiveRequest;

/// How many characters of a value are told.
const TOLD: usize = 120;
/// How many differences between two payloads are told.
const MOST: usize = 8;

/// One thing that differs, both values cut to a readable length around the place where they part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What.
    pub what: DifferenceKind,
    /// The entry's; empty where it has none.
    pub recorded: String,
    /// The request's; empty where it has none.
    pub live: String,
}

/// What can differ between a request and an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DifferenceKind {
    /// The method.
    Method,
    /// `http` or `https`.
    Scheme,
    /// Host or port.
    Authority,
    /// The path.
    Path,
    /// A query parameter of this name: another value, or one side has it alone.
    QueryParameter(String),
    /// The same parameters in another order or spelling; the values are the whole queries.
    QueryOrder,
    /// A value inside two JSON payloads, by its JSONPath (RFC 9535).
    JsonValue(String),
    /// A field of two forms.
    FormField(String),
    /// The payload.
    Payload,
}

/// How far an entry is from a request by method and URL; `None` where they share neither host nor path.
pub(super) fn distance(recorded: &RecordedRequest, live: &LiveRequest<'_>) -> Option<u32> {
    let (ours, theirs) = (Pieces::of(live.url), Pieces::of(recorded.url.as_str()));
    if ours.authority != theirs.authority && ours.path != theirs.path {
        return None;
    }
    let method = if *recorded.method == *live.method { 0 } else { 12 };
    let scheme = if ours.scheme == theirs.scheme { 0 } else { 6 };
    let authority = if ours.authority == theirs.authority { 0 } else { 20 };
    let query = match &query_differences(theirs.query, ours.query)[..] {
        [order] if order.what == DifferenceKind::QueryOrder => 1,
        // Another value of a parameter is nearer than a parameter that one side lacks.
        differing => differing.iter().map(|d| if d.recorded.is_empty() || d.live.is_empty() { 3 } else { 2 }).sum(),
    };
    Some(method + scheme + authority + path_distance(theirs.path, ours.path) + query)
}

/// What differs in method and URL.
pub(super) fn of_heads(recorded: &RecordedRequest, live: &LiveRequest<'_>) -> Vec<Difference> {
    let (ours, theirs) = (Pieces::of(live.url), Pieces::of(recorded.url.as_str()));
    let mut differences = Vec::new();
    for (what, recorded, live) in [
        (DifferenceKind::Method, &*recorded.method, live.method),
        (DifferenceKind::Scheme, theirs.scheme, ours.scheme),
        (DifferenceKind::Authority, theirs.authority, ours.authority),
        (DifferenceKind::Path, theirs.path, ours.path),
    ] {
        if recorded != live {
            differences.push(Difference::new(what, recorded, live));
        }
    }
    differences.extend(query_differences(theirs.query, ours.query));
    differences
}

/// What differs between two payloads: value by value for JSON and forms, else where they part.
pub(super) fn of_payloads(recorded: &[u8], live: &[u8], form: bool) -> Vec<Difference> {
    if recorded == live {
        return Vec::new();
    }
    let mut differences = Vec::new();
    if form && !recorded.is_empty() {
        let pairs = |payload| parse_form(payload).into_owned().collect::<Vec<_>>();
        pair_differences(&pairs(recorded), &pairs(live), DifferenceKind::FormField, &mut differences);
    } else if let (Ok(one), Ok(other)) = (serde_json::from_slice(recorded), serde_json::from_slice(live)) {
        json_differences("$", &one, &other, &mut differences);
    }
    differences.truncate(MOST);
    if differences.is_empty() {
        differences.push(Difference::of_bytes(recorded, live));
    }
    differences
}

/// What differs between recorded form fields and a live payload.
pub(super) fn of_form(recorded: &[(String, String)], live: &[u8]) -> Vec<Difference> {
    let mut differences = Vec::new();
    let live: Vec<(String, String)> = parse_form(live).into_owned().collect();
    pair_differences(recorded, &live, DifferenceKind::FormField, &mut differences);
    differences.truncate(MOST);
    differences
}

/// How many bytes two payloads have in common at their beginning and at their end.
pub(super) fn shared_ends(one: &[u8], other: &[u8]) -> usize {
    let start = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let (one, other) = (&one[start..], &other[start..]);
    start + one.iter().rev().zip(other.iter().rev()).take_while(|(a, b)| a == b).count()
}

impl Difference {
    fn new(what: DifferenceKind, recorded: &str, live: &str) -> Self {
        let parts = recorded.bytes().zip(live.bytes()).take_while(|(a, b)| a == b).count();
        Self { what, recorded: excerpt(recorded, parts), live: excerpt(live, parts) }
    }

    fn of_bytes(recorded: &[u8], live: &[u8]) -> Self {
        match (std::str::from_utf8(recorded), std::str::from_utf8(live)) {
            (Ok(recorded), Ok(live)) => Self::new(DifferenceKind::Payload, recorded, live),
            _ => {
                let parts = recorded.iter().zip(live).take_while(|(a, b)| a == b).count();
                let told = |bytes: &[u8]| match bytes.get(parts) {
                    Some(byte) => format!("{} bytes, {byte:#04x} at {parts}", bytes.len()),
                    None => format!("{} bytes", bytes.len()),
                };
                Self { what: DifferenceKind::Payload, recorded: told(recorded), live: told(live) }
            }
        }
    }
}

/// The pieces of a serialised URL.
struct Pieces<'a> {
    scheme: &'a str,
    authority: &'a str,
    path: &'a str,
    query: &'a str,
}

impl<'a> Pieces<'a> {
    fn of(url: &'a str) -> Self {
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = place.split_at(place.find('/').unwrap_or(place.len()));
        Self { scheme, authority, path, query }
    }
}

/// Each differing segment, and each that one side lacks.
fn path_distance(recorded: &str, live: &str) -> u32 {
    if recorded == live {
        return 0;
    }
    let (recorded, live): (Vec<&str>, Vec<&str>) = (recorded.split('/').collect(), live.split('/').collect());
    let differing = recorded.iter().zip(&live).filter(|(one, other)| one != other).count();
    14 + 4 * differing as u32 + 6 * recorded.len().abs_diff(live.len()) as u32
}

fn query_differences(recorded: &str, live: &str) -> Vec<Difference> {
    if recorded == live {
        return Vec::new();
    }
    let pairs = |query: &str| parse_form(query.as_bytes()).into_owned().collect::<Vec<_>>();
    let mut differences = Vec::new();
    pair_differences(&pairs(recorded), &pairs(live), DifferenceKind::QueryParameter, &mut differences);
    if differences.is_empty() {
        differences.push(Difference::new(DifferenceKind::QueryOrder, recorded, live));
    }
    differences
}

/// The names whose values differ, in recorded order and then in live order.
fn pair_differences(
    recorded: &[(String, String)],
    live: &[(String, String)],
    what: fn(String) -> DifferenceKind,
    differences: &mut Vec<Difference>,
) {
    let mut seen = std::collections::HashSet::new();
    for (name, _) in recorded.iter().chain(live) {
        if !seen.insert(name) {
            continue;
        }
        let values = |pairs: &[(String, String)]| {
            let values: Vec<_> =
                pairs.iter().filter(|(other, _)| other == name).map(|(_, value)| value.clone()).collect();
            values.join(", ")
        };
        let count = |pairs: &[(String, String)]| pairs.iter().filter(|(other, _)| other == name).count();
        let (theirs, ours) = (values(recorded), values(live));
        if theirs != ours || count(recorded) != count(live) {
            differences.push(Difference::new(what(name.clone()), &theirs, &ours));
        }
    }
}

fn json_differences(path: &str, recorded: &Value, live: &Value, differences: &mut Vec<Difference>) {
    if differences.len() >= MOST || recorded == live {
        return;
    }
    match (recorded, live) {
        (Value::Object(one), Value::Object(other)) => {
            let names = one.keys().chain(other.keys().filter(|name| !one.contains_key(*name)));
            for name in names {
                let path = member(path, name);
                match (one.get(name), other.get(name)) {
                    (Some(one), Some(other)) => json_differences(&path, one, other, differences),
                    (one, other) => differences.push(json_difference(&path, one, other)),
                }
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (n, (one, other)) in one.iter().zip(other).enumerate() {
                json_differences(&format!("{path}[{n}]"), one, other, differences);
            }
        }
        _ => differences.push(json_difference(path, Some(recorded), Some(live))),
    }
}

fn json_difference(path: &str, recorded: Option<&Value>, live: Option<&Value>) -> Difference {
    let text = |value: Option<&Value>| value.map(Value::to_string).unwrap_or_default();
    Difference::new(DifferenceKind::JsonValue(path.to_owned()), &text(recorded), &text(live))
}

/// A member's JSONPath: `.name`, or `['…']` where the name is no plain word.
pub(crate) fn member(path: &str, name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain {
        return format!("{path}.{name}");
    }
    let escaped = name.replace('\\', r"\\").replace('\'', r"\'");
    format!("{path}['{escaped}']")
}

/// At most [`TOLD`] characters of a text, beginning a little before byte `parts`.
fn excerpt(text: &str, parts: usize) -> String {
    if text.chars().count() <= TOLD {
        return text.to_owned();
    }
    let mut start = parts.min(text.len()).saturating_sub(TOLD / 3);
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let rest = &text[start..];
    let shown: Cow<'_, str> = match rest.char_indices().nth(TOLD) {
        Some((end, _)) => Cow::Owned(format!("{}…", &rest[..end])),
        None => Cow::Borrowed(rest),
    };
    if start > 0 { format!("…{shown}") } else { shown.into_owned() }
}
