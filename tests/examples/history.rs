//! `har add --from`: entries of a trace.

use super::*;
use crate::support::{entry, post_entry};

#[test]
fn an_entry_of_a_trace_becomes_an_example_with_the_body_of_its_archive() {
    let workspace = Workspace::new();
    workspace.write_har(
        "api.har",
        &[entry("GET", "http://a.test/one", 200, "first"), entry("GET", "http://a.test/two", 404, "second")],
    );
    let proxy = Harmock::replay(&workspace, &["--trace", "trace.har"]);
    for path in ["one", "two", "missing"] {
        curl(&proxy, &[&format!("http://a.test/{path}")]);
    }
    proxy.interrupt();
    har(&workspace, &["add", "hars/more.har", "--from", "trace.har", "--entry", "/two", "--name", "gone"]).good();
    let entries = workspace.entries("hars/more.har");
    assert_eq!((entries.len(), &entries[0]["_harmock"]["name"]), (1, &json!("gone")));
    let shown = har(&workspace, &["show", "--body", "hars/more.har", "0"]);
    assert_eq!(shown.stdout, "second");
    let said = har(&workspace, &["add", "hars/more.har", "--from", "trace.har", "--entry", "missing"]).refused();
    assert!(said.contains("was answered by harmock itself (miss)"), "{said}");
    let said = har(&workspace, &["add", "hars/all.har", "--from", "trace.har", "--all"]).good();
    assert!(said.contains("left out: trace.har: entry 2") && said.contains("2 examples added"), "{said}");
}

#[test]
fn what_the_trace_speaks_of_has_to_be_there_still() {
    let workspace = Workspace::new();
    workspace.write_har("api.har", &[entry("GET", "http://a.test/one", 200, "first")]);
    let proxy = Harmock::replay(&workspace, &["--trace", "trace.har"]);
    curl(&proxy, &["http://a.test/one"]);
    proxy.interrupt();
    workspace.write_har("api.har", &[entry("GET", "http://a.test/one", 500, "first")]);
    let said = har(&workspace, &["add", "hars/more.har", "--from", "trace.har", "--entry", "0"]).refused();
    assert!(said.contains("api.har#0, and that has changed since"), "{said}");
}

#[test]
fn entries_of_any_har_are_taken_by_number_and_by_url() {
    let workspace = Workspace::new();
    let all = [post_entry("http://a.test/form", "a=1", "posted"), entry("GET", "http://a.test/x", 200, "x")];
    workspace.write_har("other.har", &all);
    let said = har(&workspace, &["add", "hars/more.har", "--from", "hars/other.har"]).refused();
    assert!(said.contains("which of the 2 entries"), "{said}");
    let add = ["add", "hars/more.har", "--from", "hars/other.har", "--entry", "0", "--entry", "/x"];
    har(&workspace, &add).good();
    let urls: Vec<_> = workspace.entries("hars/more.har").iter().map(|entry| entry["request"]["url"].clone()).collect();
    assert_eq!(urls, ["http://a.test/form", "http://a.test/x"]);
    let shown = har(&workspace, &["show", "--payload", "hars/more.har", "0"]);
    assert_eq!(shown.stdout, "a=1");
}
