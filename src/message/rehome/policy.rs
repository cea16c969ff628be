//! Content security policies that name the new origin where they named the old one.

use super::Move;
use super::references::{Absolute, is_authority_of};
use crate::message::Scheme;

/// A policy for the new place; `None` where it stays.
///
/// A source that is the old origin becomes the new one. One that covers it among others (`*.shop.example`) stays, and the
/// new one is put beside it. `upgrade-insecure-requests` and `block-all-mixed-content` go where the new one has no TLS.
pub(super) fn moved(policy: &str, moves: &[Move]) -> Option<String> {
    let insecure = moves.first().is_some_and(|own| own.to.scheme() == Scheme::Http);
    let mut changed = false;
    let mut policies = Vec::new();
    for one in policy.split(',') {
        let mut directives = Vec::new();
        for directive in one.split(';') {
            let name = directive.split_ascii_whitespace().next().unwrap_or_default();
            let is = |known: &str| name.eq_ignore_ascii_case(known);
            if insecure && (is("upgrade-insecure-requests") || is("block-all-mixed-content")) {
                changed = true;
                continue;
            }
            directives.push(match sources(directive, moves) {
                Some(new) => {
                    changed = true;
                    new
                }
                None => directive.to_owned(),
            });
        }
        policies.push(directives.join(";"));
    }
    changed.then(|| policies.join(","))
}

/// One directive with its sources moved.
fn sources(directive: &str, moves: &[Move]) -> Option<String> {
    let mut changed = false;
    let mut words = Vec::new();
    for (at, word) in directive.split(' ').enumerate() {
        let new = if at == 0 && !word.is_empty() { None } else { source(word, moves) };
        changed |= new.is_some();
        words.push(new.unwrap_or_else(|| word.to_owned()));
    }
    changed.then(|| words.join(" "))
}

/// What stands for a source: another one, or it and another one.
fn source(word: &str, moves: &[Move]) -> Option<String> {
    if let Some(at) = Absolute::parse(word) {
        let mut own = moves.iter().filter(|home| at.is_of(&home.from));
        // A source without a path is the whole server, and one with a path is that path alone.
        let moved = if at.rest.is_empty() {
            own.next().map(|home| at.origin_of(home))
        } else {
            own.find_map(|home| at.moved(home))
        };
        return moved.or_else(|| beside(word, at.authority(), moves));
    }
    if word.is_empty() || word.starts_with('\'') || word.ends_with(':') {
        return None;
    }
    let end = word.find('/').unwrap_or(word.len());
    let (authority, path) = word.split_at(end);
    let mut own = moves.iter().filter(|home| is_authority_of(authority, &home.from));
    // Without a scheme it means that of the page, which may be another one now.
    let moved = if path.is_empty() {
        own.next().map(|home| home.to.to_string())
    } else {
        own.find_map(|home| Some(format!("{}{}", home.to, home.path(path)?)))
    };
    moved.or_else(|| beside(word, authority, moves))
}

/// A source that covers old origins by a wildcard, with the new ones behind it.
fn beside(word: &str, authority: &str, moves: &[Move]) -> Option<String> {
    let domain = authority.strip_prefix('*')?.split(':').next().filter(|domain| domain.starts_with('.'))?;
    let covered = moves.iter().filter(|home| home.from.host().ends_with(domain) && !home.to.host().ends_with(domain));
    let more: Vec<_> = covered.map(|home| home.to.as_str()).collect();
    (!more.is_empty()).then(|| format!("{word} {}", more.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(policy: &str) -> String {
        let home = |from: &str, to: &str| Move::new(from.parse().unwrap(), to.parse().unwrap());
        let moves = [
            home("https://app.shop.example", "http://localhost:3000"),
            home("https://api.shop.example", "http://localhost:8080"),
        ];
        moved(policy, &moves).unwrap_or_else(|| policy.to_owned())
    }

    #[test]
    fn a_source_below_a_path_is_the_whole_server_or_one_path_there() {
        let home = Move::new("https://pay.example".parse().unwrap(), "http://localhost:8080".parse().unwrap());
        let moves = [home.below("/pay")];
        let set = |policy: &str| moved(policy, &moves).unwrap();
        assert_eq!(set("connect-src https://pay.example"), "connect-src http://localhost:8080");
        assert_eq!(set("connect-src https://pay.example/api/"), "connect-src http://localhost:8080/pay/api/");
        assert_eq!(set("img-src pay.example/img"), "img-src http://localhost:8080/pay/img");
    }

    #[test]
    fn sources_that_are_the_old_origin_become_the_new_one() {
        for (old, new) in [
            (
                "default-src 'self'; connect-src https://api.shop.example wss://api.shop.example/live",
                "default-src 'self'; connect-src http://localhost:8080 ws://localhost:8080/live",
            ),
            ("img-src api.shop.example/img/ data:", "img-src http://localhost:8080/img/ data:"),
            ("script-src 'nonce-abc' cdn.example", "script-src 'nonce-abc' cdn.example"),
            ("connect-src *.shop.example", "connect-src *.shop.example http://localhost:3000 http://localhost:8080"),
            ("connect-src *", "connect-src *"),
            ("upgrade-insecure-requests; default-src 'self'", " default-src 'self'"),
            ("default-src api.shop.example, img-src 'none'", "default-src http://localhost:8080, img-src 'none'"),
        ] {
            assert_eq!(set(old), new, "{old}");
        }
    }
}
