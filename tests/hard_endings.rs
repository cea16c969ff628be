//! What a recording that is ended hard leaves, and what the next run makes of it.

use std::sync::mpsc::channel;

use crate::support::{Harmock, Origin, RawOrigin, Wire, Workspace, entry};

#[test]
fn exchanges_of_a_killed_run_are_added_where_that_run_would_have_added_them() {
    let workspace = Workspace::new();
    workspace.write_har("recording.har", &[entry("GET", "http://a.test/", 200, "a")]);
    let origin = Origin::http();
    let fallback = ["--not-found", "record"];
    let killed = Harmock::replay(&workspace, &fallback);
    assert_eq!(Wire::connect(killed.address()).get(&origin.url("/json")).status, 200);
    // Dropped, it is killed.
    drop(killed);
    assert_eq!(workspace.entries("hars/recording.har").len(), 1);
    Harmock::replay(&workspace, &fallback).interrupt().expect(0).says("had been killed was finished: 1 exchange");
    assert_eq!(workspace.entries("hars/recording.har").len(), 2);
}

#[test]
fn exchanges_of_a_killed_recording_take_the_archives_place() {
    let workspace = Workspace::new();
    workspace.write_har("recording.har", &[entry("GET", "http://a.test/", 200, "a")]);
    let origin = Origin::http();
    let killed = Harmock::record::<&str>(&workspace, &[]);
    assert_eq!(Wire::connect(killed.address()).get(&origin.url("/json")).status, 200);
    drop(killed);
    Harmock::record::<&str>(&workspace, &[]).interrupt().expect(1);
    let entries = workspace.entries("hars/recording.har");
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["request"]["url"], origin.url("/json"));
}

#[test]
fn a_request_that_goes_on_after_its_answer_is_recorded_whole() {
    let workspace = Workspace::new();
    let proxy = Harmock::record::<&str>(&workspace, &[]);
    let origin = RawOrigin::once(|mut wire| {
        wire.head();
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        wire.exactly(10).unwrap()
    });
    let mut wire = Wire::connect(proxy.address());
    let (url, authority) = (origin.url("/"), origin.authority());
    wire.send(format!("POST {url} HTTP/1.1\r\nHost: {authority}\r\nContent-Length: 10\r\n\r\n01234"));
    assert_eq!(wire.answer().body, b"ok");
    wire.send("56789");
    assert_eq!(origin.outcome(), b"0123456789");
    proxy.interrupt().expect(0);
    let payload = &workspace.entries("hars/recording.har")[0]["request"]["postData"]["_file"];
    let stored = std::fs::read(workspace.join("hars").join(payload.as_str().unwrap())).unwrap();
    assert_eq!(stored, b"0123456789");
}

#[test]
fn an_answer_to_a_request_that_never_ends_is_recorded_all_the_same() {
    let workspace = Workspace::new();
    let proxy = Harmock::record::<&str>(&workspace, &[]);
    let (end, ended) = channel::<()>();
    let origin = RawOrigin::once(move |mut wire| {
        wire.head();
        wire.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
        let _ = ended.recv();
    });
    let mut wire = Wire::connect(proxy.address());
    let (url, authority) = (origin.url("/"), origin.authority());
    wire.send(format!("POST {url} HTTP/1.1\r\nHost: {authority}\r\nContent-Length: 10\r\n\r\n01234"));
    assert_eq!(wire.answer().status, 413);
    proxy.interrupt().expect(0);
    drop(end);
    assert_eq!(workspace.entries("hars/recording.har")[0]["response"]["status"], 413);
}

#[test]
fn an_answer_is_recorded_whole_although_its_client_went_away() {
    const REST: usize = 1 << 20;
    let workspace = Workspace::new();
    let proxy = Harmock::record::<&str>(&workspace, &[]);
    let (client_has_gone, wait) = channel::<()>();
    let origin = RawOrigin::once(move |mut wire| {
        wire.head();
        wire.send(format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\nstart", REST + 5));
        wait.recv().unwrap();
        wire.send("x".repeat(REST));
    });
    let mut wire = Wire::connect(proxy.address());
    wire.send(format!("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", origin.url("/"), origin.authority()));
    assert_eq!(wire.head().value("content-length"), Some(&*(REST + 5).to_string()));
    assert_eq!(wire.exactly(5).unwrap(), b"start");
    drop(wire);
    client_has_gone.send(()).unwrap();
    origin.outcome();
    proxy.interrupt().expect(0);
    let entry = &workspace.entries("hars/recording.har")[0];
    assert_eq!(
        (&entry["response"]["content"]["size"], &entry["_harmock"]["end"]),
        (&(REST + 5).into(), &serde_json::Value::Null)
    );
}
