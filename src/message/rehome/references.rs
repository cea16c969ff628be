//! URLs inside the values of fields.

use super::Move;
use super::origin::{Origin, split_port};
use crate::message::Scheme;

/// A reference with an authority: `https://a.example/x`, `wss://a.example`, `//a.example/x`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Absolute<'a> {
    /// Of a reference that has one.
    scheme: Option<&'a str>,
    authority: &'a str,
    /// From the path on.
    pub(super) rest: &'a str,
}

impl<'a> Absolute<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (scheme, after) = match text.split_once("//")? {
            ("", after) => (None, after),
            (before, after) => (Some(before.strip_suffix(':')?), after),
        };
        let end = after.find(['/', '?', '#', '\\']).unwrap_or(after.len());
        let (authority, rest) = after.split_at(end);
        let is_known =
            |scheme: &str| ["http", "https", "ws", "wss"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
        (scheme.is_none_or(is_known) && !authority.is_empty()).then_some(Self { scheme, authority, rest })
    }

    pub(super) fn authority(&self) -> &'a str {
        self.authority
    }

    pub(super) fn has_scheme(&self) -> bool {
        self.scheme.is_some()
    }

    /// Whether it leads to this origin; one without a scheme does so from a page of the origin.
    pub(super) fn is_of(&self, origin: &Origin) -> bool {
        let secure =
            self.scheme.map(|scheme| scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("wss"));
        secure.is_none_or(|secure| secure == (origin.scheme() == Scheme::Https))
            && is_authority_of(self.authority, origin)
    }

    /// The same at the new place; `None` where it does not move.
    pub(super) fn moved(&self, home: &Move) -> Option<String> {
        Some(format!("{}{}", self.origin_of(home), home.path(self.rest)?))
    }

    /// The new place without a path, in the way in which this names the old one.
    pub(super) fn origin_of(&self, home: &Move) -> String {
        let scheme = match self.scheme {
            None => String::new(),
            Some(scheme) => format!("{}:", new_scheme(scheme, home.to.scheme())),
        };
        format!("{scheme}//{}", home.to.authority())
    }
}

/// The scheme of the new origin: that of a WebSocket where the old one was such.
pub(super) fn new_scheme(old: &str, to: Scheme) -> &'static str {
    match (old.starts_with(['w', 'W']), to) {
        (false, scheme) => scheme.as_str(),
        (true, Scheme::Http) => "ws",
        (true, Scheme::Https) => "wss",
    }
}

/// Whether `host`, `host:` or `host:port` is that of an origin.
pub(super) fn is_authority_of(authority: &str, origin: &Origin) -> bool {
    let (host, port) = split_port(authority);
    let default = origin.scheme().default_port();
    let port = match port {
        None | Some("") => Some(default),
        Some(port) => port.parse().ok(),
    };
    host.eq_ignore_ascii_case(origin.host()) && port == Some(origin.port())
}

/// `5; url=https://a.example/x`; `None` where it stays.
pub(super) fn refresh(text: &str, moved: impl Fn(&str) -> Option<String>) -> Option<String> {
    let separator = text.find([';', ','])?;
    let (time, after) = text.split_at(separator + 1);
    let name = after.trim_start();
    let value = match name.get(..3) {
        Some(url) if url.eq_ignore_ascii_case("url") => name[3..].trim_start().strip_prefix('=')?.trim_start(),
        _ => name,
    };
    let url = value.trim_matches(['"', '\'', ' ']);
    let start = value.find(url)?;
    let before = &after[..after.len() - value.len() + start];
    Some(format!("{time}{before}{}{}", moved(url)?, &value[start + url.len()..]))
}

/// `<https://a.example/x>; rel=next, …` (RFC 8288); `None` where it stays.
pub(super) fn links(text: &str, moved: impl Fn(&str) -> Option<String>) -> Option<String> {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    let (mut quoted, mut changed) = (false, false);
    while let Some(at) = rest.find(['<', '"', '\\']) {
        let (before, special) = rest.split_at(at);
        out.push_str(before);
        let taken = match special.as_bytes() {
            [b'\\', ..] if quoted => special.chars().take(2).map(char::len_utf8).sum(),
            [b'"', ..] => {
                quoted = !quoted;
                1
            }
            [b'<', ..] if !quoted => {
                let end = special.find('>').unwrap_or(special.len());
                if let Some(new) = moved(&special[1..end]) {
                    out.push('<');
                    out.push_str(&new);
                    rest = &special[end..];
                    changed = true;
                    continue;
                }
                end
            }
            _ => 1,
        };
        out.push_str(&special[..taken]);
        rest = &special[taken..];
    }
    out.push_str(rest);
    changed.then_some(out)
}

/// Origins in a list; `None` where it stays.
pub(super) fn origins(text: &str, moved: impl Fn(&str) -> Option<String>) -> Option<String> {
    let mut changed = false;
    let items = text.split(',').map(|item| {
        let origin = item.trim();
        match moved(origin) {
            Some(new) => {
                changed = true;
                item.replace(origin, &new)
            }
            None => item.to_owned(),
        }
    });
    let joined = items.collect::<Vec<_>>().join(",");
    changed.then_some(joined)
}
