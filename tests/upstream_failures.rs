//! Origins that do not answer: what the client hears, and hears again in replay.

use std::net::TcpListener;

use crate::support::{Answer, Harmock, Origin, RawOrigin, Wire, Workspace, curl, needs, record_with, replay_with};

/// Records the failure, replays it, and gives the answer, which must be the same 502 that names the cause.
#[track_caller]
fn same_failure(url: &str, causes: &[&str]) -> Answer {
    let workspace = Workspace::new();
    let get = |proxy: &Harmock| Wire::connect(proxy.address()).get(url);
    let (recorded, _) = record_with(&workspace, &[], get);
    assert_eq!(recorded.status, 502, "{}", recorded.text());
    let said = recorded.text().to_lowercase();
    assert!(causes.iter().any(|cause| said.contains(cause)), "none of {causes:?} is in {said}");
    assert_eq!(workspace.entries("hars/recording.har").len(), 1, "a failure is recorded");
    let (replayed, _) = replay_with(&workspace, &[], get);
    assert_eq!(replayed.status, 502);
    recorded
}

#[test]
fn a_refused_connection_is_a_502_that_says_so() {
    let closed = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    same_failure(&format!("http://{closed}/"), &["refused"]);
}

#[test]
fn a_name_that_does_not_resolve_is_a_502_that_names_it() {
    let answer = same_failure("http://nowhere.invalid/", &["resolve", "dns", "lookup", "look up", "name"]);
    assert!(answer.text().contains("nowhere.invalid"), "{}", answer.text());
}

#[test]
fn a_connection_that_ends_without_an_answer_is_a_502() {
    let origin = RawOrigin::once(|mut wire| drop(wire.head()));
    same_failure(&origin.url("/"), &["closed", "reset", "ended", "before"]);
}

#[test]
fn an_origin_that_speaks_no_tls_is_a_502_that_blames_tls() {
    needs!(Curl);
    let origin = Origin::http();
    let url = origin.url("/json").replace("http://", "https://");
    let (answer, _) = record_with(&Workspace::new(), &[], |proxy| curl(proxy, &[&url]));
    assert_eq!(answer.status, 502);
    assert!(answer.text().to_lowercase().contains("tls"), "{}", answer.text());
}

#[test]
fn a_body_that_breaks_off_breaks_off_for_the_client_and_in_replay() {
    let origin = RawOrigin::once(|mut wire| {
        wire.head();
        wire.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nonly this");
    });
    let url = origin.url("/");
    let get = |proxy: &Harmock| {
        let mut wire = Wire::connect(proxy.address());
        wire.send(format!("GET {url} HTTP/1.1\r\nHost: {}\r\n\r\n", url.split('/').nth(2).unwrap()));
        let head = wire.head();
        (head.line.clone(), wire.body(&head).is_err())
    };
    let workspace = Workspace::new();
    let (recorded, _) = record_with(&workspace, &[], get);
    assert_eq!(recorded, ("HTTP/1.1 200 OK".to_owned(), true));
    let (replayed, _) = replay_with(&workspace, &[], get);
    assert_eq!(replayed, recorded);
}
