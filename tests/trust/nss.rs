//! NSS, the library of Firefox (and of Chromium's certificate store on Linux).

use std::process::Command;

use super::{Authority, hosts, installed};

#[test]
fn nss_accepts_every_leaf_for_a_tls_server() {
    if !installed("certutil") || !installed("vfychain") {
        return;
    }
    let authority = Authority::new();
    let database = authority.temp.path().join("nssdb");
    std::fs::create_dir(&database).unwrap();
    let database = format!("sql:{}", database.display());
    let certutil = |args: &[&str]| {
        let output = Command::new("certutil").args(["-d", &database]).args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    certutil(&["-N", "--empty-password"]);
    let ca = authority.ca.cert_path().display().to_string();
    let vfychain = |leaf: &std::path::Path| {
        // Usage 1 is certUsageSSLServer; -pp asks for the path building of RFC 5280 that Firefox uses.
        Command::new("vfychain").args(["-d", &database, "-pp", "-u", "1", "-a"]).arg(leaf).output().unwrap()
    };
    assert!(!vfychain(&authority.leaf_file("example.com")).status.success(), "accepted without its authority");
    certutil(&["-A", "-t", "C,,", "-n", "harmock", "-a", "-i", &ca]);
    for (n, host) in hosts().iter().enumerate() {
        let leaf = authority.leaf_file(host);
        let output = vfychain(&leaf);
        assert!(output.status.success(), "{host}: {output:?}");
        // All of them in one database: two with one issuer and serial number would be refused.
        certutil(&["-A", "-t", ",,", "-n", &format!("leaf {n}"), "-a", "-i", &leaf.display().to_string()]);
    }
    assert_eq!(certutil(&["-L"]).matches("leaf ").count(), hosts().len());
}
