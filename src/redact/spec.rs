//! What a user adds to the list: `header:NAME`, `query:NAME`, `json:JSONPATH`, `form:NAME`.

use std::fmt;
use std::str::FromStr;

use super::json_path::JsonPath;

/// One place that is redacted beside the listed ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    pub(super) place: Named,
    /// As it was written.
    text: String,
}

/// The kinds of place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Named {
    Header(String),
    Query(String),
    Json(JsonPath),
    Form(String),
}

/// Why a text names no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SpecError(String);

impl FromStr for Spec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let form = || SpecError("expected header:NAME, query:NAME, json:JSONPATH or form:NAME".to_owned());
        let (kind, name) = text.split_once(':').ok_or_else(form)?;
        if name.is_empty() {
            return Err(SpecError(format!("{kind}: names nothing")));
        }
        let place = match kind {
            "header" if crate::har::fields::is_token(name) => Named::Header(name.to_ascii_lowercase()),
            "header" => return Err(SpecError(format!("{name:?} is no name of a header field"))),
            "query" => Named::Query(name.to_owned()),
            "json" => Named::Json(JsonPath::parse(name).map_err(|reason| SpecError(reason.to_owned()))?),
            "form" => Named::Form(name.to_owned()),
            _ => return Err(form()),
        };
        Ok(Self { place, text: text.to_owned() })
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_place_is_said_in_one_line() {
        for (text, said) in [
            ("token", "expected header:NAME, query:NAME, json:JSONPATH or form:NAME"),
            ("cookie:sid", "expected header:NAME, query:NAME, json:JSONPATH or form:NAME"),
            ("header:a b", "\"a b\" is no name of a header field"),
            ("query:", "query: names nothing"),
            ("json:user", "a JSON path begins with $, as in $.user.token"),
        ] {
            assert_eq!(text.parse::<Spec>().unwrap_err().to_string(), said);
        }
        assert_eq!("header:X-Mine".parse::<Spec>().unwrap().to_string(), "header:X-Mine");
    }
}
