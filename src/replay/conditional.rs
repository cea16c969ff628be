//! Conditions and ranges of a request, answered from a recorded 200 as its server would have (RFC 9110, sections 13, 14).
//!
//! Preconditions of writes (`If-Match`, `If-Unmodified-Since`) are left to the recording: what a server made of them is in
//! the entry.

use std::ops::Range;

use http::header::{
    CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName,
    HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, RANGE,
};
use http::{Method, Response, StatusCode};
use hyper::ext::ReasonPhrase;

use crate::har::{Answer, End};

/// Whether the client has what was recorded already.
pub(super) fn is_not_modified(method: &Method, request: &HeaderMap, answer: &Answer) -> bool {
    if answer.status != 200 || !matches!(*method, Method::GET | Method::HEAD) {
        return false;
    }
    if request.contains_key(IF_NONE_MATCH) {
        // Then the date does not count (section 13.1.3).
        let recorded = answer.field(ETAG.as_str()).map(<[u8]>::trim_ascii);
        return request.get_all(IF_NONE_MATCH).iter().any(|value| none_match_is_false(value.as_bytes(), recorded));
    }
    let since = request.get(IF_MODIFIED_SINCE).and_then(|value| date(value.as_bytes()));
    let modified = answer.field(LAST_MODIFIED.as_str()).and_then(date);
    matches!((modified, since), (Some(modified), Some(since)) if modified <= since)
}

/// What of a body a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// These bytes.
    Bytes(Range<u64>),
    /// Bytes beyond its end.
    Unsatisfiable,
}

/// Which part of a recorded body of this length answers. Several ranges get the whole, which a server may always send
/// (section 14.2); so do bodies that are not known to their end.
pub(super) fn part(method: &Method, request: &HeaderMap, answer: &Answer, length: u64) -> Part {
    let refused = answer.field("accept-ranges").is_some_and(|value| value.trim_ascii().eq_ignore_ascii_case(b"none"));
    let is_whole = answer.status == 200 && answer.end == End::Complete && answer.trailers.is_empty() && length > 0;
    let mut ranges = request.get_all(RANGE).iter();
    let (Some(range), None) = (ranges.next(), ranges.next()) else { return Part::Whole };
    if *method != Method::GET || refused || !is_whole || !range_applies(request, answer) {
        return Part::Whole;
    }
    asked_for(range.as_bytes(), length).unwrap_or(Part::Whole)
}

/// Turns the fields of a recorded 200 into those of its 304.
pub(super) fn make_not_modified<B>(response: &mut Response<B>) {
    set_status(response, StatusCode::NOT_MODIFIED);
    let fields = response.headers_mut();
    without_content(fields);
    if fields.contains_key(ETAG) {
        // What tells a cache nothing new is not sent (section 15.4.5).
        fields.remove(LAST_MODIFIED);
    }
}

/// Turns a recorded 200 into the 206 of these bytes of `length`.
pub(super) fn make_partial<B>(response: &mut Response<B>, bytes: &Range<u64>, length: u64) {
    set_status(response, StatusCode::PARTIAL_CONTENT);
    let range = format!("bytes {}-{}/{length}", bytes.start, bytes.end.saturating_sub(1));
    set(response.headers_mut(), CONTENT_RANGE, &range);
}

/// Turns a recorded 200 into the 416 that says how long the body is.
pub(super) fn make_unsatisfiable<B>(response: &mut Response<B>, length: u64) {
    set_status(response, StatusCode::RANGE_NOT_SATISFIABLE);
    without_content(response.headers_mut());
    set(response.headers_mut(), CONTENT_RANGE, &format!("bytes */{length}"));
}

fn set_status<B>(response: &mut Response<B>, status: StatusCode) {
    *response.status_mut() = status;
    // The recorded one is that of another status.
    response.extensions_mut().remove::<ReasonPhrase>();
}

/// Fields that say what a body is.
fn without_content(fields: &mut HeaderMap) {
    for name in [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_RANGE] {
        fields.remove(name);
    }
}

fn set(fields: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        fields.insert(name, value);
    }
}

/// `If-None-Match` compares weakly (section 13.1.2): only the opaque part counts.
fn none_match_is_false(value: &[u8], recorded: Option<&[u8]>) -> bool {
    if value.trim_ascii() == b"*" {
        return true;
    }
    let Some(recorded) = recorded.map(opaque) else { return false };
    entity_tags(value).any(|tag| opaque(tag) == recorded)
}

fn opaque(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

/// The items of a list of entity tags, in whose quotes a comma is a character. One without quotes ends at the comma.
fn entity_tags(mut list: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        while let [b' ' | b'\t' | b',', rest @ ..] = list {
            list = rest;
        }
        let mut quoted = false;
        let end = list.iter().position(|byte| {
            quoted ^= *byte == b'"';
            *byte == b',' && !quoted
        });
        let (tag, rest) = list.split_at(end.unwrap_or(list.len()));
        list = rest;
        (!tag.is_empty()).then_some(tag.trim_ascii())
    })
}

/// Whether the representation is the one that the client has a part of (section 13.1.5): an equal strong tag, or exactly
/// the recorded date.
fn range_applies(request: &HeaderMap, answer: &Answer) -> bool {
    let Some(condition) = request.get(IF_RANGE).map(|value| value.as_bytes().trim_ascii()) else { return true };
    if condition.starts_with(b"\"") || condition.starts_with(b"W/") {
        let recorded = answer.field(ETAG.as_str()).map(<[u8]>::trim_ascii);
        return !condition.starts_with(b"W/") && recorded == Some(condition);
    }
    let recorded = answer.field(LAST_MODIFIED.as_str()).and_then(date);
    recorded.is_some() && recorded == date(condition)
}

fn date(value: &[u8]) -> Option<std::time::SystemTime> {
    httpdate::parse_http_date(std::str::from_utf8(value).ok()?.trim()).ok()
}

/// A single range of bytes (section 14.1.2); none where it is no such range, which then does not count.
fn asked_for(range: &[u8], length: u64) -> Option<Part> {
    let text = std::str::from_utf8(range).ok()?;
    let (unit, spec) = text.split_once('=')?;
    let (first, last) = spec.trim().split_once('-')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    if first.is_empty() {
        let suffix = position(last)?;
        return Some(if suffix == 0 {
            Part::Unsatisfiable
        } else {
            Part::Bytes(length.saturating_sub(suffix)..length)
        });
    }
    let first = position(first)?;
    let last = if last.is_empty() { u64::MAX } else { position(last)? };
    if last < first {
        return None;
    }
    Some(if first >= length { Part::Unsatisfiable } else { Part::Bytes(first..last.min(length - 1) + 1) })
}

/// Digits alone; a number that is too large is larger than any body.
fn position(digits: &str) -> Option<u64> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::har::Field;

    fn recorded(fields: &[(&str, &str)]) -> Answer {
        let fields = fields.iter().map(|(name, value)| Field { name: (*name).into(), value: value.as_bytes().into() });
        Answer {
            status: 200,
            reason: "".into(),
            fields: fields.collect(),
            body: None,
            encoded: false,
            trailers: [].into(),
            end: End::Complete,
            chunks: Box::default(),
        }
    }

    fn asking(fields: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| (HeaderName::from_static(name), value.parse().unwrap());
        fields.iter().map(pair).collect()
    }

    fn unmodified(request: &[(&'static str, &str)], fields: &[(&str, &str)]) -> bool {
        is_not_modified(&Method::GET, &asking(request), &recorded(fields))
    }

    const DATE: &str = "Tue, 02 Jan 2024 03:04:05 GMT";

    #[test]
    fn if_none_match_compares_weakly_with_every_tag_of_its_list() {
        let tag = [("etag", "\"a,b\"")];
        for same in ["\"a,b\"", "W/\"a,b\"", "\"x\" , W/\"a,b\"", ",, \"a,b\",", "*"] {
            assert!(unmodified(&[("if-none-match", same)], &tag), "{same}");
        }
        for other in ["\"a\"", "\"b\"", "a,b", "", "\"A,B\"", "\"*\""] {
            assert!(!unmodified(&[("if-none-match", other)], &tag), "{other}");
        }
        assert!(unmodified(&[("if-none-match", "\"x\""), ("if-none-match", "\"a,b\"")], &tag));
        assert!(unmodified(&[("if-none-match", "\"v\"")], &[("etag", "W/\"v\"")]));
        assert!(unmodified(&[("if-none-match", "*")], &[]) && !unmodified(&[("if-none-match", "\"v\"")], &[]));
    }

    #[test]
    fn a_date_counts_where_no_tag_is_asked_for() {
        let modified = [("last-modified", DATE), ("etag", "\"v\"")];
        let since = |date: &str| unmodified(&[("if-modified-since", date)], &modified);
        assert!(since(DATE) && since("Tue, 02 Jan 2024 03:04:06 GMT") && since("Tuesday, 02-Jan-24 03:04:05 GMT"));
        assert!(!since("Tue, 02 Jan 2024 03:04:04 GMT") && !since("yesterday"));
        assert!(!unmodified(&[("if-modified-since", DATE), ("if-none-match", "\"w\"")], &modified));
        assert!(!unmodified(&[("if-modified-since", DATE)], &[("date", DATE)]));
    }

    #[test]
    fn only_a_recorded_200_to_get_or_head_becomes_a_304() {
        let (request, mut answer) = (asking(&[("if-none-match", "*")]), recorded(&[]));
        assert!(is_not_modified(&Method::HEAD, &request, &answer));
        assert!(!is_not_modified(&Method::PUT, &request, &answer));
        answer.status = 404;
        assert!(!is_not_modified(&Method::GET, &request, &answer));
    }

    #[test]
    fn a_304_keeps_what_a_cache_needs_and_no_word_about_a_body() {
        let mut response = Response::new(());
        let fields = [("etag", "\"v\""), ("last-modified", DATE), ("content-type", "a/b"), ("content-location", "/x")];
        *response.headers_mut() = asking(&fields);
        response.headers_mut().insert("set-cookie", HeaderValue::from_static("a=1"));
        make_not_modified(&mut response);
        assert_eq!(response.status(), 304);
        let expected = asking(&[("etag", "\"v\""), ("content-location", "/x"), ("set-cookie", "a=1")]);
        assert_eq!(*response.headers(), expected);
    }

    #[test]
    fn a_range_is_cut_to_the_body_or_is_unsatisfiable_or_does_not_count() {
        let of_ten = |range: &str| part(&Method::GET, &asking(&[("range", range)]), &recorded(&[]), 10);
        for (range, bytes) in [
            ("bytes=0-0", 0..1),
            ("bytes=2-5", 2..6),
            ("Bytes=7-", 7..10),
            ("bytes=0-99999999999999999999999", 0..10),
            ("bytes=-3", 7..10),
            ("bytes=-30", 0..10),
        ] {
            assert_eq!(of_ten(range), Part::Bytes(bytes), "{range}");
        }
        for range in ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(of_ten(range), Part::Unsatisfiable, "{range}");
        }
        for range in ["bytes=5-2", "bytes=", "bytes=-", "bytes=a-b", "bytes=+1-2", "items=0-1", "bytes=0-1,4-5", "0-1"]
        {
            assert_eq!(of_ten(range), Part::Whole, "{range}");
        }
    }

    #[test]
    fn if_range_wants_the_same_strong_tag_or_the_same_date() {
        let fields = [("etag", "\"v\""), ("last-modified", DATE)];
        let ranged = |condition: &str| {
            let request = asking(&[("range", "bytes=0-1"), ("if-range", condition)]);
            part(&Method::GET, &request, &recorded(&fields), 10) == Part::Bytes(0..2)
        };
        assert!(ranged("\"v\"") && ranged(DATE));
        assert!(!ranged("\"w\"") && !ranged("W/\"v\"") && !ranged("Tue, 02 Jan 2024 03:04:06 GMT") && !ranged("v"));
    }

    #[test]
    fn what_has_no_parts_is_served_whole() {
        let (request, whole) = (asking(&[("range", "bytes=0-1")]), recorded(&[]));
        let mut cut = whole.clone();
        cut.end = End::Upstream;
        assert_eq!(part(&Method::GET, &request, &whole, 10), Part::Bytes(0..2));
        assert_eq!(part(&Method::POST, &request, &whole, 10), Part::Whole);
        assert_eq!(part(&Method::GET, &request, &whole, 0), Part::Whole);
        assert_eq!(part(&Method::GET, &request, &cut, 10), Part::Whole);
        assert_eq!(part(&Method::GET, &request, &recorded(&[("accept-ranges", "none")]), 10), Part::Whole);
        let mut partial = whole;
        partial.status = 206;
        assert_eq!(part(&Method::GET, &request, &partial, 10), Part::Whole);
    }
}
