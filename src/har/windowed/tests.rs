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
    read_within(&mut &text[..], 3, LogReader::ending_at(text.len() as u64), window)
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
