//! The documented list: names under which secrets travel (`docs/secrets.md`).

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::message::redacted;

/// Fields whose whole value is a secret but for the scheme in front of it, lower case.
pub(super) const HEADERS: &[&str] = &[
    "api-key",
    "apikey",
    "authorization",
    "cf-access-jwt-assertion",
    "ocp-apim-subscription-key",
    "proxy-authorization",
    "x-algolia-api-key",
    "x-amz-security-token",
    "x-api-key",
    "x-apikey",
    "x-auth",
    "x-auth-key",
    "x-authorization",
    "x-functions-key",
    "x-goog-api-key",
    "x-goog-iap-jwt-assertion",
    "x-plex-token",
    "x-session-id",
];

/// Ends of field names that say the same: `x-csrf-token`, `private-token`, `x-rapidapi-key`.
const HEADER_ENDS: &[&str] = &["-token", "-secret", "-password", "-api-key", "-apikey", "-access-key", "rapidapi-key"];

/// Words in a name that mean a place in a list, not a secret: `x-continuation-token`, `next_page_token`.
pub(super) const POSITIONS: &[&str] = &["continuation", "page", "pagination", "next", "sync", "cursor"];

/// Fields whose value is a URL.
pub(super) const URL_HEADERS: &[&str] =
    &["content-location", "link", "location", "referer", "refresh", "x-original-url"];

/// Whether a lower-case field name is listed.
pub(super) fn is_listed_header(name: &str) -> bool {
    HEADERS.contains(&name)
        || HEADER_ENDS.iter().any(|end| name.ends_with(end)) && !POSITIONS.iter().any(|word| name.contains(word))
}

/// What a value under a listed name must be like to be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Anything but nothing.
    Any,
    /// One word: a `token` may also be a piece of text.
    Word(usize),
    /// Digits, as a code that is typed in.
    Digits,
}

/// Names of parameters, form fields and JSON keys: folded (lower case, without `_`, `-`, `.` and spaces).
const NAMES: &[(Shape, &[&str])] = &[
    (
        Shape::Any,
        &[
            "accesskey",
            "accesstoken",
            "apikey",
            "apisecret",
            "apitoken",
            "appsecret",
            "assertion",
            "authkey",
            "authtoken",
            "authenticitytoken",
            "authorization",
            "awsaccesskeyid",
            "bearertoken",
            "cardcvc",
            "cardcvv",
            "clientassertion",
            "clientsecret",
            "codeverifier",
            "confirmpassword",
            "credential",
            "csrfmiddlewaretoken",
            "csrftoken",
            "currentpassword",
            "cvc",
            "cvv",
            "devicecode",
            "encryptionkey",
            "hmac",
            "idtoken",
            "idtokenhint",
            "jwt",
            "jwttoken",
            "logintoken",
            "newpassword",
            "oauthconsumersecret",
            "oauthsignature",
            "oauthtoken",
            "oauthtokensecret",
            "oauthverifier",
            "oldpassword",
            "onetimecode",
            "onetimepassword",
            "passcode",
            "passphrase",
            "passwd",
            "password",
            "password1",
            "password2",
            "passwordconfirm",
            "passwordconfirmation",
            "passwordrepeat",
            "personalaccesstoken",
            "phpsessid",
            "privatekey",
            "privatetoken",
            "pwd",
            "refreshtoken",
            "requestverificationtoken",
            "resettoken",
            "samlresponse",
            "secret",
            "secretaccesskey",
            "secretkey",
            "securitytoken",
            "sessionid",
            "sessionkey",
            "sessiontoken",
            "sharedsecret",
            "signingkey",
            "signingsecret",
            "subscriptionkey",
            "subjecttoken",
            "ticket",
            "totp",
            "userpassword",
            "verificationtoken",
            "webhooksecret",
            "xamzcredential",
            "xamzsecuritytoken",
            "xamzsignature",
            "xauthtoken",
            "xcsrftoken",
            "xgoogcredential",
            "xgoogsignature",
            "xsrftoken",
        ],
    ),
    (Shape::Word(6), &["token"]),
    (Shape::Word(16), &["auth", "code", "key", "session", "sid", "sig", "signature"]),
    (Shape::Digits, &["mfacode", "otp", "otpcode", "pin", "pincode", "smscode", "verificationcode"]),
];

/// A name without what spellings differ in.
pub(super) fn folded(name: &str) -> String {
    let kept = name.chars().filter(|char| !matches!(char, '_' | '-' | '.' | ' '));
    kept.flat_map(char::to_lowercase).collect()
}

fn shape(folded: &str) -> Option<Shape> {
    static SHAPES: LazyLock<HashMap<&str, Shape>> =
        LazyLock::new(|| NAMES.iter().flat_map(|(shape, names)| names.iter().map(|name| (*name, *shape))).collect());
    SHAPES.get(folded).copied()
}

/// Whether a listed name says by itself that a value of this length under it is a secret, and not that the value has to
/// be like one. None for a name that is not listed.
pub(super) fn says_secret(folded: &str, length: usize) -> Option<bool> {
    shape(folded).map(|shape| match shape {
        Shape::Any => true,
        Shape::Word(shortest) => shortest < length,
        Shape::Digits => false,
    })
}

/// Whether a value under this folded name is a secret.
pub(super) fn is_secret(folded: &str, value: &[u8]) -> bool {
    shape(folded).is_some_and(|shape| is_value(value) && (shape.fits(value) || redacted::whole(value).is_some()))
}

/// Words that stand for nothing, whatever the name is.
pub(super) fn is_value(value: &[u8]) -> bool {
    !matches!(value, b"" | b"null" | b"undefined" | b"true" | b"false")
}

impl Shape {
    fn fits(self, value: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::Word(shortest) => value.len() >= shortest && !value.iter().any(u8::is_ascii_whitespace),
            Self::Digits => (4..=12).contains(&value.len()) && value.iter().all(u8::is_ascii_digit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_name_are_one() {
        for name in ["access_token", "accessToken", "ACCESS-TOKEN", "Access.Token"] {
            assert!(is_secret(&folded(name), b"x"), "{name}");
        }
        assert!(!is_secret(&folded("access_token_url"), b"x"));
    }

    #[test]
    fn a_name_that_can_mean_something_else_needs_a_value_like_a_secret() {
        let long: &[u8] = b"4/0AfJohXlMNopQrsTuv";
        for (name, value, secret) in [
            ("code", &b"DE"[..], false),
            ("code", long, true),
            ("pin", b"1234", true),
            ("pin", b"left", false),
            ("pin", b"redacted-pin-1", true),
            ("token", b"the whole text", false),
            ("password", b"", false),
            ("password", b"true", false),
            ("password", b"two words", true),
        ] {
            assert_eq!(is_secret(name, value), secret, "{name} {}", String::from_utf8_lossy(value));
        }
    }

    #[test]
    fn token_fields_are_known_by_their_end_and_positions_are_not_secrets() {
        for name in ["x-csrf-token", "private-token", "x-vault-token", "x-acme-api-key", "authorization"] {
            assert!(is_listed_header(name), "{name}");
        }
        for name in ["x-ms-continuation-token", "etag", "x-next-token", "content-type", "x-request-id"] {
            assert!(!is_listed_header(name), "{name}");
        }
    }
}
