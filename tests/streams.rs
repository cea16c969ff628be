//! Streamed answers: passed on piece by piece, recorded with their cuts, served again in the same pieces.

use std::io::Write;
use std::sync::mpsc::channel;

use serde_json::{Value, json};

use crate::clients_rustls::frames_over_http2;
use crate::support::{Harmock, Origin, RawOrigin, Wire, Workspace, chromium, entry, needs, record_with, replay_with};

const EVENTS: &str = "data: one\r\n\r\n: ping\n\ndata: {\"two\":2}\n\n\ndata: 3\n\n";
const URL: &str = "http://a.test/events";

fn event(number: u32) -> String {
    format!("id: {number}\nretry: 1\ndata: event {number}\n\n")
}

/// A connection on which the proxy was asked for this URL of a plain origin.
fn asked(proxy: &Harmock, url: &str) -> Wire {
    let mut wire = Wire::connect(proxy.address());
    wire.send(format!("GET {url} HTTP/1.1\r\nHost: {}\r\n\r\n", url.split('/').nth(2).unwrap()));
    wire
}

fn chunks(workspace: &Workspace) -> Value {
    workspace.entries("hars/recording.har")[0]["_harmock"]["chunks"].clone()
}

fn lengths(chunks: &Value) -> Vec<u64> {
    chunks.as_array().unwrap().iter().map(|chunk| chunk["length"].as_u64().unwrap()).collect()
}

/// A stream of two events, one of them an hour after the other, with these fields of harmock's.
fn recorded(own: Value) -> Workspace {
    let mut stream = entry("GET", URL, 200, "data: 1\n\ndata: 2\n\n");
    stream["response"]["headers"] = json!([{ "name": "content-type", "value": "text/event-stream" }]);
    stream["_harmock"] = own;
    stream["_harmock"]["chunks"] = json!([{ "length": 9, "offset": 0.5 }, { "length": 9, "offset": 3_600_000 }]);
    let workspace = Workspace::new();
    workspace.write_har("one.har", &[stream, entry("GET", "http://a.test/", 200, "a")]);
    workspace
}

#[test]
fn an_event_reaches_the_client_before_the_server_sends_the_next() {
    for (origin, secure) in [(Origin::http(), false), (Origin::https(), true)] {
        let workspace = Workspace::new();
        let proxy = Harmock::record::<&str>(&workspace, &[]);
        let mut wire = match secure {
            true => Wire::tunnel(proxy.address(), &origin.authority()).tls(&workspace.ca(), "localhost"),
            false => Wire::connect(proxy.address()),
        };
        let target = if secure { "/events/3".to_owned() } else { origin.url("/events/3") };
        wire.send(format!("GET {target} HTTP/1.1\r\nHost: {}\r\n\r\n", origin.authority()));
        assert_eq!(wire.head().value("content-type"), Some("text/event-stream"));
        for number in 0..3 {
            assert_eq!(wire.chunk().unwrap().unwrap(), event(number).as_bytes());
            origin.release();
        }
        assert_eq!(wire.chunk().unwrap(), None);
        proxy.interrupt().expect(0);
        assert_eq!(lengths(&chunks(&workspace)), [30, 30, 30]);
    }
}

#[test]
fn events_are_cut_where_they_end_whatever_pieces_they_came_in() {
    for size in [1, 7, 1000] {
        let workspace = Workspace::new();
        let proxy = Harmock::record::<&str>(&workspace, &[]);
        let origin = RawOrigin::once(move |mut wire| {
            wire.head();
            wire.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
            for piece in EVENTS.as_bytes().chunks(size) {
                wire.send([format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat());
            }
            wire.send("0\r\n\r\n");
        });
        assert_eq!(asked(&proxy, &origin.url("/")).answer().body, EVENTS.as_bytes());
        proxy.interrupt().expect(0);
        let expected = json!([{ "length": 13 }, { "length": 8 }, { "length": 17 }, { "length": 10 }]);
        assert_eq!(chunks(&workspace), expected, "in pieces of {size}");
    }
}

#[test]
fn a_full_recording_keeps_times_and_the_cuts_of_other_streams() {
    let workspace = Workspace::new();
    let origin = Origin::http();
    let read = |proxy: &Harmock, path: &str| {
        let mut wire = asked(proxy, &origin.url(path));
        wire.head();
        while wire.chunk().unwrap().is_some() {
            origin.release();
        }
    };
    for (path, expected) in [("/events/2", vec![30, 30]), ("/gated/3", vec![8, 8, 8])] {
        record_with(&workspace, &["--mode", "full"], |proxy| read(proxy, path));
        let chunks = chunks(&workspace);
        assert_eq!(lengths(&chunks), expected, "{path}");
        let offsets: Vec<f64> = chunks.as_array().unwrap().iter().map(|c| c["offset"].as_f64().unwrap()).collect();
        assert!(offsets.is_sorted() && offsets[0] >= 0.0, "{offsets:?}");
    }
    record_with(&workspace, &[], |proxy| read(proxy, "/gated/2"));
    assert_eq!(chunks(&workspace), Value::Null, "a minimal recording would differ each time");
    record_with(&workspace, &["--mode", "full"], |proxy| Wire::connect(proxy.address()).get(&origin.url("/json")));
    assert_eq!(chunks(&workspace), Value::Null, "a body of known length is no stream");
}

#[test]
fn the_cuts_of_a_coded_stream_are_those_of_the_stored_body() {
    let workspace = Workspace::new();
    let proxy = Harmock::record(&workspace, &["--mode", "full"]);
    let (arrived, wait) = channel::<()>();
    let origin = RawOrigin::once(move |mut wire| {
        wire.head();
        wire.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\n");
        wire.send("Transfer-Encoding: chunked\r\n\r\n");
        let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        for part in ["the first part ".repeat(5000), "and the second".to_owned()] {
            coder.write_all(part.as_bytes()).unwrap();
            coder.flush().unwrap();
            let coded = std::mem::take(coder.get_mut());
            wire.send([format!("{:x}\r\n", coded.len()).as_bytes(), &coded, b"\r\n"].concat());
            wait.recv().unwrap();
        }
        let coded = coder.finish().unwrap();
        wire.send([format!("{:x}\r\n", coded.len()).as_bytes(), &coded, b"\r\n0\r\n\r\n"].concat());
    });
    let mut wire = asked(&proxy, &origin.url("/"));
    wire.head();
    while wire.chunk().unwrap().is_some() {
        let _ = arrived.send(());
    }
    proxy.interrupt().expect(0);
    assert_eq!(lengths(&chunks(&workspace)), [75_000, 14]);
}

#[test]
fn each_piece_is_a_chunk_of_its_own_again() {
    let workspace = recorded(json!({}));
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    let mut wire = asked(&proxy, URL);
    assert_eq!(wire.head().value("transfer-encoding"), Some("chunked"));
    for expected in [Some(b"data: 1\n\n".to_vec()), Some(b"data: 2\n\n".to_vec()), None] {
        assert_eq!(wire.chunk().unwrap(), expected);
    }
    // The stream that the server had ended is over, and the connection goes on.
    assert_eq!(wire.get("http://a.test/").body, b"a");
}

#[test]
fn a_large_stream_of_events_that_was_edited_is_cut_at_its_events() {
    let workspace = recorded(json!({}));
    let mut entry = workspace.entries("hars/one.har").remove(0);
    let event = format!("data: {}\n\n", "x".repeat(120));
    workspace.write("hars/edited.txt", event.repeat(10_000));
    entry["response"]["content"] = json!({ "size": 18, "mimeType": "text/event-stream", "_file": "edited.txt" });
    workspace.write_har("one.har", &[entry]);
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    let mut wire = asked(&proxy, URL);
    wire.head();
    for number in 0..10_000 {
        assert_eq!(wire.chunk().unwrap().as_deref(), Some(event.as_bytes()), "{number}");
    }
    assert_eq!(wire.chunk().unwrap(), None);
}

#[test]
fn each_piece_is_a_data_frame_of_its_own_over_http2() {
    let workspace = Workspace::new();
    let origin = Origin::https();
    let (url, authority) = ("/events/3", origin.authority());
    (0..2).for_each(|_| origin.release());
    record_with(&workspace, &[], |proxy| frames_over_http2(proxy, &authority, url));
    drop(origin);
    let (frames, _) = replay_with(&workspace, &[], |proxy| frames_over_http2(proxy, &authority, url));
    assert_eq!(frames, [event(0), event(1), event(2)]);
}

#[test]
fn the_recorded_pace_is_kept_when_it_is_asked_for() {
    let workspace = recorded(json!({}));
    let proxy = Harmock::replay(&workspace, &["--stream-speed", "1", "--grace", "0s"]);
    let mut wire = asked(&proxy, URL);
    wire.head();
    assert_eq!(wire.chunk().unwrap().unwrap(), b"data: 1\n\n");
    // The second is due in an hour: the end of the run comes first.
    proxy.interrupt().expect(0);
    assert!(wire.chunk().is_err());

    let proxy = Harmock::replay(&workspace, &["--stream-speed", "1e9"]);
    assert_eq!(asked(&proxy, URL).answer().body, b"data: 1\n\ndata: 2\n\n");
}

#[test]
fn a_stream_that_its_client_had_left_stays_open_and_the_end_of_the_run_does_not_wait_for_it() {
    let (workspace, origin) = (Workspace::new(), Origin::http());
    let (events, other) = (origin.url("/events/3"), origin.url("/json"));
    record_with(&workspace, &[], |proxy| {
        let mut wire = asked(proxy, &events);
        wire.head();
        assert_eq!(wire.chunk().unwrap().unwrap(), event(0).as_bytes());
        drop(wire);
        Wire::connect(proxy.address()).get(&other)
    });
    let entries = workspace.entries("hars/recording.har");
    assert_eq!(entries[0]["_harmock"]["end"], "client");
    let proxy = Harmock::replay(&workspace, &["--grace", "1h"]);
    let mut wire = asked(&proxy, &events);
    wire.head();
    assert_eq!(wire.chunk().unwrap().unwrap(), event(0).as_bytes());
    assert_eq!(Wire::connect(proxy.address()).get(&other).status, 200);
    proxy.interrupt().expect(0).says("served 2");
    assert_eq!(wire.chunk().unwrap(), None, "the run ended it");
}

#[test]
fn a_coded_stream_that_was_cut_is_kept_decoded_as_far_as_it_came() {
    const TEXT: &str = "data: {\"password\":\"hunter2-hunter2\"}\n\n";
    let kept = TEXT.replace("hunter2-hunter2", "redacted-password-1");
    for (coding, left) in [("gzip", true), ("br", true), ("zstd", true), ("deflate", true), ("gzip", false)] {
        let workspace = Workspace::new();
        let proxy = Harmock::record(&workspace, &["--mode", "full"]);
        let (leave, left_open) = channel::<()>();
        let origin = RawOrigin::once(move |mut wire| {
            wire.head();
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n";
            wire.send(format!("{head}Content-Encoding: {coding}\r\n\r\n"));
            for coded in begin_of(coding, &[TEXT, TEXT]) {
                wire.send([format!("{:x}\r\n", coded.len()).as_bytes(), &coded, b"\r\n"].concat());
            }
            let _ = left_open.recv();
        });
        let mut wire = asked(&proxy, &origin.url("/"));
        wire.head();
        (0..2).for_each(|_| drop(wire.chunk().unwrap().unwrap()));
        let (url, end) = (origin.url("/"), if left { "client" } else { "upstream" });
        if left {
            drop(wire);
            proxy.interrupt().expect(0);
            drop(leave);
        } else {
            drop(leave);
            assert!(wire.chunk().is_err());
            proxy.interrupt().expect(0);
        }
        let entry = &workspace.entries("hars/recording.har")[0];
        assert_eq!((&entry["_harmock"]["end"], &entry["_harmock"]["encoded"]), (&json!(end), &Value::Null), "{coding}");
        assert_eq!(lengths(&entry["_harmock"]["chunks"]), [kept.len() as u64; 2], "{coding}");
        let replay = Harmock::replay::<&str>(&workspace, &[]);
        let mut wire = asked(&replay, &url);
        assert_eq!(wire.head().value("content-encoding"), None);
        (0..2).for_each(|_| assert_eq!(wire.chunk().unwrap().unwrap(), kept.as_bytes(), "{coding}"));
    }
}

/// What an encoder gives for each of these texts, without an end of the coding.
fn begin_of(coding: &str, texts: &[&str]) -> Vec<Vec<u8>> {
    use flate2::write::{GzEncoder, ZlibEncoder};
    fn pieces<E: Write>(mut encoder: E, taken: impl Fn(&mut E) -> Vec<u8>, texts: &[&str]) -> Vec<Vec<u8>> {
        let piece = |text: &&str| {
            encoder.write_all(text.as_bytes()).unwrap();
            encoder.flush().unwrap();
            taken(&mut encoder)
        };
        texts.iter().map(piece).collect()
    }
    let level = flate2::Compression::default();
    match coding {
        "gzip" => pieces(GzEncoder::new(Vec::new(), level), |coder| std::mem::take(coder.get_mut()), texts),
        "deflate" => pieces(ZlibEncoder::new(Vec::new(), level), |coder| std::mem::take(coder.get_mut()), texts),
        "zstd" => {
            let encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
            pieces(encoder, |coder| std::mem::take(coder.get_mut()), texts)
        }
        _ => {
            let encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 20);
            pieces(encoder, |coder| std::mem::take(coder.get_mut()), texts)
        }
    }
}

#[test]
fn a_stream_that_stays_open_outlives_the_time_of_an_idle_connection() {
    let workspace = recorded(json!({ "end": "client" }));
    let proxy = Harmock::replay(&workspace, &["--idle-timeout", "200ms"]);
    let mut wire = asked(&proxy, URL);
    wire.head();
    (0..2).for_each(|_| drop(wire.chunk().unwrap().unwrap()));
    // A connection that is idle from now on is closed first.
    let mut idle = Wire::connect(proxy.address());
    assert_eq!(idle.get("http://a.test/").status, 200);
    assert_eq!(idle.rest().unwrap(), b"");
    proxy.interrupt().expect(0);
    assert_eq!(wire.chunk().unwrap(), None, "the run ended it, not the silence");
}

#[test]
fn a_stream_that_is_open_when_the_recording_ends_is_kept() {
    let (workspace, origin) = (Workspace::new(), Origin::http());
    let proxy = Harmock::record(&workspace, &["--grace", "0s"]);
    let mut wire = asked(&proxy, &origin.url("/events/3"));
    wire.head();
    assert_eq!(wire.chunk().unwrap().unwrap(), event(0).as_bytes());
    proxy.interrupt().expect(0);
    let entry = &workspace.entries("hars/recording.har")[0];
    assert_eq!((&entry["_harmock"]["end"], &entry["response"]["content"]["size"]), (&json!("client"), &json!(30)));
}

#[test]
fn a_stream_that_broke_off_breaks_off_after_its_pieces() {
    let workspace = recorded(json!({ "end": "upstream" }));
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    let mut wire = asked(&proxy, URL);
    wire.head();
    assert_eq!(wire.chunk().unwrap().unwrap(), b"data: 1\n\n");
    assert_eq!(wire.chunk().unwrap().unwrap(), b"data: 2\n\n");
    assert!(wire.chunk().is_err());
}

#[test]
fn a_browser_does_not_ask_again_for_a_stream_that_it_had_left() {
    needs!(Playwright, Chromium, Certutil);
    let (workspace, origin) = (Workspace::new(), Origin::https());
    let site = origin.url("");
    (0..2).for_each(|_| origin.release());
    let listen = |proxy: &Harmock, then: &str| {
        chromium(Some(proxy), proxy.scratch(), "events.mjs", &[&site, "/events/9", "3", then])
    };
    record_with(&workspace, &[], |proxy| {
        let mut wire = Wire::tunnel(proxy.address(), &origin.authority()).tls(&workspace.ca(), "localhost");
        wire.send(format!("GET /json HTTP/1.1\r\nHost: {}\r\n\r\n", origin.authority()));
        assert_eq!(wire.answer().status, 200);
        listen(proxy, "leave")
    });
    drop(origin);
    let (seen, ended) = replay_with(&workspace, &[], |proxy| listen(proxy, "stay"));
    let events = json!([["0", "event 0"], ["1", "event 1"], ["2", "event 2"]]);
    assert_eq!(seen, json!({ "events": events, "lost": 0, "state": 1 }));
    assert_eq!(ended.stderr.matches("/events/9 200").count(), 1, "{}", ended.stderr);
}

#[test]
fn a_browser_asks_again_for_a_stream_that_the_server_had_ended() {
    needs!(Playwright, Chromium, Certutil);
    let (workspace, origin) = (Workspace::new(), Origin::https());
    let site = origin.url("");
    (0..100).for_each(|_| origin.release());
    let listen =
        |proxy: &Harmock| chromium(Some(proxy), proxy.scratch(), "events.mjs", &[&site, "/events/2", "2", "lose"]);
    record_with(&workspace, &[], listen);
    drop(origin);
    let (seen, _) = replay_with(&workspace, &[], listen);
    assert!(seen["lost"].as_u64() >= Some(1), "{seen}");
}
