//! The token of the control API, which is never shown.

use std::ffi::OsStr;

use super::value::{HIDDEN, Scalar, Value, utf8};

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
        let text = utf8(text)?;
        let fits = text.len() >= SHORTEST && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "expected at least {SHORTEST} printable characters without a space, such as `openssl rand -hex 16` prints"
            ))
        }
    }

    fn to_scalar(&self) -> Scalar {
        Scalar::Text(HIDDEN.to_owned())
    }
}
