//! Settings that know a few words.

use std::ffi::OsStr;
use std::path::Path;

use super::value::{Scalar, Value, utf8};
use crate::archive::BodyStorage;
use crate::proxy::{Cors, Detail, NotFound, OutOfScope, RedirectPolicy, Update};
use crate::report::Format;

/// How the log of exchanges is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Makes a type a setting of words: each with its meaning and its value.
macro_rules! choice {
    ($type:ty { $($word:literal, $help:literal => $value:path;)+ }) => {
        impl Value for $type {
            const WORDS: &'static [(&'static str, &'static str)] = &[$(($word, $help)),+];

            fn parse(text: &OsStr) -> Result<Self, String> {
                match $crate::cli::settings::value::utf8(text)?.to_ascii_lowercase().as_str() {
                    $($word => Ok($value),)+
                    _ => Err($crate::cli::settings::choice::expected(Self::WORDS)),
                }
            }

            fn to_scalar(&self) -> Scalar {
                Scalar::Text(match self { $($value => $word,)+ }.to_owned())
            }
        }
    };
}

pub(super) use choice;

choice!(LogFormat {
    "text", "one readable line per exchange" => LogFormat::Text;
    "json", "one JSON object per line" => LogFormat::Json;
});

choice!(Format {
    "json", "all facts; what `harmock report merge` reads" => Format::Json;
    "junit", "JUnit XML" => Format::Junit;
    "markdown", "a summary for people" => Format::Markdown;
    "github", "workflow commands of GitHub Actions" => Format::Github;
});

choice!(BodyStorage {
    "attach", "payload files beside the archive, named by their hash" => BodyStorage::Attach;
    "embed", "inside the HAR text" => BodyStorage::Embed;
    "omit", "not stored" => BodyStorage::Omit;
});

choice!(Detail {
    "minimal", "what replay needs; equal traffic gives equal bytes" => Detail::Minimal;
    "full", "times, sizes, cookies and addresses too, in the order of start" => Detail::Full;
});

choice!(NotFound {
    "fail", "502 that names the nearest entry; counted" => NotFound::Fail;
    "abort", "a reset connection or stream; counted" => NotFound::Abort;
    "fallback", "the upstream's answer; reported" => NotFound::Fallback;
    "record", "the upstream's answer, added to the archive of --har; reported" => NotFound::Record;
});

choice!(OutOfScope {
    "pass", "the upstream's answer, counted by host" => OutOfScope::Pass;
    "fail", "the answer of a miss" => OutOfScope::Fail;
});

choice!(RedirectPolicy {
    "follow", "the answer at the end of the recorded chain" => RedirectPolicy::Follow;
    "serve", "the recorded 3xx" => RedirectPolicy::Serve;
});

choice!(Cors {
    "auto", "made to fit the page's origin; preflights are answered" => Cors::Auto;
    "recorded", "as recorded" => Cors::Recorded;
});

pub(super) fn expected(words: &[(&str, &str)]) -> String {
    let quoted: Vec<_> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, others)) if !others.is_empty() => format!("expected {} or {last}", others.join(", ")),
        _ => format!("expected {}", quoted.concat()),
    }
}

/// Whether a replay records instead, and how: what `update` says, and `false`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Updating(pub(crate) Option<Update>);

impl Value for Updating {
    const WORDS: &'static [(&'static str, &'static str)] = Update::WORDS;

    fn parse(text: &OsStr) -> Result<Self, String> {
        match bool::parse(text) {
            Ok(false) => Ok(Self(None)),
            _ => Update::parse(text).map(|update| Self(Some(update))),
        }
    }

    fn from_file(value: &Scalar, folder: &Path) -> Result<Self, String> {
        match value {
            Scalar::Bool(false) => Ok(Self(None)),
            other => Update::from_file(other, folder).map(|update| Self(Some(update))),
        }
    }

    fn to_scalar(&self) -> Scalar {
        self.0.map_or(Scalar::Bool(false), |update| update.to_scalar())
    }
}

/// What a recording does with the entries that are there.
impl Value for Update {
    const WORDS: &'static [(&'static str, &'static str)] = &[
        ("replace", "the new recording takes the place of the old one"),
        ("merge", "entries of the requests that the run sees are exchanged, the others stay"),
        ("append", "all entries stay, new ones are added"),
    ];

    fn parse(text: &OsStr) -> Result<Self, String> {
        match utf8(text)?.to_ascii_lowercase().as_str() {
            "replace" => Ok(Self::Replace),
            // As in the file.
            boolean if bool::parse(OsStr::new(boolean)).is_ok() => Ok(Self::Replace),
            "append" => Ok(Self::Append),
            "merge" => Ok(Self::Merge),
            _ => Err(expected(Self::WORDS)),
        }
    }

    /// `true` is `"replace"`; `false` says nothing about how to record, which leaves the default.
    fn from_file(value: &Scalar, _folder: &Path) -> Result<Self, String> {
        match value {
            Scalar::Bool(_) => Ok(Self::Replace),
            Scalar::Text(text) => Self::parse(OsStr::new(text)),
            other => Err(format!("expected false, true, \"replace\", \"merge\" or \"append\", found {}", other.kind())),
        }
    }

    fn to_scalar(&self) -> Scalar {
        Scalar::Text(match self {
            Self::Replace => "replace".to_owned(),
            Self::Merge => "merge".to_owned(),
            Self::Append => "append".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_word_is_told_the_right_ones() {
        let error = NotFound::parse(OsStr::new("explode")).unwrap_err();
        assert_eq!(error, "expected `fail`, `abort`, `fallback` or `record`");
        assert_eq!(NotFound::parse(OsStr::new("FallBack")), Ok(NotFound::Fallback));
    }

    #[test]
    fn update_is_a_boolean_or_a_word_in_the_file() {
        let read = |value| Update::from_file(&value, Path::new(""));
        assert_eq!(read(Scalar::Bool(true)), Ok(Update::Replace));
        assert_eq!(read(Scalar::Text("append".to_owned())), Ok(Update::Append));
        assert_eq!(read(Scalar::Text("merge".to_owned())), Ok(Update::Merge));
        assert!(read(Scalar::Text("overwrite".to_owned())).unwrap_err().contains("`merge`"));
        assert!(read(Scalar::Integer(1)).is_err());
    }
}
