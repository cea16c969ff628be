//! The outer shape of a HAR text: finds `log.entries` and where each entry lies, without reading into the entries.

use std::cell::Cell;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::har::json::{Json, Text, absent_for_other_kinds};
use crate::har::raw::{RawCreator, RawLogMark};

/// `log`, its entries unread.
#[derive(Debug)]
pub(crate) struct Log<'a> {
    /// `log.creator.name`, empty where there is none.
    pub(crate) creator: String,
    /// `log._harmock.kind`, empty where there is none.
    pub(crate) kind: String,
    /// The text of each entry, in order.
    pub(crate) entries: Vec<&'a RawValue>,
}

impl<'a> Log<'a> {
    /// Reads the text of a HAR file, without byte order mark.
    pub(crate) fn parse(text: &'a str) -> Result<Self, LogError> {
        if text.trim_ascii().is_empty() {
            return Err(LogError::NotHar("the file is empty".to_owned()));
        }
        let place = Cell::new(Place::Start);
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let root = Root { place: &place }.deserialize(&mut deserializer);
        let root = root.and_then(|root| deserializer.end().map(|()| root));
        let (creator, kind, entries) = match root {
            Err(error) => return Err(LogError::from_json(&error, text, place.get())),
            Ok(Found::Other) => return Err(LogError::NotHar("the top level is not an object".to_owned())),
            Ok(Found::Object(None)) => return Err(LogError::NotHar("it has no `log`".to_owned())),
            Ok(Found::Object(Some(Found::Other))) => return Err(LogError::NotHar("`log` is not an object".to_owned())),
            Ok(Found::Object(Some(Found::Object(Parts { creator, mark, entries })))) => (creator, mark, entries),
        };
        let name = creator.object::<RawCreator<'_>>().name.text().unwrap_or_default().into_owned();
        let kind = kind.object::<RawLogMark<'_>>().kind.text().unwrap_or_default().into_owned();
        match entries {
            Some(Found::Object(entries)) => Ok(Self { creator: name, kind, entries }),
            Some(Found::Other) => Err(LogError::NotHar("`log.entries` is not an array".to_owned())),
            None => Err(LogError::NotHar("`log` has no `entries`".to_owned())),
        }
    }
}

/// Why a text is no HAR.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LogError {
    /// Not JSON, and where: line and column from one, byte from zero.
    NotJson { line: usize, column: usize, byte: u64, reason: String },
    /// JSON that breaks off, and in which part.
    Truncated { place: String, byte: u64 },
    /// JSON of another shape, in words.
    NotHar(String),
}

impl LogError {
    fn from_json(error: &serde_json::Error, text: &str, place: Place) -> Self {
        if error.classify() == Category::Eof {
            return Self::Truncated { place: place.to_string(), byte: text.len() as u64 };
        }
        let (line, column) = (error.line(), error.column());
        let line_start = match line.checked_sub(2) {
            None => 0,
            Some(skipped) => memchr::memchr_iter(b'\n', text.as_bytes()).nth(skipped).map_or(0, |at| at + 1),
        };
        let message = error.to_string();
        let reason = message.split(" at line ").next().unwrap_or(&message).to_owned();
        Self::NotJson { line, column, byte: (line_start + column.saturating_sub(1)) as u64, reason }
    }
}

/// How far reading came.
#[derive(Debug, Clone, Copy)]
enum Place {
    Start,
    Log,
    Entry(usize),
    AfterEntries,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Start => f.write_str("the text before `log`"),
            Self::Log => f.write_str("`log`, before its entries"),
            Self::Entry(ordinal) => write!(f, "log.entries[{ordinal}]"),
            Self::AfterEntries => f.write_str("`log`, after its entries"),
        }
    }
}

/// A value of the expected kind, or of any other.
enum Found<T> {
    Object(T),
    Other,
}

type Entries<'a> = Option<Found<Vec<&'a RawValue>>>;

/// What of a log is read.
#[derive(Default)]
struct Parts<'a> {
    creator: Json<'a>,
    mark: Json<'a>,
    entries: Entries<'a>,
}

struct Root<'p> {
    place: &'p Cell<Place>,
}

impl<'de> DeserializeSeed<'de> for Root<'_> {
    type Value = Found<Option<Found<Parts<'de>>>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Root<'_> {
    type Value = Found<Option<Found<Parts<'de>>>>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a HAR")
    }
    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut log = None;
        while let Some(key) = map.next_key::<Text<'_>>()? {
            if key.0 == "log" {
                self.place.set(Place::Log);
                log = Some(map.next_value_seed(LogBody { place: self.place })?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Found::Object(log))
    }
    absent_for_other_kinds!('de, Found::Other);
}

struct LogBody<'p> {
    place: &'p Cell<Place>,
}

impl<'de> DeserializeSeed<'de> for LogBody<'_> {
    type Value = Found<Parts<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for LogBody<'_> {
    type Value = Found<Parts<'de>>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("`log`")
    }
    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut parts = Parts::default();
        while let Some(key) = map.next_key::<Text<'_>>()? {
            match &*key.0 {
                "creator" => parts.creator = map.next_value()?,
                "_harmock" => parts.mark = map.next_value()?,
                "entries" => parts.entries = Some(map.next_value_seed(EntryList { place: self.place })?),
                _ => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(Found::Object(parts))
    }
    absent_for_other_kinds!('de, Found::Other);
}

struct EntryList<'p> {
    place: &'p Cell<Place>,
}

impl<'de> DeserializeSeed<'de> for EntryList<'_> {
    type Value = Found<Vec<&'de RawValue>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for EntryList<'_> {
    type Value = Found<Vec<&'de RawValue>>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("`log.entries`")
    }
    fn visit_seq<S: SeqAccess<'de>>(self, mut items: S) -> Result<Self::Value, S::Error> {
        let mut entries = Vec::new();
        self.place.set(Place::Entry(0));
        while let Some(entry) = items.next_element()? {
            entries.push(entry);
            self.place.set(Place::Entry(entries.len()));
        }
        self.place.set(Place::AfterEntries);
        Ok(Found::Object(entries))
    }
    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        while map.next_entry::<Text<'_>, IgnoredAny>()?.is_some() {}
        Ok(Found::Other)
    }
    absent_for_other_kinds!(@scalars Found::Other);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn not_har(text: &str) -> String {
        match Log::parse(text) {
            Err(LogError::NotHar(reason)) => reason,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn each_part_that_is_missing_or_of_another_kind_is_named() {
        assert_eq!(not_har("{}"), "it has no `log`");
        assert_eq!(not_har("[]"), "the top level is not an object");
        assert_eq!(not_har("17"), "the top level is not an object");
        assert_eq!(not_har("\"log\""), "the top level is not an object");
        assert_eq!(not_har("{\"log\":null}"), "`log` is not an object");
        assert_eq!(not_har("{\"log\":{}}"), "`log` has no `entries`");
        assert_eq!(not_har("{\"log\":{\"entries\":{\"a\":1}}}"), "`log.entries` is not an array");
        assert_eq!(not_har("{\"log\":{\"entries\":null}}"), "`log.entries` is not an array");
        assert_eq!(not_har(" \n"), "the file is empty");
    }

    #[test]
    fn a_syntax_error_is_placed_by_line_column_and_byte() {
        let text = "{\n \"log\": {\n  \"entries\": [oops]\n }\n}";
        let Err(LogError::NotJson { line, column, byte, .. }) = Log::parse(text) else { panic!() };
        assert_eq!((line, column), (3, 15));
        assert_eq!(&text[byte as usize..byte as usize + 1], "o");
    }

    #[test]
    fn a_text_that_breaks_off_says_in_which_entry() {
        let whole = r#"{"log":{"entries":[{"a":1},{"b":2}]}}"#;
        for (end, place) in [
            (3, "the text before `log`"),
            (9, "`log`, before its entries"),
            (30, "log.entries[1]"),
            (36, "`log`, after its entries"),
        ] {
            let Err(LogError::Truncated { place: found, byte }) = Log::parse(&whole[..end]) else { panic!("{end}") };
            assert_eq!((found.as_str(), byte), (place, end as u64));
        }
    }

    #[test]
    fn what_stands_behind_the_text_is_an_error() {
        assert!(matches!(Log::parse("{\"log\":{\"entries\":[]}} x"), Err(LogError::NotJson { .. })));
    }

    #[test]
    fn of_repeated_keys_the_last_counts_and_unknown_ones_are_skipped() {
        let log = Log::parse(
            r#"{"x":[{"log":1}],"log":{"entries":[1,2],"entries":[3],"creator":{"name":"me"}},"y":"\ud83d"}"#,
        )
        .unwrap();
        assert_eq!(log.creator, "me");
        assert_eq!(log.entries.iter().map(|raw| raw.get()).collect::<Vec<_>>(), ["3"]);
    }
}
