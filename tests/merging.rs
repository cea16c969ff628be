//! `--update merge`: what the run saw is exchanged, everything else stays, and so does what a person edited.

use std::fs;

use serde_json::Value;

use crate::support::{ChangingOrigin, Ended, Harmock, Wire, Workspace, entry};

const HAR: &str = "hars/recording.har";

fn record(workspace: &Workspace, arguments: &[&str], urls: &[String]) -> Ended {
    let proxy = Harmock::record(workspace, arguments);
    let mut wire = Wire::connect(proxy.address());
    for url in urls {
        wire.get(url);
    }
    proxy.interrupt().expect(0)
}

fn plain(origin: &ChangingOrigin, path: &str, body: &str) {
    origin.answers(path, &["Content-Type: text/plain; charset=utf-8"], body);
}

fn texts(workspace: &Workspace) -> Vec<String> {
    let entries = workspace.entries(HAR);
    let stored = |entry: &Value| match entry["response"]["content"]["_file"].as_str() {
        Some(name) => fs::read_to_string(workspace.join("hars").join(name)).unwrap(),
        None => entry["response"]["content"]["text"].as_str().unwrap().to_owned(),
    };
    entries.iter().map(stored).collect()
}

fn payloads(workspace: &Workspace) -> Vec<String> {
    let items = fs::read_dir(workspace.join("hars")).unwrap().map(|item| item.unwrap().file_name());
    let names = items.map(|name| name.into_string().unwrap());
    names.filter(|name| !name.starts_with('.') && !name.ends_with(".har")).collect()
}

#[test]
fn entries_that_the_run_saw_are_exchanged_and_the_others_stay_in_sorted_place() {
    let workspace = Workspace::new();
    let origin = ChangingOrigin::start();
    for path in ["/a", "/b", "/d"] {
        plain(&origin, path, &format!("old {path}"));
    }
    record(&workspace, &[], &["/a", "/b", "/d"].map(|path| origin.url(path)));
    plain(&origin, "/b", "new /b");
    plain(&origin, "/c", "new /c");
    record(&workspace, &["--update", "merge"], &["/c", "/b"].map(|path| origin.url(path)));
    assert_eq!(texts(&workspace), ["old /a", "new /b", "new /c", "old /d"]);
    assert_eq!(payloads(&workspace).len(), 4, "the payload of the exchanged entry is gone");
}

#[test]
fn more_and_fewer_answers_of_one_request_take_the_place_of_all_that_were_there() {
    let workspace = Workspace::new();
    let origin = ChangingOrigin::start();
    let poll = origin.url("/poll");
    plain(&origin, "/poll", "1");
    record(&workspace, &[], &[poll.clone(), poll.clone(), poll.clone()]);
    plain(&origin, "/poll", "2");
    record(&workspace, &["--update", "merge"], &[poll.clone(), poll]);
    assert_eq!(texts(&workspace), ["2", "2"]);
}

#[test]
fn what_was_edited_by_hand_stays_and_is_listed() {
    let workspace = Workspace::new();
    let origin = ChangingOrigin::start();
    let urls = ["/entry", "/payload", "/untouched"].map(|path| origin.url(path));
    for path in ["/entry", "/payload", "/untouched"] {
        plain(&origin, path, &format!("old {path}"));
    }
    record(&workspace, &[], &urls);
    let text = fs::read_to_string(workspace.join(HAR)).unwrap();
    workspace.write(HAR, text.replacen("\"status\": 200", "\"status\": 503", 1));
    let payload = workspace.entries(HAR)[1]["response"]["content"]["_file"].as_str().unwrap().to_owned();
    workspace.write(&format!("hars/{payload}"), "by hand");
    for path in ["/entry", "/payload", "/untouched"] {
        plain(&origin, path, &format!("new {path}"));
    }
    let ended = record(&workspace, &["--update", "merge"], &urls)
        .says(&format!("edited by hand, left as it is: entry 0: GET {}", urls[0]))
        .says(&format!("edited by hand, left as it is: entry 1: GET {} (payload {payload})", urls[1]));
    assert!(!ended.stderr.contains("entry 2:"), "{}", ended.stderr);
    assert_eq!(texts(&workspace), ["old /entry", "by hand", "new /untouched"]);
    assert_eq!(workspace.entries(HAR)[0]["response"]["status"], 503);
    record(&workspace, &["--update", "merge", "--overwrite-edits"], &urls);
    assert_eq!(texts(&workspace), ["new /entry", "new /payload", "new /untouched"]);
}

#[test]
fn an_edited_payload_is_not_overwritten_by_a_run_that_sees_the_old_content_again() {
    let workspace = Workspace::new();
    let origin = ChangingOrigin::start();
    let urls = [origin.url("/x"), origin.url("/y")];
    plain(&origin, "/x", "same");
    record(&workspace, &[], &urls[..1]);
    let payload = workspace.entries(HAR)[0]["response"]["content"]["_file"].as_str().unwrap().to_owned();
    workspace.write(&format!("hars/{payload}"), "by hand");
    plain(&origin, "/y", "same");
    record(&workspace, &["--update", "merge"], &urls);
    assert_eq!(texts(&workspace), ["by hand", "same"]);
}

#[test]
fn an_edited_payload_of_another_archive_in_the_folder_stays_whatever_is_recorded() {
    let workspace = Workspace::new();
    let origin = ChangingOrigin::start();
    let urls = [origin.url("/x")];
    plain(&origin, "/x", "as it came");
    record(&workspace, &["--har", "hars/other.har"], &urls);
    let named = |har: &str| workspace.entries(har)[0]["response"]["content"]["_file"].as_str().unwrap().to_owned();
    let edited = format!("hars/{}", named("hars/other.har"));
    workspace.write(&edited, "by hand");
    for _ in 0..2 {
        record(&workspace, &[], &urls);
        assert_eq!(fs::read_to_string(workspace.join(&edited)).unwrap(), "by hand");
        assert_eq!((texts(&workspace), payloads(&workspace).len()), (vec!["as it came".to_owned()], 2));
    }
    // Where nobody edited anything, they share one file.
    fs::remove_file(workspace.join(&edited)).unwrap();
    record(&workspace, &["--har", "hars/other.har"], &urls);
    record(&workspace, &[], &urls);
    assert_eq!((named(HAR), payloads(&workspace).len()), (named("hars/other.har"), 1));
}

#[test]
fn entries_of_other_tools_are_exchanged_when_they_are_seen_and_stay_when_they_are_not() {
    let workspace = Workspace::new();
    let origin = ChangingOrigin::start();
    plain(&origin, "/seen", "ours");
    workspace.write_har(
        "recording.har",
        &[entry("GET", "http://zzz.test/unseen", 200, "theirs"), entry("GET", &origin.url("/seen"), 200, "theirs")],
    );
    record(&workspace, &["--update", "merge"], &[origin.url("/seen")]);
    assert_eq!(texts(&workspace), ["ours", "theirs"]);
}

#[test]
fn a_zip_is_merged_into_as_well() {
    let workspace = Workspace::new();
    let origin = ChangingOrigin::start();
    for path in ["/a", "/b"] {
        plain(&origin, path, &format!("old {path}"));
    }
    let arguments = ["--har", "hars/a.zip", "--update", "merge"];
    record(&workspace, &arguments, &["/a", "/b"].map(|path| origin.url(path)));
    plain(&origin, "/b", "new /b");
    record(&workspace, &arguments, &[origin.url("/b")]);
    let run = |arguments: &[&str]| workspace.harmock().arg("har").args(arguments).output().unwrap();
    let listed = String::from_utf8(run(&["ls", "hars/a.zip"]).stdout).unwrap();
    assert_eq!(listed.lines().count(), 2, "{listed}");
    assert_eq!(run(&["show", "hars/a.zip", "0", "--body"]).stdout, b"old /a");
    assert_eq!(run(&["show", "hars/a.zip", "1", "--body"]).stdout, b"new /b");
    assert!(run(&["unpack", "hars/a.zip", "-o", "out"]).status.success());
    let payloads = fs::read_dir(workspace.join("out")).unwrap().count() - 1;
    assert_eq!(payloads, 2, "the payload of the exchanged entry is gone");
}

#[test]
fn an_archive_that_cannot_be_read_stops_a_merge_and_stays() {
    let workspace = Workspace::new();
    let origin = ChangingOrigin::start();
    plain(&origin, "/a", "a");
    workspace.write(HAR, "{\"log\":");
    let proxy = Harmock::record(&workspace, &["--update", "merge"]);
    Wire::connect(proxy.address()).get(&origin.url("/a"));
    proxy.interrupt().expect(1).says("cannot be used");
    assert_eq!(fs::read_to_string(workspace.join(HAR)).unwrap(), "{\"log\":");
}
