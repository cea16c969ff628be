//! Header fields that belong to one connection, or to this proxy, and never travel further.

use http::header::{CONNECTION, COOKIE, HeaderMap, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE};

/// Fields of one hop by name (RFC 9110 section 7.6.1), beside those that `Connection` lists.
const HOP_BY_HOP: [HeaderName; 3] = [CONNECTION, TRANSFER_ENCODING, UPGRADE];

/// Removes what RFC 9110 section 7.6.1 calls fields of one hop, and everything meant for a proxy or for harmock.
///
/// `TE: trailers` survives, because trailers are carried over; `Trailer` is no field of one hop.
pub fn strip_hop_by_hop(fields: &mut HeaderMap) {
    // Most messages have none: one look at each name is cheaper than asking for each that there could be.
    if !fields.keys().any(|name| is_of_one_hop(name.as_str())) {
        return;
    }
    let takes_trailers = accepts_trailers(fields);
    for name in connection_options(fields) {
        fields.remove(name);
    }
    for name in HOP_BY_HOP {
        fields.remove(name);
    }
    fields.remove("keep-alive");
    fields.remove(TE);
    if takes_trailers {
        fields.insert(TE, HeaderValue::from_static("trailers"));
    }
    strip_own(fields);
}

/// Whether a lower-case name is one that [`strip_hop_by_hop`] looks at.
fn is_of_one_hop(name: &str) -> bool {
    matches!(name, "connection" | "transfer-encoding" | "upgrade" | "keep-alive" | "te") || is_own(name)
}

/// Removes `Proxy-*` and `X-Harmock-*`: never matched, never recorded, never passed on.
pub fn strip_own(fields: &mut HeaderMap) {
    let own: Vec<HeaderName> = fields.keys().filter(|name| is_own(name.as_str())).cloned().collect();
    for name in own {
        fields.remove(name);
    }
}

/// Whether a lower-case name is meant for a proxy or for harmock.
pub fn is_own(name: &str) -> bool {
    name.starts_with("proxy-") || name == "x-harmock" || name.starts_with("x-harmock-")
}

/// Whether a lower-case name says how one message was framed or coded on one connection, and so holds for no other.
pub fn is_framing(name: &str) -> bool {
    matches!(
        name,
        "connection" | "keep-alive" | "transfer-encoding" | "te" | "upgrade" | "content-length" | "content-encoding"
    ) || name.starts_with("proxy-")
}

/// Joins `Cookie` fields into one, as HTTP/1 has them: HTTP/2 clients send one per cookie to compress them better
/// (RFC 9113 section 8.2.3).
pub fn join_cookies(fields: &mut HeaderMap) {
    let mut crumbs = fields.get_all(COOKIE).iter();
    if crumbs.next().is_none() || crumbs.next().is_none() {
        return;
    }
    let joined = fields.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect::<Vec<_>>().join(&b"; "[..]);
    if let Ok(joined) = HeaderValue::from_bytes(&joined) {
        fields.insert(COOKIE, joined);
    }
}

/// Whether the sender of these fields takes trailers (RFC 9110 section 10.1.4).
pub fn accepts_trailers(fields: &HeaderMap) -> bool {
    fields.get_all(TE).iter().any(|value| tokens(value).any(|token| token.eq_ignore_ascii_case("trailers")))
}

/// Whether these fields ask for another protocol on this connection (RFC 9110 section 7.8).
///
/// `h2c` does not count: it asks for the same request in another framing, and a server may pass it over.
pub fn is_upgrade(fields: &HeaderMap) -> bool {
    let named =
        |token: &str| fields.get_all(CONNECTION).iter().any(|v| tokens(v).any(|t| t.eq_ignore_ascii_case(token)));
    let protocols = fields.get_all(UPGRADE);
    let asks = protocols.iter().flat_map(tokens).any(|protocol| !protocol.eq_ignore_ascii_case("h2c"));
    asks && named("upgrade")
}

fn connection_options(fields: &HeaderMap) -> Vec<HeaderName> {
    fields
        .get_all(CONNECTION)
        .iter()
        .flat_map(tokens)
        .filter_map(|token| HeaderName::from_bytes(token.as_bytes()).ok())
        .collect()
}

fn tokens(value: &HeaderValue) -> impl Iterator<Item = &str> {
    let text = value.to_str().unwrap_or_default();
    text.split(',').map(|token| token.split(';').next().unwrap_or_default().trim()).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn what_connection_names_is_removed_with_it() {
        let mut map = fields(&[("connection", "close, X-Secret"), ("x-secret", "1"), ("x-kept", "2")]);
        strip_hop_by_hop(&mut map);
        assert_eq!(map, fields(&[("x-kept", "2")]));
    }

    #[test]
    fn te_trailers_survives_and_other_codings_do_not() {
        let mut map = fields(&[("te", "gzip;q=0.5, trailers"), ("connection", "te")]);
        strip_hop_by_hop(&mut map);
        assert_eq!(map, fields(&[("te", "trailers")]));
    }

    #[test]
    fn fields_for_proxies_and_for_harmock_go_no_further() {
        let mut map = fields(&[("proxy-authorization", "x"), ("x-harmock-session", "y"), ("x-harm", "z")]);
        strip_hop_by_hop(&mut map);
        assert_eq!(map, fields(&[("x-harm", "z")]));
    }

    #[test]
    fn cookies_of_http_2_become_one_field() {
        let mut map = fields(&[("cookie", "a=1"), ("x", "y"), ("cookie", "b=2")]);
        join_cookies(&mut map);
        assert_eq!(map, fields(&[("cookie", "a=1; b=2"), ("x", "y")]));
    }

    #[test]
    fn another_protocol_is_told_from_another_framing() {
        assert!(is_upgrade(&fields(&[("connection", "keep-alive, Upgrade"), ("upgrade", "WebSocket")])));
        assert!(!is_upgrade(&fields(&[("connection", "upgrade, http2-settings"), ("upgrade", "h2c")])));
        assert!(!is_upgrade(&fields(&[("upgrade", "websocket")])));
    }
}
