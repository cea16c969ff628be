//! Settings that are network addresses: where the proxy listens, and the proxy behind it.

use std::ffi::OsStr;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use url::Url;

use super::value::{Scalar, Value, utf8};
use crate::proxy::ListenAt;
use crate::upstream::UpstreamProxy;

const DEFAULT_PORT: u16 = 8899;

impl Value for SocketAddr {
    /// `ADDRESS:PORT`, an address alone, a port alone (then on loopback), or `localhost:PORT`.
    fn parse(text: &OsStr) -> Result<Self, String> {
        let text = utf8(text)?;
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let port_of_localhost = text.strip_prefix("localhost").and_then(|rest| rest.strip_prefix(':'));
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = text.parse() {
            Ok(address)
        } else if let Ok(port) = port_of_localhost.unwrap_or(text).parse() {
            Ok(Self::new(loopback, port))
        } else if let Ok(address) = bare.parse() {
            Ok(Self::new(address, DEFAULT_PORT))
        } else if text == "localhost" {
            Ok(Self::new(loopback, DEFAULT_PORT))
        } else {
            Err("expected an address and a port such as `127.0.0.1:8899`, `[::1]:0` or `8899`".to_owned())
        }
    }

    fn from_file(value: &Scalar, _folder: &Path) -> Result<Self, String> {
        let address = match value {
            Scalar::Text(text) => Self::parse(OsStr::new(text))?,
            Scalar::Integer(port) => match u16::try_from(*port) {
                Ok(port) => Self::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port),
                Err(_) => return Err("expected a port from 0 to 65535".to_owned()),
            },
            other => return Err(format!("expected a string, found {}", other.kind())),
        };
        if is_loopback(address) {
            Ok(address)
        } else {
            Err("an address that is not loopback counts only as the flag --listen or the variable HARMOCK_LISTEN, so \
                 that a cloned repository cannot open this machine to the network"
                .to_owned())
        }
    }

    fn to_scalar(&self) -> Scalar {
        Scalar::Text(self.to_string())
    }
}

/// An address, and after a `=` the session of the clients that come there.
impl Value for ListenAt {
    fn parse(text: &OsStr) -> Result<Self, String> {
        let (address, session) = parts(utf8(text)?)?;
        Ok(Self { address: SocketAddr::parse(OsStr::new(address))?, session })
    }

    fn from_file(value: &Scalar, folder: &Path) -> Result<Self, String> {
        let Scalar::Text(text) = value else {
            return Ok(Self { address: SocketAddr::from_file(value, folder)?, session: None });
        };
        let (address, session) = parts(text)?;
        Ok(Self { address: SocketAddr::from_file(&Scalar::Text(address.to_owned()), folder)?, session })
    }

    fn to_scalar(&self) -> Scalar {
        Scalar::Text(match &self.session {
            None => self.address.to_string(),
            Some(session) => format!("{}={session}", self.address),
        })
    }
}

fn parts(text: &str) -> Result<(&str, Option<String>), String> {
    match text.split_once('=') {
        None => Ok((text, None)),
        Some((_, "")) => Err("expected the name of a session after the `=`".to_owned()),
        Some((address, session)) => Ok((address, Some(session.to_owned()))),
    }
}

/// Whether only this machine can reach the address.
pub(crate) fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

impl Value for UpstreamProxy {
    /// `none`, `env`, or `http://[user:password@]host:port`; the scheme may be left out, as with curl.
    fn parse(text: &OsStr) -> Result<Self, String> {
        let text = utf8(text)?;
        match text {
            "none" => return Ok(Self::None),
            "env" => return Ok(Self::Environment),
            _ => {}
        }
        let spelled = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let url = Url::parse(&spelled).map_err(|_| PROXY.to_owned())?;
        if url.scheme() != "http" {
            return Err(format!("a proxy is spoken to in plain HTTP: {PROXY}"));
        }
        if !url.has_host() || !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(PROXY.to_owned());
        }
        Ok(Self::Url(spelled.trim_end_matches('/').to_owned()))
    }

    fn to_scalar(&self) -> Scalar {
        Scalar::Text(match self {
            Self::Environment => "env".to_owned(),
            Self::None => "none".to_owned(),
            Self::Url(url) => url.clone(),
        })
    }
}

const PROXY: &str = "expected `none`, `env` or `http://[user:password@]host:port`";

#[cfg(test)]
mod tests {
    use super::*;

    fn listen(text: &str) -> Result<String, String> {
        SocketAddr::parse(OsStr::new(text)).map(|address| address.to_string())
    }

    #[test]
    fn an_address_a_port_or_both_say_where_to_listen() {
        for (text, expected) in [
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("0", "127.0.0.1:0"),
            ("localhost:9000", "127.0.0.1:9000"),
            ("localhost", "127.0.0.1:8899"),
            ("::1", "[::1]:8899"),
            ("[::1]", "[::1]:8899"),
            ("[::1]:80", "[::1]:80"),
            ("0.0.0.0", "0.0.0.0:8899"),
        ] {
            assert_eq!(listen(text).as_deref(), Ok(expected), "{text}");
        }
        for text in ["", ":8899", "example.com:80", "127.0.0.1:65536", "99999"] {
            assert!(listen(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_file_may_only_name_loopback() {
        let read = |text: &str| SocketAddr::from_file(&Scalar::Text(text.to_owned()), Path::new(""));
        for text in ["127.0.0.1:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert!(read(text).is_ok(), "{text}");
        }
        for text in ["0.0.0.0:1", "[::]:1", "192.168.1.1:1"] {
            assert!(read(text).unwrap_err().contains("--listen"), "{text}");
        }
    }

    #[test]
    fn a_further_proxy_is_a_plain_http_origin() {
        let read = |text: &str| UpstreamProxy::parse(OsStr::new(text));
        assert_eq!(read("none"), Ok(UpstreamProxy::None));
        assert_eq!(read("proxy:3128"), Ok(UpstreamProxy::Url("http://proxy:3128".to_owned())));
        assert_eq!(read("http://a:b@proxy:3128/"), Ok(UpstreamProxy::Url("http://a:b@proxy:3128".to_owned())));
        for text in ["", "https://proxy", "socks5://proxy", "http://proxy/path", "http://"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
