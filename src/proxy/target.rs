//! What a request asks for: its URL, and where the connection for it goes.

use std::sync::Arc;

use http::header::HOST;
use http::uri::Authority;
use http::{Request, Uri};

use super::base_url::Local;
use crate::message::{CanonicalUrl, Destination, Scheme};

/// How a request reached the proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Via {
    /// On the listening port.
    Listener,
    /// Inside a `CONNECT` to this destination.
    Connect(Destination),
}

/// A request's URL and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    /// What replay compares and record writes.
    pub(super) url: CanonicalUrl,
    /// What the client calls the server, as it wrote it: `Host` or `:authority`.
    pub(super) authority: String,
    /// Where the connection goes: the `CONNECT` target, else the URL's authority.
    pub(super) to: Destination,
    /// Where the client is, if it asked this proxy's own address: base-URL mode.
    pub(super) local: Option<Arc<Local>>,
}

/// Why a request has no [`Asked`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unaddressed {
    /// Origin form on the listening port: the client talks to harmock itself.
    Direct {
        /// `Host`, when there is one.
        host: Option<String>,
    },
    /// No URL can be made of it.
    Malformed(String),
}

impl Asked {
    /// Reads the target of a request (RFC 9112 section 3.2, RFC 9113 section 8.3.1).
    pub(super) fn of<B>(request: &Request<B>, via: &Via) -> Result<Self, Unaddressed> {
        let uri = request.uri();
        let tunnel = match via {
            Via::Connect(to) => Some(to),
            Via::Listener => None,
        };
        let scheme = match (tunnel, uri.scheme_str()) {
            (Some(to), _) => to.scheme,
            (None, Some("http") | None) => Scheme::Http,
            (None, Some("https")) => Scheme::Https,
            (None, Some(other)) => return Err(malformed(format!("the scheme {other} is not http or https"))),
        };
        let own_host = if uri.authority().is_none() { host(request) } else { None };
        let authority = match (uri.authority(), own_host, tunnel) {
            (Some(authority), _, _) => strip_userinfo(authority).to_owned(),
            (None, host, None) => return Err(Unaddressed::Direct { host }),
            (None, Some(host), Some(_)) => match host.parse::<Authority>() {
                Ok(_) if !host.contains('@') => host,
                _ => return Err(malformed(format!("the Host field {host:?} is not a host"))),
            },
            (None, None, Some(to)) => default_authority(to),
        };
        let path = path_and_query(uri);
        let url = CanonicalUrl::of_request(scheme, &authority, path)
            .ok_or_else(|| malformed(format!("{scheme}://{authority}{path} is not a URL")))?;
        let to = match (tunnel, uri.authority()) {
            (Some(to), _) => Some(to.clone()),
            (None, Some(authority)) => destination_of(scheme, authority),
            (None, None) => None,
        };
        let to = to.ok_or_else(|| malformed(format!("{authority} does not name a host and a port")))?;
        Ok(Self { url, authority, to, local: None })
    }
}

/// The destination that a `CONNECT` names; it must have a port (RFC 9112 section 3.2.3).
pub(super) fn connect_target(uri: &Uri) -> Option<Destination> {
    let authority = uri.authority()?;
    authority.port_u16().filter(|port| *port != 0)?;
    destination(Scheme::Https, strip_userinfo(authority))
}

/// Host and port of an authority, the scheme's port by default.
pub(super) fn destination(scheme: Scheme, authority: &str) -> Option<Destination> {
    destination_of(scheme, &authority.parse().ok()?)
}

fn destination_of(scheme: Scheme, authority: &Authority) -> Option<Destination> {
    let port = match authority.port() {
        Some(port) => port.as_str().parse().ok()?,
        None => scheme.default_port(),
    };
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    (!host.is_empty()).then(|| Destination { scheme, host: host.to_ascii_lowercase(), port })
}

fn host<B>(request: &Request<B>) -> Option<String> {
    let host = request.headers().get(HOST)?.to_str().ok()?.trim();
    (!host.is_empty()).then(|| host.to_owned())
}

fn strip_userinfo(authority: &Authority) -> &str {
    let text = authority.as_str();
    text.rsplit_once('@').map_or(text, |(_, host)| host)
}

fn default_authority(to: &Destination) -> String {
    let full = to.authority();
    if to.port == to.scheme.default_port() {
        full.rsplit_once(':').map_or(full.clone(), |(host, _)| host.to_owned())
    } else {
        full
    }
}

/// `*` of `OPTIONS *` asks for the server as a whole: the empty path (RFC 9112 section 3.2.4).
fn path_and_query(uri: &Uri) -> &str {
    match uri.path_and_query().map(http::uri::PathAndQuery::as_str) {
        Some("*") | None => "",
        Some(path) => path,
    }
}

fn malformed(what: String) -> Unaddressed {
    Unaddressed::Malformed(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(uri: &str, host: Option<&str>) -> Request<()> {
        let mut builder = Request::builder().uri(uri);
        if let Some(host) = host {
            builder = builder.header(HOST, host);
        }
        builder.body(()).unwrap()
    }

    fn to(scheme: Scheme, host: &str, port: u16) -> Destination {
        Destination { scheme, host: host.into(), port }
    }

    #[test]
    fn absolute_form_names_url_and_destination_whatever_host_says() {
        let asked = Asked::of(&request("http://A.example:8080/x?y", Some("other")), &Via::Listener).unwrap();
        assert_eq!(asked.url.as_str(), "http://a.example:8080/x?y");
        assert_eq!(asked.to, to(Scheme::Http, "a.example", 8080));
    }

    #[test]
    fn inside_connect_host_names_the_url_and_connect_the_destination() {
        let via = Via::Connect(to(Scheme::Https, "127.0.0.1", 9443));
        let asked = Asked::of(&request("/x", Some("api.example")), &via).unwrap();
        assert_eq!(asked.url.as_str(), "https://api.example/x");
        assert_eq!(asked.to, to(Scheme::Https, "127.0.0.1", 9443));
    }

    #[test]
    fn without_host_the_connect_target_names_the_url() {
        let via = Via::Connect(to(Scheme::Https, "::1", 443));
        assert_eq!(Asked::of(&request("/", None), &via).unwrap().url.as_str(), "https://[::1]/");
        let via = Via::Connect(to(Scheme::Https, "a", 444));
        assert_eq!(Asked::of(&request("/", None), &via).unwrap().url.as_str(), "https://a:444/");
    }

    #[test]
    fn origin_form_on_the_listener_is_meant_for_harmock() {
        let asked = Asked::of(&request("/", Some("127.0.0.1:8899")), &Via::Listener);
        assert_eq!(asked, Err(Unaddressed::Direct { host: Some("127.0.0.1:8899".into()) }));
    }

    #[test]
    fn addresses_in_brackets_lose_them() {
        assert_eq!(destination(Scheme::Http, "[::1]:8080"), Some(to(Scheme::Http, "::1", 8080)));
        assert_eq!(destination(Scheme::Https, "[::1]"), Some(to(Scheme::Https, "::1", 443)));
    }

    #[test]
    fn connect_without_a_port_is_refused() {
        assert_eq!(connect_target(&"a.example".parse::<Uri>().unwrap()), None);
        assert_eq!(
            connect_target(&"a.example:8443".parse::<Uri>().unwrap()),
            Some(to(Scheme::Https, "a.example", 8443))
        );
    }

    #[test]
    fn a_host_field_names_a_host_and_nothing_of_a_path() {
        let via = Via::Connect(to(Scheme::Https, "a.example", 443));
        for host in ["a.example/x", "a.example?x", "user@a.example", "a b", "[::1"] {
            let asked = Asked::of(&request("/", Some(host)), &via);
            assert!(matches!(asked, Err(Unaddressed::Malformed(_))), "{host}: {asked:?}");
        }
    }
}
