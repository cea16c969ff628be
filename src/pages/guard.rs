//! Who may see the pages: the user at this machine, not a web page that the user happens to visit.
//!
//! A page elsewhere can make a browser send requests here, and by DNS rebinding even under a name of its own. So the
//! host asked for must be the proxy's, and the fields with which a browser names the asking page must not name
//! another one (Fetch standard: `Origin`, `Sec-Fetch-Site`).

use std::net::{IpAddr, SocketAddr};

use http::header::{self, HeaderValue};
use http::request::Parts;
use http::uri::Authority;

use super::{HOST, PageFacts};

/// Why a request is refused, as the text of the answer; `None` when it is fine.
pub(super) fn refusal(request: &Parts, facts: &PageFacts) -> Option<&'static str> {
    let Some(authorities) = authorities(request) else {
        return Some("the request does not say for which host it is");
    };
    if !authorities.iter().all(|authority| is_own(authority, facts)) {
        return Some("this is harmock, and the request is for another host");
    }
    if request.headers.get_all(header::ORIGIN).iter().any(|origin| !is_same(origin, &authorities[0])) {
        return Some("harmock answers its pages to no other origin");
    }
    let foreign = |site: &HeaderValue| site != "same-origin" && site != "none";
    if request.headers.get_all("sec-fetch-site").iter().any(foreign) {
        return Some("another site led here; type the address yourself to see harmock's pages");
    }
    None
}

/// The address under which the request reached a listener that listens everywhere: another machine needs that one.
pub(super) fn asked_address(request: &Parts, facts: &PageFacts) -> Option<SocketAddr> {
    let authority = authorities(request)?.into_iter().next()?;
    let ip = address(&authority).filter(|_| facts.listen.ip().is_unspecified())?;
    Some(SocketAddr::new(ip, authority.port_u16()?))
}

/// Every place where the request names its host, at least one.
fn authorities(request: &Parts) -> Option<Vec<Authority>> {
    let mut found: Vec<Authority> = request.uri.authority().cloned().into_iter().collect();
    for host in request.headers.get_all(header::HOST) {
        found.push(Authority::try_from(host.as_bytes()).ok()?);
    }
    if found.is_empty() { None } else { Some(found) }
}

fn is_own(authority: &Authority, facts: &PageFacts) -> bool {
    is_called(authority, facts.listen.ip(), &facts.allowed_hosts)
        || authority.host().trim_end_matches('.').eq_ignore_ascii_case(HOST)
}

/// As [`super::is_called`] has it.
pub(super) fn is_called(authority: &Authority, listen: IpAddr, names: &[String]) -> bool {
    if let Some(ip) = address(authority) {
        // An address in the field cannot come by a name that changed its meaning.
        return ip.is_loopback() || ip == listen || listen.is_unspecified();
    }
    let host = authority.host().to_ascii_lowercase();
    let host = host.strip_suffix('.').unwrap_or(&host);
    let allowed = |name: &String| name.eq_ignore_ascii_case(host);
    host == "localhost" || host.ends_with(".localhost") || names.iter().any(allowed)
}

fn address(authority: &Authority) -> Option<IpAddr> {
    let host = authority.host();
    host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host).parse().ok()
}

fn is_same(origin: &HeaderValue, own: &Authority) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    authority.is_some_and(|authority| authority.eq_ignore_ascii_case(own.as_str()))
}
