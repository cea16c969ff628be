//! `har add` by hand: answers that no traffic has.

use std::fs;
use std::sync::{Arc, Barrier};
use std::thread;

use super::*;
use crate::support::{ChangingOrigin, entry, needs};

const USER: &str = "http://api.example.com/users/7";

fn two(workspace: &Workspace, archive: &str) {
    let missing =
        ["add", archive, "--url", USER, "--status", "404", "--body", "{\"error\":\"none\"}", "--name", "no user"];
    har(workspace, &missing).good();
    har(workspace, &["add", archive, "--url", USER, "--header", "X-Rate: 5", "--body", "found"]).good();
}

#[test]
fn an_archive_is_made_and_several_answers_to_one_url_are_kept() {
    let workspace = Workspace::new();
    two(&workspace, "hars/api.har");
    let entries = workspace.entries("hars/api.har");
    let statuses: Vec<_> = entries.iter().map(|entry| entry["response"]["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [404, 200]);
    assert_eq!(entries[0]["_harmock"]["name"], "no user");
    assert_eq!(entries[0]["response"]["headers"], json!([{ "name": "content-type", "value": "application/json" }]));
    assert_eq!(entries[1]["response"]["headers"][1], json!({ "name": "x-rate", "value": "5" }));
    assert!(entries.iter().all(|entry| entry["_harmock"]["example"] == true));
    assert!(entries.iter().all(|entry| entry["startedDateTime"] == "1970-01-01T00:00:00.000Z"));
}

#[test]
fn the_same_additions_give_the_same_bytes() {
    let (one, other) = (Workspace::new(), Workspace::new());
    for workspace in [&one, &other] {
        two(workspace, "hars/api.har");
        two(workspace, "hars/api.zip");
    }
    for name in ["hars/api.har", "hars/api.zip"] {
        assert!(fs::read(one.join(name)).unwrap() == fs::read(other.join(name)).unwrap(), "{name}");
    }
}

#[test]
fn replay_answers_from_a_folder_and_from_a_zip() {
    for archive in ["hars/api.har", "hars/api.zip"] {
        let workspace = Workspace::new();
        two(&workspace, archive);
        har(&workspace, &["add", archive, "--method", "POST", "--url", USER, "--status", "201"]).good();
        let proxy = Harmock::replay(&workspace, &["--offline"]);
        assert_eq!(replayed(&proxy, &[USER]), (404, "{\"error\":\"none\"}".to_owned()), "{archive}");
        // An example without a payload answers any.
        assert_eq!(replayed(&proxy, &[USER, "-d", "name=Tom"]).0, 201, "{archive}");
        proxy.interrupt().expect(0);
    }
}

#[test]
fn bodies_go_where_those_of_the_archive_are() {
    let workspace = Workspace::new();
    workspace.write_har("embedded.har", &[entry("GET", "http://a.test/", 200, "text")]);
    let before = fs::read_to_string(workspace.join("hars/embedded.har")).unwrap();
    let before: Value = serde_json::from_str(&before).unwrap();
    har(&workspace, &["add", "hars/embedded.har", "--url", USER, "--body", "more"]).good();
    let entries = workspace.entries("hars/embedded.har");
    assert_eq!(entries[0], before["log"]["entries"][0], "what was there stays as it was");
    assert_eq!(entries[1]["response"]["content"]["text"], "more");
    har(&workspace, &["add", "hars/new.har", "--content", "embed", "--url", USER, "--body", "more"]).good();
    assert_eq!(workspace.entries("hars/new.har")[0]["response"]["content"]["text"], "more");
    har(&workspace, &["add", "hars/attached.har", "--url", USER, "--body", "more"]).good();
    assert!(workspace.entries("hars/attached.har")[0]["response"]["content"]["_file"].is_string());
}

#[test]
fn a_merge_leaves_examples_alone_and_takes_none_for_what_it_recorded() {
    let workspace = Workspace::new();
    let origin = ChangingOrigin::start();
    let url = origin.url("/poll");
    har(&workspace, &["add", "hars/recording.har", "--url", &url, "--status", "503", "--body", "busy"]).good();
    for body in ["one", "two"] {
        origin.answers("/poll", &["Content-Type: text/plain"], body);
        let proxy = Harmock::record(&workspace, &["--update", "merge"]);
        assert_eq!(replayed(&proxy, &[&url]).1, body);
        let ended = proxy.interrupt().expect(0);
        assert!(!ended.stderr.contains("edited"), "{}", ended.stderr);
        let entries = workspace.entries("hars/recording.har");
        let statuses: Vec<_> = entries.iter().map(|entry| entry["response"]["status"].as_u64().unwrap()).collect();
        assert_eq!(statuses, [503, 200]);
        let name = entries[1]["response"]["content"]["_file"].as_str().unwrap();
        assert_eq!(fs::read_to_string(workspace.join("hars").join(name)).unwrap(), body);
    }
}

#[test]
fn secrets_are_replaced_unless_they_are_asked_for() {
    let workspace = Workspace::new();
    let add =
        ["add", "hars/api.har", "--url", "http://a.test/login", "--body", "{\"access_token\":\"abcdef0123456789\"}"];
    let said = har(&workspace, &[&add[..], &["--content", "embed"]].concat()).good();
    assert!(said.contains("secrets replaced in 1 entry (--no-redact keeps them)"), "{said}");
    har(&workspace, &[&add[..], &["--no-redact"]].concat()).good();
    let text = |at: usize| workspace.entries("hars/api.har")[at]["response"]["content"]["text"].clone();
    assert_eq!((text(0), text(1)), (json!("{\"access_token\":\"redacted-access_token-1\"}"), json!(add[5])));
}

#[test]
fn an_archive_that_is_being_recorded_is_not_added_to() {
    let workspace = Workspace::new();
    let proxy = Harmock::record(&workspace, &["--har", "hars/api.har"]);
    let said = har(&workspace, &["add", "hars/api.har", "--url", USER]).refused();
    assert!(said.contains("is being recorded by another harmock"), "{said}");
    proxy.interrupt();
    assert!(!workspace.join("hars/api.har").exists());
}

#[test]
fn additions_at_the_same_time_are_all_kept_or_refused_by_name() {
    let workspace = Arc::new(Workspace::new());
    let together = Arc::new(Barrier::new(4));
    let adding = |number: usize| {
        let (workspace, together) = (Arc::clone(&workspace), Arc::clone(&together));
        thread::spawn(move || {
            together.wait();
            let said = har(&workspace, &["add", "hars/api.har", "--url", &format!("http://a.test/{number}")]);
            assert!(said.code == Some(0) || said.stderr.contains("being recorded"), "{}", said.stderr);
            usize::from(said.code == Some(0))
        })
    };
    let threads: Vec<_> = (0..4).map(adding).collect();
    let kept: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!(workspace.entries("hars/api.har").len(), kept);
}

#[test]
fn what_is_wrong_is_said_in_one_line_and_nothing_is_written() {
    let workspace = Workspace::new();
    for (arguments, said) in [
        (&["--status", "404"][..], "--url"),
        (&[], "nothing to add"),
        (&["--url", "ftp://a.test/"], "not an http or https URL"),
        (&["--url", USER, "--header", "nonsense"], "is not NAME: VALUE"),
        (&["--url", USER, "--header", "a b: c"], "not a field that HTTP can carry"),
        (&["--url", USER, "--header", "Content-Encoding: gzip"], "without a coding"),
        (&["--url", USER, "--method", "G T"], "is not a method"),
        (&["--url", USER, "--body", "@nowhere.json"], "cannot read nowhere.json"),
        (&["--url", USER, "--status", "99"], "99"),
    ] {
        let output = har(&workspace, &[&["add", "hars/api.har"], arguments].concat());
        assert!(matches!(output.code, Some(1 | 2)), "{arguments:?}");
        assert!(output.stderr.contains(said), "{arguments:?}: {}", output.stderr);
        assert!(!workspace.join("hars/api.har").exists(), "{arguments:?}");
    }
    workspace.write("hars/broken.har", "{\"log\":");
    har(&workspace, &["add", "hars/broken.har", "--url", USER]).refused();
    assert_eq!(fs::read_to_string(workspace.join("hars/broken.har")).unwrap(), "{\"log\":");
}

#[test]
fn other_readers_have_no_complaint() {
    needs!(Node);
    let workspace = Workspace::new();
    two(&workspace, "hars/attached.har");
    let embedded = ["add", "hars/embedded.har", "--content", "embed", "--method", "POST", "--url", USER];
    har(&workspace, &[&embedded[..], &["--payload", "{\"a\":1}", "--body", "ok", "--name", "made"]].concat()).good();
    no_complaint(&workspace, &["hars/attached.har", "hars/embedded.har"]);
}
