//! The variables that lead a client to the proxy, and those that lead it past.

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use super::finding::Finding;
use super::scene::{Scene, is_loopback};
use crate::cli::settings::value::without_password;

/// What sets all of them.
pub(super) const ENV: &str = "eval \"$(harmock env)\", or run the client below `harmock replay --`";

/// Each in both of its spellings: some clients read the one, some the other.
const SPELLINGS: [[&str; 2]; 2] = [["http_proxy", "HTTP_PROXY"], ["https_proxy", "HTTPS_PROXY"]];
const ALL: [&str; 2] = ["all_proxy", "ALL_PROXY"];
const NONE: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// What is wrong for a client of which nothing is known.
pub(super) fn any_client(scene: &Scene) -> Vec<Finding> {
    let names = SPELLINGS.iter().flatten();
    if scene.first(&names.copied().chain(ALL).collect::<Vec<_>>()).is_none() {
        let unset = Finding::fault("HTTP_PROXY, HTTPS_PROXY", "are not set, so that no client knows of the proxy", ENV);
        return vec![unset];
    }
    let mut findings: Vec<_> =
        SPELLINGS.iter().filter_map(|[lower, upper]| one_spelling(scene, lower, upper)).collect();
    findings.extend(SPELLINGS.iter().flatten().chain(&ALL).filter_map(|name| elsewhere(scene, name)));
    findings.extend(left_out(scene, &NONE));
    findings
}

/// What is wrong for a client that reads the first of `http` that is set for plain requests, and so on.
pub(super) fn one_client(scene: &Scene, client: &str, http: &[&str], https: &[&str], no: &[&str]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for names in [http, https] {
        match scene.first(&[names, &ALL[..]].concat()) {
            Some((name, _)) => findings.extend(elsewhere(scene, name)),
            None => findings.push(Finding::fault(names.join(", "), format!("not set, and {client} reads it"), ENV)),
        }
    }
    findings.extend(left_out(scene, no));
    findings
}

/// `http_proxy` and `HTTP_PROXY` are two variables to most clients.
fn one_spelling(scene: &Scene, lower: &str, upper: &str) -> Option<Finding> {
    let (set, missing, who) = match (scene.first(&[lower]), scene.first(&[upper])) {
        (Some(_), None) => (lower, upper, "some clients read the upper case alone"),
        (None, Some(_)) if lower == "http_proxy" => (upper, lower, "curl and Ruby read the lower case alone"),
        (None, Some(_)) => (upper, lower, "some clients read the lower case alone"),
        _ => return None,
    };
    Some(Finding::fault(missing, format!("not set although {set} is: {who}"), format!("set both: {ENV}")))
}

fn elsewhere(scene: &Scene, name: &str) -> Option<Finding> {
    let (_, value) = scene.first(&[name])?;
    if leads_to(value, &scene.host, scene.port) {
        return None;
    }
    let what = format!("is {}, not the proxy at {}", without_password(value), scene.url());
    Some(Finding::fault(name, what, format!("set it anew: {ENV}; or name the proxy with --listen or --ready-file")))
}

/// Whether the value of a proxy variable means this host and port; a user and a password in it are no matter.
fn leads_to(value: &str, host: &str, port: u16) -> bool {
    let with_scheme = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    let Ok(url) = Url::parse(&with_scheme) else { return false };
    let found = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let same_host = found.eq_ignore_ascii_case(host) || (is_loopback(found) && is_loopback(host));
    url.scheme() == "http" && same_host && url.port_or_known_default() == Some(port)
}

/// What lets requests go past the proxy.
fn left_out(scene: &Scene, names: &[&str]) -> Vec<Finding> {
    let set = names.iter().filter_map(|name| scene.first(&[name]));
    // Cypress is given this so that it leaves nothing out.
    let set = set.filter(|(_, value)| value.trim() != "<-loopback>");
    let findings = set.filter_map(|(name, value)| {
        let what = match &scene.target {
            Some(url) if excepts(value, url) => format!("is {value}, which leaves out {url}"),
            Some(_) => return None,
            None => format!("is {value}: requests there go past the proxy"),
        };
        let ask = if scene.target.is_none() { ", or ask about one URL with --url" } else { "" };
        Some(Finding::fault(name, what, format!("unset it{ask}")))
    });
    findings.collect()
}

fn excepts(list: &str, url: &Url) -> bool {
    let Ok(url) = url.as_str().parse() else { return false };
    Matcher::builder().all("http://127.0.0.1:1").no(list).build().intercept(&url).is_none()
}
