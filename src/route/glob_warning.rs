//! Globs that no URL could match, and what their author probably meant.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::glob_pattern::parse;
use super::glob_reach::Automaton;
use super::glob_resolve::resolve;

/// Schemes of which a proxy sees requests.
const SCHEMES: [&str; 4] = ["http", "https", "ws", "wss"];

/// What a serialised URL never holds unescaped.
const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>');

/// Says that a glob matches nothing, and what to write instead; `None` for a glob that can match.
pub(super) fn warning(pattern: &str, automaton: &Automaton) -> Option<String> {
    if can_match(automaton) {
        return None;
    }
    let said = format!("glob `{pattern}` matches no URL");
    let why = if pattern.contains('#') { " (URLs are compared without their fragment)" } else { "" };
    Some(match meant(pattern) {
        Some(likely) => format!("{said}{why}; did you mean `{likely}`?"),
        None => format!("{said}{why}; a glob covers the whole URL, as `https://example.com/**` or `**/api/**` do"),
    })
}

fn can_match(automaton: &Automaton) -> bool {
    SCHEMES.iter().any(|scheme| automaton.may_match_scheme(scheme))
}

/// The first likely reading that some URL could match.
fn meant(pattern: &str) -> Option<String> {
    readings(pattern)
        .into_iter()
        .find(|likely| parse(&resolve(likely)).is_ok_and(|tokens| can_match(&Automaton::new(&tokens))))
}

fn readings(pattern: &str) -> Vec<String> {
    let bare = pattern.split('#').next().unwrap_or(pattern);
    let bare = utf8_percent_encode(bare, ESCAPED).to_string();
    let rest = bare.trim_start_matches("./");
    let mut readings = vec![bare.clone()];
    if let Some((scheme, behind)) = bare.split_once("://") {
        readings.push(format!("{}://{}", scheme.to_lowercase(), lower_host(behind)));
        readings.push(format!("{scheme}://{}/**", lower_host(behind)));
    }
    match rest.chars().next() {
        None => {}
        Some('/') => readings.push(format!("**{rest}")),
        Some('?') => readings.push(format!("**{rest}")),
        Some(_) if rest == "*" => readings.push("**".to_owned()),
        Some(_) => {
            if let Some(behind) = rest.strip_prefix("*/") {
                readings.push(format!("**/{behind}"));
            }
            if starts_with_host(rest) {
                readings.push(format!("*://{rest}"));
            }
            readings.push(format!("**/{rest}"));
        }
    }
    readings
}

fn lower_host(behind_scheme: &str) -> String {
    let end = behind_scheme.find(['/', '?']).unwrap_or(behind_scheme.len());
    let (host, path) = behind_scheme.split_at(end);
    host.to_lowercase() + path
}

/// `example.com/…`, `*.example.com/…`, `localhost:8080/…`: the piece before the first slash looks like a host.
fn starts_with_host(glob: &str) -> bool {
    let Some((host, _)) = glob.split_once('/') else { return false };
    let name = host.split(':').next().unwrap_or(host);
    let labels = name.contains('.') || name == "localhost";
    labels && !host.contains("**") && !name.starts_with('.') && !name.ends_with('.')
}
