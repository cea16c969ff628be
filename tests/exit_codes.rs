//! What a script sees of a run: its first line, its exit code, its one line of error.

use std::fs;
use std::net::TcpListener;

use crate::support::{Harmock, Origin, Wire, Workspace, entry};

#[test]
fn the_first_line_of_standard_output_is_the_url() {
    let workspace = Workspace::new();
    workspace.write_har("one.har", &[entry("GET", "http://a.test/", 200, "a")]);
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    let url = proxy.url().to_owned();
    assert!(url.starts_with("http://127.0.0.1:") && !url.ends_with(":0"), "{url}");
    let ended = proxy.interrupt().expect(0);
    assert_eq!(ended.stdout, format!("{url}\n"), "and nothing else is on it");
}

#[test]
fn both_signals_end_a_run_cleanly() {
    let workspace = Workspace::new();
    workspace.write_har("one.har", &[entry("GET", "http://a.test/", 200, "a")]);
    Harmock::replay::<&str>(&workspace, &[]).interrupt().expect(0);
    Harmock::replay::<&str>(&workspace, &[]).terminate().expect(0);
}

#[test]
fn an_archive_without_entries_loads() {
    let workspace = Workspace::new();
    workspace.write_har("none.har", &[]);
    Harmock::replay::<&str>(&workspace, &[]).interrupt().expect(0);
}

#[test]
fn a_port_in_use_is_one_line_that_names_it() {
    let workspace = Workspace::new();
    workspace.write_har("one.har", &[entry("GET", "http://a.test/", 200, "a")]);
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = workspace
        .harmock()
        .args(["replay", "--listen", &address, "--ca-dir"])
        .arg(workspace.ca_dir())
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), stderr.lines().count()), (Some(1), 1), "{stderr}");
    assert!(stderr.contains(&address), "{stderr}");
    assert!(output.stdout.is_empty());
}

#[test]
fn wrong_usage_ends_with_2() {
    let workspace = Workspace::new();
    assert_eq!(Harmock::run(&workspace, "replay", &["--no-such-flag"]).code, Some(2));
    assert_eq!(Harmock::run(&workspace, "replay", &["--not-found", "perhaps"]).code, Some(2));
}

#[test]
fn archives_that_cannot_be_read_stop_the_start_and_are_named() {
    let bad: [(&str, &[u8]); 5] = [
        ("empty.har", b""),
        ("text.har", b"not a HAR"),
        ("cut.har", br#"{"log":{"entries":[{"#),
        ("other.har", br#"{"openapi":"3.0"}"#),
        ("broken.zip", b"PK\x03\x04 and no more"),
    ];
    for (name, content) in bad {
        let workspace = Workspace::new();
        workspace.write(&format!("hars/{name}"), content);
        let ended = Harmock::run(&workspace, "replay", &[format!("hars/{name}")]).expect(1).says(name);
        assert!(ended.stdout.is_empty(), "{name}: it listened: {}", ended.stdout);
    }
}

#[test]
fn an_archive_that_is_missing_is_named() {
    let workspace = Workspace::new();
    Harmock::run(&workspace, "replay", &["hars/absent.har"]).expect(1).says("absent.har");
}

#[test]
fn a_glob_that_does_not_parse_is_refused() {
    let workspace = Workspace::new();
    let ended = Harmock::run(&workspace, "record", &["--glob", "**/{a,b"]);
    assert!(matches!(ended.code, Some(1 | 2)), "{ended:?}");
    assert!(ended.stderr.contains("{a,b"), "{}", ended.stderr);
}

#[test]
fn a_recording_that_caught_nothing_names_the_hosts_and_the_globs() {
    let (workspace, origin) = (Workspace::new(), Origin::http());
    let old = workspace.write_har("recording.har", &[entry("GET", "http://a.test/", 200, "a")]);
    let before = fs::read(&old).unwrap();
    let proxy = Harmock::record(&workspace, &["--glob", "**/api/**"]);
    assert_eq!(
        Wire::connect(proxy.address()).get(&origin.url("/json")).status,
        200,
        "the glob filters what is written"
    );
    proxy.interrupt().expect(1).says("127.0.0.1").says("**/api/**");
    assert_eq!(fs::read(old).unwrap(), before, "the archive that was there survives");
}

#[test]
fn a_recording_to_a_folder_that_is_none_fails_before_it_listens() {
    let workspace = Workspace::new();
    workspace.write("file", "in the way");
    let ended = Harmock::run(&workspace, "record", &["--har", "file/recording.har"]).expect(1).says("file");
    assert!(ended.stdout.is_empty());
}

#[test]
fn a_listener_that_is_not_loopback_needs_to_be_asked_for() {
    let workspace = Workspace::new();
    workspace.write_har("one.har", &[entry("GET", "http://a.test/", 200, "a")]);
    let output = workspace
        .harmock()
        .args(["replay", "--listen", "0.0.0.0:0", "--ca-dir"])
        .arg(workspace.ca_dir())
        .output()
        .unwrap();
    assert!(matches!(output.status.code(), Some(1 | 2)));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--public"));
}
