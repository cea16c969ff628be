//! What harmock answers from bytes that lie ready is what it answers by the way of every other request.

use serde_json::{Value, json};

use crate::support::{Answer, Harmock, Wire, Workspace, curl, entry, needs};

/// A field without a meaning for the answer, which keeps a request from the short way.
const LONG_WAY: &str = "Content-Length: 0\r\n";

fn get(wire: &mut Wire, url: &str, more: &str) -> (Answer, Vec<String>) {
    wire.send(format!("GET {url} HTTP/1.1\r\nHost: a.test\r\n{more}\r\n"));
    let answer = wire.answer();
    let mut framing: Vec<String> = answer.framing.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    framing.sort();
    (answer, framing)
}

/// One entry of each kind that is answered the short way, or only looks so.
fn entries(scheme: &str) -> Vec<Value> {
    let url = |path: &str| format!("{scheme}://a.test/{path}");
    let mut entries = Vec::new();
    for status in [200, 201, 204, 206, 299, 301, 304, 404, 500, 999] {
        let mut entry = entry("GET", &url(&format!("status/{status}")), status, "body");
        entry["response"]["statusText"] = json!(if status == 404 { "Gone Fishing" } else { "" });
        entries.push(entry);
    }
    let mut cookies = entry("GET", &url("cookies"), 200, "c");
    cookies["response"]["headers"] = json!([
        { "name": "Set-Cookie", "value": "a=1; Path=/" },
        { "name": "X-Between", "value": "caf\u{e9}" },
        { "name": "set-cookie", "value": "b=2" },
        { "name": "content-length", "value": "999" },
        { "name": "Transfer-Encoding", "value": "chunked" },
        { "name": "Content-Encoding", "value": "br" },
        { "name": "Connection", "value": "close" },
    ]);
    entries.push(cookies);
    entries.push(entry("GET", &url("empty"), 200, ""));
    entries.push(entry("GET", &url("large?q=%20a"), 200, &"0123456789".repeat(200_000)));
    entries
}

fn urls(entries: &[Value]) -> Vec<String> {
    entries.iter().map(|e| e["request"]["url"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn both_ways_give_the_same_answer() {
    let workspace = Workspace::new();
    let entries = entries("http");
    let urls = urls(&entries);
    workspace.write_har("all.har", &entries);
    let proxy = Harmock::replay(&workspace, &["--redirects", "serve"]);
    let (mut short, mut long) = (Wire::connect(proxy.address()), Wire::connect(proxy.address()));
    for url in &urls {
        let (by_short, short_framing) = get(&mut short, url, "");
        let (by_long, long_framing) = get(&mut long, url, LONG_WAY);
        assert_eq!(
            (by_short.status, &by_short.reason, &by_short.fields),
            (by_long.status, &by_long.reason, &by_long.fields)
        );
        assert_eq!(short_framing, long_framing, "{url}");
        assert!(by_short.body == by_long.body, "{url}: {} and {} bytes", by_short.body.len(), by_long.body.len());
    }
    proxy.interrupt().expect(0).says(&format!("served {}", urls.len() * 2));
}

#[test]
fn both_ways_give_the_same_answer_over_http2() {
    needs!(Curl);
    let workspace = Workspace::new();
    let entries = entries("https");
    let urls = urls(&entries);
    workspace.write_har("all.har", &entries);
    let proxy = Harmock::replay(&workspace, &["--redirects", "serve"]);
    // The name of the session that a request has anyway keeps it from the short way.
    let long_way = ["--http2", "-H", "X-Harmock-Session: default"];
    for url in &urls {
        let by_short = curl(&proxy, &["--http2", url]);
        let by_long = curl(&proxy, &[&long_way[..], &[url.as_str()]].concat());
        assert_eq!(by_short.version, "HTTP/2");
        assert!(by_short == by_long && by_short.framing == by_long.framing, "{url}: {by_short:?} and {by_long:?}");
    }
    proxy.interrupt().expect(0).says(&format!("served {}", urls.len() * 2));
}

#[test]
fn a_connection_goes_on_after_a_request_that_the_short_way_leaves() {
    let workspace = Workspace::new();
    workspace
        .write_har("two.har", &[entry("GET", "http://a.test/", 200, "a"), entry("HEAD", "http://a.test/", 200, "")]);
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    let mut wire = Wire::connect(proxy.address());
    // All at once: the second one is left to the long way with what follows it.
    let plain = "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n";
    let miss = "GET http://a.test/none HTTP/1.1\r\nHost: a.test\r\n\r\n";
    wire.send([plain, miss, plain].concat());
    let statuses: Vec<u16> = (0..3).map(|_| wire.answer().status).collect();
    assert_eq!(statuses, [200, 502, 200]);
}

#[test]
fn an_edited_payload_file_is_served_within_a_moment() {
    let workspace = Workspace::new();
    let mut stored = entry("GET", "http://a.test/", 200, "");
    stored["response"]["content"] = json!({ "size": 3, "mimeType": "text/plain", "_file": "body.txt" });
    workspace.write_har("one.har", &[stored]);
    workspace.write("hars/body.txt", "old");
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(wire.get("http://a.test/").body, b"old");
    workspace.write("hars/body.txt", "newer");
    let seen = std::iter::repeat_with(|| wire.get("http://a.test/").body).take(1_000_000).find(|body| body == b"newer");
    assert!(seen.is_some());
}
