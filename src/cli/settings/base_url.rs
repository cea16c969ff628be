//! Settings of a mock server: its name, the origins that it stands for, the hosts under which it is reached.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::Path;

use url::Host;

use super::value::{Scalar, Value, utf8};
use crate::route::{Mount, MountPoint};

/// `URL`, `/path=URL` or `ADDRESS=URL`.
impl Value for Mount {
    fn parse(text: &OsStr) -> Result<Self, String> {
        read(utf8(text)?, SocketAddr::parse)
    }

    /// A listener that the file asks for is on loopback.
    fn from_file(value: &Scalar, folder: &Path) -> Result<Self, String> {
        let Scalar::Text(text) = value else { return Err(format!("expected a string, found {}", value.kind())) };
        read(text, |address| SocketAddr::from_file(&Scalar::Text(address.to_string_lossy().into_owned()), folder))
    }

    fn to_scalar(&self) -> Scalar {
        Scalar::Text(match &self.at {
            MountPoint::Path(path) if path.is_empty() => self.to.to_string(),
            MountPoint::Path(path) => format!("{path}={}", self.to),
            MountPoint::Address(address) => format!("{address}={}", self.to),
        })
    }
}

fn read(text: &str, address: impl Fn(&OsStr) -> Result<SocketAddr, String>) -> Result<Mount, String> {
    let place = text.split_once('=').filter(|(place, _)| !place.contains("://"));
    let (at, url) = match place {
        None => (MountPoint::Path(String::new()), text),
        Some((path, url)) if path.starts_with('/') => (MountPoint::of_path(path)?, url),
        Some((place, url)) => (MountPoint::Address(address(OsStr::new(place))?), url),
    };
    Ok(Mount { at, to: url.parse().map_err(|error: crate::route::BaseUrlError| error.to_string())? })
}

/// What people call a mock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MockName(pub(crate) String);

/// A longer name is a description.
const LONGEST_NAME: usize = 100;

impl Value for MockName {
    fn parse(text: &OsStr) -> Result<Self, String> {
        let text = utf8(text)?.trim();
        let fits = !text.is_empty() && text.chars().count() <= LONGEST_NAME && !text.chars().any(char::is_control);
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("expected a name of up to {LONGEST_NAME} characters on one line"))
        }
    }

    fn to_scalar(&self) -> Scalar {
        Scalar::Text(self.0.clone())
    }
}

/// The name of a host, without a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostName(pub(crate) String);

impl Value for HostName {
    fn parse(text: &OsStr) -> Result<Self, String> {
        match Host::parse(utf8(text)?.trim_end_matches('.')) {
            Ok(Host::Domain(name)) => Ok(Self(name)),
            Ok(_) => Err("an address needs no leave, only a name does".to_owned()),
            Err(_) => Err("expected the name of a host such as `mock.internal`, without a port".to_owned()),
        }
    }

    fn to_scalar(&self) -> Scalar {
        Scalar::Text(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Result<String, String> {
        Mount::parse(OsStr::new(text)).map(|mount| mount.to_scalar().to_string())
    }

    #[test]
    fn an_origin_is_at_the_root_below_a_path_or_at_an_address() {
        for (text, expected) in [
            ("https://api.example.com/", "https://api.example.com"),
            ("/=https://api.example.com", "https://api.example.com"),
            ("/pay/=https://pay.example.com/v1", "/pay=https://pay.example.com/v1"),
            ("8901=http://localhost:3000", "127.0.0.1:8901=http://localhost:3000"),
            ("[::1]:0=http://a", "[::1]:0=http://a"),
        ] {
            assert_eq!(origin(text), Ok(format!("\"{expected}\"")), "{text}");
        }
        for text in ["", "api.example.com", "/pay", "/pay=", "/pay=pay.example.com", "pay=https://a", "https://a?x=1"] {
            assert!(origin(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_file_names_an_origin_on_loopback_alone() {
        let read = |text: &str| Mount::from_file(&Scalar::Text(text.to_owned()), Path::new(""));
        assert!(read("8901=https://a").is_ok());
        assert!(read("0.0.0.0:8901=https://a").unwrap_err().contains("counts only as"));
    }

    #[test]
    fn a_name_is_a_line_and_a_host_has_no_port() {
        let name = |text: &str| MockName::parse(OsStr::new(text)).map(|name| name.0);
        assert_eq!(name(" Shop \u{2615}"), Ok("Shop \u{2615}".to_owned()));
        assert!(name("a\nb").is_err() && name("").is_err());
        let host = |text: &str| HostName::parse(OsStr::new(text)).map(|host| host.0);
        assert_eq!(host("Mock.Internal."), Ok("mock.internal".to_owned()));
        assert!(host("mock:80").is_err() && host("10.0.0.1").is_err() && host("").is_err());
    }
}
