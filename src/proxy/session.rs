//! Which session a request belongs to: its own field says so, or its proxy credentials, or those of the `CONNECT` in
//! which it came, or the listener.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{HeaderMap, HeaderName, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION};
use http::{Response, StatusCode};

use super::rescue;
use crate::message::Body;

/// Names the session of a request.
const FIELD: HeaderName = HeaderName::from_static("x-harmock-session");
/// A longer name is none that a person or a test runner gives.
const LONGEST: usize = 200;

/// The session that these fields name.
pub(super) fn named(fields: &HeaderMap) -> Option<Arc<str>> {
    let own = fields.get(FIELD).and_then(|value| value.to_str().ok()).map(|name| name.trim().to_owned());
    own.or_else(|| username(fields.get(PROXY_AUTHORIZATION)?)).filter(|name| is_name(name)).map(Arc::from)
}

/// The username of Basic credentials. The password is for `keys`.
fn username(credentials: &HeaderValue) -> Option<String> {
    basic(credentials).map(|(name, _password)| name)
}

/// Username and password of Basic credentials (RFC 7617).
pub(super) fn basic(credentials: &HeaderValue) -> Option<(String, String)> {
    let (scheme, coded) = credentials.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(coded.trim()).ok()?).ok()?;
    let (name, password) = decoded.split_once(':').unwrap_or((&decoded, ""));
    Some((name.to_owned(), password.to_owned()))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST && !name.chars().any(char::is_control)
}

/// Asks who names no session for one.
pub(super) fn credentials_needed() -> Response<Body> {
    ask("this proxy tells its clients apart (--sessions): name a session as the proxy's username, such as \
         http://test-1:x@HOST:PORT, or in the field X-Harmock-Session")
}

/// The same of who asks this proxy as a server, which has no username for a proxy.
pub(super) fn field_needed() -> Response<Body> {
    rescue::bad_request("clients are told apart here (--sessions): name a session in the field X-Harmock-Session")
}

/// Asks for credentials: browsers send those of their proxy only then.
pub(super) fn ask(sentence: &str) -> Response<Body> {
    let mut answer = rescue::plain(StatusCode::PROXY_AUTHENTICATION_REQUIRED, sentence);
    answer
        .headers_mut()
        .insert(PROXY_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"harmock\", charset=\"UTF-8\""));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(fields: &[(&'static str, &str)]) -> Option<String> {
        let fields =
            fields.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
        named(&fields.collect()).map(|name| name.to_string())
    }

    #[test]
    fn the_field_names_a_session_and_else_the_username_does() {
        let basic = format!("Basic {}", STANDARD.encode("test-1:key"));
        assert_eq!(name(&[("proxy-authorization", &basic)]).as_deref(), Some("test-1"));
        let both = [("proxy-authorization", &*basic), ("x-harmock-session", " own ")];
        assert_eq!(name(&both).as_deref(), Some("own"));
        assert_eq!(name(&[("authorization", &basic)]), None);
    }

    #[test]
    fn what_is_no_name_names_nothing() {
        let long = "x".repeat(LONGEST + 1);
        for fields in [
            [("proxy-authorization", "Bearer x")],
            [("proxy-authorization", "Basic !")],
            [("proxy-authorization", "Basic Og==")],
            [("x-harmock-session", "")],
            [("x-harmock-session", &*long)],
        ] {
            assert_eq!(name(&fields), None, "{fields:?}");
        }
    }
}
