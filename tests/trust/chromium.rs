//! Chromium, by the public key of the authority and by its own store of certificates.

use std::path::Path;
use std::process::Command;

use super::{Authority, installed};

/// What Chromium shows for a page, with a profile and a home folder that go with the test.
fn page(home: &Path, url: &str, arguments: &[String]) -> String {
    let output = Command::new("chromium")
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"])
        .arg(format!("--user-data-dir={}", home.join("profile").display()))
        .args(arguments)
        .args(["--dump-dom", url])
        .env("HOME", home)
        .env_remove("XDG_DATA_HOME")
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn chromium_accepts_leaves_by_the_public_key_of_their_authority() {
    if !installed("chromium") {
        return;
    }
    let authority = Authority::new();
    let home = authority.temp.path();
    let trust = [format!("--ignore-certificate-errors-spki-list={}", authority.ca.spki_sha256_base64())];
    let url = format!("https://127.0.0.1:{}/", authority.serve("127.0.0.1").port());
    assert!(page(home, &url, &trust).contains(">ok<"), "{}", page(home, &url, &trust));
}

#[test]
fn chromium_accepts_leaves_once_the_authority_is_installed_and_refuses_them_before() {
    if !installed("chromium") || !installed("certutil") {
        return;
    }
    let authority = Authority::new();
    let home = authority.temp.path();
    let url = format!("https://localhost:{}/", authority.serve("localhost").port());
    assert!(!page(home, &url, &[]).contains(">ok<"), "accepted before it was installed");
    for change in ["install", "install", "uninstall", "uninstall"] {
        let output = Command::new(env!("CARGO_BIN_EXE_harmock"))
            .args(["ca", change, "--store", "nss", "--ca-dir"])
            .arg(authority.ca.dir())
            .env("HOME", home)
            .output()
            .unwrap();
        assert!(output.status.success(), "{change}: {output:?}");
        assert_eq!(page(home, &url, &[]).contains(">ok<"), change == "install", "after {change}");
    }
}
