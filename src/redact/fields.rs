//! Secrets in header fields: credentials behind their scheme, the values of cookies, parameters of URLs.

use percent_encoding::percent_decode;

use super::listed::{self, is_value};
use super::place::Place;
use super::rules::Rules;
use super::url::in_url;

/// Fields whose value is made from the body: of a body without its secrets they are wrong, and tell of them.
const DIGESTS: [&str; 4] = ["content-digest", "content-md5", "digest", "repr-digest"];

/// Whether the value of a lower-case field is made from the body.
pub fn is_digest(name: &str) -> bool {
    DIGESTS.contains(&name)
}

/// The longest scheme in front of credentials, `AWS4-ECDSA-P256-SHA256`.
const LONGEST_SCHEME: usize = 24;

/// The places of a field's value; the name is lower case.
pub(super) fn in_field(name: &str, value: &[u8], rules: &Rules) -> Vec<Place> {
    if !rules.is_on() {
        return Vec::new();
    }
    match name {
        "cookie" => value.split(|byte| *byte == b';').filter_map(|pair| cookie("cookie", value, pair)).collect(),
        "set-cookie" => {
            let pair = value.split(|byte| *byte == b';').next();
            pair.and_then(|pair| cookie("set-cookie", value, pair)).into_iter().collect()
        }
        _ if rules.header(name) => credentials(name, value).into_iter().collect(),
        _ if listed::URL_HEADERS.contains(&name) => in_url(value, rules, Some(&format!("header:{name}"))),
        _ => Vec::new(),
    }
}

/// The value of a cookie that a HAR lists apart from its field.
pub(super) fn cookie_value(field: &str, name: &str, value: &str) -> Option<Place> {
    let pair = format!("{name}={value}");
    let place = cookie(field, pair.as_bytes(), pair.as_bytes())?;
    let moved = place.span.start - name.len() - 1..place.span.end - name.len() - 1;
    Some(Place { span: moved, ..place })
}

/// The value of `name=value`, a slice of `whole`, without quotes.
fn cookie(field: &str, whole: &[u8], pair: &[u8]) -> Option<Place> {
    let equals = pair.iter().position(|byte| *byte == b'=')?;
    let name = String::from_utf8_lossy(pair[..equals].trim_ascii()).into_owned();
    let mut value = pair[equals + 1..].trim_ascii();
    if let Some(inner) = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")) {
        value = inner;
    }
    let start = (value.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    let place = || Place {
        span: start..start + value.len(),
        label: format!("{field}:{name}"),
        // Scripts read a cookie, undo its escapes and send it back in a field.
        secret: percent_decode(value).collect(),
        name,
        quote: String::new(),
    };
    is_value(value).then(place)
}

fn credentials(name: &str, value: &[u8]) -> Option<Place> {
    let whole = value.trim_ascii();
    let start = (whole.as_ptr() as usize).checked_sub(value.as_ptr() as usize)?;
    let scheme = whole.iter().position(|byte| *byte == b' ').filter(|end| is_scheme(&whole[..*end]));
    let secret = scheme.map_or(whole, |end| whole[end..].trim_ascii());
    let start = start + whole.len() - secret.len();
    is_value(secret).then(|| Place {
        span: start..start + secret.len(),
        name: name.to_owned(),
        label: format!("header:{name}"),
        secret: secret.to_vec(),
        quote: String::new(),
    })
}

/// A word such as `Bearer` or `AWS4-HMAC-SHA256`; not a token that happens to be followed by a space.
fn is_scheme(word: &[u8]) -> bool {
    let letters = word.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    word.first().is_some_and(u8::is_ascii_alphabetic)
        && word.len() <= LONGEST_SCHEME
        && letters * 2 > word.len()
        && word.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(name: &str, value: &str) -> Vec<(String, String)> {
        let places = in_field(name, value.as_bytes(), &Rules::listed_and(&["header:X-Mine".parse().unwrap()]));
        places.iter().map(|place| (place.label.clone(), value[place.span.clone()].to_owned())).collect()
    }

    fn one(label: &str, value: &str) -> Vec<(String, String)> {
        vec![(label.to_owned(), value.to_owned())]
    }

    #[test]
    fn the_scheme_of_credentials_stays() {
        for (value, secret) in [
            ("Bearer abc.def", "abc.def"),
            ("Basic  YTpi", "YTpi"),
            ("AWS4-HMAC-SHA256 Credential=A/b, Signature=c", "Credential=A/b, Signature=c"),
            ("abcdef", "abcdef"),
            ("0123456789abcdef x", "0123456789abcdef x"),
        ] {
            assert_eq!(values("authorization", value), one("header:authorization", secret), "{value}");
        }
        assert_eq!(values("authorization", "Negotiate"), one("header:authorization", "Negotiate"));
        assert_eq!(values("x-mine", "v"), one("header:x-mine", "v"));
        assert_eq!(values("accept", "v"), []);
    }

    #[test]
    fn cookies_keep_names_and_attributes() {
        let sent = values("cookie", "sid=a=b; theme=\"x y\";empty=; flag");
        assert_eq!(sent, [one("cookie:sid", "a=b"), one("cookie:theme", "x y")].concat());
        let set = values("set-cookie", "sid=s3cr3t; Path=/; HttpOnly; Max-Age=60");
        assert_eq!(set, one("set-cookie:sid", "s3cr3t"));
        assert_eq!(values("set-cookie", "sid=; Max-Age=0"), []);
    }

    #[test]
    fn urls_in_fields_lose_their_secrets() {
        let referer = values("referer", "https://a.test/?q=1&access_token=x");
        assert_eq!(referer, one("header:referer", "x"));
        assert_eq!(values("x-custom", "https://a.test/?access_token=x"), []);
    }
}
