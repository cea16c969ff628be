//! The way to the real server as flags change it: time limits, trust, a further proxy.

use crate::support::{Harmock, Origin, RawOrigin, Workspace, curl, entry, needs};

#[test]
fn a_server_that_does_not_answer_in_time_is_a_504_that_says_so() {
    needs!(Curl);
    let workspace = Workspace::new();
    let origin = RawOrigin::once(|mut wire| {
        wire.head();
        // Until harmock gives up.
        let _ = wire.rest();
    });
    let proxy = Harmock::record(&workspace, &["--first-byte-timeout", "300ms"]);
    let answer = curl(&proxy, &[&origin.url("/")]);
    assert_eq!(answer.status, 504);
    assert!(
        answer.text().contains(&origin.authority()) && answer.text().contains("did not answer"),
        "{}",
        answer.text()
    );
    proxy.interrupt().expect(0);
    let recorded = &workspace.entries("hars/recording.har")[0];
    assert_eq!(
        (&recorded["response"]["status"], &recorded["_harmock"]["failure"]["cause"]),
        (&0.into(), &"timeout".into())
    );
}

#[test]
fn a_certificate_for_another_name_is_a_502_unless_any_is_accepted() {
    needs!(Curl);
    let origin = Origin::https();
    let by_another_name = origin.url("/json").replace("localhost", "other.localhost");
    let workspace = Workspace::new();
    let strict = Harmock::record::<&str>(&workspace, &[]);
    let answer = curl(&strict, &[&by_another_name]);
    assert_eq!(answer.status, 502);
    assert!(answer.text().contains("TLS") && answer.text().contains("--insecure-upstream"), "{}", answer.text());
    drop(strict);
    let workspace = Workspace::new();
    let insecure = Harmock::record(&workspace, &["--insecure-upstream"]);
    assert_eq!(curl(&insecure, &[&by_another_name]).status, 200);
}

#[test]
fn a_further_proxy_carries_plain_requests_and_tls() {
    needs!(Curl);
    let far = Workspace::new();
    far.write_har(
        "far.har",
        &[entry("GET", "http://far.test/", 200, "plain"), entry("GET", "https://far.test/", 200, "inside TLS")],
    );
    let further = Harmock::replay::<&str>(&far, &[]);
    let near = Workspace::new();
    let ca = further.ca().to_str().unwrap().to_owned();
    let proxy = Harmock::record(&near, &["--upstream-proxy", further.url(), "--upstream-ca", &ca]);
    assert_eq!(curl(&proxy, &["http://far.test/"]).text(), "plain");
    assert_eq!(curl(&proxy, &["https://far.test/"]).text(), "inside TLS");
    proxy.interrupt().expect(0);
    further.interrupt().expect(0).says("served 2");
    assert_eq!(near.entries("hars/recording.har").len(), 2);
}

#[test]
fn a_host_that_is_to_stay_closed_shows_its_own_certificate() {
    needs!(Curl);
    let origin = Origin::https();
    let workspace = Workspace::new();
    let proxy = Harmock::record(&workspace, &["--tunnel", "localhost"]);
    // curl trusts harmock's authority alone, and this certificate is not from there.
    assert_eq!(crate::support::curl_exit(&proxy, &[&origin.url("/json")]), Some(60));
    proxy.interrupt().expect(1).says("nothing was recorded");
}
