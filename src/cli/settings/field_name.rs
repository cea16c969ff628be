//! The name of a header field, or the beginning of several names.

use std::ffi::OsStr;

use super::value::{Scalar, Value, utf8};

/// A field name; a `*` at its end stands for any rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldName(pub(crate) String);

impl Value for FieldName {
    fn parse(text: &OsStr) -> Result<Self, String> {
        let name = utf8(text)?.trim();
        let start = name.strip_suffix('*').unwrap_or(name);
        if http::HeaderName::from_bytes(start.as_bytes()).is_err() || start.contains('*') {
            return Err(format!("{name:?} is not the name of a header field, such as `x-build` or `x-debug-*`"));
        }
        Ok(Self(name.to_ascii_lowercase()))
    }

    fn to_scalar(&self) -> Scalar {
        Scalar::Text(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_beginnings_are_taken_and_what_no_field_is_called_is_not() {
        let parse = |text| FieldName::parse(OsStr::new(text));
        assert_eq!(parse("X-Build"), Ok(FieldName("x-build".to_owned())));
        assert_eq!(parse("x-debug-*"), Ok(FieldName("x-debug-*".to_owned())));
        for wrong in ["", "*", "x build", "date: now", "x-*-y"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
