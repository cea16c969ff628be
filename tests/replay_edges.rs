//! What counts as a miss in replay and what does not, beside the requests that an archive answers.

use crate::support::{Harmock, Origin, OriginCa, RawOrigin, Wire, Workspace, entry};

fn archive() -> Workspace {
    let workspace = Workspace::new();
    workspace
        .write_har("one.har", &[entry("GET", "http://a.test/", 200, "a"), entry("GET", "http://a.test/299", 299, "b")]);
    workspace
}

#[test]
fn a_favicon_and_a_preflight_are_no_misses_out_of_scope_either() {
    let workspace = archive();
    let proxy = Harmock::replay(&workspace, &["--glob", "**/api/**", "--out-of-scope", "fail"]);
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(wire.get("http://a.test/favicon.ico").status, 404);
    wire.send(
        "OPTIONS http://a.test/x HTTP/1.1\r\nHost: a.test\r\nOrigin: http://b.test\r\n\
         Access-Control-Request-Method: PUT\r\n\r\n",
    );
    assert_eq!(wire.answer().status, 204);
    proxy.interrupt().expect(0);
}

#[test]
fn a_fallback_that_offline_forbids_is_a_miss() {
    let workspace = archive();
    let proxy = Harmock::replay(&workspace, &["--not-found", "fallback", "--offline"]);
    let answer = Wire::connect(proxy.address()).get("http://127.0.0.1:9/x");
    assert_eq!((answer.status, answer.json()["type"].as_str()), (502, Some("urn:harmock:miss")));
    proxy.interrupt().expect(3);
}

#[test]
fn a_tunnel_out_of_scope_that_offline_forbids_is_a_miss() {
    let workspace = archive();
    let proxy = Harmock::replay(&workspace, &["--glob", "http://a.test/**", "--offline"]);
    let mut wire = Wire::connect(proxy.address());
    wire.send("CONNECT b.test:443 HTTP/1.1\r\nHost: b.test:443\r\n\r\n");
    assert_eq!(wire.answer().status, 502);
    proxy.interrupt().expect(3).says("MISS CONNECT b.test:443");
}

#[test]
fn hosts_to_tunnel_are_reached_in_replay_too() {
    let workspace = archive();
    let origin = Origin::https();
    let proxy = Harmock::replay(&workspace, &["--tunnel", "localhost"]);
    let wire = Wire::tunnel(proxy.address(), &origin.authority());
    let mut wire = wire.tls(&OriginCa::shared().pem(), "localhost");
    wire.send(format!("GET /json HTTP/1.1\r\nHost: {}\r\n\r\n", origin.authority()));
    assert_eq!(wire.answer().status, 200);
    drop(wire);
    proxy.interrupt().expect(0).says("passed on unopened");
}

#[test]
fn a_websocket_that_misses_falls_back_to_the_upstream() {
    let workspace = archive();
    let origin = RawOrigin::once(|mut wire| {
        wire.head();
        wire.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello");
    });
    let proxy = Harmock::replay(&workspace, &["--not-found", "fallback"]);
    let mut wire = Wire::connect(proxy.address());
    let (url, authority) = (origin.url("/ws"), origin.authority());
    wire.send(format!("GET {url} HTTP/1.1\r\nHost: {authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
    assert!(wire.head().line.starts_with("HTTP/1.1 101 "));
    assert_eq!(wire.exactly(5).unwrap(), b"hello");
    drop(wire);
    proxy.interrupt().expect(0);
}

#[test]
fn an_unusual_status_without_a_reason_gets_none() {
    let workspace = archive();
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    let mut wire = Wire::connect(proxy.address());
    wire.send("GET http://a.test/299 HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_eq!(wire.head().line, "HTTP/1.1 299 ");
}

#[test]
fn a_body_that_was_cut_is_short_of_its_recorded_length() {
    let workspace = Workspace::new();
    let mut cut = entry("GET", "http://a.test/", 200, "half");
    cut["response"]["headers"] = serde_json::json!([{ "name": "Content-Length", "value": "500" }]);
    cut["_harmock"] = serde_json::json!({ "end": "upstream" });
    workspace.write_har("one.har", &[cut]);
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    let mut wire = Wire::connect(proxy.address());
    wire.send("GET http://a.test/ HTTP/1.0\r\n\r\n");
    assert_eq!(wire.head().value("content-length"), Some("500"));
    assert_eq!(wire.rest().unwrap(), b"half");
}
