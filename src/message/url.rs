//! URLs as harmock compares them: serialised as the WHATWG URL standard does, without fragment.

use std::fmt;

use url::Url;

use super::plain_url::is_plain;

/// Which protocol family a request or a destination speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Without TLS.
    Http,
    /// Inside TLS.
    Https,
}

impl Scheme {
    /// `http` or `https`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// 80 or 443.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a connection goes: a host without brackets, and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Destination {
    /// Plain or TLS.
    pub scheme: Scheme,
    /// A lower-case host name, an IPv4 address, or an IPv6 address without brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

impl Destination {
    /// Where a request for an `http` or `https` URL goes, what it calls the server, and what it asks the server for.
    pub fn of_url(url: &CanonicalUrl) -> Option<(Self, String, String)> {
        let url = Url::parse(url.as_str()).ok()?;
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return None,
        };
        let host = url.host_str()?;
        let port = url.port_or_known_default()?;
        let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Some((Self { scheme, host, port }, authority, path))
    }

    /// `host:port`, an IPv6 address in brackets.
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.authority())
    }
}

/// An absolute URL in WHATWG serialisation and without fragment: two requests are for the same URL when these are equal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CanonicalUrl(Box<str>);

impl CanonicalUrl {
    /// Parses an absolute URL of any scheme.
    pub fn parse(text: &str) -> Option<Self> {
        match is_plain(text) {
            true => Some(Self(text.into())),
            false => Url::parse(text).ok().map(Self::from_url),
        }
    }

    /// The URL of a request: scheme, `Host` or `:authority`, and the path with its query.
    pub fn of_request(scheme: Scheme, authority: &str, path_and_query: &str) -> Option<Self> {
        let scheme = scheme.as_str();
        let mut text = String::with_capacity(scheme.len() + 3 + authority.len() + path_and_query.len());
        for part in [scheme, "://", authority, path_and_query] {
            text.push_str(part);
        }
        match is_plain(&text) {
            true => Some(Self(text.into_boxed_str())),
            false => Url::parse(&text).ok().map(Self::from_url),
        }
    }

    /// What `reference`, a `Location` value, means seen from this URL; a fragment is dropped.
    pub fn join(&self, reference: &str) -> Option<Self> {
        Url::parse(&self.0).ok()?.join(reference).ok().map(Self::from_url)
    }

    /// The serialised URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn from_url(mut url: Url) -> Self {
        url.set_fragment(None);
        Self(String::from(url).into_boxed_str())
    }
}

impl fmt::Display for CanonicalUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
