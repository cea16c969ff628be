//! The text that stands where a secret stood: `redacted-FIELD-N`, or a JSON Web Token that carries it.
//!
//! `FIELD` is the name of the place in lower case (`[a-z0-9_.-]`), `N` tells the values of an archive apart: equal
//! secrets have equal text. Where the secret was a JSON Web Token, the text is one too, so that a client that decodes
//! it goes on working: `HEADER.PAYLOAD.redacted`, with `alg` and `typ` in the header, the time claims and
//! `"redacted": "redacted-FIELD-N"` in the payload, and no signature.
//!
//! A text of this form is only a replacement in an entry that says so in `_harmock.redacted`.

use std::borrow::Cow;
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use memchr::memmem;

/// What every replacement begins with, and the third part of a token.
const WORD: &[u8] = b"redacted";
/// The longest name of a place.
const LONGEST_FIELD: usize = 64;

/// A replacement in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redacted {
    /// The bytes that it takes up.
    pub span: Range<usize>,
    /// The name of the place where the secret was seen first.
    pub field: String,
    /// Tells secrets of the same name apart, from 1.
    pub number: u32,
}

impl Redacted {
    /// `redacted-FIELD-N`; the same for a token that carries it.
    pub fn text(&self) -> String {
        text(&self.field, self.number)
    }
}

/// The replacement number `number` of the place called `name`.
pub fn text(name: &str, number: u32) -> String {
    format!("redacted-{}-{number}", field(name))
}

/// `FIELD` for a place of this name: lower case, other characters than `[a-z0-9_.-]` as `-`.
pub fn field(name: &str) -> String {
    let safe = |char: char| match char.to_ascii_lowercase() {
        safe @ ('a'..='z' | '0'..='9' | '_' | '.' | '-') => safe,
        _ => '-',
    };
    match name.chars().take(LONGEST_FIELD).map(safe).collect::<String>() {
        empty if empty.is_empty() => "value".to_owned(),
        field => field,
    }
}

/// The replacements in a text, in order.
pub fn find(text: &[u8]) -> impl Iterator<Item = Redacted> + '_ {
    let mut from = 0;
    std::iter::from_fn(move || {
        while let Some(found) = memmem::find(&text[from..], WORD) {
            let at = from + found;
            from = at + WORD.len();
            let redacted = plain_at(text, at).or_else(|| token_around(text, at));
            if let Some(redacted) = redacted {
                from = redacted.span.end;
                return Some(redacted);
            }
        }
        None
    })
}

/// The replacement that a text consists of; none where there is more or something else.
pub fn whole(text: &[u8]) -> Option<Redacted> {
    find(text).next().filter(|redacted| redacted.span == (0..text.len()))
}

/// The text with each replacement as the word `redacted` alone: equal for texts that differ in redacted values only.
pub fn masked(text: &[u8]) -> Cow<'_, [u8]> {
    let mut masked = Vec::new();
    let mut kept = 0;
    for redacted in find(text) {
        masked.extend_from_slice(&text[kept..redacted.span.start]);
        masked.extend_from_slice(WORD);
        kept = redacted.span.end;
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    masked.extend_from_slice(&text[kept..]);
    Cow::Owned(masked)
}

/// A token in the place of `original`, which was one, that carries `text`; none if `original` was no JSON Web Token.
/// Of its payload the time claims stay, of its header the algorithm and the type where they are the usual words.
pub fn token(original: &str, text: &str) -> Option<String> {
    let (header, payload) = parts(original)?;
    let mut kept = serde_json::Map::new();
    for (claim, known) in [("alg", &ALGORITHMS[..]), ("typ", &["JWT", "at+jwt"][..])] {
        let word = header.get(claim).and_then(|value| value.as_str());
        if let Some(word) = word.filter(|word| known.contains(word)) {
            kept.insert(claim.to_owned(), word.into());
        }
    }
    let mut claims = serde_json::Map::new();
    for claim in ["exp", "nbf", "iat"] {
        if let Some(time) = payload.get(claim).filter(|value| value.is_number()) {
            claims.insert(claim.to_owned(), time.clone());
        }
    }
    claims.insert("redacted".to_owned(), text.into());
    let encode = |part| URL_SAFE_NO_PAD.encode(serde_json::Value::Object(part).to_string());
    Some(format!("{}.{}.redacted", encode(kept), encode(claims)))
}

/// Whether a text is a JSON Web Token: three parts, the first two of which are JSON objects.
pub fn is_token(text: &str) -> bool {
    parts(text).is_some()
}

const ALGORITHMS: [&str; 15] = [
    "none", "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "ES256K", "PS256",
    "PS384", "PS512", "EdDSA",
];

type Claims = serde_json::Map<String, serde_json::Value>;

fn parts(token: &str) -> Option<(Claims, Claims)> {
    let mut parts = token.split('.');
    let (header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    let decoded = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
    if parts.next().is_some() { None } else { Some((decoded(header)?, decoded(payload)?)) }
}

/// `redacted-FIELD-N` at this place: as much as makes one.
fn plain_at(text: &[u8], at: usize) -> Option<Redacted> {
    let start = at + WORD.len() + 1;
    if text.get(start - 1) != Some(&b'-') {
        return None;
    }
    let name = text[start..].iter().take_while(|byte| is_field(**byte)).take(LONGEST_FIELD + 12).count();
    let rest = std::str::from_utf8(&text[start..start + name]).ok()?;
    let rest = &rest[..rest.find("redacted-").unwrap_or(rest.len())];
    let end = rest.rfind(|char: char| char.is_ascii_digit())? + 1;
    let (field, number) = rest[..end].rsplit_once('-')?;
    if field.is_empty() || number.starts_with('0') {
        return None;
    }
    Some(Redacted { span: at..start + end, field: field.to_owned(), number: number.parse().ok()? })
}

/// The token whose third part the word at this place is.
fn token_around(text: &[u8], at: usize) -> Option<Redacted> {
    let end = at + WORD.len();
    if text.get(end).is_some_and(|next| is_base64url(*next) || *next == b'.') {
        return None;
    }
    let payload = part_before(text, at)?;
    let header = part_before(text, payload.start)?;
    let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(&text[payload]).ok()?).ok()?;
    let carried = claims.get("redacted")?.as_str()?.as_bytes();
    let Redacted { span, field, number } = plain_at(carried, 0)?;
    (span.end == carried.len()).then_some(Redacted { span: header.start..end, field, number })
}

/// The part of a token in front of the dot before `end`.
fn part_before(text: &[u8], end: usize) -> Option<Range<usize>> {
    let end = end.checked_sub(1).filter(|dot| text[*dot] == b'.')?;
    let length = text[..end].iter().rev().take_while(|byte| is_base64url(**byte)).count();
    (length > 0).then(|| end - length..end)
}

fn is_field(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-')
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const JWT: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImsxIn0.\
                       eyJzdWIiOiJhZGEiLCJleHAiOjE5MDAwMDAwMDAsImlhdCI6MX0.c2lnbmF0dXJl";

    fn found(text: &str) -> Vec<(String, String)> {
        find(text.as_bytes()).map(|found| (text[found.span.clone()].to_owned(), found.text())).collect()
    }

    fn same(texts: &[&str]) -> Vec<(String, String)> {
        texts.iter().map(|text| ((*text).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn replacements_are_found_wherever_they_stand() {
        let text = "sid=redacted-sid-1; a=redacted-x-csrf-token-12&b={\"t\":\"redacted-access_token-3\"}.";
        let expected = same(&["redacted-sid-1", "redacted-x-csrf-token-12", "redacted-access_token-3"]);
        assert_eq!(found(text), expected);
        assert_eq!(found("redacted-a-1.redacted-b-2"), same(&["redacted-a-1", "redacted-b-2"]));
    }

    #[test]
    fn other_text_is_none() {
        for text in
            ["redacted", "redacted-", "redacted-1", "redacted-sid", "redacted-sid-", "redacted--0", "x.y.redacted"]
        {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn a_name_becomes_a_field_that_is_found_again() {
        for (name, expected) in
            [("X-Api-Key", "x-api-key"), ("a[b] ü", "a-b---"), ("", "value"), ("__Host-sid", "__host-sid")]
        {
            let text = text(name, 7);
            assert_eq!(whole(text.as_bytes()).map(|found| (found.field, found.number)), Some((expected.into(), 7)));
        }
        assert!(whole(text(&"n".repeat(500), u32::MAX).as_bytes()).is_some());
        assert_eq!(whole(b"redacted-a-1 "), None);
    }

    #[test]
    fn a_token_stays_one_and_keeps_its_times_alone() {
        let token = token(JWT, "redacted-authorization-2").unwrap();
        let decoded = |part: usize| {
            String::from_utf8(URL_SAFE_NO_PAD.decode(token.split('.').nth(part).unwrap()).unwrap()).unwrap()
        };
        assert_eq!(decoded(0), r#"{"alg":"HS256","typ":"JWT"}"#);
        assert_eq!(decoded(1), r#"{"exp":1900000000,"iat":1,"redacted":"redacted-authorization-2"}"#);
        assert_eq!(token.split('.').nth(2), Some("redacted"));
        let header = format!("Bearer {token}, x");
        assert_eq!(found(&header), [(token, "redacted-authorization-2".to_owned())]);
        assert!(is_token(JWT) && found(JWT).is_empty());
        assert_eq!(super::token("a.b.c", "redacted-a-1"), None);
    }

    #[test]
    fn texts_that_differ_in_redacted_values_alone_are_equal_when_masked() {
        let token = token(JWT, "redacted-authorization-2").unwrap();
        assert_eq!(masked(format!("a {token} b").as_bytes()), masked(b"a redacted-token-17 b"));
        assert_eq!(&*masked(b"a redacted b"), b"a redacted b");
        assert_eq!(&*masked(b"xredacted-a-1"), b"xredacted");
    }
}
