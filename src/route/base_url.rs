//! An address below which an origin's URLs lie: what a client's base URL is in production.

use std::fmt;
use std::str::FromStr;

use url::Url;

use crate::message::Scheme;

/// An origin, and the path below which its URLs lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    scheme: Scheme,
    authority: Box<str>,
    /// Empty, or `/v1`: without a slash at its end.
    path: Box<str>,
}

/// Why a text is no [`BaseUrl`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected the address of a server such as `https://api.example.com`, without user, query or fragment")]
pub struct BaseUrlError;

impl BaseUrl {
    /// `http` or `https`.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Its host, with the port where that is not the scheme's own.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Empty, or a path without a slash at its end.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// `https://api.example.com`, without the path.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.authority)
    }
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, BaseUrlError> {
        let url = Url::parse(text).map_err(|_| BaseUrlError)?;
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(BaseUrlError),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(BaseUrlError)?;
        let bare = url.username().is_empty() && url.password().is_none();
        if !bare || url.query().is_some() || url.fragment().is_some() || url.port() == Some(0) {
            return Err(BaseUrlError);
        }
        let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let path = url.path().trim_end_matches('/');
        Ok(Self { scheme, authority: authority.into(), path: path.into() })
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_without_what_its_scheme_says_already() {
        for (text, expected) in [
            ("https://api.example.com", "https://api.example.com"),
            ("https://API.example.com:443/", "https://api.example.com"),
            ("http://[::1]:8080/v1/", "http://[::1]:8080/v1"),
            ("http://localhost:3000/a/b", "http://localhost:3000/a/b"),
        ] {
            assert_eq!(text.parse::<BaseUrl>().unwrap().to_string(), expected);
        }
    }

    #[test]
    fn what_is_more_or_less_than_an_address_is_refused() {
        for text in ["", "api.example.com", "ftp://a", "https://u:p@a", "https://u@a", "https://a/?x", "https://a/#x"] {
            assert_eq!(text.parse::<BaseUrl>(), Err(BaseUrlError), "{text}");
        }
        assert!("http://a:0".parse::<BaseUrl>().is_err());
    }
}
