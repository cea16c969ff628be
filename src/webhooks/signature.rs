//! `--sign 'X-Signature: sha256=hmac(env.SECRET, body)'`: a field that is computed for each request.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderName, HeaderValue};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

use crate::har::fingerprint::hex;

/// A field whose value is made of text, the time, and hashes of the payload.
#[derive(Clone)]
pub struct Signature {
    name: HeaderName,
    pieces: Vec<Piece>,
}

/// The key is nobody's to read.
impl std::fmt::Debug for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signature").field("name", &self.name).finish_non_exhaustive()
    }
}

#[derive(Clone)]
enum Piece {
    Text(String),
    Timestamp,
    Hmac { key: Vec<u8>, hash: Hash, base64: bool, message: Vec<Part> },
}

/// What is hashed.
#[derive(Clone)]
enum Part {
    Body,
    Timestamp,
    Text(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hash {
    Sha1,
    Sha256,
    Sha512,
}

impl Hash {
    fn of(word: &str) -> Option<Self> {
        match word {
            "sha1" => Some(Self::Sha1),
            "sha256" => Some(Self::Sha256),
            "sha512" => Some(Self::Sha512),
            _ => None,
        }
    }

    /// The one that is named right before, as in `sha1=hmac(…)`.
    fn named_by(text: &str) -> Self {
        let word = text.trim_end_matches(['=', ':']).rsplit(|char: char| !char.is_ascii_alphanumeric()).next();
        word.and_then(Self::of).unwrap_or(Self::Sha256)
    }
}

/// Why a signature cannot be computed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SignatureError {
    /// No field.
    #[error("{0:?} is not NAME: VALUE")]
    NotField(String),
    /// No `hmac(KEY, MESSAGE)`.
    #[error("{0:?} is not hmac(env.NAME, body), with sha1, sha256, sha512, hex or base64 behind the body")]
    NotHmac(String),
    /// What is to be hashed.
    #[error("{0:?} cannot be signed; a message is body, timestamp and 'text', joined by +")]
    Message(String),
    /// The key is not there.
    #[error("the variable {0} is not set, and the signature needs it as its key")]
    NoKey(String),
    /// The value is none that a field can have.
    #[error("the value of {0} cannot be sent in a field")]
    Value(HeaderName),
}

impl Signature {
    /// Reads `NAME: VALUE`. In the value `{timestamp}` is the time in seconds, and `hmac(env.KEY, MESSAGE, …)` a hash.
    ///
    /// # Errors
    ///
    /// It is not one, or the environment does not have its key.
    pub fn parse(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, SignatureError> {
        let not_field = || SignatureError::NotField(text.to_owned());
        let (name, value) = text.split_once(':').ok_or_else(not_field)?;
        let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| not_field())?;
        let mut pieces = Vec::new();
        let mut rest = value.trim();
        while !rest.is_empty() {
            let next = [rest.find("{timestamp}"), rest.find("hmac(")].into_iter().flatten().min();
            let Some(at) = next else { break };
            let (before, found) = rest.split_at(at);
            pieces.push(Piece::Text(before.to_owned()));
            if let Some(after) = found.strip_prefix("{timestamp}") {
                pieces.push(Piece::Timestamp);
                rest = after;
            } else {
                let (arguments, after) = arguments(found)?;
                pieces.push(hmac_piece(found, &arguments, Hash::named_by(before), variable)?);
                rest = after;
            }
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Ok(Self { name, pieces })
    }

    /// The field for a payload that is sent at this time.
    ///
    /// # Errors
    ///
    /// HTTP cannot carry the value.
    pub fn field(&self, body: &[u8], timestamp: u64) -> Result<(HeaderName, HeaderValue), SignatureError> {
        let mut value = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => value.push_str(text),
                Piece::Timestamp => value.push_str(&timestamp.to_string()),
                Piece::Hmac { key, hash, base64, message } => {
                    let message: Vec<u8> = message.iter().flat_map(|part| part.bytes(body, timestamp)).collect();
                    let hash = hashed(*hash, key, &message);
                    value.push_str(&if *base64 { STANDARD.encode(&hash) } else { hex(&hash) });
                }
            }
        }
        let sent = HeaderValue::from_str(&value).map_err(|_| SignatureError::Value(self.name.clone()))?;
        Ok((self.name.clone(), sent))
    }
}

impl Part {
    fn bytes(&self, body: &[u8], timestamp: u64) -> Vec<u8> {
        match self {
            Self::Body => body.to_vec(),
            Self::Timestamp => timestamp.to_string().into_bytes(),
            Self::Text(text) => text.clone().into_bytes(),
        }
    }
}

/// What stands between the brackets of `hmac(…)`, and what is behind them.
fn arguments(text: &str) -> Result<(Vec<String>, &str), SignatureError> {
    let inside = text.strip_prefix("hmac(").unwrap_or(text);
    let (mut all, mut one, mut quoted) = (Vec::new(), String::new(), false);
    for (at, char) in inside.char_indices() {
        match char {
            '\'' => {
                quoted = !quoted;
                one.push(char);
            }
            ',' if !quoted => all.push(std::mem::take(&mut one).trim().to_owned()),
            ')' if !quoted => {
                all.push(one.trim().to_owned());
                return Ok((all, &inside[at + 1..]));
            }
            other => one.push(other),
        }
    }
    Err(SignatureError::NotHmac(text.to_owned()))
}

fn hmac_piece(
    text: &str,
    arguments: &[String],
    mut hash: Hash,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Piece, SignatureError> {
    let not_hmac = || SignatureError::NotHmac(text.to_owned());
    let [key, message, how @ ..] = arguments else { return Err(not_hmac()) };
    let name = key.strip_prefix("env.").ok_or_else(not_hmac)?;
    let key = variable(name).ok_or_else(|| SignatureError::NoKey(name.to_owned()))?.into_bytes();
    let mut base64 = false;
    for word in how {
        match (Hash::of(word), word.as_str()) {
            (Some(named), _) => hash = named,
            (None, "base64") => base64 = true,
            (None, "hex") => base64 = false,
            (None, _) => return Err(not_hmac()),
        }
    }
    Ok(Piece::Hmac { key, hash, base64, message: parts(message)? })
}

fn parts(message: &str) -> Result<Vec<Part>, SignatureError> {
    let bad = || SignatureError::Message(message.to_owned());
    let (mut parts, mut rest) = (Vec::new(), message.trim());
    loop {
        rest = if let Some(after) = rest.strip_prefix('\'') {
            let (text, after) = after.split_once('\'').ok_or_else(bad)?;
            parts.push(Part::Text(text.to_owned()));
            after
        } else if let Some(after) = rest.strip_prefix("body") {
            parts.push(Part::Body);
            after
        } else if let Some(after) = rest.strip_prefix("timestamp") {
            parts.push(Part::Timestamp);
            after
        } else {
            return Err(bad());
        };
        rest = rest.trim_start();
        if rest.is_empty() {
            return Ok(parts);
        }
        rest = rest.strip_prefix('+').ok_or_else(bad)?.trim_start();
    }
}

fn hashed(hash: Hash, key: &[u8], message: &[u8]) -> Vec<u8> {
    // A key of any length is one.
    macro_rules! hashed {
        ($hash:ty) => {
            Hmac::<$hash>::new_from_slice(key).map(|mac| mac.chain_update(message).finalize().into_bytes().to_vec())
        };
    }
    match hash {
        Hash::Sha1 => hashed!(Sha1),
        Hash::Sha256 => hashed!(Sha256),
        Hash::Sha512 => hashed!(Sha512),
    }
    .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(text: &str, body: &str) -> Result<String, String> {
        let variable = |name: &str| (name == "SECRET").then(|| "key".to_owned());
        let signature = Signature::parse(text, &variable).map_err(|error| error.to_string())?;
        let (name, value) = signature.field(body.as_bytes(), 1_700_000_000).map_err(|error| error.to_string())?;
        Ok(format!("{name}: {}", value.to_str().unwrap()))
    }

    /// What `openssl dgst -hmac key` says of the same text.
    #[test]
    fn hashes_are_those_of_the_standard() {
        const FOX: &str = "The quick brown fox jumps over the lazy dog";
        for (text, expected) in [
            (
                "X-Signature: sha256=hmac(env.SECRET, body)",
                "x-signature: sha256=f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8",
            ),
            ("X-Hub: sha1=hmac(env.SECRET, body)", "x-hub: sha1=de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9"),
            ("X: hmac(env.SECRET, body, sha1, base64)", "x: 3nybhbi3iqa8ino29wqQcBydtNk="),
        ] {
            assert_eq!(field(text, FOX).unwrap(), expected);
        }
        let long = field("X: hmac(env.SECRET, body, sha512)", FOX).unwrap();
        assert!(
            long.starts_with("x: b42af09057bac1e2d41708e48a902e09b5ff7f12ab428a4f") && long.len() == 3 + 128,
            "{long}"
        );
    }

    #[test]
    fn the_time_may_be_part_of_what_is_signed() {
        let signed =
            field("Stripe-Signature: t={timestamp},v1=hmac(env.SECRET, timestamp + '.' + body)", "{}").unwrap();
        let plain = field("X: hmac(env.SECRET, '1700000000.{}')", "").unwrap();
        assert_eq!(signed, format!("stripe-signature: t=1700000000,v1={}", plain.trim_start_matches("x: ")));
        assert_eq!(field("X-Sent: {timestamp}", "").unwrap(), "x-sent: 1700000000");
        assert!(field("X: hmac(env.SECRET, 'a,)' + body)", "").is_ok());
    }

    #[test]
    fn what_is_none_is_refused_by_what_is_wrong() {
        for (text, said) in [
            ("hmac", "is not NAME: VALUE"),
            ("X Y: hmac(env.SECRET, body)", "is not NAME: VALUE"),
            ("X: hmac(SECRET, body)", "is not hmac(env.NAME, body)"),
            ("X: hmac(env.SECRET)", "is not hmac(env.NAME, body)"),
            ("X: hmac(env.SECRET, body", "is not hmac(env.NAME, body)"),
            ("X: hmac(env.SECRET, body, md5)", "is not hmac(env.NAME, body)"),
            ("X: hmac(env.SECRET, header)", "cannot be signed"),
            ("X: hmac(env.OTHER, body)", "the variable OTHER is not set"),
        ] {
            assert!(field(text, "").unwrap_err().contains(said), "{text}");
        }
    }
}
