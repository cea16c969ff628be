//! What each client reads, and where it has ways of its own past a proxy.

use std::process::{Command, Stdio};

use clap::ValueEnum;

use super::finding::{Finding, Weight};
use super::scene::{Authority, Scene};
use super::{java, trust, variables};
use crate::ca::stores::{self, Os, Store};

/// A client that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Client {
    /// curl
    Curl,
    /// git
    Git,
    /// Node.js
    Node,
    /// Deno
    Deno,
    /// Python: requests, httpx, urllib
    Python,
    /// Go
    Go,
    /// Java, Kotlin, Scala
    Java,
    /// Ruby
    Ruby,
    /// .NET
    Dotnet,
    /// Chromium, Chrome, Edge
    #[value(alias = "chrome")]
    Chromium,
}

/// Both spellings, in the order in which most clients look.
const HTTP: &[&str] = &["http_proxy", "HTTP_PROXY"];
const HTTPS: &[&str] = &["https_proxy", "HTTPS_PROXY"];
const LOWER_HTTP: &[&str] = &["http_proxy"];
const NONE: &[&str] = &["no_proxy", "NO_PROXY"];

impl Client {
    pub(super) fn examine(self, scene: &Scene) -> Vec<Finding> {
        let reads = |client, http, roots: &[&[&str]]| reads(scene, client, http, roots);
        match self {
            Self::Curl => reads("curl", LOWER_HTTP, &[&["CURL_CA_BUNDLE", "SSL_CERT_FILE"]]),
            Self::Git => reads("git", LOWER_HTTP, &[&["GIT_SSL_CAINFO"]]),
            Self::Node => {
                let mut findings = reads("Node", HTTP, &[&["NODE_EXTRA_CA_CERTS"]]);
                findings.extend(node_reads_variables(scene, node_version()));
                findings
            }
            Self::Deno => reads("Deno", HTTP, &[&["DENO_CERT"]]),
            Self::Python => reads("Python", HTTP, &[&["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"], &["SSL_CERT_FILE"]]),
            Self::Go => {
                let mut findings = reads_or_store(scene, "Go", HTTP);
                findings.extend(go_and_loopback(scene));
                findings
            }
            Self::Java => java::examine(scene),
            Self::Ruby => reads("Ruby", LOWER_HTTP, &[&["SSL_CERT_FILE"]]),
            Self::Dotnet => reads_or_store(scene, ".NET", HTTP),
            Self::Chromium => chromium(scene),
        }
    }
}

fn reads(scene: &Scene, client: &str, http: &[&str], roots: &[&[&str]]) -> Vec<Finding> {
    let mut findings = variables::one_client(scene, client, http, HTTPS, NONE);
    findings.extend(roots.iter().filter_map(|names| trust::one_of(scene, client, names)));
    findings
}

/// On macOS and Windows these ask the system's store and no variable.
fn reads_or_store(scene: &Scene, client: &str, http: &[&str]) -> Vec<Finding> {
    if scene.machine.os == Os::Unix {
        return reads(scene, client, http, &[&["SSL_CERT_FILE"]]);
    }
    let mut findings = reads(scene, client, http, &[]);
    if !holds(scene, Store::System) {
        let what = format!("does not hold the proxy's authority, and {client} trusts that store alone");
        findings.push(Finding::fault("system store", what, "harmock ca install --store system"));
    }
    findings
}

/// Whether a store of this kind holds the authority.
fn holds(scene: &Scene, store: Store) -> bool {
    let Authority::Good(anchor) = &scene.authority else { return false };
    stores::find(store, &scene.machine).places.iter().any(|place| place.holds(anchor))
}

/// Major and minor, where a Node is on the path.
fn node_version() -> Option<(u32, u32)> {
    let output = Command::new("node").arg("--version").stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut numbers = text.trim().strip_prefix('v')?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// Node reads no proxy variable unless this one is set, and old ones not even then.
pub(super) fn node_reads_variables(scene: &Scene, version: Option<(u32, u32)>) -> Option<Finding> {
    let recipe = "or let `harmock snippet node-fetch` lead fetch to the proxy";
    if let Some((major, minor)) = version.filter(|version| *version < (22, 21) || version.0 == 23) {
        let what = format!("version {major}.{minor} takes no proxy from the environment");
        return Some(Finding::fault("node", what, format!("use 22.21, 24 or later, {recipe}")));
    }
    if scene.first(&["NODE_USE_ENV_PROXY"]).is_some_and(|(_, value)| value == "1") {
        return None;
    }
    let what = "not 1, so that Node's fetch and http go past the proxy";
    Some(Finding::fault("NODE_USE_ENV_PROXY", what, format!("{}, {recipe}", variables::ENV)))
}

fn go_and_loopback(scene: &Scene) -> Option<Finding> {
    let weight = match (&scene.target, scene.target_is_loopback()) {
        (Some(_), true) => Weight::Fault,
        (Some(_), false) => return None,
        (None, _) => Weight::Note,
    };
    let what = "never sends localhost to a proxy";
    Some(Finding { weight, ..Finding::note("Go", what, "give the server another name") })
}

/// What a browser was started with cannot be seen from here.
fn chromium(scene: &Scene) -> Vec<Finding> {
    let mut findings = Vec::new();
    if scene.target.is_none() || scene.target_is_loopback() {
        let what = "sends localhost past the proxy unless it is started with --proxy-bypass-list='<-loopback>'";
        findings.push(Finding::note("Chromium", what, "harmock open, or the line of `harmock snippet chrome`"));
    }
    let store = if scene.machine.os == Os::Unix { Store::Nss } else { Store::System };
    if !holds(scene, store) {
        let what = "no store that it reads holds the proxy's authority";
        let remedy = "harmock open, ignoreHTTPSErrors in tests, or harmock ca install";
        findings.push(Finding::note("Chromium", what, remedy));
    }
    findings
}
