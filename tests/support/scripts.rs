//! Clients that are scripts: Python, Node and Chromium, each through a harmock whose certificate authority it trusts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::harmock::Harmock;
use super::machine::{chromium_path, in_clients};

/// The interpreter of the tests' own virtual environment.
pub(crate) fn python_path() -> PathBuf {
    in_clients(".venv/bin/python")
}

/// Runs `tests/clients/python/NAME` with the usual variables set; gives the JSON that it prints.
#[track_caller]
pub(crate) fn python(proxy: &Harmock, name: &str, arguments: &[&str]) -> Value {
    let mut command = Command::new(python_path());
    command.arg(in_clients("python").join(name)).args(arguments);
    for variable in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"] {
        command.env(variable, proxy.url());
    }
    command.env("REQUESTS_CA_BUNDLE", proxy.ca()).env("SSL_CERT_FILE", proxy.ca());
    output(command, proxy.scratch())
}

/// Runs `tests/clients/node/NAME` with `PROXY` and the certificate authority set; gives the JSON that it prints.
#[track_caller]
pub(crate) fn node(proxy: &Harmock, name: &str, arguments: &[&str]) -> Value {
    let mut command = Command::new("node");
    command.arg(in_clients("node").join(name)).args(arguments);
    command.env("PROXY", proxy.url()).env("NODE_EXTRA_CA_CERTS", proxy.ca());
    output(command, proxy.scratch())
}

/// Runs `tests/clients/browser/NAME`, whose Chromium goes through `proxy`, or straight to the origin without one. The
/// certificate authority is in the browser's own store: what it shows has passed Chrome's checks.
#[track_caller]
pub(crate) fn chromium(proxy: Option<&Harmock>, scratch: &Path, name: &str, arguments: &[&str]) -> Value {
    let home = tempfile::tempdir_in(scratch).unwrap();
    let mut command = Command::new("node");
    command.arg(in_clients("browser").join(name)).args(arguments);
    command.env("HOME", home.path()).env("CHROMIUM", chromium_path().unwrap());
    if let Some(proxy) = proxy {
        trust(home.path(), proxy.ca());
        command.env("PROXY", proxy.url());
    }
    output(command, scratch)
}

/// Puts a certificate authority into the store that Chromium reads on Linux.
fn trust(home: &Path, ca: &Path) {
    let store = home.join(".pki/nssdb");
    fs::create_dir_all(&store).unwrap();
    let database = format!("sql:{}", store.display());
    let certutil = |arguments: &[&str]| {
        let status = Command::new("certutil").args(["-d", &database]).args(arguments).stdin(Stdio::null()).status();
        assert!(status.unwrap().success(), "certutil {arguments:?}");
    };
    certutil(&["-N", "--empty-password"]);
    certutil(&["-A", "-t", "C,,", "-n", "harmock", "-i", ca.to_str().unwrap()]);
}

#[track_caller]
fn output(mut command: Command, folder: &Path) -> Value {
    for variable in ["NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy", "NODE_OPTIONS", "PYTHONPATH"] {
        command.env_remove(variable);
    }
    let output = command.current_dir(folder).stdin(Stdio::null()).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{stdout}{stderr}", output.status);
    serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{command:?}: {error}\n{stdout}{stderr}"))
}
