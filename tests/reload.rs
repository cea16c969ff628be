//! Archives that change while they are replayed: edits are served, no request is dropped, what is broken is not taken.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Answer, Harmock, Origin, Wire, Workspace, entry, post_entry};

/// Longer than this nothing takes that works.
const PATIENCE: Duration = Duration::from_secs(30);

fn replay(workspace: &Workspace) -> Harmock {
    Harmock::replay::<&str>(workspace, &[])
}

/// Asks over one connection until the answer is this one; each answer before is the one from before the edit.
#[track_caller]
fn becomes(wire: &mut Wire, url: &str, before: &str, after: &str) {
    changes(|| wire.get(url), before, after);
}

#[track_caller]
fn changes(mut ask: impl FnMut() -> Answer, before: &str, after: &str) {
    let started = Instant::now();
    loop {
        let answer = said(&ask());
        if answer == after {
            return;
        }
        assert_eq!(answer, before);
        assert!(started.elapsed() < PATIENCE, "the edit is not seen: {answer}");
        sleep(Duration::from_millis(2));
    }
}

/// The body; of a miss the word, of any other error all of it.
fn said(answer: &Answer) -> String {
    match answer.status {
        200 => answer.text(),
        502 if answer.all("content-type") == ["application/problem+json"] => "MISS".to_owned(),
        status => format!("{status} {}", answer.text()),
    }
}

fn one(body: &str) -> [serde_json::Value; 1] {
    [entry("GET", "http://a.test/x", 200, body)]
}

/// Puts another file in the place of one, as editors and git do.
fn replace(path: &Path, content: &[u8]) {
    let beside = path.with_extension("swp");
    fs::write(&beside, content).unwrap();
    fs::rename(beside, path).unwrap();
}

#[test]
fn an_archive_that_is_edited_in_place_answers_anew() {
    let workspace = Workspace::new();
    workspace.write_har("one.har", &one("before"));
    let proxy = replay(&workspace);
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(wire.get("http://a.test/x").text(), "before");
    for (before, after) in [("before", "after"), ("after", "again"), ("again", "a body of another length")] {
        workspace.write_har("one.har", &one(after));
        becomes(&mut wire, "http://a.test/x", before, after);
    }
    drop(wire);
    proxy.interrupt().expect(0).says("hars/one.har: read anew, 1 entry");
}

#[test]
fn an_archive_that_is_replaced_answers_anew() {
    let workspace = Workspace::new();
    let path = workspace.write_har("one.har", &one("before"));
    let proxy = replay(&workspace);
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(wire.get("http://a.test/x").text(), "before");
    let text = fs::read_to_string(&path).unwrap();
    // The same length: only the file is another one.
    replace(&path, text.replace("before", "after!").as_bytes());
    becomes(&mut wire, "http://a.test/x", "before", "after!");
    drop(wire);
    proxy.interrupt().expect(0);
}

#[test]
fn a_payload_that_is_edited_replaced_or_away_for_a_moment_drops_no_request() {
    let workspace = Workspace::new();
    let mut attached = entry("GET", "http://a.test/x", 200, "");
    attached["response"]["content"] = json!({ "mimeType": "text/plain", "size": 5, "_file": "x.txt" });
    workspace.write_har("one.har", &[attached]);
    let payload = workspace.write("hars/x.txt", "first");
    let proxy = replay(&workspace);
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(wire.get("http://a.test/x").text(), "first");
    fs::write(&payload, "second").unwrap();
    becomes(&mut wire, "http://a.test/x", "first", "second");
    replace(&payload, b"third");
    becomes(&mut wire, "http://a.test/x", "second", "third");
    fs::remove_file(&payload).unwrap();
    fs::write(&payload, "fourth").unwrap();
    becomes(&mut wire, "http://a.test/x", "third", "fourth");
    drop(wire);
    proxy.interrupt().expect(0);
}

#[test]
fn a_recorded_request_payload_that_is_edited_decides_anew() {
    let workspace = Workspace::new();
    let mut attached = post_entry("http://a.test/x", "", "yes");
    attached["request"]["postData"] = json!({ "mimeType": "text/plain", "_file": "asked.txt" });
    workspace.write_har("one.har", &[attached]);
    let payload = workspace.write("hars/asked.txt", "one");
    let proxy = Harmock::replay(&workspace, &["--max-misses", "1000000"]);
    let mut wire = Wire::connect(proxy.address());
    let mut post = |payload: &str| {
        let length = payload.len();
        wire.send(format!(
            "POST http://a.test/x HTTP/1.1\r\nHost: a.test\r\nContent-Length: {length}\r\n\r\n{payload}"
        ));
        wire.answer()
    };
    assert_eq!(post("one").text(), "yes");
    fs::write(&payload, "two").unwrap();
    changes(|| post("two"), "MISS", "yes");
    assert_eq!(post("one").status, 502);
    proxy.interrupt().expect(0);
}

#[test]
fn archives_come_and_go_in_a_folder() {
    let workspace = Workspace::new();
    workspace.write_har("one.har", &one("one"));
    let proxy = Harmock::replay(&workspace, &["--max-misses", "1000000"]);
    let mut wire = Wire::connect(proxy.address());
    let second = workspace.write_har("deep/two.har", &[entry("GET", "http://a.test/y", 200, "two")]);
    becomes(&mut wire, "http://a.test/y", "MISS", "two");
    let zip = workspace.join("hars/three.zip");
    let packed = workspace.harmock().args(["har", "pack"]).arg(&second).arg("-o").arg(&zip).output().unwrap();
    assert!(packed.status.success(), "{packed:?}");
    fs::remove_file(&second).unwrap();
    // The zip has the same entry.
    fs::remove_file(workspace.join("hars/one.har")).unwrap();
    becomes(&mut wire, "http://a.test/x", "one", "MISS");
    assert_eq!(wire.get("http://a.test/y").text(), "two");
    drop(wire);
    let ended = proxy.interrupt().expect(0);
    let ended = ended.says("hars/deep/two.har: is new, 1 entry").says("hars/three.zip: is new, 1 entry");
    ended.says("hars/one.har: is gone").says("hars/deep/two.har: is gone");
}

#[test]
fn a_broken_edit_is_told_at_once_and_what_was_read_before_answers() {
    let workspace = Workspace::new();
    let path = workspace.write_har("one.har", &one("before"));
    let mut proxy = Harmock::replay(&workspace, &["--log", "off"]);
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(wire.get("http://a.test/x").text(), "before");
    let good = fs::read_to_string(&path).unwrap();

    let broken = good.replacen("\"version\": \"1.2\"", "\"version\" \"1.2\"", 1);
    fs::write(&path, &broken).unwrap();
    let line = 1 + broken.lines().position(|line| line.contains("\"version\" ")).unwrap();
    let told = proxy.told("not JSON");
    assert!(told.contains(&format!("hars/one.har:{line}:")), "{told}");
    assert!(told.contains("what was read before still answers"), "{told}");
    assert_eq!(wire.get("http://a.test/x").text(), "before");

    let odd = good.replace("http://a.test/x", "a.test/x");
    fs::write(&path, &odd).unwrap();
    let told = proxy.told("entry 0: request.url: \"a.test/x\" is not an absolute URL");
    let line = 1 + odd.lines().position(|line| line.contains("startedDateTime")).unwrap();
    // The entry begins with the brace before its first field.
    let named: usize = told.split(':').nth(2).unwrap().parse().unwrap();
    assert!((1..=line).contains(&named), "{told}");
    assert_eq!(wire.get("http://a.test/x").text(), "before");

    fs::write(&path, good.replace("before", "mended")).unwrap();
    becomes(&mut wire, "http://a.test/x", "before", "mended");
    drop(wire);
    proxy.interrupt().expect(0);
}

#[test]
fn entries_that_stay_are_known_to_be_used_after_a_reload() {
    let workspace = Workspace::new();
    let two = |body: &str| {
        [
            entry("GET", "http://a.test/used", 200, "used"),
            entry("GET", "http://a.test/edited", 200, body),
            entry("GET", "http://a.test/idle", 200, "idle"),
        ]
    };
    workspace.write_har("one.har", &two("before"));
    let proxy = replay(&workspace);
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(wire.get("http://a.test/used").text(), "used");
    workspace.write_har("one.har", &two("after"));
    becomes(&mut wire, "http://a.test/edited", "before", "after");
    drop(wire);
    let ended = proxy.interrupt().expect(0).says("1 of 3 entries never used");
    assert!(ended.stderr.contains("#2 GET http://a.test/idle"), "{}", ended.stderr);
}

#[test]
fn what_a_run_records_itself_is_no_edit_that_breaks() {
    let workspace = Workspace::new();
    workspace.write_har("one.har", &one("one"));
    let origin = Origin::http();
    let url = origin.url("/json");
    let proxy = Harmock::replay(&workspace, &["--not-found", "record"]);
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(wire.get(&url).status, 200);
    drop(wire);
    let ended = proxy.interrupt().expect(0).says("recorded 1 exchange");
    assert!(!ended.stderr.contains("still answers"), "{}", ended.stderr);
    assert_eq!(workspace.entries("hars/recording.har").len(), 1);
}
