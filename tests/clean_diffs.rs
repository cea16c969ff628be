//! Recording again shows what the API changed, and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Barrier;
use std::thread;

use crate::support::{ChangingOrigin, Harmock, Wire, Workspace};

/// Every visible file of a folder and its content.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let items = fs::read_dir(folder).unwrap().map(|item| item.unwrap());
    let visible = items.filter(|item| !item.file_name().to_string_lossy().starts_with('.'));
    visible.map(|item| (item.file_name().into_string().unwrap(), fs::read(item.path()).unwrap())).collect()
}

/// The names of the files that differ, or that only one side has.
fn changed(before: &BTreeMap<String, Vec<u8>>, after: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    names.filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

fn record(workspace: &Workspace, arguments: &[&str], urls: &[String]) {
    let proxy = Harmock::record(workspace, arguments);
    let mut wire = Wire::connect(proxy.address());
    for url in urls {
        wire.get(url);
    }
    proxy.interrupt().expect(0);
}

/// Answers that say something else each time, in fields alone.
fn answer_at(origin: &ChangingOrigin, moment: &str) {
    for path in ["/a", "/b", "/c"] {
        let fields = [
            "Content-Type: application/json".to_owned(),
            format!("Date: {moment}"),
            format!("Expires: {moment}"),
            format!("X-Request-Id: {moment}-{path}"),
            format!("X-Build: {moment}"),
            format!("Set-Cookie: session=1; Expires={moment}; Path=/"),
        ];
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        origin.answers(path, &fields, &format!("{{\"path\":\"{path}\"}}"));
    }
}

const AGAIN: [&str; 2] = ["hars/a.har", "hars/a.zip"];

#[test]
fn a_recording_in_which_only_volatile_fields_changed_is_the_same_file() {
    for archive in AGAIN {
        let workspace = Workspace::new();
        let origin = ChangingOrigin::start();
        let urls = ["/a", "/b", "/c"].map(|path| origin.url(path));
        let arguments = ["--har", archive, "--volatile", "x-build"];
        answer_at(&origin, "Mon, 01 Jan 2024 00:00:00 GMT");
        record(&workspace, &arguments, &urls);
        let before = files(&workspace.join("hars"));
        answer_at(&origin, "Tue, 06 Feb 2024 10:20:30 GMT");
        record(&workspace, &arguments, &urls);
        assert_eq!(changed(&before, &files(&workspace.join("hars"))), [""; 0], "{archive}");
    }
}

#[test]
fn a_field_that_is_not_volatile_shows() {
    let workspace = Workspace::new();
    let origin = ChangingOrigin::start();
    let urls = [origin.url("/a")];
    answer_at(&origin, "Mon, 01 Jan 2024 00:00:00 GMT");
    record(&workspace, &["--har", "hars/a.har"], &urls);
    let before = files(&workspace.join("hars"));
    answer_at(&origin, "Tue, 06 Feb 2024 10:20:30 GMT");
    record(&workspace, &["--har", "hars/a.har"], &urls);
    assert_eq!(changed(&before, &files(&workspace.join("hars"))), ["a.har"]);
}

#[test]
fn one_changed_endpoint_changes_its_entry_and_its_payload_alone() {
    let workspace = Workspace::new();
    let origin = ChangingOrigin::start();
    let urls = ["/a", "/b", "/c"].map(|path| origin.url(path));
    let arguments = ["--har", "hars/a.har", "--volatile", "x-build"];
    answer_at(&origin, "Mon, 01 Jan 2024 00:00:00 GMT");
    record(&workspace, &arguments, &urls);
    let (before, entries) = (files(&workspace.join("hars")), workspace.entries("hars/a.har"));
    answer_at(&origin, "Tue, 06 Feb 2024 10:20:30 GMT");
    origin.answers("/b", &["Content-Type: application/json"], "{\"path\":\"/b\",\"new\":true}");
    record(&workspace, &arguments, &urls);
    let (after, entries_after) = (files(&workspace.join("hars")), workspace.entries("hars/a.har"));
    let old = entries[1]["response"]["content"]["_file"].as_str().unwrap();
    let new = entries_after[1]["response"]["content"]["_file"].as_str().unwrap();
    let mut expected = vec![old.to_owned(), new.to_owned(), "a.har".to_owned()];
    expected.sort();
    let mut names = changed(&before, &after);
    names.sort();
    assert_eq!(names, expected);
    assert!(!after.contains_key(old) && !before.contains_key(new));
    assert_eq!((&entries[0], &entries[2]), (&entries_after[0], &entries_after[2]));
    assert_ne!(entries[1], entries_after[1]);
}

/// Each client asks in an order of its own, all at once; what tells them apart is a field, or a payload.
fn record_crowd(workspace: &Workspace, archive: &str, origin: &ChangingOrigin, turned: usize) {
    const CLIENTS: usize = 8;
    let proxy = Harmock::record(workspace, &["--har", archive]);
    let start = Barrier::new(CLIENTS);
    let (start, address) = (&start, proxy.address());
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            scope.spawn(move || {
                let mut wire = Wire::connect(address);
                start.wait();
                for step in 0..30 {
                    // 7 and 30 have no factor in common: every path once, in another order.
                    let path = format!("/{}", (step * 7 + (client + 1) * turned) % 30);
                    let url = origin.url(&path);
                    let authority = url.split('/').nth(2).unwrap();
                    wire.send(format!("GET {url} HTTP/1.1\r\nHost: {authority}\r\nX-Client: {client}\r\n\r\n"));
                    assert_eq!(wire.answer().status, 200);
                    let payload = format!("{{\"client\":{client}}}");
                    wire.send(format!(
                        "POST {url} HTTP/1.1\r\nHost: {authority}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{payload}",
                        payload.len()
                    ));
                    assert_eq!(wire.answer().status, 200);
                }
            });
        }
    });
    proxy.interrupt().expect(0);
}

#[test]
fn equal_traffic_gives_equal_bytes_in_whatever_order_its_clients_come() {
    let origin = ChangingOrigin::start();
    for path in 0..30 {
        origin.answers(&format!("/{path}"), &["Content-Type: text/plain"], &format!("answer {path}"));
    }
    for archive in AGAIN {
        let recorded: Vec<_> = [1, 11, 17]
            .map(|turned| {
                let workspace = Workspace::new();
                record_crowd(&workspace, archive, &origin, turned);
                files(&workspace.join("hars"))
            })
            .into();
        assert_eq!(changed(&recorded[0], &recorded[1]), [""; 0], "{archive}");
        assert_eq!(changed(&recorded[0], &recorded[2]), [""; 0], "{archive}");
    }
}

#[test]
fn answers_that_follow_one_another_keep_their_order() {
    let workspace = Workspace::new();
    let origin = ChangingOrigin::start();
    let proxy = Harmock::record(&workspace, &["--content", "embed"]);
    let mut wire = Wire::connect(proxy.address());
    let url = origin.url("/poll");
    let authority = url.split('/').nth(2).unwrap();
    for (turn, state) in ["waiting", "running", "done"].into_iter().enumerate() {
        origin.answers("/poll", &["Content-Type: text/plain; charset=utf-8"], state);
        // A field that would sort the other way round.
        wire.send(format!("GET {url} HTTP/1.1\r\nHost: {authority}\r\nX-Turn: {}\r\n\r\n", 9 - turn));
        assert_eq!(wire.answer().text(), state);
    }
    proxy.interrupt().expect(0);
    let entries = workspace.entries("hars/recording.har");
    let states: Vec<_> = entries.iter().map(|entry| entry["response"]["content"]["text"].as_str().unwrap()).collect();
    assert_eq!(states, ["waiting", "running", "done"]);
}

#[test]
fn clients_with_secrets_of_their_own_may_come_in_any_order() {
    let workspace = Workspace::new();
    let origin = ChangingOrigin::start();
    ["/all", "/note", "/of/ada", "/of/bob", "/of/eve"].iter().for_each(|path| origin.answers(path, &[], "{}"));
    let record = |run: &str, order: [&str; 3]| {
        let proxy = Harmock::record::<&str>(&workspace, &[]);
        let mut wire = Wire::connect(proxy.address());
        for user in order {
            // What all ask stands first in the archive, and only what each asks tells whose token is which.
            for path in ["/all".to_owned(), format!("/of/{user}")] {
                let token = format!("authorization: Bearer {run}-token-of-{user}-4711");
                wire.send(format!("GET {} HTTP/1.1\r\nHost: o\r\n{token}\r\n\r\n", origin.url(&path)));
                assert_eq!(wire.answer().status, 200);
            }
            // Here it stands outside its place alone.
            let note = format!("I have {run}-token-of-{user}-4711.");
            let head = format!("POST {} HTTP/1.1\r\nHost: o\r\nContent-Type: text/plain\r\n", origin.url("/note"));
            wire.send(format!("{head}Content-Length: {}\r\n\r\n{note}", note.len()));
            assert_eq!(wire.answer().status, 200);
        }
        proxy.interrupt().expect(0);
        let recorded = files(&workspace.join("hars"));
        fs::remove_dir_all(workspace.join("hars")).unwrap();
        recorded
    };
    let first = record("first", ["ada", "bob", "eve"]);
    for order in [["bob", "eve", "ada"], ["eve", "bob", "ada"], ["bob", "ada", "eve"]] {
        assert_eq!(changed(&first, &record("other", order)), [""; 0], "{order:?}");
    }
}
