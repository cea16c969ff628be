//! Clients that do not trust the CA are told, in the log, which of their settings would make them.

use std::process::Command;

use crate::support::{Harmock, Workspace, entry, needs, python_path};

fn https_archive() -> Workspace {
    let workspace = Workspace::new();
    workspace.write_har("one.har", &[entry("GET", "https://api.test/", 200, "a")]);
    workspace
}

#[test]
fn curl_is_told_its_setting_once() {
    needs!(Curl);
    let workspace = https_archive();
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    for _ in 0..2 {
        let status = Command::new("curl")
            .args(["-q", "-sS", "--noproxy", "", "--proxy", proxy.url(), "https://api.test/"])
            .env_remove("CURL_CA_BUNDLE")
            .env_remove("SSL_CERT_FILE")
            .stderr(std::process::Stdio::null())
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(60), "curl must refuse the certificate");
    }
    let ended = proxy.interrupt();
    let told: Vec<&str> = ended.stderr.lines().filter(|line| line.contains("refused the certificate")).collect();
    assert_eq!(told.len(), 1, "{}", ended.stderr);
    assert!(
        told[0].contains("curl/") && told[0].contains("api.test") && told[0].contains("CURL_CA_BUNDLE"),
        "{told:?}"
    );
}

#[test]
fn requests_is_told_its_setting() {
    needs!(Python);
    let workspace = https_archive();
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    let script = format!(
        "import requests\nproxy = {:?}\ntry:\n    requests.get('https://api.test/', proxies={{'https': proxy}}, \
         headers={{'User-Agent': 'python-requests/2'}})\nexcept requests.exceptions.SSLError:\n    print('refused')\n",
        proxy.url()
    );
    let output = Command::new(python_path()).arg("-c").arg(script).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "refused", "{output:?}");
    let ended = proxy.interrupt();
    let told = ended.stderr.lines().find(|line| line.contains("refused the certificate")).unwrap_or_default();
    assert!(told.contains("NODE_EXTRA_CA_CERTS") || told.contains("REQUESTS_CA_BUNDLE"), "{}", ended.stderr);
}
