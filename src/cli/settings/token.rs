//! Secrets that clients show: the token of the control API and the keys of a private mock. They are never shown by harmock.

use std::ffi::OsStr;

use super::value::{MASKED, Scalar, Value, utf8};
use crate::proxy::ApiKey;

/// Shorter ones are guessed.
const SHORTEST: usize = 16;

/// What changes through the control API need.
#[derive(Clone)]
pub(crate) struct Token(pub(crate) String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(****)")
    }
}

impl Value for Token {
    const SECRET: bool = true;

    fn parse(text: &OsStr) -> Result<Self, String> {
        secret(utf8(text)?).map(|text| Self(text.to_owned()))
    }

    fn to_scalar(&self) -> Scalar {
        Scalar::Text(MASKED.to_owned())
    }
}

/// The keys of a private mock. No list as others are: a `+` may be the first character of a key.
#[derive(Debug, Clone, Default)]
pub(crate) struct ApiKeys(pub(crate) Vec<ApiKey>);

impl Value for ApiKeys {
    const SECRET: bool = true;

    /// One key a line.
    fn parse(text: &OsStr) -> Result<Self, String> {
        let lines = utf8(text)?.lines().map(str::trim).filter(|line| !line.is_empty());
        let keys = lines.map(|line| secret(line).map(ApiKey::new)).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() { secret("").map(|_| Self::default()) } else { Ok(Self(keys)) }
    }

    fn to_scalar(&self) -> Scalar {
        Scalar::Text(vec![MASKED; self.0.len()].join(" "))
    }
}

fn secret(text: &str) -> Result<&str, String> {
    if text.len() >= SHORTEST && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(text);
    }
    Err(format!(
        "expected at least {SHORTEST} printable characters without a space, such as `openssl rand -hex 16` prints"
    ))
}
