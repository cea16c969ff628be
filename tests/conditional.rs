//! Conditions and ranges: what is recorded of them, and what a replay answers.

use serde_json::{Value, json};

use crate::support::{Answer, Harmock, Origin, Wire, Workspace, curl, entry, needs, record_with, replay_with};

const URL: &str = "http://a.test/";
const DATE: &str = "Tue, 02 Jan 2024 03:04:05 GMT";

/// An entry with these response fields beside its type.
fn tagged(body: &str, fields: &[(&str, &str)]) -> Value {
    let mut tagged = entry("GET", URL, 200, body);
    let headers = tagged["response"]["headers"].as_array_mut().unwrap();
    headers.extend(fields.iter().map(|(name, value)| json!({ "name": name, "value": value })));
    tagged
}

fn replaying(entries: &[Value]) -> (Workspace, Harmock) {
    let workspace = Workspace::new();
    workspace.write_har("one.har", entries);
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    (workspace, proxy)
}

fn ask(proxy: &Harmock, method: &str, fields: &str) -> Answer {
    let mut wire = Wire::connect(proxy.address());
    wire.send(format!("{method} {URL} HTTP/1.1\r\nHost: a.test\r\n{fields}\r\n"));
    wire.answer()
}

#[test]
fn who_has_the_recorded_version_gets_a_304_with_what_a_cache_needs() {
    let fields =
        [("ETag", "W/\"v1\""), ("Cache-Control", "max-age=1"), ("Date", DATE), ("Vary", "Accept"), ("X-Own", "1")];
    let (_workspace, proxy) = replaying(&[tagged("the whole of it", &fields)]);
    let answer = ask(&proxy, "GET", "If-None-Match: \"v0\", \"v1\"\r\n");
    assert_eq!((answer.status, &*answer.reason, &*answer.body), (304, "Not Modified", &b""[..]));
    let expected = ["cache-control", "date", "etag", "vary", "x-own"];
    assert_eq!(answer.fields.iter().map(|(name, _)| &**name).collect::<Vec<_>>(), expected);
    let answer = ask(&proxy, "GET", "If-None-Match: \"v2\"\r\n");
    assert_eq!((answer.status, &*answer.body), (200, &b"the whole of it"[..]));
    proxy.interrupt().expect(0).says("served 2");
}

#[test]
fn a_date_asks_for_a_later_version() {
    let (_workspace, proxy) = replaying(&[tagged("whole", &[("Last-Modified", DATE)])]);
    assert_eq!(ask(&proxy, "GET", &format!("If-Modified-Since: {DATE}\r\n")).status, 304);
    assert_eq!(ask(&proxy, "GET", "If-Modified-Since: Mon, 01 Jan 2024 00:00:00 GMT\r\n").status, 200);
    // The tag decides alone where one is asked for.
    assert_eq!(ask(&proxy, "GET", &format!("If-None-Match: \"x\"\r\nIf-Modified-Since: {DATE}\r\n")).status, 200);
}

#[test]
fn a_range_of_a_recorded_whole_is_its_206() {
    let (_workspace, proxy) = replaying(&[tagged("0123456789", &[("ETag", "\"v1\"")])]);
    let part = ask(&proxy, "GET", "Range: bytes=2-4\r\nIf-Range: \"v1\"\r\n");
    assert_eq!((part.status, &*part.reason, &*part.body), (206, "Partial Content", &b"234"[..]));
    assert_eq!((part.all("content-range"), part.all("content-length")), (vec!["bytes 2-4/10"], vec!["3"]));
    assert_eq!((part.all("etag"), part.all("content-type")), (vec!["\"v1\""], vec!["text/plain"]));
    assert_eq!(ask(&proxy, "GET", "Range: bytes=-3\r\n").body, b"789");
    let beyond = ask(&proxy, "GET", "Range: bytes=10-\r\n");
    assert_eq!((beyond.status, &*beyond.body, beyond.all("content-range")), (416, &b""[..], vec!["bytes */10"]));
    for whole in ["Range: bytes=2-4\r\nIf-Range: \"v2\"\r\n", "Range: bytes=0-1,4-5\r\n", "Range: lines=1-2\r\n"] {
        let answer = ask(&proxy, "GET", whole);
        assert_eq!((answer.status, &*answer.body), (200, &b"0123456789"[..]), "{whole}");
    }
}

#[test]
fn a_recorded_206_goes_before_one_that_is_made() {
    let mut part = tagged("recorded", &[("Content-Range", "bytes 0-7/100")]);
    part["response"]["status"] = json!(206);
    part["request"]["headers"] = json!([{ "name": "Range", "value": "bytes=0-7" }]);
    let (_workspace, proxy) = replaying(&[tagged("0123456789", &[]), part]);
    assert_eq!(ask(&proxy, "GET", "Range: bytes=0-7\r\n").body, b"recorded");
    let made = ask(&proxy, "GET", "Range: bytes=0-1\r\n");
    assert_eq!((made.status, &*made.body), (206, &b"01"[..]));
}

#[test]
fn both_protocols_answer_conditions_and_ranges() {
    needs!(Curl);
    let mut secure = tagged("0123456789", &[("ETag", "\"v1\"")]);
    secure["request"]["url"] = json!("https://a.test/");
    let (_workspace, proxy) = replaying(&[secure]);
    for version in ["--http1.1", "--http2"] {
        let same = curl(&proxy, &[version, "-H", "If-None-Match: \"v1\"", "https://a.test/"]);
        assert_eq!((same.status, &*same.body, same.all("etag")), (304, &b""[..], vec!["\"v1\""]), "{version}");
        let part = curl(&proxy, &[version, "-r", "8-", "https://a.test/"]);
        assert_eq!((part.status, &*part.body), (206, &b"89"[..]), "{version}");
    }
}

#[test]
fn a_condition_is_kept_from_the_server_while_recording_and_its_range_with_it() {
    needs!(Curl);
    let (origin, workspace) = (Origin::http(), Workspace::new());
    let url = origin.url("/tagged");
    let conditions = ["-H", "If-None-Match: \"v1\"", "-H", "If-Range: \"v1\"", "-H", "Range: bytes=0-2", &url];
    let (recorded, _) = record_with(&workspace, &[], |proxy| curl(proxy, &conditions));
    assert_eq!((recorded.status, recorded.text().as_str()), (200, "the whole of it"));
    let asked = origin.last("/tagged");
    assert_eq!((asked.header("if-none-match"), asked.header("if-range"), asked.header("range")), (None, None, None));
    let (replayed, _) = replay_with(&workspace, &[], |proxy| curl(proxy, &conditions));
    assert_eq!((replayed.status, replayed.all("etag")), (304, vec!["\"v1\""]));
    let (part, _) = replay_with(&workspace, &[], |proxy| curl(proxy, &conditions[2..]));
    assert_eq!((part.status, part.text().as_str()), (206, "the"));
}

#[test]
fn keep_conditional_records_the_304_as_one() {
    needs!(Curl);
    let (origin, workspace) = (Origin::http(), Workspace::new());
    let url = origin.url("/tagged");
    let condition = ["-H", "If-None-Match: \"v1\"", &url];
    let (recorded, _) = record_with(&workspace, &["--keep-conditional"], |proxy| curl(proxy, &condition));
    assert_eq!(recorded.status, 304);
    assert_eq!(origin.last("/tagged").header("if-none-match"), Some("\"v1\""));
    assert_eq!(workspace.entries("hars/recording.har")[0]["response"]["status"], 304);
    let (replayed, _) = replay_with(&workspace, &[], |proxy| curl(proxy, &condition));
    assert_eq!(replayed, recorded);
}
