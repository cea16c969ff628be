//! The keys of a private mock: who shows none is asked for one, and no key goes any further.

use std::fmt;

use http::header::{HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION, WWW_AUTHENTICATE};
use http::{Method, Response, StatusCode};
use sha2::{Digest, Sha256};

use super::{rescue, session};
use crate::message::Body;
use crate::replay::cors;

/// Where a client of a base URL shows its key.
const FIELD: HeaderName = HeaderName::from_static("x-api-key");
/// The same for one whose server takes keys of its own in the other field.
const OWN_FIELD: HeaderName = HeaderName::from_static("x-harmock-api-key");

/// A key. What is kept for comparing is its SHA-256.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    digest: [u8; 32],
    text: Option<String>,
}

impl ApiKey {
    /// The key with this text.
    pub fn new(text: &str) -> Self {
        Self { digest: Sha256::digest(text).into(), text: Some(text.to_owned()) }
    }

    /// The key whose SHA-256 these 64 hexadecimal digits are; `None` where they are not.
    pub fn from_sha256(digits: &str) -> Option<Self> {
        let bytes = digits.as_bytes();
        if bytes.len() != 64 || !bytes.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let mut digest = [0; 32];
        for (byte, pair) in digest.iter_mut().zip(bytes.chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self { digest, text: None })
    }

    /// Its text, where more than its hash is known.
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }
}

/// A key is never shown.
impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(****)")
    }
}

/// What a file with keys may not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is no `sha256:` and 64 hexadecimal digits, such as `printf %s KEY | sha256sum` prints")]
pub struct KeyFileError {
    /// From one.
    pub line: usize,
}

/// Reads a file of keys: `sha256:HEX` on each line; an empty line, or one that starts with `#`, says nothing.
pub(super) fn parse_file(text: &str) -> Result<Vec<ApiKey>, KeyFileError> {
    let lines = (1..).zip(text.lines().map(str::trim));
    lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(number, line)| {
            let key = line.strip_prefix("sha256:").and_then(|digits| ApiKey::from_sha256(digits.trim()));
            key.ok_or(KeyFileError { line: number })
        })
        .collect()
}

/// The keys of a run; without any, everybody is let in.
#[derive(Debug, Default)]
pub(super) struct Keys(pub(super) Vec<ApiKey>);

/// Which way a request has shown a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Shown {
    /// In a field of its own, or none is needed.
    pub(super) to_server: bool,
    /// In the credentials for the proxy, or none is needed.
    pub(super) to_proxy: bool,
}

impl Keys {
    /// Whether none is needed.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this is one of the keys. How long that takes tells nothing of them.
    pub(super) fn has(&self, given: &[u8]) -> bool {
        let given: [u8; 32] = Sha256::digest(given).into();
        let differs = |key: &ApiKey| key.digest.iter().zip(given).fold(0, |differs, (a, b)| differs | (a ^ b));
        self.0.iter().fold(false, |found, key| found | (differs(key) == 0))
    }

    /// Takes the keys out of the fields of a request, so that no later stage sees them. What a server's own key may be
    /// stays.
    pub(super) fn take(&self, fields: &mut HeaderMap) -> Shown {
        if self.is_empty() {
            return Shown { to_server: true, to_proxy: true };
        }
        let password =
            fields.remove(PROXY_AUTHORIZATION).as_ref().and_then(session::basic).map(|(_, password)| password);
        let to_proxy = password.is_some_and(|password| self.has(password.as_bytes()));
        let own = fields.remove(OWN_FIELD).is_some_and(|value| self.has(value.as_bytes()));
        let (ours, others): (Vec<HeaderValue>, Vec<HeaderValue>) =
            fields.get_all(FIELD).iter().cloned().partition(|value| self.has(value.as_bytes()));
        if !ours.is_empty() {
            fields.remove(FIELD);
            others.into_iter().for_each(|value| {
                fields.append(FIELD, value);
            });
        }
        Shown { to_server: own || !ours.is_empty(), to_proxy }
    }
}

/// A preflight never shows a key: browsers send none with it (Fetch standard, "CORS-preflight fetch").
pub(super) fn needs_none(method: &Method, fields: &HeaderMap) -> bool {
    cors::is_preflight(method, fields)
}

/// Asks a client of a base URL for a key.
pub(super) fn asked_for(request: &HeaderMap) -> Response<Body> {
    let sentence = "this mock is private (--api-key): send the key in the field x-api-key";
    let mut answer = rescue::plain(StatusCode::UNAUTHORIZED, sentence);
    answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("ApiKey realm=\"harmock\""));
    cors::allow_origin(answer.headers_mut(), request);
    answer
}

/// Asks a person who wants to see an own page.
pub(super) fn asked_of_a_person() -> Response<Body> {
    let sentence = "this mock is private (--api-key): give the key as password, or send it in the field x-api-key";
    let mut answer = rescue::plain(StatusCode::UNAUTHORIZED, sentence);
    answer
        .headers_mut()
        .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"harmock\", charset=\"UTF-8\""));
    answer
}

/// Asks a client of the proxy.
pub(super) fn asked_of_proxy_client(request: &HeaderMap) -> Response<Body> {
    let sentence =
        "this proxy is private (--api-key): give the key as the proxy's password, such as http://test-1:KEY@HOST:PORT";
    let mut answer = session::ask(sentence);
    cors::allow_origin(answer.headers_mut(), request);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "a-key-of-some-length";

    fn keys() -> Keys {
        Keys(vec![ApiKey::new("another-key-of-this-run"), ApiKey::new(KEY)])
    }

    fn hash() -> String {
        Sha256::digest(KEY).iter().map(|byte| format!("{byte:02X}")).collect()
    }

    fn fields(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_str(v).unwrap())).collect()
    }

    #[test]
    fn a_key_is_known_by_its_text_or_by_its_hash() {
        let hash = ApiKey::from_sha256(&hash()).unwrap();
        assert!(Keys(vec![hash]).has(KEY.as_bytes()));
        assert!(keys().has(KEY.as_bytes()));
        for other in ["", "a-key-of-some-lengtH", "a-key-of-some-length "] {
            assert!(!keys().has(other.as_bytes()), "{other:?}");
        }
        assert!(ApiKey::from_sha256("abc").is_none());
        assert_eq!(format!("{:?}", keys()), "Keys([ApiKey(****), ApiKey(****)])");
    }

    #[test]
    fn a_key_that_was_shown_is_taken_out_and_the_servers_own_stays() {
        let mut request = fields(&[("x-api-key", "of-the-server"), ("x-api-key", KEY), ("x", "y")]);
        assert!(keys().take(&mut request).to_server);
        assert_eq!(request, fields(&[("x-api-key", "of-the-server"), ("x", "y")]));
        let mut request = fields(&[("x-api-key", "of-the-server"), ("x-harmock-api-key", KEY)]);
        assert!(keys().take(&mut request).to_server);
        assert_eq!(request, fields(&[("x-api-key", "of-the-server")]));
        let mut request = fields(&[("x-api-key", "wrong")]);
        assert_eq!(keys().take(&mut request), Shown::default());
    }

    #[test]
    fn a_proxys_client_shows_it_as_the_password_and_a_servers_client_does_not() {
        use base64::Engine as _;
        let coded = base64::engine::general_purpose::STANDARD.encode(format!("test-1:{KEY}"));
        let mut request = fields(&[("proxy-authorization", &format!("Basic {coded}"))]);
        assert_eq!(keys().take(&mut request), Shown { to_server: false, to_proxy: true });
        let mut request = fields(&[("proxy-authorization", &format!("Bearer {KEY}"))]);
        assert_eq!(keys().take(&mut request), Shown::default());
    }

    #[test]
    fn a_file_holds_hashes_and_remarks() {
        let digits = hash();
        let read = parse_file(&format!("# of the team\n\n sha256:{digits} \n")).unwrap();
        assert!(Keys(read).has(KEY.as_bytes()));
        assert_eq!(parse_file(&format!("sha256:{digits}\n{KEY}\n")).unwrap_err(), KeyFileError { line: 2 });
        assert!(parse_file("sha256:12").is_err());
    }
}
