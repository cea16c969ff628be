//! `openssl verify -x509_strict`.

use std::process::Command;

use super::{Authority, hosts, installed};

#[test]
fn openssl_accepts_every_leaf_in_strict_mode() {
    if !installed("openssl") {
        return;
    }
    let authority = Authority::new();
    for host in hosts() {
        let leaf = authority.leaf_file(&host);
        let named = if host.parse::<std::net::IpAddr>().is_ok() { "-verify_ip" } else { "-verify_hostname" };
        let output = Command::new("openssl")
            .args(["verify", "-x509_strict", "-purpose", "sslserver", "-check_ss_sig", named, &host, "-CAfile"])
            .args([authority.ca.cert_path(), &leaf])
            .output()
            .unwrap();
        assert!(output.status.success(), "{host}: {output:?}");
    }
}

#[test]
fn openssl_accepts_the_authority_itself_in_strict_mode() {
    if !installed("openssl") {
        return;
    }
    let authority = Authority::new();
    let path = authority.ca.cert_path();
    let output =
        Command::new("openssl").args(["verify", "-x509_strict", "-CAfile"]).args([path, path]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn the_fingerprint_the_spki_and_the_fields_are_as_openssl_reads_them() {
    if !installed("openssl") {
        return;
    }
    let authority = Authority::new();
    let text = |args: &[&str]| {
        let output = Command::new("openssl").arg("x509").args(args).arg("-in").arg(authority.ca.cert_path()).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    assert!(text(&["-noout", "-fingerprint", "-sha256"]).trim().ends_with(authority.ca.fingerprint()));
    let serial = text(&["-noout", "-serial"]).trim().trim_start_matches("serial=").to_lowercase();
    assert_eq!(serial, authority.ca.serial());
    let all = text(&["-noout", "-text"]);
    for expected in
        ["CA:TRUE, pathlen:0", "Certificate Sign, CRL Sign", "X509v3 Basic Constraints: critical", "prime256v1"]
    {
        assert!(all.contains(expected), "{expected} is not in {all}");
    }
    assert!(!all.contains("Extended Key Usage"));

    let pipe = "openssl x509 -in \"$1\" -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64";
    let output = Command::new("sh").args(["-c", pipe, "sh"]).arg(authority.ca.cert_path()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), authority.ca.spki_sha256_base64());
}

#[test]
fn a_leaf_names_its_authoritys_key_lives_forty_five_days_and_serves_alone() {
    if !installed("openssl") {
        return;
    }
    let authority = Authority::new();
    let long = hosts().pop().unwrap();
    for (host, critical) in [("example.com", false), (long.as_str(), true)] {
        let leaf = authority.leaf_file(host);
        let text = |file: &std::path::Path| {
            let output = Command::new("openssl").args(["x509", "-noout", "-text", "-in"]).arg(file).output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        let (leaf_text, ca_text) = (text(&leaf), text(authority.ca.cert_path()));
        let after = |text: &str, title: &str| {
            let at = text.find(title).unwrap_or_else(|| panic!("{title} is not in {text}"));
            text[at..].lines().nth(1).unwrap().trim().trim_start_matches("keyid:").to_owned()
        };
        assert_eq!(after(&leaf_text, "Authority Key Identifier"), after(&ca_text, "Subject Key Identifier"));
        assert_eq!(after(&leaf_text, "X509v3 Key Usage: critical"), "Digital Signature");
        assert_eq!(after(&leaf_text, "Extended Key Usage"), "TLS Web Server Authentication");
        assert_eq!(leaf_text.contains("Alternative Name: critical"), critical, "{leaf_text}");
        for (seconds, expected) in [(43 * 86_400, true), (46 * 86_400, false)] {
            let output = Command::new("openssl")
                .args(["x509", "-noout", "-checkend", &seconds.to_string(), "-in"])
                .arg(&leaf)
                .output()
                .unwrap();
            assert_eq!(output.status.success(), expected, "{seconds}");
        }
    }
}
