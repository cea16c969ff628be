//! What becomes of exchanges that fail, and of those whose client goes away.

use std::io::Write as _;
use std::net::TcpListener;
use std::sync::mpsc::channel;

use crate::clients_rustls::{left_over_http2, left_unanswered_over_http2};
use crate::support::{Harmock, Origin, RawOrigin, Wire, Workspace};

#[test]
fn each_failure_is_an_entry_of_status_0_that_names_its_cause_and_what_the_client_read() {
    let workspace = Workspace::new();
    let closed = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let cut = RawOrigin::once(|mut wire| drop(wire.head()));
    let silent = RawOrigin::once(|mut wire| (wire.head(), wire.rest().is_ok()));
    let without_tls = Origin::http();
    let proxy = Harmock::record(&workspace, &["--mode", "full", "--first-byte-timeout", "300ms"]);
    let mut heard = Vec::new();
    for url in ["http://nowhere.invalid/", &format!("http://{closed}/"), &cut.url("/"), &silent.url("/")] {
        heard.push(Wire::connect(proxy.address()).get(url));
    }
    let mut tunnel = Wire::tunnel(proxy.address(), &without_tls.authority()).tls(proxy.ca(), "127.0.0.1");
    tunnel.send(format!("GET /json HTTP/1.1\r\nHost: {}\r\n\r\n", without_tls.authority()));
    heard.push(tunnel.answer());
    proxy.interrupt().expect(0).says("recorded 5 exchanges");
    let statuses: Vec<_> = heard.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [502, 502, 502, 504, 502]);
    let entries = workspace.entries("hars/recording.har");
    let causes: Vec<_> = entries.iter().map(|entry| entry["_harmock"]["failure"]["cause"].as_str().unwrap()).collect();
    assert_eq!(causes, ["dns", "refused", "reset", "timeout", "tls"]);
    for (entry, answer) in entries.iter().zip(&heard) {
        let said = entry["response"]["_error"].as_str().unwrap();
        assert!(answer.text().contains(said), "{said:?} is not in {:?}", answer.text());
        assert_eq!(entry["response"]["status"], 0);
    }
}

#[test]
fn a_client_that_leaves_before_the_head_is_counted_and_not_recorded() {
    let workspace = Workspace::new();
    let proxy = Harmock::record::<&str>(&workspace, &[]);
    let (arrived, wait) = channel::<()>();
    let origin = RawOrigin::once(move |mut wire| {
        wire.head();
        arrived.send(()).unwrap();
        // Until harmock has seen that nobody waits any more.
        wire.rest().unwrap()
    });
    let mut client = Wire::connect(proxy.address());
    client.send(format!("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", origin.url("/"), origin.authority()));
    wait.recv().unwrap();
    drop(client);
    assert_eq!(origin.outcome(), b"");
    proxy.interrupt().expect(1).says("nothing was recorded").says("1 client went away before an answer");
    assert!(!workspace.join("hars/recording.har").exists());
}

#[test]
fn a_client_that_leaves_a_stream_of_http2_before_the_head_is_counted_and_not_recorded() {
    let (workspace, origin) = (Workspace::new(), Origin::https());
    let proxy = Harmock::record::<&str>(&workspace, &[]);
    left_unanswered_over_http2(&proxy, &origin.authority(), "/held");
    proxy.interrupt().expect(0).says("recorded 2 exchanges").says("1 client went away before an answer");
    let entries = workspace.entries("hars/recording.har");
    assert!(entries.iter().all(|entry| entry["request"]["url"] == origin.url("/json")), "{entries:?}");
}

#[test]
fn a_stream_of_events_that_its_client_leaves_keeps_what_the_client_had() {
    let workspace = Workspace::new();
    let proxy = Harmock::record::<&str>(&workspace, &[]);
    let origin = RawOrigin::once(|mut wire| {
        wire.head();
        wire.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
        wire.send("9\r\ndata: 1\n\n\r\n");
        wire.rest().unwrap()
    });
    let mut client = Wire::connect(proxy.address());
    client.send(format!("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", origin.url("/"), origin.authority()));
    assert!(client.head().line.starts_with("HTTP/1.1 200"));
    assert_eq!(client.chunk().unwrap().unwrap(), b"data: 1\n\n");
    drop(client);
    origin.outcome();
    proxy.interrupt().expect(0);
    let entry = &workspace.entries("hars/recording.har")[0];
    assert_eq!((&entry["response"]["status"], &entry["_harmock"]["end"]), (&200.into(), &"client".into()));
    assert_eq!(entry["response"]["content"]["size"], 9);
}

#[test]
fn a_client_that_leaves_a_stream_of_http2_is_recorded_as_one_that_leaves_its_connection() {
    let (workspace, origin) = (Workspace::new(), Origin::https());
    let proxy = Harmock::record::<&str>(&workspace, &[]);
    assert_eq!(left_over_http2(&proxy, &origin.authority(), "/gated/2"), "chunk 0\n");
    origin.release();
    let event = left_over_http2(&proxy, &origin.authority(), "/events/2");
    proxy.interrupt().expect(0);
    let entries = workspace.entries("hars/recording.har");
    let found = |path: &str| {
        let entry = entries.iter().find(|entry| entry["request"]["url"].as_str().unwrap().ends_with(path)).unwrap();
        (entry["_harmock"]["end"].as_str(), entry["response"]["content"]["size"].as_u64().unwrap())
    };
    assert_eq!(found("/events/2"), (Some("client"), event.len() as u64));
    assert_eq!(found("/gated/2"), (None, "chunk 0\nchunk 1\n".len() as u64), "an ordinary body is read to its end");
}

#[test]
fn what_is_read_on_for_a_client_that_left_has_a_bound() {
    const WHOLE: usize = 64 << 20;
    let workspace = Workspace::new();
    let proxy = Harmock::record::<&str>(&workspace, &[]);
    let (client_has_gone, wait) = channel::<()>();
    let origin = RawOrigin::once(move |mut wire| {
        wire.head();
        wire.send(format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {WHOLE}\r\n\r\nstart"));
        wait.recv().unwrap();
        let (mut io, piece) = (wire.into_io(), vec![b'x'; 1 << 20]);
        (0..WHOLE >> 20).take_while(|_| io.write_all(&piece).is_ok()).count()
    });
    let mut client = Wire::connect(proxy.address());
    client.send(format!("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", origin.url("/"), origin.authority()));
    client.head();
    assert_eq!(client.exactly(5).unwrap(), b"start");
    drop(client);
    client_has_gone.send(()).unwrap();
    assert!(origin.outcome() < WHOLE >> 20, "all of it was read");
    proxy.interrupt().expect(0);
    let entry = &workspace.entries("hars/recording.har")[0];
    assert_eq!((&entry["response"]["status"], &entry["_harmock"]["end"]), (&200.into(), &"client".into()));
    let size = entry["response"]["content"]["size"].as_u64().unwrap();
    assert!((16 << 20..17 << 20).contains(&size), "{size} bytes are kept");
}
