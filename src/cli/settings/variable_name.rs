//! The name of a variable of the process that templates can read.

use std::ffi::OsStr;

use super::value::{Scalar, Value, utf8};

/// Letters, digits and `_`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VariableName(pub(crate) String);

impl Value for VariableName {
    fn parse(text: &OsStr) -> Result<Self, String> {
        let text = utf8(text)?;
        let is_name = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if is_name && !text.is_empty() && !text.starts_with(|char: char| char.is_ascii_digit()) {
            return Ok(Self(text.to_owned()));
        }
        // Who gives a value here may have given a secret.
        Err("expected the name of a variable, such as `PAY_TOKEN`; its value is the environment's".to_owned())
    }

    fn to_scalar(&self) -> Scalar {
        Scalar::Text(self.0.clone())
    }
}
