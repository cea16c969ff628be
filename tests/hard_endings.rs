//! What a recording that is ended hard leaves, and what the next run makes of it.

use std::net::TcpListener;
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
    Harmock::replay(&workspace, &fallback)
        .interrupt()
        .expect(0)
        .says("had been left unfinished was finished: 1 exchange");
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
fn a_killed_recording_of_which_no_body_is_left_leaves_the_archive_as_it_was() {
    let workspace = Workspace::new();
    workspace.write_har("recording.har", &[entry("GET", "http://a.test/", 200, "a")]);
    let before = std::fs::read(workspace.join("hars/recording.har")).unwrap();
    let origin = Origin::http();
    let url = origin.url("/bytes/100000");
    let killed = Harmock::record::<&str>(&workspace, &[]);
    assert_eq!(Wire::connect(killed.address()).get(&url).status, 200);
    drop(killed);
    // As a power loss may leave it: the record is on the disk, and the body that it names is not.
    std::fs::remove_file(workspace.join("hars/.harmock/recording.har/body-0")).unwrap();
    let replay = Harmock::replay(&workspace, &["hars"]);
    assert_eq!(Wire::connect(replay.address()).get("http://a.test/").body, b"a");
    replay.interrupt().expect(0);
    let lost = format!("was finished: 0 exchanges; LOST 1 exchange, for bodies were cut or removed: GET {url}");
    Harmock::record::<&str>(&workspace, &[]).interrupt().expect(1).says(&lost);
    assert_eq!(std::fs::read(workspace.join("hars/recording.har")).unwrap(), before);
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_the_folder_for_what_passes_stops_the_start() {
    let workspace = Workspace::new();
    let elsewhere = workspace.join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, workspace.join("hars/.harmock")).unwrap();
    let refused = Harmock::run(&workspace, "record", &["--", "true"]).expect(1);
    assert!(refused.stderr.contains("hars/.harmock is not a folder of its own; remove it"), "{}", refused.stderr);
    assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 0, "nothing passed, and nothing was written there");
}

#[test]
fn what_stands_in_for_an_archive_that_was_not_finished_is_called_by_the_archives_name() {
    let workspace = Workspace::new();
    let origin = Origin::http();
    let killed = Harmock::record::<&str>(&workspace, &[]);
    assert_eq!(Wire::connect(killed.address()).get(&origin.url("/json")).status, 200);
    drop(killed);
    let replay = Harmock::replay(&workspace, &["hars"]);
    assert_eq!(Wire::connect(replay.address()).get(&origin.url("/other")).status, 502);
    let unused = format!("hars/recording.har#0 GET {}", origin.url("/json"));
    replay.interrupt().expect(3).says(&format!("nearest: {unused}")).says(&format!("  {unused}"));
}

#[test]
fn a_killed_recording_is_finished_by_its_own_settings() {
    let workspace = Workspace::new();
    workspace.write_har("recording.har", &[entry("GET", "http://a.test/", 200, "a")]);
    let origin = Origin::http();
    let killed = Harmock::record(&workspace, &["--update", "append", "--content", "embed", "--mode", "full"]);
    assert_eq!(Wire::connect(killed.address()).get(&origin.url("/json")).status, 200);
    drop(killed);
    Harmock::record::<&str>(&workspace, &[]).interrupt().expect(1);
    let entries = workspace.entries("hars/recording.har");
    assert_eq!(entries.len(), 2, "it was to append");
    assert!(entries[1]["response"]["content"]["text"].is_string(), "it was to embed");
    assert_ne!(entries[1]["startedDateTime"], "1970-01-01T00:00:00.000Z", "it was to keep times");
}

#[test]
fn a_kill_between_the_archive_and_the_end_of_its_journal_adds_nothing_twice() {
    for archive in ["hars/recording.har", "hars/recording.zip"] {
        let workspace = Workspace::new();
        let origin = Origin::http();
        let append = ["--har", archive, "--update", "append"];
        let killed = Harmock::record(&workspace, &append);
        assert_eq!(Wire::connect(killed.address()).get(&origin.url("/json")).status, 200);
        drop(killed);
        let own = workspace.join("hars/.harmock").join(archive.strip_prefix("hars/").unwrap());
        let (journal, kept) = (own.join("journal"), own.join("kept"));
        std::fs::hard_link(&journal, &kept).unwrap();
        Harmock::record(&workspace, &append).interrupt().says("had been left unfinished was finished");
        let finished = std::fs::read(workspace.join(archive)).unwrap();
        // As if the run that finished it had been killed just before it removed the journal.
        std::fs::rename(&kept, &journal).unwrap();
        Harmock::record(&workspace, &append).interrupt().expect(1);
        assert_eq!(std::fs::read(workspace.join(archive)).unwrap(), finished);
        assert!(!journal.exists());
    }
}

#[test]
fn a_replay_that_records_misses_serves_what_a_killed_one_had_recorded() {
    let workspace = Workspace::new();
    workspace.write_har("recording.har", &[entry("GET", "http://a.test/", 200, "a")]);
    let origin = Origin::http();
    let url = origin.url("/json");
    let fallback = ["--not-found", "record"];
    let killed = Harmock::replay(&workspace, &fallback);
    let recorded = Wire::connect(killed.address()).get(&url);
    drop(killed);
    origin.stop();
    let next = Harmock::replay(&workspace, &fallback);
    let replayed = Wire::connect(next.address()).get(&url);
    assert_eq!((replayed.status, replayed.body), (200, recorded.body));
    next.interrupt().expect(0);
}

#[test]
fn a_second_run_on_one_archive_is_refused_by_a_line_that_names_the_first() {
    for archive in ["hars/recording.har", "hars/recording.zip"] {
        let workspace = Workspace::new();
        let first = Harmock::record(&workspace, &["--har", archive]);
        let second = Harmock::run(&workspace, "record", &["--har", archive]).expect(1);
        let said: Vec<&str> = second.stderr.lines().collect();
        assert_eq!(said.len(), 1, "{said:?}");
        let process = format!("process {}", first.id());
        assert!(said[0].contains(archive) && said[0].contains(&process), "{process} is not in {said:?}");
        // The first one goes on as if nothing had been.
        let origin = Origin::http();
        assert_eq!(Wire::connect(first.address()).get(&origin.url("/json")).status, 200);
        first.interrupt().expect(0).says("recorded 1 exchange");
    }
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
    assert_any_payload_gets_413(&workspace, &url, &authority);
}

#[test]
fn an_answer_of_a_server_that_reads_no_more_of_the_request_answers_whatever_is_sent() {
    let workspace = Workspace::new();
    let proxy = Harmock::record::<&str>(&workspace, &[]);
    let origin = RawOrigin::once(|mut wire| {
        wire.head();
        wire.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
    });
    let mut wire = Wire::connect(proxy.address());
    let (url, authority) = (origin.url("/"), origin.authority());
    wire.send(format!("POST {url} HTTP/1.1\r\nHost: {authority}\r\nContent-Length: 10\r\n\r\n01234"));
    assert_eq!(wire.answer().status, 413);
    origin.outcome();
    proxy.interrupt().expect(0);
    assert_any_payload_gets_413(&workspace, &url, &authority);
}

#[test]
fn a_payload_that_no_server_took_is_no_condition_of_the_failure() {
    let workspace = Workspace::new();
    let closed = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let post = |proxy: &Harmock, payload: &str| {
        let mut wire = Wire::connect(proxy.address());
        let head = format!("POST http://{closed}/ HTTP/1.1\r\nHost: {closed}\r\nContent-Length: {}", payload.len());
        wire.send(format!("{head}\r\n\r\n{payload}"));
        wire.answer().status
    };
    let proxy = Harmock::record::<&str>(&workspace, &[]);
    assert_eq!(post(&proxy, "a payload"), 502);
    proxy.interrupt().expect(0);
    let replay = Harmock::replay(&workspace, &["hars"]);
    assert_eq!(post(&replay, "a payload"), 502);
    replay.interrupt().expect(0).says("served 1, missed 0");
}

/// The payload was not recorded whole, and none is compared.
fn assert_any_payload_gets_413(workspace: &Workspace, url: &str, authority: &str) {
    let entry = &workspace.entries("hars/recording.har")[0];
    assert_eq!(
        (&entry["response"]["status"], &entry["_harmock"]["payload"], &entry["request"]["postData"]),
        (&413.into(), &"omitted".into(), &serde_json::Value::Null)
    );
    let replay = Harmock::replay(workspace, &["hars"]);
    for payload in ["0123456789", "01234", ""] {
        let mut wire = Wire::connect(replay.address());
        let length = payload.len();
        wire.send(format!("POST {url} HTTP/1.1\r\nHost: {authority}\r\nContent-Length: {length}\r\n\r\n{payload}"));
        assert_eq!(wire.answer().status, 413, "{payload:?}");
    }
    replay.interrupt().expect(0);
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

#[test]
fn the_journal_of_a_killed_run_is_read_as_its_archive_would_be_and_nothing_is_written() {
    let workspace = Workspace::new();
    workspace.write_har("recording.har", &[entry("GET", "http://a.test/", 200, "a")]);
    let origin = Origin::http();
    let killed = Harmock::record(&workspace, &["--update", "append"]);
    assert_eq!(Wire::connect(killed.address()).get(&origin.url("/json")).status, 200);
    drop(killed);
    let (url, _) = (origin.url("/json"), origin.stop());
    let before = std::fs::read(workspace.join("hars/recording.har")).unwrap();
    let listed = workspace.harmock().args(["har", "ls"]).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&listed.stdout), String::from_utf8_lossy(&listed.stderr));
    assert_eq!(stdout.lines().count(), 2, "{stdout}");
    assert!(stdout.contains(&url) && stderr.contains("1 exchange of its journal is read"), "{stdout}{stderr}");
    let replay = Harmock::replay(&workspace, &["--glob", "**/json", "--token", "a-token-of-this-test"]);
    let mut wire = Wire::connect(replay.address());
    let own = format!("Host: {}\r\nAuthorization: Bearer a-token-of-this-test", replay.address());
    wire.send(format!("POST /__harmock/reload HTTP/1.1\r\n{own}\r\nContent-Length: 0\r\n\r\n"));
    assert_eq!(wire.answer().json()["changes"], serde_json::json!([]), "nothing has changed");
    assert_eq!(Wire::connect(replay.address()).get(&url).json()["answer"], 42);
    replay.interrupt().expect(0).says("1 exchange of its journal is read");
    assert_eq!(std::fs::read(workspace.join("hars/recording.har")).unwrap(), before);
    let visible = std::fs::read_dir(workspace.join("hars")).unwrap();
    let visible = visible.filter(|item| !item.as_ref().unwrap().file_name().to_string_lossy().starts_with('.'));
    assert_eq!(visible.count(), 1);
}

#[test]
fn every_command_that_reads_an_archive_reads_what_a_killed_run_left() {
    let workspace = Workspace::new();
    let origin = Origin::http();
    let killed = Harmock::record::<&str>(&workspace, &[]);
    assert_eq!(Wire::connect(killed.address()).get(&origin.url("/json")).status, 200);
    drop(killed);
    let har = |arguments: &[&str]| {
        let output = workspace.harmock().arg("har").args(arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("hars/recording.har") && said.contains("left unfinished"), "{arguments:?}: {said}");
        (output.status.code(), said)
    };
    for (arguments, last) in [
        (&["merge", "hars/recording.har", "-o", "merged.har"][..], "merged.har: 1 entry, 1 payload"),
        (&["pack", "hars/recording.har", "-o", "packed.zip"], "packed.zip: 1 entry, 1 payload"),
        (&["diff", "hars/recording.har", "merged.har"], "0 added, 0 removed, 0 changed"),
        (&["check"], "1 archive, 1 entry: 0 errors, 0 warnings, 0 notes"),
    ] {
        let (code, said) = har(arguments);
        assert_eq!((code, said.lines().last()), (Some(0), Some(last)), "{said}");
    }
    // What would be changed is to be finished first.
    assert_eq!(har(&["redact", "hars/recording.har"]).0, Some(1));
    assert!(!workspace.join("hars/recording.har").exists());
}

#[test]
fn recover_finishes_what_a_killed_run_left_in_the_way_that_run_would_have() {
    let workspace = Workspace::new();
    let origin = Origin::http();
    let killed = Harmock::record(&workspace, &["--har", "hars/new.zip", "--mode", "full"]);
    assert_eq!(Wire::connect(killed.address()).get(&origin.url("/json")).status, 200);
    drop(killed);
    let recover = |arguments: &[&str]| {
        let output = workspace.harmock().args(["har", "recover"]).args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(recover(&[]), (Some(0), "recovered 1 exchange into hars/new.zip\n".to_owned()));
    let shown = workspace.harmock().args(["har", "show", "--json", "hars/new.zip", "0"]).output().unwrap();
    let entry: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_ne!(entry["startedDateTime"], "1970-01-01T00:00:00.000Z");
    assert_eq!(recover(&["hars/new.zip"]), (Some(0), "hars/new.zip: no run left anything to recover\n".to_owned()));
}

#[test]
fn a_recording_that_goes_on_is_not_recovered_and_is_read_as_it_was() {
    let workspace = Workspace::new();
    workspace.write_har("recording.har", &[entry("GET", "http://a.test/", 200, "a")]);
    let origin = Origin::http();
    let proxy = Harmock::record::<&str>(&workspace, &[]);
    assert_eq!(Wire::connect(proxy.address()).get(&origin.url("/json")).status, 200);
    let har = |arguments: &[&str]| workspace.harmock().arg("har").args(arguments).output().unwrap();
    let refused = har(&["recover", "hars/recording.har"]);
    let stderr = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr.contains("is being recorded by another harmock (process "), "{stderr}");
    let passed_over = String::from_utf8(har(&["recover"]).stderr).unwrap();
    assert!(passed_over.starts_with("hars/recording.har: a run records into it"), "{passed_over}");
    let listed = har(&["ls"]);
    assert_eq!(String::from_utf8(listed.stdout).unwrap().lines().count(), 1);
    assert_eq!(String::from_utf8(listed.stderr).unwrap(), "");
    proxy.interrupt().expect(0);
    assert_eq!(workspace.entries("hars/recording.har")[0]["request"]["url"], origin.url("/json"));
}
