//! One recording in several environments: what was recorded of one origin answers for another.

use serde_json::{Value, json};

use crate::support::{Harmock, Origin, Wire, Workspace, curl, entry, needs};

const RECORDED: &str = "https://api.shop.example";
const ASKED: &str = "http://localhost:8080";

/// An entry of the recorded origin with these response fields.
fn recorded(path: &str, status: u16, fields: &[(&str, &str)], body: &str) -> Value {
    let mut entry = entry("GET", &format!("{RECORDED}{path}"), status, body);
    let fields: Vec<_> = fields.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    entry["response"]["headers"] = fields.into();
    entry
}

fn replay(entries: &[Value], file: &str, arguments: &[&str]) -> (Workspace, Harmock) {
    let workspace = Workspace::new();
    workspace.write_har("api.har", entries);
    workspace.write("harmock.toml", file);
    let proxy = Harmock::replay(&workspace, arguments);
    (workspace, proxy)
}

const MAP: &str = "[map]\n\"http://localhost:8080\" = \"https://api.shop.example\"\n\
                   \"http://localhost:9090\" = \"https://login.shop.example\"\n";

#[test]
fn redirects_cookies_and_policies_fit_the_origin_that_was_asked_for() {
    needs!(Curl);
    let fields = [
        ("location", "https://login.shop.example/in?next=%2F"),
        ("content-location", "https://api.shop.example/a"),
        ("link", "<https://api.shop.example/?page=2>; rel=next"),
        ("set-cookie", "id=7; Domain=shop.example; Path=/; Secure; SameSite=None"),
        ("set-cookie", "theme=dark"),
        ("access-control-allow-origin", "https://login.shop.example"),
        ("content-security-policy", "default-src 'self' https://api.shop.example; upgrade-insecure-requests"),
        ("strict-transport-security", "max-age=31536000"),
        ("etag", "\"https://api.shop.example/\""),
    ];
    let (_workspace, proxy) = replay(&[recorded("/a", 302, &fields, "")], MAP, &["--redirects", "serve", "--annotate"]);
    let answer = curl(&proxy, &["http://localhost:8080/a"]);
    for (name, values) in [
        ("location", &["http://localhost:9090/in?next=%2F"][..]),
        ("content-location", &["http://localhost:8080/a"]),
        ("link", &["<http://localhost:8080/?page=2>; rel=next"]),
        ("set-cookie", &["id=7; Path=/", "theme=dark"]),
        ("access-control-allow-origin", &["http://localhost:9090"]),
        ("content-security-policy", &["default-src 'self' http://localhost:8080"]),
        ("strict-transport-security", &[]),
        ("etag", &["\"https://api.shop.example/\""]),
    ] {
        assert_eq!(answer.all(name), values, "{name}");
    }
    assert_eq!(answer.all("x-harmock")[0].split("; ").nth(1), Some("entry=hars/api.har#0"));
    let ended = proxy.interrupt().expect(0);
    ended.says("[map origin: \"https://api.shop.example\" -> \"http://localhost:8080\"]");
}

#[test]
fn the_map_works_inside_tls_over_http_2_and_whichever_side_was_recorded() {
    needs!(Curl);
    let local = entry("GET", "http://localhost:8080/a", 200, "local");
    let mut next = entry("GET", "http://localhost:8080/next", 302, "");
    next["response"]["headers"] = json!([{ "name": "location", "value": "http://localhost:8080/a" }]);
    let (_workspace, proxy) = replay(&[local, next], MAP, &["--redirects", "serve"]);
    let answer = curl(&proxy, &["--http2", "https://api.shop.example/a"]);
    assert_eq!((answer.version.as_str(), &*answer.text()), ("HTTP/2", "local"));
    assert_eq!(curl(&proxy, &["https://api.shop.example/next"]).all("location"), ["https://api.shop.example/a"]);
    let own = curl(&proxy, &["http://localhost:8080/next"]);
    assert_eq!(own.all("location"), ["http://localhost:8080/a"], "what is recorded as it is asked for stays");
    proxy.interrupt().expect(0);
}

#[test]
fn what_was_recorded_of_the_origin_itself_goes_first() {
    let entries = [recorded("/a", 200, &[], "mapped"), entry("GET", &format!("{ASKED}/a"), 200, "own")];
    let (_workspace, proxy) = replay(&entries, MAP, &[]);
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(wire.get(&format!("{ASKED}/a")).text(), "own");
    proxy.interrupt().expect(0);
}

#[test]
fn recorded_redirects_are_followed_and_their_cookies_fit_too() {
    let login = recorded("/in", 303, &[("location", "/home"), ("set-cookie", "id=7; Secure; HttpOnly")], "");
    let entries = [login, recorded("/home", 200, &[("content-type", "text/plain")], "home")];
    let (_workspace, proxy) = replay(&entries, MAP, &[]);
    let answer = Wire::connect(proxy.address()).get(&format!("{ASKED}/in"));
    assert_eq!((answer.text(), answer.all("set-cookie")), ("home".to_owned(), vec!["id=7; HttpOnly"]));
    proxy.interrupt().expect(0);
}

#[test]
fn a_page_of_another_origin_may_read_what_the_recorded_page_could() {
    needs!(Curl);
    let mut entry = recorded("/a", 200, &[("access-control-allow-origin", "https://login.shop.example")], "a");
    entry["request"]["headers"] = json!([{ "name": "origin", "value": "https://login.shop.example" }]);
    let (_workspace, proxy) = replay(&[entry], MAP, &[]);
    for live in ["http://localhost:9090", "https://login.shop.example", "http://localhost:3000"] {
        let answer = curl(&proxy, &["-H", &format!("Origin: {live}"), "http://localhost:8080/a"]);
        assert_eq!(answer.all("access-control-allow-origin"), [live]);
    }
    proxy.interrupt().expect(0);
}

#[test]
fn bodies_stay_as_recorded_unless_they_are_asked_for() {
    let json = [("content-type", "application/json"), ("content-encoding", "gzip"), ("content-length", "7")];
    let image = [("content-type", "image/png")];
    let text = r#"{"next":"https://api.shop.example/b","login":"https:\/\/login.shop.example\/in"}"#;
    let moved = r#"{"next":"http://localhost:8080/b","login":"http:\/\/localhost:9090\/in"}"#;
    let entries = [recorded("/a", 200, &json, text), recorded("/b", 200, &image, text)];
    for (arguments, body) in [(&[][..], text), (&["--map-bodies"], moved)] {
        let (_workspace, proxy) = replay(&entries, MAP, arguments);
        let mut wire = Wire::connect(proxy.address());
        let answer = wire.get(&format!("{ASKED}/a"));
        assert_eq!(answer.text(), body);
        assert_eq!(answer.all("content-length"), [body.len().to_string()]);
        assert!(answer.all("content-encoding").is_empty());
        assert_eq!(wire.get(&format!("{ASKED}/b")).text(), text, "an image is no text");
        wire.send(format!("GET {ASKED}/a HTTP/1.1\r\nHost: x\r\nRange: bytes=0-3\r\n\r\n"));
        let status = if arguments.is_empty() { 206 } else { 200 };
        assert_eq!(wire.answer().status, status, "ranges are those of the recorded body");
        proxy.interrupt().expect(0);
    }
}

#[test]
fn a_large_body_is_moved_while_it_streams() {
    needs!(Curl);
    let line = "see https://api.shop.example/a and https://api.shop.example.evil/\n";
    let moved = "see http://localhost:8080/a and https://api.shop.example.evil/\n";
    let mut large = recorded("/large", 200, &[("content-type", "text/plain"), ("accept-ranges", "bytes")], "");
    large["response"]["content"] = json!({ "size": -1, "mimeType": "text/plain", "_file": "large.txt" });
    let workspace = Workspace::new();
    workspace.write_har("api.har", &[large]);
    workspace.write("hars/large.txt", line.repeat(40_000));
    workspace.write("harmock.toml", format!("map-bodies = true\n{MAP}"));
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    let expected = moved.repeat(40_000);
    let answer = Wire::connect(proxy.address()).get(&format!("{ASKED}/large"));
    assert!(answer.text() == expected, "another body");
    assert!(answer.all("content-length").is_empty() && answer.all("accept-ranges").is_empty());
    let answer = curl(&proxy, &["--proxytunnel", "--http2-prior-knowledge", "http://localhost:8080/large"]);
    assert!(answer.version == "HTTP/2" && answer.text() == expected, "another body over HTTP/2");
    proxy.interrupt().expect(0);
}

#[test]
fn events_of_a_stream_keep_their_pieces() {
    let events = "data: https://api.shop.example/1\n\ndata: 2\n\n";
    let mut stream = recorded("/live", 200, &[("content-type", "text/event-stream")], events);
    stream["_harmock"] = json!({ "chunks": [{ "length": 34, "offset": 0.5 }, { "length": 9, "offset": 1 }] });
    let (_workspace, proxy) = replay(&[stream], MAP, &["--map-bodies"]);
    let mut wire = Wire::connect(proxy.address());
    wire.send(format!("GET {ASKED}/live HTTP/1.1\r\nHost: x\r\n\r\n"));
    let head = wire.head();
    assert_eq!(head.value("transfer-encoding"), Some("chunked"));
    for event in [&b"data: http://localhost:8080/1\n\n"[..], b"data: 2\n\n"] {
        assert_eq!(wire.chunk().unwrap().unwrap(), event);
    }
    proxy.interrupt().expect(0);
}

#[test]
fn rules_and_the_scope_are_for_urls_as_they_were_recorded() {
    let file = format!(
        "glob = [\"{RECORDED}/**\"]\nout-of-scope = \"fail\"\n{MAP}\n[[rules]]\nglob = \"{RECORDED}/**\"\nignore-query = [\"ts\"]\n"
    );
    let (_workspace, proxy) = replay(&[recorded("/a?ts=1", 200, &[], "a")], &file, &[]);
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(wire.get(&format!("{ASKED}/a?ts=2")).text(), "a");
    let ended = {
        let elsewhere = wire.get("http://localhost:7070/a?ts=1");
        assert_eq!(elsewhere.status, 502, "another origin stays out of scope");
        proxy.interrupt().expect(3)
    };
    ended.says("[map origin: \"https://api.shop.example\" -> \"http://localhost:8080\"; rule 1 ignore-query ts: \"1\" -> \"2\"]");
}

#[test]
fn a_near_miss_across_the_map_does_not_name_the_origin() {
    let (_workspace, proxy) = replay(&[recorded("/a?q=1", 200, &[], "a")], MAP, &[]);
    let answer = Wire::connect(proxy.address()).get(&format!("{ASKED}/a?q=2"));
    let problem = answer.json();
    let differences = problem["nearest"]["differences"].as_array().unwrap();
    assert_eq!((differences.len(), &differences[0]["what"]), (1, &json!("query parameter q")), "{problem:#}");
    let lines = problem["harmock.toml"].as_str().unwrap();
    assert_eq!(lines, "[[rules]]\nglob = \"https://api.shop.example/a**\"\nignore-query = [\"q\"]\n");
    proxy.interrupt().expect(3);
}

#[test]
fn an_equal_entry_of_the_other_origin_goes_before_the_closest_one() {
    let entries = [recorded("/a?q=2", 200, &[], "equal"), entry("GET", &format!("{ASKED}/a?q=1"), 200, "closest")];
    let file = format!("{MAP}\n[[rules]]\nmatch = \"closest\"\n");
    let (_workspace, proxy) = replay(&entries, &file, &[]);
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(wire.get(&format!("{ASKED}/a?q=2")).text(), "equal");
    assert_eq!(wire.get(&format!("{ASKED}/a?q=3")).text(), "closest");
    proxy.interrupt().expect(0);
}

#[test]
fn a_miss_goes_to_the_origin_that_was_asked_for_and_is_recorded_there() {
    let origin = Origin::http();
    let asked = origin.url("");
    let map = format!("{asked}=http://recorded.test");
    let (workspace, proxy) =
        replay(&[entry("GET", "http://recorded.test/a", 200, "a")], "", &["--map", &map, "--not-found", "record"]);
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(wire.get(&origin.url("/a")).text(), "a");
    assert_eq!(wire.get(&origin.url("/json")).status, 200);
    proxy.interrupt().expect(0);
    let paths: Vec<String> = origin.stop().into_iter().map(|seen| seen.path).collect();
    assert_eq!(paths, ["/json"]);
    let recorded = workspace.entries("hars/recording.har");
    assert_eq!((recorded.len(), &recorded[0]["request"]["url"]), (1, &json!(format!("{asked}/json"))));
}
