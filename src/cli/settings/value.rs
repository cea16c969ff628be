//! What one setting can hold, written alike in a flag, a variable and the file.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;

use clap::builder::{PossibleValue, TypedValueParser, ValueParser};
use clap::error::ErrorKind;

use crate::redact::{Spec, SpecError};
use crate::route::GlobList;

/// The type of a setting. An error is the reason alone; whoever asked names the flag, the variable or the line.
pub(crate) trait Value: Clone + Send + Sync + 'static {
    /// The words and what each means, where a setting knows only a few.
    const WORDS: &'static [(&'static str, &'static str)] = &[];
    /// Whether it is never shown, not even to say that it is wrong.
    const SECRET: bool = false;

    /// Reads the text of a flag or a variable.
    fn parse(text: &OsStr) -> Result<Self, String>;

    /// Reads a value of the file that lies in `folder`; text alone unless the type has its own TOML form.
    fn from_file(value: &Scalar, folder: &Path) -> Result<Self, String> {
        let _ = folder;
        match value {
            Scalar::Text(text) => Self::parse(OsStr::new(text)),
            other => Err(format!("expected a string, found {}", other.kind())),
        }
    }

    /// The value as the file would hold it.
    fn to_scalar(&self) -> Scalar;
}

/// A value as TOML and JSON have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scalar {
    /// A string.
    Text(String),
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction, as it is written.
    Float(String),
    /// An inline table, as TOML has it.
    Table(String),
    /// What no setting can be, by its name: a table, a date.
    Other(&'static str),
}

impl Scalar {
    /// The kind with its article, for a message.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Bool(_) => "a boolean",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Table(_) => "a table",
            Self::Other(kind) => kind,
        }
    }

    /// The same value for `config show --json`.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => without_password(text).into(),
            Self::Bool(yes) => (*yes).into(),
            Self::Integer(number) => (*number).into(),
            Self::Float(number) => number.parse::<f64>().map_or(serde_json::Value::Null, Into::into),
            Self::Table(text) => {
                let value = format!("it = {text}").parse::<toml::Table>().ok().and_then(|mut table| table.remove("it"));
                serde_json::to_value(value).unwrap_or_default()
            }
            Self::Other(_) => serde_json::Value::Null,
        }
    }
}

/// TOML, with the password of a URL masked.
impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => toml::Value::String(without_password(text)).fmt(f),
            Self::Bool(yes) => yes.fmt(f),
            Self::Integer(number) => number.fmt(f),
            Self::Float(number) => f.write_str(number),
            Self::Table(text) => f.write_str(text),
            Self::Other(kind) => f.write_str(kind),
        }
    }
}

/// The text with what stands between `user:` and `@` of a URL replaced by `****`.
pub(crate) fn without_password(text: &str) -> String {
    let start = match text.find("://") {
        Some(at) => at + 3,
        // `C:\name@2` is a path.
        None if text.contains('\\') => return text.to_owned(),
        None => 0,
    };
    let authority = &text[start..];
    let authority = &authority[..authority.find(['/', '?', '#']).unwrap_or(authority.len())];
    let Some(at) = authority.rfind('@') else { return text.to_owned() };
    let Some(colon) = authority[..at].find(':') else { return text.to_owned() };
    format!("{}****{}", &text[..=start + colon], &text[start + at..])
}

/// What is shown for a secret.
pub(crate) const MASKED: &str = "****";

/// Only UTF-8 is text; a path has a parser of its own.
pub(crate) fn utf8(text: &OsStr) -> Result<&str, String> {
    text.to_str().ok_or_else(|| "expected UTF-8 text".to_owned())
}

/// The parser of a flag, so that a flag takes exactly what its variable and its key take.
pub(crate) fn flag<T: Value>() -> ValueParser {
    ValueParser::new(FlagParser::<T>(std::marker::PhantomData))
}

#[derive(Clone)]
struct FlagParser<T>(std::marker::PhantomData<T>);

impl<T: Value> TypedValueParser for FlagParser<T> {
    type Value = T;

    fn parse_ref(&self, cmd: &clap::Command, arg: Option<&clap::Arg>, value: &OsStr) -> Result<T, clap::Error> {
        T::parse(value).map_err(|reason| {
            let name = arg.map(ToString::to_string).unwrap_or_default();
            let given = if T::SECRET { MASKED.to_owned() } else { without_password(&value.to_string_lossy()) };
            clap::Error::raw(ErrorKind::ValueValidation, format!("invalid value {given:?} for '{name}': {reason}\n"))
                .with_cmd(cmd)
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        if T::WORDS.is_empty() {
            return None;
        }
        Some(Box::new(T::WORDS.iter().map(|(word, help)| PossibleValue::new(*word).help(*help))))
    }
}

/// One item of a list: `+x` adds to what lower layers say, `x` takes their place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item<T> {
    /// Whether it was written with a `+`.
    pub(crate) adds: bool,
    /// The item without its `+`.
    pub(crate) value: T,
}

impl<T> From<T> for Item<T> {
    fn from(value: T) -> Self {
        Self { adds: false, value }
    }
}

impl<T: Value> Value for Item<T> {
    const WORDS: &'static [(&'static str, &'static str)] = T::WORDS;
    const SECRET: bool = T::SECRET;

    fn parse(text: &OsStr) -> Result<Self, String> {
        match text.to_str().and_then(|text| text.strip_prefix('+')) {
            Some(rest) => Ok(Self { adds: true, value: T::parse(OsStr::new(rest))? }),
            None => Ok(Self { adds: false, value: T::parse(text)? }),
        }
    }

    fn from_file(value: &Scalar, folder: &Path) -> Result<Self, String> {
        if let Scalar::Text(text) = value
            && let Some(rest) = text.strip_prefix('+')
        {
            return Ok(Self { adds: true, value: T::from_file(&Scalar::Text(rest.to_owned()), folder)? });
        }
        Ok(Self { adds: false, value: T::from_file(value, folder)? })
    }

    fn to_scalar(&self) -> Scalar {
        self.value.to_scalar()
    }
}

/// A glob of URLs or hosts.
impl Value for String {
    fn parse(text: &OsStr) -> Result<Self, String> {
        let text = match utf8(text)? {
            "" => return Err("expected a glob, found nothing".to_owned()),
            text => text.to_owned(),
        };
        GlobList::compile(std::slice::from_ref(&text)).map_err(|error| error.to_string())?;
        Ok(text)
    }

    fn to_scalar(&self) -> Scalar {
        Scalar::Text(self.clone())
    }
}

/// A place that is redacted.
impl Value for Spec {
    fn parse(text: &OsStr) -> Result<Self, String> {
        utf8(text)?.parse().map_err(|error: SpecError| error.to_string())
    }

    fn to_scalar(&self) -> Scalar {
        Scalar::Text(self.to_string())
    }
}

impl Value for bool {
    fn parse(text: &OsStr) -> Result<Self, String> {
        match utf8(text)?.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(true),
            "0" | "false" | "no" | "off" => Ok(false),
            _ => Err("expected 1, true, yes, 0, false or no".to_owned()),
        }
    }

    fn from_file(value: &Scalar, _folder: &Path) -> Result<Self, String> {
        match value {
            Scalar::Bool(yes) => Ok(*yes),
            other => Err(format!("expected true or false, found {}", other.kind())),
        }
    }

    fn to_scalar(&self) -> Scalar {
        Scalar::Bool(*self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_of_a_url_is_masked_and_nothing_else() {
        assert_eq!(without_password("http://ada:s3:cr@et@proxy:3128/x"), "http://ada:****@proxy:3128/x");
        assert_eq!(without_password("ada:secret@proxy:3128"), "ada:****@proxy:3128");
        assert_eq!(without_password("http://proxy:3128/a:b@c"), "http://proxy:3128/a:b@c");
        assert_eq!(without_password("**/x:y"), "**/x:y");
        assert_eq!(without_password(r"C:\a@b"), r"C:\a@b");
    }

    #[test]
    fn a_boolean_is_any_of_the_usual_words_in_a_variable_but_a_boolean_in_the_file() {
        for (text, expected) in [("1", true), ("TRUE", true), ("yes", true), ("0", false), ("no", false)] {
            assert_eq!(bool::parse(OsStr::new(text)), Ok(expected), "{text}");
        }
        assert!(bool::parse(OsStr::new("2")).is_err());
        let text = Scalar::Text("true".to_owned());
        assert_eq!(bool::from_file(&text, Path::new("")).unwrap_err(), "expected true or false, found a string");
    }

    #[test]
    fn a_plus_marks_an_item_that_adds() {
        let item = Item::<String>::parse(OsStr::new("+**/x")).unwrap();
        assert_eq!(item, Item { adds: true, value: "**/x".to_owned() });
        assert!(!Item::<String>::parse(OsStr::new("**/+x")).unwrap().adds);
        assert!(Item::<String>::parse(OsStr::new("+")).is_err());
    }
}
