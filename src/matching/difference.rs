//! What differs between a request and an entry, told so that a person sees it at a glance.

use std::borrow::Cow;

use form_urlencoded::parse as parse_form;
use serde_json::Value;

use crate::har::RecordedRequest;

use super::canonical_json;
use super::graphql::{self, Operation};
use super::multipart::{Multipart, is_form, parts};
use super::reduced_payload::Payload;
use super::request::LiveRequest;

/// How many characters of a value are told.
const TOLD: usize = 120;
/// How many differences between two payloads are looked for.
const MOST: usize = 64;

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
    /// Scheme, host and port together.
    Origin,
    /// The path.
    Path,
    /// A query parameter of this name: another value, or one side has it alone.
    QueryParameter(String),
    /// The same parameters in another order or spelling; the values are the whole queries.
    QueryOrder,
    /// A value inside two JSON payloads, by its JSONPath (RFC 9535).
    JsonValue(String),
    /// The same JSON in another order of keys, layout or spelling.
    JsonSpelling,
    /// A variable of two GraphQL requests, by its JSONPath in the payload.
    Variable(String),
    /// The operation of two GraphQL requests, by the JSONPath of its name.
    GraphQlOperation(String),
    /// The query of two GraphQL requests, beyond its layout, by its JSONPath.
    GraphQlQuery(String),
    /// The same GraphQL query in another layout.
    GraphQlSpelling,
    /// A field of two forms.
    FormField(String),
    /// A part of two multipart payloads.
    Part(String),
    /// A header field that a rule wants to be equal.
    Header(String),
    /// The payload.
    Payload,
}

impl DifferenceKind {
    /// The name of what differs, as a rule would have it where one could.
    pub fn name(&self) -> &str {
        match self {
            Self::Method => "method",
            Self::Scheme => "scheme",
            Self::Authority => "host",
            Self::Origin => "origin",
            Self::Path => "path",
            Self::QueryOrder => "order",
            Self::JsonSpelling => "spelling",
            Self::GraphQlOperation(_) => "operation",
            Self::GraphQlQuery(_) => "query",
            Self::GraphQlSpelling => "layout",
            Self::Payload => "payload",
            Self::QueryParameter(name)
            | Self::JsonValue(name)
            | Self::Variable(name)
            | Self::FormField(name)
            | Self::Part(name)
            | Self::Header(name) => name,
        }
    }

    /// Which of the criteria of a match it belongs to: `method`, `url`, `payload` or `headers`.
    pub fn criterion(&self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Scheme | Self::Authority | Self::Origin | Self::Path | Self::QueryParameter(_) | Self::QueryOrder => {
                "url"
            }
            Self::Header(_) => "headers",
            _ => "payload",
        }
    }
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

/// What differs between two payloads: value by value for JSON, GraphQL, forms and multipart, else where they part.
pub(super) fn of_payloads(recorded: &Payload<'_>, live: &Payload<'_>) -> Vec<Difference> {
    if recorded.bytes == live.bytes {
        return Vec::new();
    }
    let mut differences = if recorded.bytes.is_empty() || live.bytes.is_empty() {
        Vec::new()
    } else if let (Some(one), Some(other)) = (canonical_json::parse(recorded.bytes), canonical_json::parse(live.bytes))
    {
        of_json(&one, &other)
    } else if let (Some(one), Some(other)) = (parts_of(recorded), parts_of(live)) {
        let mut differences = Vec::new();
        pair_differences(&one, &other, DifferenceKind::Part, &mut differences);
        differences
    } else if live.content_type.is_some_and(is_form) {
        let pairs = |payload: &[u8]| parse_form(payload).into_owned().collect::<Vec<_>>();
        let mut differences = Vec::new();
        pair_differences(&pairs(recorded.bytes), &pairs(live.bytes), DifferenceKind::FormField, &mut differences);
        differences
    } else {
        Vec::new()
    };
    differences.truncate(MOST);
    if differences.is_empty() {
        differences.push(Difference::of_bytes(recorded.bytes, live.bytes));
    }
    differences
}

/// What differs between recorded form fields and a live payload.
pub(super) fn of_params(recorded: &[(String, String)], live: &Payload<'_>) -> Vec<Difference> {
    let mut differences = Vec::new();
    match parts_of(live) {
        Some(parts) => pair_differences(recorded, &parts, DifferenceKind::Part, &mut differences),
        None => {
            let live: Vec<(String, String)> = parse_form(live.bytes).into_owned().collect();
            pair_differences(recorded, &live, DifferenceKind::FormField, &mut differences);
        }
    }
    differences.truncate(MOST);
    differences
}

/// The JSONPaths of the values that differ.
pub(super) fn json_paths(recorded: &Value, live: &Value) -> Vec<String> {
    let mut differences = Vec::new();
    json_differences("$", recorded, live, &mut differences);
    let paths = differences.into_iter().filter_map(|difference| match difference.what {
        DifferenceKind::JsonValue(path) => Some(path),
        _ => None,
    });
    paths.collect()
}

/// The parts of a multipart payload, by name and content.
fn parts_of(payload: &Payload<'_>) -> Option<Vec<(String, String)>> {
    let multipart = payload.content_type.and_then(Multipart::parse)?;
    let text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("{} bytes, XXH3 {:016x}", bytes.len(), xxhash_rust::xxh3::xxh3_64(bytes)),
    };
    let parts = parts(payload.bytes, &multipart).into_iter();
    Some(parts.map(|part| (text(&part.name), text(part.content))).collect())
}

/// What differs between two JSON values; where both are GraphQL, in its words.
pub(super) fn of_json(recorded: &Value, live: &Value) -> Vec<Difference> {
    let mut differences = Vec::new();
    json_differences("$", recorded, live, &mut differences);
    if differences.is_empty() {
        let what = DifferenceKind::JsonSpelling;
        return vec![Difference::new(what, "one spelling", "another, of the same JSON")];
    }
    let (Some(theirs), Some(ours)) = (graphql::operations(recorded), graphql::operations(live)) else {
        return differences;
    };
    let same = |of: fn(&Operation) -> Option<&String>| {
        theirs.len() == ours.len() && theirs.iter().zip(&ours).all(|(theirs, ours)| of(theirs) == of(ours))
    };
    let (same_query, same_name) = (same(|one| one.query.as_ref()), same(|one| one.name.as_ref()));
    for difference in &mut differences {
        let DifferenceKind::JsonValue(path) = &difference.what else { continue };
        let place =
            path.trim_start_matches("$").trim_start_matches(|c: char| c == '[' || c == ']' || c.is_ascii_digit());
        difference.what = match place {
            ".query" | ".operationName" if same_query && same_name => DifferenceKind::GraphQlSpelling,
            ".query" => DifferenceKind::GraphQlQuery(path.clone()),
            ".operationName" => DifferenceKind::GraphQlOperation(path.clone()),
            place if place.starts_with(".variables") => DifferenceKind::Variable(path.clone()),
            _ => continue,
        };
    }
    differences
}

impl Difference {
    pub(super) fn new(what: DifferenceKind, recorded: &str, live: &str) -> Self {
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
        // Numbers are compared as they are read, not as they are spelled.
        (Value::Number(one), Value::Number(other))
            if one.as_f64() == other.as_f64() && (one.is_f64() || other.is_f64()) => {}
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
