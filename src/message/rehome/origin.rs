//! An origin: scheme, host and port.

use std::fmt;
use std::str::FromStr;

use url::Url;

use crate::message::Scheme;

/// The origin of a server, as URLs begin with it: `https://api.example.com`, `http://localhost:8080`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    text: Box<str>,
}

/// Why a text is no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not an origin: expected a scheme, a host and where needed a port, as in https://api.example.com or http://localhost:8080"
)]
pub struct OriginError;

impl Origin {
    /// That of a host, without brackets, and a port.
    pub fn of(scheme: Scheme, host: &str, port: u16) -> Option<Self> {
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        format!("{scheme}://{host}:{port}").parse().ok()
    }

    /// The serialised origin, without a default port.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> Scheme {
        if self.text.starts_with("https:") { Scheme::Https } else { Scheme::Http }
    }

    /// Host, and port where it is not the scheme's.
    pub fn authority(&self) -> &str {
        self.text.split_once("://").map_or("", |(_, authority)| authority)
    }

    /// The host alone, an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        split_port(self.authority()).0
    }

    /// The port.
    pub fn port(&self) -> u16 {
        let given = split_port(self.authority()).1.and_then(|port| port.parse().ok());
        given.unwrap_or(self.scheme().default_port())
    }

    /// What of a canonical URL is its origin.
    pub fn part_of(url: &str) -> &str {
        let start = url.find("://").map_or(0, |at| at + 3);
        let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at);
        &url[..end]
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let url = Url::parse(text.trim()).map_err(|_| OriginError)?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let named = url.username().is_empty() && url.password().is_none() && url.has_host();
        if !bare || !named || !matches!(url.scheme(), "http" | "https") {
            return Err(OriginError);
        }
        Ok(Self { text: Self::part_of(url.as_str()).into() })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Host and port of an authority without userinfo.
pub(super) fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rfind(':') {
        Some(at) if !authority[at..].contains(']') => (&authority[..at], Some(&authority[at + 1..])),
        _ => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_serialised_as_urls_begin() {
        for (text, origin, host, port) in [
            ("https://API.example.com/", "https://api.example.com", "api.example.com", 443),
            ("https://a.example:443", "https://a.example", "a.example", 443),
            ("http://localhost:8080", "http://localhost:8080", "localhost", 8080),
            ("http://[::1]:80", "http://[::1]", "[::1]", 80),
            ("https://[::1]:8443", "https://[::1]:8443", "[::1]", 8443),
        ] {
            let parsed: Origin = text.parse().unwrap();
            assert_eq!((parsed.as_str(), parsed.host(), parsed.port()), (origin, host, port), "{text}");
            assert_eq!(Origin::part_of(&format!("{origin}/a?b://c")), origin);
            assert_eq!(Origin::part_of(&format!("{origin}?b")), origin);
        }
    }

    #[test]
    fn what_says_more_or_less_than_an_origin_is_none() {
        for text in [
            "api.example.com",
            "https://a.example/x",
            "https://a.example?x",
            "https://u@a.example",
            "ws://a",
            "https://",
            "*",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(OriginError), "{text}");
        }
    }
}
