//! Finding secrets that are left in an archive: tokens of known formats, listed places that are not redacted, and
//! values that look like keys under names that speak of such.

use std::collections::HashMap;
use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::echoes::{Echoes, Sought};
use super::entry::{Bodies, rewrite_entry};
use super::json::{Leaf, scan, unescaped};
use super::json_path::Shown;
use super::listed::POSITIONS;
use super::pass::Pass;
use super::place::Place;
use super::rules::Rules;
use crate::har::post_data::is_base64;
use crate::har::raw::RawEntry;
use crate::message::redacted;

/// A secret that an archive still holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// Where it is: `header:authorization`, `response.content.text`, the name of a payload file.
    pub place: String,
    /// What it is taken for.
    pub what: &'static str,
    /// Its first characters; never all of them.
    pub begins: String,
}

/// Only so much of a secret is ever shown.
const SHOWN: usize = 4;

impl Leak {
    /// A secret of which only the beginning is kept, and of a short one nothing.
    fn of(what: &'static str, secret: &[u8]) -> Self {
        let shown = if secret.len() >= 4 * SHOWN { SHOWN } else { 0 };
        Self { place: String::new(), what, begins: String::from_utf8_lossy(&secret[..shown]).into_owned() }
    }
}

/// Notes the values that stand in the places of an entry, to look for them elsewhere.
///
/// # Errors
/// A payload file cannot be read.
pub fn seek(entry: &str, rules: &Rules, bodies: &mut dyn Bodies, sought: &mut Sought) -> io::Result<()> {
    let mut note = |place: &Place| {
        sought.note(place);
        String::from_utf8_lossy(&place.secret).into_owned()
    };
    rewrite_entry(entry, Pass::new(rules, &mut note), bodies).map(drop)
}

/// The secrets that an entry and its payload files still hold; `echoes` are those of the whole archive.
///
/// # Errors
/// A payload file cannot be read.
pub fn in_entry(entry: &str, rules: &Rules, echoes: Option<&Echoes>, bodies: &mut dyn Bodies) -> io::Result<Vec<Leak>> {
    let mut leaks = Vec::new();
    let suspicious = rules.clone().and_suspects();
    let mut note = |place: &Place| {
        if place.already().is_none() {
            let what = "a value in a place that is redacted in recordings";
            leaks.push(Leak { place: place.label.clone(), ..Leak::of(what, &place.secret) });
        }
        String::from_utf8_lossy(&place.secret).into_owned()
    };
    rewrite_entry(entry, Pass::new(&suspicious, &mut note).and_echoes(echoes), bodies)?;
    scan(entry.as_bytes(), &mut |steps, span, leaf| {
        if leaf == Leaf::String {
            let found = known_formats(&unescaped(&entry.as_bytes()[span]));
            let place = Shown(steps).to_string();
            let place = place.trim_start_matches('.').to_owned();
            leaks.extend(found.into_iter().map(|leak| Leak { place: place.clone(), ..leak }));
        }
    });
    in_bodies(entry, bodies, &mut leaks)?;
    leaks.dedup();
    Ok(leaks)
}

/// Looks through payload files and base64.
fn in_bodies(entry: &str, bodies: &mut dyn Bodies, leaks: &mut Vec<Leak>) -> io::Result<()> {
    let raw: RawEntry<'_> = serde_json::from_str(entry).unwrap_or_default();
    let (post, content) = (&raw.request.post_data, &raw.response.content);
    let request = ("request.postData.text", post.file, post.text, post.encoding);
    let response = ("response.content.text", content.file, content.text, content.encoding);
    for (place, file, text, encoding) in [request, response] {
        let (place, body) = match file.non_empty() {
            Some(name) => (name.to_string(), bodies.read(&name)?),
            None if is_base64(encoding) => {
                (place.to_owned(), text.text().and_then(|text| STANDARD.decode(&*text).ok()))
            }
            None => continue,
        };
        let found = known_formats(&body.unwrap_or_default());
        leaks.extend(found.into_iter().map(|leak| Leak { place: place.clone(), ..leak }));
    }
    Ok(())
}

/// A token format: what it is, how it begins, how many characters of `[A-Za-z0-9_-]` follow at least.
const FORMATS: &[(&str, &str, usize)] = &[
    ("an AWS access key", "AKIA", 16),
    ("an AWS access key", "ASIA", 16),
    ("a GitHub token", "ghp_", 36),
    ("a GitHub token", "gho_", 36),
    ("a GitHub token", "ghu_", 36),
    ("a GitHub token", "ghs_", 36),
    ("a GitHub token", "ghr_", 36),
    ("a GitHub token", "github_pat_", 22),
    ("a GitLab token", "glpat-", 20),
    ("a Slack token", "xoxb-", 10),
    ("a Slack token", "xoxp-", 10),
    ("a Slack token", "xoxa-", 10),
    ("a Slack token", "xoxr-", 10),
    ("a Slack token", "xoxs-", 10),
    ("a Slack token", "xapp-", 20),
    ("a Slack webhook", "hooks.slack.com/services/T", 8),
    ("a Stripe key", "sk_live_", 16),
    ("a Stripe key", "rk_live_", 16),
    ("a Stripe webhook secret", "whsec_", 32),
    ("a Google API key", "AIza", 35),
    ("a Google client secret", "GOCSPX-", 28),
    ("a Google token", "ya29.", 20),
    ("an npm token", "npm_", 36),
    ("a PyPI token", "pypi-AgEI", 40),
    ("a DigitalOcean token", "dop_v1_", 64),
    ("a Shopify token", "shpat_", 32),
    ("a Hugging Face token", "hf_", 34),
    ("a SendGrid key", "SG.", 22),
    ("a Vault token", "hvs.", 24),
    ("a Databricks token", "dapi", 32),
    ("a Linear key", "lin_api_", 40),
    ("a Doppler token", "dp.pt.", 40),
    ("an Atlassian token", "ATATT3", 60),
    ("an age key", "AGE-SECRET-KEY-1", 58),
    ("an Anthropic key", "sk-ant-", 20),
    ("an OpenAI key", "sk-proj-", 20),
];

/// The tokens of known formats in a text.
fn known_formats(text: &[u8]) -> Vec<Leak> {
    let mut leaks = Vec::new();
    for &(what, begins, least) in FORMATS {
        for at in memchr::memmem::find_iter(text, begins.as_bytes()) {
            let rest = text[at + begins.len()..].iter().take_while(|byte| is_token(**byte)).count();
            let starts_word = at == 0 || !is_token(text[at - 1]);
            let token = &text[at..at + begins.len() + rest];
            let is_key =
                begins.len() > 4 || !matches!(begins, "AKIA" | "ASIA") || is_upper(&token[..20.min(token.len())]);
            if starts_word && rest >= least && is_key {
                leaks.push(Leak::of(what, token));
            }
        }
    }
    private_keys(text, &mut leaks);
    tokens(text, &mut leaks);
    basic(text, &mut leaks);
    leaks
}

fn private_keys(text: &[u8], leaks: &mut Vec<Leak>) {
    for at in memchr::memmem::find_iter(text, b"-----BEGIN ") {
        let line = &text[at..text.len().min(at + 60)];
        if memchr::memmem::find(line, b"PRIVATE KEY-----").is_some() {
            leaks.push(Leak::of("a private key", b""));
        }
    }
}

/// JSON Web Tokens, but for redacted ones.
fn tokens(text: &[u8], leaks: &mut Vec<Leak>) {
    let mut from = 0;
    while let Some(found) = memchr::memmem::find(&text[from..], b"eyJ") {
        let at = from + found;
        let length = text[at..].iter().take_while(|byte| is_token(**byte) || **byte == b'.').count();
        from = at + length.max(3);
        let token = String::from_utf8_lossy(&text[at..at + length]);
        if redacted::is_token(&token) && redacted::whole(token.as_bytes()).is_none() {
            leaks.push(Leak::of("a JSON Web Token", token.as_bytes()));
        }
    }
}

/// `Basic` with a user name and a password.
fn basic(text: &[u8], leaks: &mut Vec<Leak>) {
    for at in memchr::memmem::find_iter(text, b"Basic ") {
        let is_base64 = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(**byte, b'+' | b'/' | b'=');
        let length = text[at + 6..].iter().take_while(is_base64).count();
        let decoded = STANDARD.decode(&text[at + 6..at + 6 + length]).unwrap_or_default();
        let is_text = decoded.iter().all(|byte| matches!(byte, 0x20..0x7f));
        if is_text && decoded.iter().position(|byte| *byte == b':').is_some_and(|colon| colon + 1 < decoded.len()) {
            leaks.push(Leak::of("a user name and a password (Basic)", b""));
        }
    }
}

/// Words in a folded name that speak of secrets.
const NAMES: [&str; 9] =
    ["token", "secret", "passw", "apikey", "accesskey", "privatekey", "credential", "authkey", "sessionkey"];

/// Whether a value that the list does not name looks like a secret: its name speaks of one, and it looks random.
pub(super) fn is_suspect(folded: &str, value: &[u8]) -> bool {
    NAMES.iter().any(|name| folded.contains(name))
        && !POSITIONS.iter().chain(&["address", "hash", "idempotency", "type", "url"]).any(|word| folded.contains(word))
        && looks_random(value)
}

/// Long, of letters and digits without spaces, and with little that repeats; no UUID.
fn looks_random(value: &[u8]) -> bool {
    let is_key = |byte: &u8| is_token(*byte) || matches!(byte, b'.' | b'+' | b'/' | b'=' | b':' | b'~');
    value.len() >= 20
        && value.iter().all(is_key)
        && value.iter().any(u8::is_ascii_digit)
        && value.iter().any(u8::is_ascii_alphabetic)
        && !is_uuid(value)
        && redacted::whole(value).is_none()
        && entropy(value) >= 3.2
}

fn is_uuid(value: &[u8]) -> bool {
    let dashes = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    value.len() == 36 && value.iter().enumerate().all(|(at, byte)| (*byte == b'-') == dashes(at))
}

/// Shannon's, in bits a character.
fn entropy(value: &[u8]) -> f64 {
    let mut counts: HashMap<u8, f64> = HashMap::new();
    value.iter().for_each(|byte| *counts.entry(*byte).or_default() += 1.0);
    let length = value.len() as f64;
    counts.values().map(|count| -(count / length) * (count / length).log2()).sum()
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn is_upper(text: &[u8]) -> bool {
    text.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Put together here, so that no scanner takes this file for a leak.
    fn token(begins: &str, length: usize) -> String {
        format!("{begins}{}", "A1b2C3d4".repeat(16).chars().take(length).collect::<String>())
    }

    fn found(text: &str) -> Vec<&'static str> {
        known_formats(text.as_bytes()).iter().map(|leak| leak.what).collect()
    }

    #[test]
    fn tokens_are_known_by_their_format_and_never_shown_whole() {
        for (what, begins, least) in FORMATS {
            let token = |length: usize| match *begins {
                "AKIA" | "ASIA" => token(begins, length).to_uppercase(),
                begins => token(begins, length),
            };
            let text = format!("{{\"x\":\"{}\"}}", token(*least));
            assert_eq!(found(&text), [*what], "{begins}");
            let shown = &known_formats(text.as_bytes())[0].begins;
            assert!(shown.len() <= 4 && text[6..].starts_with(shown), "{shown}");
            assert_eq!(found(&token(least - 1)), [""; 0], "{begins}");
        }
        assert_eq!(found(&format!("-----BEGIN RSA {} KEY-----\n", "PRIVATE")), ["a private key"]);
        assert_eq!(found(&format!("Basic {}", STANDARD.encode("ada:pass"))), ["a user name and a password (Basic)"]);
        assert_eq!(found("Basic redacted-authorization-1, Basic usage"), [""; 0]);
    }

    #[test]
    fn redacted_tokens_are_none() {
        let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln";
        assert_eq!(found(jwt), ["a JSON Web Token"]);
        assert_eq!(found(&redacted::token(jwt, "redacted-a-1").unwrap()), [""; 0]);
    }

    #[test]
    fn hashes_and_identifiers_are_no_suspects() {
        let random = "kJ8s7Df6aL9qW2eR4tY1";
        assert!(is_suspect("stripetoken", random.as_bytes()));
        for (name, value) in [
            ("etag", random),
            ("nextpagetoken", random),
            ("tokenid", "123e4567-e89b-12d3-a456-426614174000"),
            ("tokencount", "12345678901234567890"),
            ("tokenurl", random),
            ("passwordhint", "the name of the dog"),
            ("token", "redacted-authorization-1"),
        ] {
            assert!(!is_suspect(name, value.as_bytes()), "{name} {value}");
        }
    }
}
