//! Cookies that another origin may set.

use super::Move;
use super::origin::Origin;
use crate::message::Scheme;

/// A `Set-Cookie` value for the new origin; `None` where it stays.
///
/// `Domain` becomes that of the new host where it has one, and else goes: a cookie without it belongs to the host that
/// set it. Without TLS `Secure` goes, and what browsers take with it alone (`SameSite=None`, `Partitioned`); a name that promises
/// TLS keeps all three, because nothing would make up for them.
pub(super) fn moved(cookie: &str, home: &Move) -> Option<String> {
    let name = cookie.split(['=', ';']).next().unwrap_or_default().trim();
    let insecure = home.to.scheme() == Scheme::Http && !promises_tls(name);
    let mut parts = cookie.split(';');
    let mut new = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (attribute, value) = part.split_once('=').unwrap_or((part, ""));
        let (attribute, value) = (attribute.trim(), value.trim());
        let is = |name: &str| attribute.eq_ignore_ascii_case(name);
        if is("domain") {
            if let Some(domain) = domain(value, &home.from, &home.to) {
                new.push_str(&format!("; Domain={domain}"));
            }
        } else if is("path") && value.starts_with('/') && !home.keeps_paths() {
            new.push_str(&format!("; Path={}", path(name, value, home)));
        } else if !(insecure
            && (is("secure") || is("partitioned") || (is("samesite") && value.eq_ignore_ascii_case("none"))))
        {
            new.push(';');
            new.push_str(part);
        }
    }
    (new != cookie).then_some(new)
}

/// What `Path` has to be. That of the whole server is that of all that moves; a `__Host-` cookie has no other.
fn path(name: &str, value: &str, home: &Move) -> String {
    if starts_with(name, "__Host-") {
        return value.to_owned();
    }
    let above = value.trim_end_matches('/');
    let is_around = home.base.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let moved = if is_around { Some(home.prefix.to_string()) } else { home.path(value) };
    match moved {
        Some(moved) if moved.is_empty() => "/".to_owned(),
        Some(moved) => moved,
        None => value.to_owned(),
    }
}

/// Whether browsers take a cookie of this name with `Secure` alone, from a place that has TLS.
pub(super) fn promises_tls(name: &str) -> bool {
    starts_with(name, "__Host-") || starts_with(name, "__Secure-")
}

fn starts_with(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// What `Domain` has to be: the new host, or the parent of it that lies as far up as the old one did. None where the
/// new host is no name with parents, or where the two are named too differently to tell.
fn domain(value: &str, from: &Origin, to: &Origin) -> Option<String> {
    let domain = value.strip_prefix('.').unwrap_or(value).to_ascii_lowercase();
    let below = from.host().strip_suffix(&*domain)?;
    let host = to.host();
    let last = host.rsplit('.').next().unwrap_or_default();
    if !host.contains('.') || last.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let parent = host.strip_prefix(below)?;
    parent.contains('.').then(|| parent.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(from: &str, to: &str, cookie: &str) -> String {
        let home = Move::new(from.parse().unwrap(), to.parse().unwrap());
        moved(cookie, &home).unwrap_or_else(|| cookie.to_owned())
    }

    #[test]
    fn a_host_without_parents_sets_cookies_of_its_own_and_without_tls_none_that_need_it() {
        for (old, new) in [
            ("id=7; Domain=shop.example; Path=/; Secure; HttpOnly", "id=7; Path=/; HttpOnly"),
            ("id=7; domain=.api.shop.example; SameSite=None; Secure", "id=7"),
            ("id=7; SameSite=Lax; secure; Partitioned", "id=7; SameSite=Lax"),
            ("id=\"a=b\"; Max-Age=60", "id=\"a=b\"; Max-Age=60"),
            ("__Host-id=7; Path=/; Secure", "__Host-id=7; Path=/; Secure"),
            ("__secure-id=7; Domain=shop.example; Secure", "__secure-id=7; Secure"),
        ] {
            for to in ["http://localhost:8080", "http://127.0.0.1:8080"] {
                assert_eq!(set("https://api.shop.example", to, old), new, "{old}");
            }
        }
    }

    #[test]
    fn a_host_that_is_named_alike_has_its_domain_at_the_same_height() {
        let to = "https://api.preview.shop.test";
        for (old, new) in [
            ("a=1; Domain=staging.example; Secure", "a=1; Domain=preview.shop.test; Secure"),
            ("a=1; Domain=.api.staging.example", "a=1; Domain=api.preview.shop.test"),
            ("a=1; Domain=else.example", "a=1"),
        ] {
            assert_eq!(set("https://api.staging.example", to, old), new, "{old}");
        }
        assert_eq!(set("https://api.staging.example", "https://other.test", "a=1; Domain=staging.example"), "a=1");
        assert_eq!(set("https://api.staging.example", "https://api.test", "a=1; Domain=staging.example"), "a=1");
    }
}
