//! `harmock open`: a browser of its own that uses and trusts the proxy, recorded and replayed.

use crate::support::{Ended, Harmock, Origin, Workspace, needs};

/// Opens a page without a window, has its document printed, and ends when the browser does.
fn open(workspace: &Workspace, url: &str, arguments: &[&str]) -> Ended {
    let mut words = vec![url, "--headless"];
    words.extend(arguments);
    words.extend(["--", "--dump-dom", "--virtual-time-budget=10000"]);
    Harmock::run(workspace, "open", &words)
}

#[test]
fn a_browser_records_https_and_shows_the_same_when_the_origin_is_gone() {
    needs!(Chromium);
    let workspace = Workspace::new();
    let origin = Origin::https();
    let url = origin.url("/site/plain");
    let recorded = open(&workspace, &url, &["--save-har", "hars/open.har", "--save-har-glob", "**/site/**"]);
    assert_eq!(recorded.code, Some(0), "{}", recorded.stderr);
    assert!(recorded.stdout.contains("<title>Plain</title>"), "{}", recorded.stdout);
    let urls: Vec<String> =
        workspace.entries("hars/open.har").iter().map(|e| e["request"]["url"].as_str().unwrap().to_owned()).collect();
    assert_eq!(urls, [url.as_str()]);
    origin.stop();
    let replayed = open(&workspace, &url, &["--replay", "hars/open.har"]);
    assert_eq!(replayed.code, Some(0), "{}", replayed.stderr);
    assert!(replayed.stdout.contains("<title>Plain</title>"), "{}", replayed.stdout);
}

#[test]
fn a_browser_that_is_not_there_is_named_before_anything_starts() {
    let workspace = Workspace::new();
    let ended = open(&workspace, "http://a.test/", &["--browser", "/no/such/browser"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("/no/such/browser"), "{}", ended.stderr);
    assert!(!workspace.join("hars/.harmock").exists());
}
