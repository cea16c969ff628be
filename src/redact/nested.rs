//! Texts inside JSON strings: URLs, JSON once more, GraphQL.

use super::json::in_json_under;
use super::json_path::{Shown, Step};
use super::listed::{folded, is_secret};
use super::place::Place;
use super::rules::Rules;
use super::url::in_url;

/// JSON in a string in JSON is read so many levels deep.
pub(super) const DEPTH: usize = 3;

/// The places of a string: `raw` as it stands in the JSON text without its quotes, `value` without escapes. Spans count
/// in `raw`.
pub(super) fn in_string(raw: &[u8], value: &[u8], rules: &Rules, steps: &[Step], depth: usize) -> Vec<Place> {
    let label = || format!("json:${}", Shown(steps));
    let inner = match value.first() {
        Some(b'{' | b'[') => in_json_under(value, rules, steps, depth - 1),
        Some(b'h') if is_url(value) => in_url(value, rules, Some(&label())),
        _ if matches!(steps.last(), Some(Step::Key(key)) if key == "query") => in_graphql(value, &label()),
        _ => Vec::new(),
    };
    if inner.is_empty() {
        return inner;
    }
    let origins = origins(raw);
    let moved = |at: usize| origins.get(at).copied().unwrap_or(raw.len());
    let escaped = |quote: &str| quote.replace('\\', "\\\\").replace('"', "\\\"");
    let in_raw = |place: Place| Place {
        span: moved(place.span.start)..moved(place.span.end),
        quote: escaped(&place.quote),
        ..place
    };
    inner.into_iter().map(in_raw).collect()
}

/// The places of a GraphQL document: arguments and input fields with a listed name and a string.
pub(super) fn in_graphql(text: &[u8], label: &str) -> Vec<Place> {
    let mut places = Vec::new();
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'"', &text[at..]) {
        let start = at + found + 1;
        let Some(length) = end_of_string(&text[start..]) else { break };
        at = start + length + 1;
        let before = text[..start - 1].trim_ascii_end();
        let Some(before) = before.strip_suffix(b":") else { continue };
        let before = before.trim_ascii_end();
        let name = before.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        let name = String::from_utf8_lossy(&before[before.len() - name..]).into_owned();
        let secret = text[start..start + length].to_vec();
        if is_secret(&folded(&name), &secret) {
            let (span, label) = (start..start + length, label.to_owned());
            places.push(Place { span, name, label, secret, quote: String::new() });
        }
    }
    places
}

fn end_of_string(text: &[u8]) -> Option<usize> {
    let mut escaped = false;
    text.iter().position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    })
}

fn is_url(value: &[u8]) -> bool {
    (value.starts_with(b"https://") || value.starts_with(b"http://")) && value.iter().any(|byte| b"?#@".contains(byte))
}

/// For each byte of the string without escapes, where it comes from in `raw`.
fn origins(raw: &[u8]) -> Vec<usize> {
    let mut origins = Vec::with_capacity(raw.len());
    let mut at = 0;
    while at < raw.len() {
        let start = at;
        let (length, bytes) = match (raw[at], code_unit(raw, at)) {
            (b'\\', Some(0xD800..=0xDBFF)) if matches!(code_unit(raw, at + 6), Some(0xDC00..0xE000)) => (12, 4),
            (b'\\', Some(0..0x80)) => (6, 1),
            (b'\\', Some(0x80..0x800)) => (6, 2),
            (b'\\', Some(_)) => (6, 3),
            (b'\\', None) => (2, 1),
            _ => (1, 1),
        };
        at += length;
        origins.extend(std::iter::repeat_n(start, bytes));
    }
    origins
}

fn code_unit(raw: &[u8], at: usize) -> Option<u32> {
    let digits = raw.get(at..at + 6)?.strip_prefix(b"\\u")?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}
