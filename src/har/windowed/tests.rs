//! The window against the whole text: what is read through it is what is read without it.

use proptest::prelude::*;

use super::*;

const USUAL: &str = r#"{"log": {"version": "1.2", "creator": {"name": "Firefox"}, "pages": [{"id": "é"}], "entries": [
  {"request": {"method": "GET", "url": "http://a/\u00e9?x", "headers": [{"name": "A", "value": "ü"}]},
   "response": {"status": 200, "content": {"text": "grüße \"\ud83d\ude00\" \ud83d", "size": 12}}},
  {"request": {"method": "POST", "url": "https://b/", "postData": {"text": "a=1"}}, "response": {"status": 0}},
  {"request": {"method": "GET"}, "response": {"status": 12}}, {"request": {"url": "ws://a/"}},
  {"request": {"method": "GET", "url": "data:,x"}}
], "comment": 12}, "more": [1, {"entries": []}]}
"#;

fn through(text: &[u8], window: usize) -> Option<String> {
    passing_over(text, (window, LONG))
}

fn passing_over(text: &[u8], windows: (usize, usize)) -> Option<String> {
    read_within(&mut &text[..], 3, LogReader::ending_at(text.len() as u64), windows)
        .unwrap()
        .map(|log| format!("{log:?}"))
}

fn whole(text: &str) -> Option<String> {
    HarLog::read(text, 3).ok().map(|log| format!("{log:?}"))
}

#[test]
fn a_usual_text_is_read_through_a_window_of_any_size() {
    let expected = whole(USUAL);
    assert!(expected.as_ref().is_some_and(|log| log.contains("Latin1") || log.contains("Embedded")));
    for window in [1, 7, 64, 200, 1 << 12] {
        assert_eq!(through(USUAL.as_bytes(), window), expected, "{window}");
    }
}

#[test]
fn what_is_not_usual_is_left_to_the_reader_of_the_whole_text() {
    for text in [
        "",
        "[]",
        "{}",
        "{\"log\":{}}",
        "{\"log\":[]}",
        "{\"log\":{\"entries\":{}}}",
        "{\"log\":{\"entries\":[1]}}",
        "{\"log\":{\"entries\":[],\"entries\":[]}}",
        "{\"log\":{\"entries\":[]},\"log\":{\"entries\":[]}}",
        "{\"log\":{\"entries\":[],\"creator\":{\"name\":\"Firefox\"}}}",
        "{\"log\":{\"entries\":[]}",
        "{\"log\":{\"entries\":[]}} x",
        "{\"log\":{\"entries\":[{},]}}",
        "{\"log\":{\"entries\":[{} {}]}}",
        "{\"log\":{\"entries\":[{\"request\":oops}]}}",
    ] {
        assert_eq!(through(text.as_bytes(), 8), None, "{text}");
    }
    assert_eq!(through(b"{\"log\":{\"entries\":[],\"x\":\"\xff\"}}", 8), None);
}

proptest! {
    #[test]
    fn of_a_damaged_text_nothing_else_is_read_through_a_window(
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
        window in 1..400_usize,
    ) {
        let mut bytes = USUAL.as_bytes().to_vec();
        for (place, byte) in places {
            let at = place.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Some(log) = through(&bytes, window) {
            prop_assert_eq!(Some(log), whole(std::str::from_utf8(&bytes).unwrap()));
        }
    }
}

/// A window in which the strings below are long.
const SMALL: (usize, usize) = (256, 256);

/// Four entries, two of them with this content and more in their requests.
fn around(creator: &str, content: &str, more: &str) -> String {
    let entry = |content: &str, more: &str| {
        format!(
            r#"{{"request": {{"method": "GET", "url": "http://a/"{more}}}, "response": {{"status": 200,
              "headers": [{{"name": "X", "value": "1"}}], "content": {{{content}}}}}}}"#
        )
    };
    let (plain, odd) = (entry(r#""text": "b""#, ""), entry(content, more));
    format!(r#"{{"log": {{"creator": {{"name": "{creator}"}}, "entries": [{plain},{odd},{plain},{odd}]}}}}"#)
}

fn long(part: &str) -> String {
    part.repeat(3_000 / part.len() + 1)
}

#[test]
fn the_places_of_long_bodies_and_of_what_follows_them_are_right() {
    for part in ["plain ", r#"\\ \" \u00e9"#, r"\ud83d", "gr\u{fc}\u{df}e \u{1f600}"] {
        for start in 0..8 {
            let content = format!(r#""text": "{}{}", "size": 12"#, "x".repeat(start), long(part));
            let text = around("x", &content, "");
            let read = passing_over(text.as_bytes(), SMALL);
            assert!(read.is_some() && read == whole(&text), "{part}");
        }
    }
    let text = around("x", &format!(r#""encoding": "base64", "text": "{}""#, long("AAEC")), "");
    assert_eq!(passing_over(text.as_bytes(), SMALL), whole(&text));
}

#[test]
fn a_long_string_that_matters_has_the_text_read_as_a_whole() {
    let long = long("a");
    let body = format!(r#""text": "{long}""#);
    let coded = around("x", &format!(r#""encoding": "base64", {body}"#), "");
    for text in [
        around("Firefox", &body, ""),
        around("x", &format!(r#"{body}, "mimeType": "text/html; charset=iso-8859-1""#), ""),
        around("x", "", &format!(r#", "postData": {{"text": "{long}"}}"#)),
        around("x", "", &format!(r#", "headers": [{{"name": "a", "value": "{long}"}}]"#)),
        around("x", "", &format!(r#", "comment": "{long}""#)),
        around("x", &format!(r#""text": "{long}\q""#), ""),
        around("x", &format!(r#""text": "{long}\u00e""#), ""),
        around("x", &format!("\"text\": \"{long}\n\""), ""),
        coded.replace(r#""X", "value": "1""#, r#""content-encoding", "value": "gzip""#),
        around("x", &body, "")[..3_000].to_owned(),
    ] {
        assert_eq!(passing_over(text.as_bytes(), SMALL), None, "{text}");
    }
}

proptest! {
    #[test]
    fn of_a_damaged_text_with_long_strings_nothing_else_is_read(
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        part in "[ -~\u{fc}]{1,9}",
        window in 256..600_usize,
    ) {
        let part = part.replace(['"', '\\'], r"\n");
        let mut bytes = around("x", &format!(r#""text": "{}""#, long(&part)), "").into_bytes();
        for (place, byte) in places {
            let at = place.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(log) = passing_over(&bytes, (window, 256)) {
            prop_assert_eq!(Some(log), whole(std::str::from_utf8(&bytes).unwrap()));
        }
    }
}
