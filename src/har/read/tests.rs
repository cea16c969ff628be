//! Reading texts that are damaged at random, and the corners that no producer's archive shows.

use proptest::prelude::*;

use super::*;
use crate::har::entry::StoredBody;

fn entry(json: &str) -> Result<Entry, Vec<Warning>> {
    let text = format!("{{\"log\":{{\"entries\":[{json}]}}}}");
    let mut log = HarLog::read(&text, 0).unwrap();
    log.entries.pop().ok_or(log.warnings)
}

fn outcome(response: &str) -> Outcome {
    entry(&format!(r#"{{"request":{{"method":"GET","url":"http://a/"}},"response":{response}}}"#)).unwrap().outcome
}

fn encoded(coding: &str, media_type: &str, text: &str, wire: &str) -> bool {
    let headers = format!(
        r#"[{{"name":"Content-Encoding","value":"{coding}"}},{{"name":"Content-Type","value":"{media_type}"}}]"#
    );
    let content = format!(r#"{{"encoding":"base64","text":"{text}"}}"#);
    match outcome(&format!(r#"{{"status":200,"headers":{headers},"content":{content},"bodySize":{wire}}}"#)) {
        Outcome::Answered(answer) => answer.encoded,
        Outcome::Failed(_) => panic!("answered"),
    }
}

#[test]
fn numbers_are_read_in_each_spelling() {
    for status in ["200", "200.0", "\"200\"", "2e2"] {
        let Outcome::Answered(answer) = outcome(&format!("{{\"status\":{status}}}")) else { panic!("{status}") };
        assert_eq!(answer.status, 200);
    }
}

#[test]
fn no_status_and_statuses_up_to_zero_are_failures_with_their_reason() {
    for (response, detail) in [
        ("null", ""),
        ("{}", ""),
        (r#"{"status":0,"_error":"net::ERR_X"}"#, "net::ERR_X"),
        (r#"{"status":"-1","_failureText":"gone"}"#, "gone"),
        (r#"{"status":-1,"_error":null,"_failureText":"gone"}"#, "gone"),
    ] {
        let Outcome::Failed(failure) = outcome(response) else { panic!("{response}") };
        assert_eq!((&*failure.detail, failure.cause), (detail, None), "{response}");
    }
}

#[test]
fn a_base64_body_is_still_encoded_where_size_or_media_type_leave_no_other_reading() {
    let (gzip, zstd) = ("H4sIAAAAAAAAA///", "KLUv/SAAAQAA");
    assert!(encoded("gzip", "text/html", gzip, "12"));
    assert!(encoded("GZIP", "application/gzip", gzip, "12"));
    assert!(encoded("zstd", "text/html", zstd, "-1"));
    assert!(!encoded("gzip", "application/gzip", gzip, "-1"), "a download that was decoded once");
    assert!(!encoded("gzip", "text/html", gzip, "99"), "what was on the wire was larger");
    assert!(!encoded("gzip", "text/html", "UE5H", "3"), "does not begin like gzip");
    assert!(!encoded("br", "text/html", gzip, "12"), "another coding");
}

#[test]
fn spans_count_from_the_beginning_of_the_file() {
    let text = r#"{"log":{"entries":[{"request":{"method":"GET","url":"http://a/"},"response":{"status":200,"content":{"text":"body"}}}]}}"#;
    let log = HarLog::read(text, 3).unwrap();
    let Outcome::Answered(Answer { body: Some(StoredBody::Embedded { span, .. }), .. }) = &log.entries[0].outcome
    else {
        panic!("a body")
    };
    assert_eq!(&text[span.start as usize - 3..span.end as usize - 3], "body");
    assert_eq!(log.spans[0].start, 3 + text.find("{\"request").unwrap() as u64);
}

const SAMPLES: [&str; 4] = [
    include_str!("../../../fixtures/producers/others.har"),
    include_str!("../../../fixtures/producers/chrome.har"),
    include_str!("../../../fixtures/producers/firefox.har"),
    include_str!("../../../fixtures/producers/charles.har"),
];

proptest! {
    #[test]
    fn damage_at_random_never_panics(
        sample in prop::sample::select(&SAMPLES[..]),
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = sample.as_bytes().to_vec();
        for (place, byte) in places {
            let at = place.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let text = String::from_utf8_lossy(&bytes);
        if let Ok(log) = HarLog::read(&text, 0) {
            prop_assert!(log.spans.iter().all(|span| span.end <= text.len() as u64));
        }
    }

    #[test]
    fn any_json_in_any_place_is_read_or_skipped(
        field in prop::sample::select(&["request", "response", "_harmock", "_error"][..]),
        inner in prop::sample::select(&["url", "method", "headers", "postData", "content", "status", "text", "hash"][..]),
        value in prop::sample::select(&["null", "true", "-0", "1e308", "\"\\ud83d\"", "[[]]", "{\"text\":[]}", "[{\"name\":{}}]", "\"\""][..]),
    ) {
        let whole = format!(r#"{{"request":{{"method":"GET","url":"http://a/"}},"{field}":{value}}}"#);
        let part = format!(r#"{{"request":{{"method":"GET","url":"http://a/"}},"{field}":{{"{inner}":{value}}}}}"#);
        for json in [whole, part] {
            if let Err(warnings) = entry(&json) {
                prop_assert_eq!(warnings.len(), 1);
                prop_assert!(warnings[0].skipped);
            }
        }
    }
}
