//! The command line that replays records again, where it is told to.

use crate::support::{Ended, Harmock, Origin, Wire, Workspace, entry};

/// `harmock replay` with these variables; asks for the URL, and ends the run.
fn run(workspace: &Workspace, variables: &[(&str, &str)], arguments: &[&str], url: &str) -> (u16, Ended) {
    let mut command = Harmock::command(workspace, "replay", arguments);
    command.envs(variables.iter().copied());
    let proxy = Harmock::start(workspace, command);
    let status = Wire::connect(proxy.address()).get(url).status;
    (status, proxy.interrupt())
}

#[test]
fn a_replay_that_is_to_update_records_the_same_scope_into_the_archive_that_it_names() {
    let workspace = Workspace::new();
    workspace.write_har("shop.har", &[entry("GET", "http://a.test/old", 200, "old")]);
    let origin = Origin::http();
    let url = origin.url("/json");
    for (variables, arguments) in [
        (vec![], vec!["hars/shop.har", "--glob", "**/json", "--update"]),
        (vec![("HARMOCK_UPDATE", "1")], vec!["hars/shop.har", "--glob", "**/json"]),
        (vec![("CI", "true")], vec!["hars/shop.har", "--glob", "**/json", "--update", "--force-update"]),
    ] {
        workspace.write_har("shop.har", &[entry("GET", "http://a.test/old", 200, "old")]);
        let (status, ended) = run(&workspace, &variables, &arguments, &url);
        ended.expect(0).says("recorded 1 exchange into hars/shop.har (1 entry");
        assert_eq!(status, 200);
        let entries = workspace.entries("hars/shop.har");
        assert_eq!((entries.len(), entries[0]["request"]["url"].as_str()), (1, Some(&*url)));
    }
    let (status, ended) = run(&workspace, &[("HARMOCK_UPDATE", "0")], &["hars/shop.har"], &url);
    ended.expect(0).says("served 1, missed 0");
    assert_eq!(status, 200);
}

#[test]
fn the_file_says_so_too_and_appending_keeps_what_is_there() {
    let workspace = Workspace::new();
    workspace.write("harmock.toml", "har = \"hars/shop.har\"\nupdate = \"append\"\n");
    workspace.write_har("shop.har", &[entry("GET", "http://a.test/old", 200, "old")]);
    let origin = Origin::http();
    run(&workspace, &[], &[], &origin.url("/json")).1.expect(0);
    assert_eq!(workspace.entries("hars/shop.har").len(), 2);
}

#[test]
fn an_update_in_ci_or_without_a_network_or_of_two_archives_is_refused() {
    let workspace = Workspace::new();
    workspace.write_har("a.har", &[entry("GET", "http://a.test/", 200, "a")]);
    for (arguments, said) in [
        (vec!["--update", "--offline"], "--offline forbids that"),
        (vec!["--update", "hars/a.har", "hars/b.har"], "several are named; say with --har"),
    ] {
        Harmock::run(&workspace, "replay", &arguments).expect(2).says(said);
    }
    for (variable, value) in [("CI", "true"), ("CI", "1")] {
        let mut command = Harmock::command(&workspace, "replay", &["--update"]);
        let output = command.env(variable, value).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains("add --force-update"), "{said}");
    }
    assert_eq!(workspace.entries("hars/a.har").len(), 1);
}
