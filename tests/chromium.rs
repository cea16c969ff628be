//! Chromium records, and shows the same again when the origin is gone. It checks every certificate as Chrome does.

use crate::support::{
    Harmock, Origin, Workspace, chromium, entry, needs, record_with, replay_with, same_when_replayed,
};

/// Runs a browser script through a proxy.
fn browse(proxy: &Harmock, script: &str, arguments: &[&str]) -> serde_json::Value {
    chromium(Some(proxy), proxy.scratch(), script, arguments)
}

#[test]
fn a_page_of_many_files_has_the_same_document_when_it_is_replayed() {
    needs!(Playwright, Chromium, Certutil);
    for origin in [Origin::http(), Origin::https()] {
        let url = origin.url("/site/many");
        let page = same_when_replayed(origin, |proxy| browse(proxy, "many.mjs", &[&url]));
        let requests = page["requests"].as_array().unwrap();
        assert!(requests.len() >= 50, "{} requests: {requests:?}", requests.len());
        let document = page["document"].as_str().unwrap();
        for expected in ["script 11 ran", "title=\"11x11\"", "noted {\"note\":11}", ">204<", ">404<", "thing 3"] {
            assert!(document.contains(expected), "{expected} is not in {document}");
        }
    }
}

#[test]
fn signing_in_with_a_form_redirects_and_sets_cookies_as_it_did() {
    needs!(Playwright, Chromium, Certutil);
    let origin = Origin::https();
    let url = origin.url("");
    let seen = same_when_replayed(origin, |proxy| browse(proxy, "login.mjs", &[&url]));
    assert_eq!(seen["asked"]["url"], format!("{url}/login"), "without a session the account sends to the form");
    assert_eq!((&seen["signedIn"]["who"], &seen["again"]), (&"ada".into(), &"ada".into()));
    assert_eq!(seen["cookies"][0]["name"], "session");
}

#[test]
fn calls_to_another_origin_keep_their_permissions() {
    needs!(Playwright, Chromium, Certutil);
    let (site, api) = (Origin::https(), Origin::https_by_address());
    let (site_url, api_url) = (site.url(""), api.url(""));
    let workspace = Workspace::new();
    let call = |proxy: &Harmock| browse(proxy, "cors.mjs", &[&site_url, &api_url]);
    let (recorded, _) = record_with(&workspace, &[], call);
    drop((site, api));
    let (replayed, _) = replay_with(&workspace, &[], call);
    assert_eq!(replayed, recorded);
    assert_eq!(recorded[2][0], 200);
}

/// As in an archive of Playwright's, which holds no preflights and often no permissions.
#[test]
fn calls_to_an_archive_without_preflights_are_permitted() {
    needs!(Playwright, Chromium, Certutil);
    let workspace = Workspace::new();
    let (site, api) = ("https://app.example.test", "https://api.example.test");
    let mut page = entry("GET", &format!("{site}/site/plain"), 200, "<!doctype html><title>Plain</title>");
    page["response"]["headers"][0]["value"] = "text/html".into();
    let (get, put) =
        (entry("GET", &format!("{api}/cors"), 200, "got"), entry("PUT", &format!("{api}/cors"), 200, "put"));
    workspace.write_har("app.har", &[page, get, put]);
    let (seen, _) = replay_with(&workspace, &[], |proxy| browse(proxy, "cors.mjs", &[site, api]));
    assert_eq!(seen, serde_json::json!([[200, "got"], [200, "got"], [200, "put"]]));
}
