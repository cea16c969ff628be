//! What a recording that is ended hard leaves, and what the next run makes of it.

use crate::support::{Harmock, Origin, Wire, Workspace, entry};

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
