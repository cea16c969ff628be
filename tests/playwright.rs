//! Playwright serves what harmock recorded, and harmock serves what Playwright recorded.

use crate::support::{Harmock, Origin, Workspace, chromium, needs, record_with, replay_with};

#[test]
fn route_from_har_serves_what_harmock_recorded() {
    needs!(Playwright, Chromium, Certutil);
    for archive in ["hars/page.har", "hars/page.zip"] {
        let (workspace, origin) = (Workspace::new(), Origin::https());
        let url = origin.url("/site/many");
        let record = |proxy: &Harmock| chromium(Some(proxy), proxy.scratch(), "many.mjs", &[&url]);
        let (recorded, _) = record_with(&workspace, &["--har", archive], record);
        drop(origin);
        let path = workspace.join(archive);
        let arguments = [&url, path.to_str().unwrap()];
        let served = chromium(None, &workspace.join("scratch"), "route_from_har.mjs", &arguments);
        assert_eq!(served["document"], recorded["document"], "{archive}");
        assert_eq!(served["failed"], serde_json::json!([]), "{archive}");
    }
}

#[test]
fn harmock_serves_what_playwright_recorded() {
    needs!(Playwright, Chromium, Certutil);
    for (how, archive) in [("recordHar", "hars/page.har"), ("recordHar", "hars/page.zip"), ("update", "hars/page.har")]
    {
        let (workspace, origin) = (Workspace::new(), Origin::http());
        let url = origin.url("/site/many");
        let path = workspace.join(archive);
        let arguments = [&url, path.to_str().unwrap(), how];
        let recorded = chromium(None, &workspace.join("scratch"), "record_har.mjs", &arguments);
        drop(origin);
        let show = |proxy: &Harmock| chromium(Some(proxy), proxy.scratch(), "many.mjs", &[&url]);
        let (served, _) = replay_with(&workspace, &[archive], show);
        assert_eq!(served["document"], recorded["document"], "{how} {archive}");
    }
}
