//! The proxy byte by byte, between a raw client and a raw origin: what no HTTP library would show.

use std::sync::mpsc::channel;

use crate::support::{Harmock, Head, Origin, RawOrigin, Wire, Workspace, entry, record_with, replay_with};

/// A recording proxy in a workspace of its own.
fn recording() -> (Workspace, Harmock) {
    let workspace = Workspace::new();
    let proxy = Harmock::record::<&str>(&workspace, &[]);
    (workspace, proxy)
}

/// An origin that answers one request with these bytes and gives the request's head.
fn answering(response: &'static [u8]) -> RawOrigin<Head> {
    RawOrigin::once(move |mut wire| {
        let head = wire.head();
        wire.body(&head).unwrap();
        wire.send(response);
        head
    })
}

const EMPTY: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

#[test]
fn pipelined_requests_are_answered_in_order() {
    let (_workspace, proxy) = recording();
    let origin = Origin::http();
    let mut wire = Wire::connect(proxy.address());
    let request = |number: u32| {
        format!("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", origin.url(&format!("/site/data/{number}")), origin.authority())
    };
    wire.send([request(1), request(2), request(3)].concat());
    for number in 1..=3 {
        assert_eq!(wire.answer().json()["item"], number);
    }
    proxy.interrupt().expect(0);
}

#[test]
fn a_connection_serves_one_request_after_another() {
    let (_workspace, proxy) = recording();
    let (one, other) = (Origin::http(), Origin::http());
    let mut wire = Wire::connect(proxy.address());
    for origin in [&one, &other, &one] {
        assert_eq!(wire.get(&origin.url("/json")).status, 200);
        assert_eq!(wire.get(&origin.url("/status/204")).status, 204);
        assert_eq!(wire.get(&origin.url("/status/404")).status, 404);
    }
    proxy.interrupt().expect(0);
}

#[test]
fn neither_tls_nor_http_is_tunnelled_while_recording() {
    let (_workspace, proxy) = recording();
    let origin = RawOrigin::once(|mut wire| {
        let hello = wire.exactly(5).unwrap();
        wire.send([b"\x05\x00", hello.as_slice()].concat());
    });
    let mut wire = Wire::tunnel(proxy.address(), &origin.authority());
    wire.send(b"\x00\x01\x02\xfe\xff");
    assert_eq!(wire.rest().unwrap(), b"\x05\x00\x00\x01\x02\xfe\xff");
    origin.outcome();
}

#[test]
fn a_server_that_speaks_first_is_tunnelled_while_recording() {
    let (_workspace, proxy) = recording();
    let origin = RawOrigin::once(|mut wire| wire.send("220 mail.example.test ready\r\n"));
    let mut wire = Wire::tunnel(proxy.address(), &origin.authority());
    assert_eq!(wire.rest().unwrap(), b"220 mail.example.test ready\r\n");
}

#[test]
fn neither_tls_nor_http_is_refused_in_replay() {
    let workspace = Workspace::new();
    workspace.write_har("one.har", &[entry("GET", "http://a.test/", 200, "a")]);
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    let mut wire = Wire::tunnel(proxy.address(), "127.0.0.1:9");
    wire.send(b"\x00\x01\x02\xfe\xff");
    assert!(wire.rest().unwrap_or_default().is_empty());
}

#[test]
fn the_url_is_the_hosts_and_the_connection_goes_where_connect_said() {
    let origin = Origin::http();
    let tls = Origin::https_by_address();
    let (plain_target, tls_target) = (origin.authority(), tls.authority());
    let get = "GET /json HTTP/1.1\r\nHost: api.example.test\r\n\r\n";
    let fetch = |proxy: &Harmock| {
        let mut plain = Wire::tunnel(proxy.address(), &plain_target);
        plain.send(get);
        let mut opened = Wire::tunnel(proxy.address(), &tls_target).tls(proxy.ca(), "api.example.test");
        opened.send(get);
        (plain.answer(), opened.answer())
    };
    let workspace = Workspace::new();
    let (recorded, _) = record_with(&workspace, &[], fetch);
    assert_eq!(origin.last("/json").header("host"), Some("api.example.test"));
    drop((origin, tls));
    let urls: Vec<_> =
        workspace.entries("hars/recording.har").iter().map(|entry| entry["request"]["url"].clone()).collect();
    assert_eq!(urls, ["http://api.example.test/json", "https://api.example.test/json"]);
    let (replayed, _) = replay_with(&workspace, &[], fetch);
    assert_eq!(replayed, recorded);
    assert_eq!(recorded.1.json()["who"], "origin");
}

#[test]
fn hop_by_hop_fields_of_the_request_stay_behind() {
    let (_workspace, proxy) = recording();
    let origin = answering(EMPTY);
    let mut wire = Wire::connect(proxy.address());
    wire.send(format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: keep-alive, X-Named\r\nX-Named: 1\r\nKeep-Alive: timeout=5\r\n\
         Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic eDp5\r\nX-Harmock-Session: 1\r\nTE: trailers, deflate\r\n\
         X-Kept: a  b\r\nX-Kept: \r\n\r\n",
        origin.url("/"),
        origin.authority()
    ));
    assert_eq!(wire.answer().status, 200);
    let head = origin.outcome();
    for gone in ["x-named", "keep-alive", "proxy-connection", "proxy-authorization", "x-harmock-session"] {
        assert_eq!(head.value(gone), None, "{head:?}");
    }
    assert_eq!(head.value("te"), Some("trailers"));
    assert_eq!(
        head.fields.iter().filter(|(name, _)| name == "X-Kept").map(|(_, value)| value.as_str()).collect::<Vec<_>>(),
        ["a  b", ""]
    );
    proxy.interrupt().expect(0);
}

#[test]
fn hop_by_hop_fields_of_the_response_stay_behind() {
    let (workspace, proxy) = recording();
    let origin = answering(
        b"HTTP/1.1 200 OK\r\nConnection: keep-alive, x-named\r\nX-Named: 1\r\nKeep-Alive: timeout=5\r\nX-Kept: yes\r\n\
          Proxy-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nok",
    );
    let answer = Wire::connect(proxy.address()).get(&origin.url("/"));
    for gone in ["x-named", "keep-alive", "proxy-authenticate"] {
        assert!(answer.all(gone).is_empty(), "{answer:?}");
    }
    assert_eq!(answer.all("x-kept"), ["yes"]);
    proxy.interrupt().expect(0);
    let entry = workspace.entries("hars/recording.har").remove(0);
    assert!(!entry["response"]["headers"].to_string().contains("x-named"), "{entry}");
}

#[test]
fn names_keep_their_spelling_where_both_sides_speak_http1() {
    let (_workspace, proxy) = recording();
    let origin = answering(b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 0\r\nX-ReQuEsT-iD: 7\r\nETag: \"a\"\r\n\r\n");
    let mut wire = Wire::connect(proxy.address());
    let (url, authority) = (origin.url("/"), origin.authority());
    wire.send(format!(
        "GET {url} HTTP/1.1\r\nHOST: {authority}\r\nX-CamelCase: V\r\nx-lower: w\r\nSOAPAction: \"x\"\r\n\r\n"
    ));
    let answered = wire.head();
    let asked = origin.outcome();
    for name in ["X-CamelCase", "x-lower", "SOAPAction"] {
        assert!(asked.names().contains(&name), "{asked:?}");
    }
    for name in ["X-ReQuEsT-iD", "ETag"] {
        assert!(answered.names().contains(&name), "{answered:?}");
    }
    proxy.interrupt().expect(0);
}

#[test]
fn nothing_is_added_to_what_the_origin_said() {
    let (_workspace, proxy) = recording();
    let origin = answering(b"HTTP/1.1 200 Quite Fine\r\nX-Only: \xe9\r\nContent-Length: 2\r\n\r\nok");
    let answer = Wire::connect(proxy.address()).get(&origin.url("/"));
    let names: Vec<_> = answer.fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["x-only"], "no Date, no Via, no Server");
    proxy.interrupt().expect(0);
}

#[test]
fn reason_phrases_and_bytes_beyond_ascii_are_replayed() {
    let origin = answering(b"HTTP/1.1 200 Quite Fine\r\nX-Latin: caf\xe9\r\nX-Empty:\r\nContent-Length: 2\r\n\r\nok");
    let url = origin.url("/");
    let raw = |proxy: &Harmock| {
        let mut wire = Wire::connect(proxy.address());
        wire.send(format!(
            "GET {url} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            url.split('/').nth(2).unwrap()
        ));
        wire.rest().unwrap()
    };
    let workspace = Workspace::new();
    let (recorded, _) = record_with(&workspace, &[], raw);
    let (replayed, _) = replay_with(&workspace, &[], raw);
    for (mode, bytes) in [("recorded", recorded), ("replayed", replayed)] {
        assert!(bytes.starts_with(b"HTTP/1.1 200 Quite Fine\r\n"), "{mode}: {}", String::from_utf8_lossy(&bytes));
        assert!(bytes.windows(4).any(|window| window == b"caf\xe9"), "{mode}: {}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn an_answer_that_comes_before_the_request_has_ended_is_passed_on() {
    let (_workspace, proxy) = recording();
    let origin = RawOrigin::once(|mut wire| {
        wire.head();
        wire.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\nConnection: close\r\n\r\ntoo much");
        let _ = wire.rest();
    });
    let mut wire = Wire::connect(proxy.address());
    wire.send(format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Length: 1000000\r\n\r\nfirst",
        origin.url("/"),
        origin.authority()
    ));
    let head = wire.head();
    assert!(head.line.starts_with("HTTP/1.1 413"), "{head:?}");
    assert_eq!(wire.body(&head).unwrap(), b"too much");
}

#[test]
fn a_response_streams_chunk_by_chunk() {
    let (_workspace, proxy) = recording();
    let origin = Origin::http();
    let mut wire = Wire::connect(proxy.address());
    wire.send(format!("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", origin.url("/gated/3"), origin.authority()));
    wire.head();
    for chunk in 0..3 {
        // The origin sends the next one only when this one has arrived.
        assert_eq!(wire.chunk().unwrap().unwrap(), format!("chunk {chunk}\n").as_bytes());
        origin.release();
    }
    assert_eq!(wire.chunk().unwrap(), None);
    proxy.interrupt().expect(0);
}

#[test]
fn a_request_streams_chunk_by_chunk() {
    let (_workspace, proxy) = recording();
    let (arrived, arrivals) = channel();
    let origin = RawOrigin::once(move |mut wire| {
        wire.head();
        while let Some(chunk) = wire.chunk().unwrap() {
            arrived.send(chunk).unwrap();
        }
        wire.send(EMPTY);
    });
    let mut wire = Wire::connect(proxy.address());
    wire.send(format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\n\r\n",
        origin.url("/"),
        origin.authority()
    ));
    for part in ["one", "two", "three"] {
        wire.send(format!("{:x}\r\n{part}\r\n", part.len()));
        let arrived = arrivals.recv_timeout(std::time::Duration::from_secs(30)).expect("the chunk was held back");
        assert_eq!(arrived, part.as_bytes());
    }
    wire.send("0\r\n\r\n");
    assert_eq!(wire.answer().status, 200);
    proxy.interrupt().expect(0);
}

#[test]
fn expect_100_continue_is_answered_before_the_origin_says_a_word() {
    let (_workspace, proxy) = recording();
    let origin = answering(EMPTY);
    let mut wire = Wire::connect(proxy.address());
    let (url, authority) = (origin.url("/"), origin.authority());
    wire.send(format!("POST {url} HTTP/1.1\r\nHost: {authority}\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"));
    let interim = wire.head();
    assert!(interim.line.starts_with("HTTP/1.1 100"), "{interim:?}");
    wire.send("body");
    assert_eq!(wire.answer().status, 200);
    assert_eq!(origin.outcome().value("expect"), None);
    proxy.interrupt().expect(0);
}

#[test]
fn interim_responses_of_the_origin_are_dropped() {
    let (_workspace, proxy) = recording();
    let origin =
        answering(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let mut wire = Wire::connect(proxy.address());
    wire.send(format!("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", origin.url("/"), origin.authority()));
    let head = wire.head();
    assert!(head.line.starts_with("HTTP/1.1 200"), "{head:?}");
    proxy.interrupt().expect(0);
}

#[test]
fn a_body_that_ends_with_the_connection_is_whole() {
    let origin = answering(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end");
    let url = origin.url("/");
    let workspace = Workspace::new();
    let get = |proxy: &Harmock| Wire::connect(proxy.address()).get(&url);
    let (recorded, _) = record_with(&workspace, &[], get);
    let (replayed, _) = replay_with(&workspace, &[], get);
    assert_eq!((recorded.text(), replayed.text()), ("until the end".into(), "until the end".into()));
}

#[test]
fn what_is_no_http_on_the_proxys_port_ends_that_connection_alone() {
    let (_workspace, proxy) = recording();
    let origin = Origin::http();
    let mut garbage = Wire::connect(proxy.address());
    garbage.send("\u{1}\u{2}nothing that HTTP knows\r\n\r\n");
    let _ = garbage.rest();
    assert_eq!(Wire::connect(proxy.address()).get(&origin.url("/json")).status, 200);
    proxy.interrupt().expect(0);
}
