//! What a client and an origin see on the wire when requests overlap, end early, or carry nothing.

use crate::support::{Harmock, RawOrigin, Wire, Workspace, entry};

fn recording() -> (Workspace, Harmock) {
    let workspace = Workspace::new();
    let proxy = Harmock::record::<&str>(&workspace, &[]);
    (workspace, proxy)
}

fn one_entry() -> (Workspace, Harmock) {
    let workspace = Workspace::new();
    workspace.write_har("one.har", &[entry("GET", "http://a.test/", 200, "a")]);
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    (workspace, proxy)
}

#[test]
fn a_tunnel_is_granted_although_the_client_spoke_ahead() {
    let (_workspace, proxy) = one_entry();
    let mut wire = Wire::connect(proxy.address());
    wire.send("CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\n\r\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_eq!(wire.head().line, "HTTP/1.1 200 OK");
    assert_eq!(wire.answer().body, b"a");
}

#[test]
fn an_answer_does_not_wait_for_the_rest_of_the_next_request() {
    let (_workspace, proxy) = one_entry();
    let mut wire = Wire::connect(proxy.address());
    wire.send("GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\nGET http://a.te");
    assert_eq!(wire.answer().body, b"a");
}

#[test]
fn a_request_that_is_no_http_is_told_so() {
    let (_workspace, proxy) = one_entry();
    let mut wire = Wire::connect(proxy.address());
    wire.send("\0\0\0\r\n\r\n");
    assert!(wire.head().line.starts_with("HTTP/1.1 400 "));
}

#[test]
fn a_request_without_a_body_gets_no_length_while_it_is_recorded() {
    let (_workspace, proxy) = recording();
    let origin = RawOrigin::once(|mut wire| {
        let head = wire.head();
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        head
    });
    assert_eq!(Wire::connect(proxy.address()).get(&origin.url("/")).status, 200);
    assert_eq!(origin.outcome().value("content-length"), None);
}

#[test]
fn a_response_with_trailers_is_recorded_as_whole() {
    let (workspace, proxy) = recording();
    let origin = RawOrigin::once(|mut wire| {
        wire.head();
        wire.send(
            "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n",
        );
    });
    assert_eq!(Wire::connect(proxy.address()).get(&origin.url("/")).body, b"ok");
    proxy.interrupt().expect(0);
    let own = &workspace.entries("hars/recording.har")[0]["_harmock"];
    assert_eq!(own["trailers"][0]["value"], "1");
    assert!(own.get("end").is_none(), "{own}");
}
