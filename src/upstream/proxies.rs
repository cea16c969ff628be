//! Further proxies on the way to an origin: which one applies to which destination.

use std::net::{IpAddr, SocketAddr};

use http::header::HeaderValue;
use http::uri::{Authority, Scheme as UriScheme, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

use super::{SetupError, UpstreamProxy};
use crate::message::{Destination, Scheme};

/// The further proxies that are set.
pub(super) enum Proxies {
    /// Every connection goes straight to its origin.
    None,
    /// Every connection goes through this one.
    Always(ProxyServer),
    /// What the environment says for each destination.
    Environment(Box<Matcher>),
}

/// A further proxy.
#[derive(Debug, Clone)]
pub(super) struct ProxyServer {
    /// Its address; [`Scheme::Https`] means that TLS is spoken to the proxy itself.
    pub(super) at: Destination,
    /// `Proxy-Authorization`, marked sensitive.
    pub(super) authorization: Option<HeaderValue>,
}

impl Proxies {
    /// `variable` reads the environment; notes are told about what is ignored.
    pub(super) fn new(
        setting: &UpstreamProxy,
        own: &[SocketAddr],
        variable: &dyn Fn(&str) -> Option<String>,
        notes: &mut Vec<String>,
    ) -> Result<Self, SetupError> {
        match setting {
            UpstreamProxy::None => Ok(Self::None),
            UpstreamProxy::Url(url) => explicit(url, own).map(Self::Always),
            UpstreamProxy::Environment => Ok(from_environment(own, variable, notes)),
        }
    }

    /// The proxy for a connection to `to` as `scheme`: a tunnel counts as `https`, whatever runs in it.
    pub(super) fn server_for(&self, scheme: Scheme, to: &Destination) -> Option<ProxyServer> {
        match self {
            Self::None => None,
            Self::Always(server) => Some(server.clone()),
            Self::Environment(matcher) => {
                let uri = Uri::builder().scheme(scheme.as_str()).authority(to.authority()).path_and_query("/");
                server(&matcher.intercept(&uri.build().ok()?)?).ok()
            }
        }
    }
}

fn explicit(url: &str, own: &[SocketAddr]) -> Result<ProxyServer, SetupError> {
    let shown = without_password(url);
    let invalid = |detail| SetupError::ProxyInvalid { url: shown.clone(), detail };
    if url.is_empty() {
        return Err(invalid("it is empty"));
    }
    let matcher = Matcher::builder().all(url).build();
    // A matcher without a NO_PROXY list answers for every URL, so any will do.
    let intercept = matcher.intercept(&Uri::from_static("http://origin.invalid/")).ok_or_else(|| invalid("no URL"))?;
    let server = server(&intercept).map_err(invalid)?;
    if is_own(&server.at, own) {
        return Err(SetupError::ProxyIsSelf { url: shown });
    }
    Ok(server)
}

fn from_environment(own: &[SocketAddr], variable: &dyn Fn(&str) -> Option<String>, notes: &mut Vec<String>) -> Proxies {
    let mut accepted = |names: [&str; 2]| -> String {
        let Some((name, url)) = names.into_iter().find_map(|name| Some((name, variable(name)?))) else {
            return String::new();
        };
        match explicit(&url, own) {
            _ if url.is_empty() => {}
            Ok(_) => return url,
            // The shell that starts this proxy often has the variables that point at it already.
            Err(SetupError::ProxyIsSelf { .. }) => {}
            Err(error) => notes.push(format!("{name} is ignored: {error}")),
        }
        String::new()
    };
    let all = accepted(["ALL_PROXY", "all_proxy"]);
    let https = accepted(["HTTPS_PROXY", "https_proxy"]);
    // Under CGI a client's `Proxy` field becomes HTTP_PROXY, so it must not be trusted there.
    let cgi = variable("REQUEST_METHOD").is_some();
    let http = if cgi { String::new() } else { accepted(["HTTP_PROXY", "http_proxy"]) };
    if all.is_empty() && https.is_empty() && http.is_empty() {
        return Proxies::None;
    }
    let no = variable("NO_PROXY").or_else(|| variable("no_proxy")).unwrap_or_default();
    Proxies::Environment(Box::new(Matcher::builder().all(all).http(http).https(https).no(no).build()))
}

fn server(intercept: &Intercept) -> Result<ProxyServer, &'static str> {
    let scheme = match intercept.uri().scheme() {
        Some(scheme) if *scheme == UriScheme::HTTP => Scheme::Http,
        Some(scheme) if *scheme == UriScheme::HTTPS => Scheme::Https,
        _ => return Err("its scheme is neither http nor https"),
    };
    let authority = intercept.uri().authority().ok_or("it names no host")?;
    let host = bare_host(authority).ok_or("it names no host")?;
    // `Authority::port_u16` would take a port that is out of range for none.
    let port = match authority.as_str().strip_prefix(authority.host()).unwrap_or_default() {
        "" => scheme.default_port(),
        port => match port.trim_start_matches(':').parse() {
            Ok(port) if port > 0 => port,
            _ => return Err("its port is no number from 1 to 65535"),
        },
    };
    Ok(ProxyServer { at: Destination { scheme, host, port }, authorization: intercept.basic_auth().cloned() })
}

fn bare_host(authority: &Authority) -> Option<String> {
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    (!host.is_empty()).then(|| host.to_ascii_lowercase())
}

/// Whether a proxy's address is one of the own listeners, as far as it can be told without DNS.
fn is_own(at: &Destination, own: &[SocketAddr]) -> bool {
    let name_is_loopback = at.host == "localhost" || at.host.ends_with(".localhost");
    own.iter().any(|listener| {
        let here = listener.ip().is_loopback() || listener.ip().is_unspecified();
        match at.host.parse::<IpAddr>() {
            Ok(ip) => super::own::same(SocketAddr::new(ip, at.port), *listener),
            Err(_) => name_is_loopback && here && at.port == listener.port(),
        }
    })
}

/// The URL as it may be shown: a password becomes `***`.
fn without_password(url: &str) -> String {
    let start = url.find("://").map_or(0, |at| at + 3);
    let (before, rest) = url.split_at(start);
    match rest.rsplit_once('@') {
        Some((user, host)) => {
            let user = user.split_once(':').map_or(user.to_owned(), |(name, _)| format!("{name}:***"));
            format!("{before}{user}@{host}")
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "127.0.0.1:8899";

    fn own() -> Vec<SocketAddr> {
        vec![OWN.parse().unwrap()]
    }

    fn to(scheme: Scheme, host: &str) -> Destination {
        Destination { scheme, host: host.into(), port: scheme.default_port() }
    }

    fn environment(variables: &[(&str, &str)]) -> (Proxies, Vec<String>) {
        let mut notes = Vec::new();
        let variable =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let proxies = Proxies::new(&UpstreamProxy::Environment, &own(), &variable, &mut notes).unwrap();
        (proxies, notes)
    }

    fn chosen(proxies: &Proxies, scheme: Scheme, host: &str) -> Option<String> {
        proxies.server_for(scheme, &to(scheme, host)).map(|server| server.at.authority())
    }

    fn refusal(url: &str) -> String {
        explicit(url, &own()).expect_err("refused").to_string()
    }

    #[test]
    fn each_scheme_has_its_variable_and_all_proxy_fills_in() {
        let (proxies, notes) = environment(&[("ALL_PROXY", "http://a:1"), ("https_proxy", "http://b:2")]);
        assert_eq!(chosen(&proxies, Scheme::Http, "example.com").as_deref(), Some("a:1"));
        assert_eq!(chosen(&proxies, Scheme::Https, "example.com").as_deref(), Some("b:2"));
        assert!(notes.is_empty());
    }

    #[test]
    fn no_proxy_names_hosts_with_their_subdomains_and_networks() {
        let (proxies, _) = environment(&[("HTTP_PROXY", "a:1"), ("NO_PROXY", "example.com, 10.0.0.0/8")]);
        assert_eq!(chosen(&proxies, Scheme::Http, "example.com"), None);
        assert_eq!(chosen(&proxies, Scheme::Http, "api.example.com"), None);
        assert_eq!(chosen(&proxies, Scheme::Http, "10.1.2.3"), None);
        assert_eq!(chosen(&proxies, Scheme::Http, "notexample.com").as_deref(), Some("a:1"));
    }

    #[test]
    fn a_variable_that_points_at_this_proxy_is_ignored_in_every_spelling() {
        for url in ["http://127.0.0.1:8899", "localhost:8899", "http://[::ffff:127.0.0.1]:8899"] {
            let (proxies, notes) = environment(&[("HTTP_PROXY", url), ("HTTPS_PROXY", url)]);
            assert!(matches!(proxies, Proxies::None), "{url}");
            assert!(notes.is_empty(), "{notes:?}");
        }
    }

    #[test]
    fn an_unusable_variable_is_ignored_with_a_note() {
        let (proxies, notes) = environment(&[("ALL_PROXY", "socks5://127.0.0.1:1080")]);
        assert!(matches!(proxies, Proxies::None));
        assert!(notes[0].starts_with("ALL_PROXY is ignored: "), "{notes:?}");
        assert!(notes[0].contains("neither http nor https"), "{notes:?}");
    }

    #[test]
    fn under_cgi_the_http_variable_is_not_trusted() {
        let (proxies, _) = environment(&[("HTTP_PROXY", "http://a:1"), ("REQUEST_METHOD", "GET")]);
        assert!(matches!(proxies, Proxies::None));
    }

    #[test]
    fn an_explicit_proxy_takes_credentials_and_hides_them() {
        let server = explicit("http://Aladdin:open%20sesame@proxy.example:3128", &own()).unwrap();
        assert_eq!(server.at.authority(), "proxy.example:3128");
        assert_eq!(server.authorization.as_ref().unwrap(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(!format!("{server:?}").contains("QWxh"));
    }

    #[test]
    fn an_explicit_proxy_that_cannot_be_parsed_is_refused_in_one_line() {
        assert!(refusal("http://").contains("is not usable"));
        assert!(refusal("").contains("it is empty"));
        assert!(refusal("http://host:99999").contains("is not usable"));
        assert!(refusal("ftp://host:21").contains("write http://[user:password@]host:port"));
        let line = refusal("socks5://me:secret@host:1080");
        assert!(line.contains("socks5://me:***@host:1080") && !line.contains("secret"), "{line}");
    }

    #[test]
    fn an_explicit_proxy_that_is_this_proxy_is_refused() {
        assert!(refusal("http://localhost:8899").contains("is this proxy itself"));
    }
}
