//! JSON as HAR producers write it: every value optional, of any kind, strings with lone surrogates.

use std::borrow::Cow;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, Visitor};
use serde_json::value::RawValue;

use crate::har::scan::{Scan, Scanner, Stop};

/// Implements the visits of all JSON kinds but objects (and arrays, unless `seq` is asked for) with one value: what is
/// of another kind than expected counts as absent.
macro_rules! absent_for_other_kinds {
    ($de:lifetime, $value:expr) => {
        crate::har::json::absent_for_other_kinds!(@scalars $value);

        fn visit_seq<S: serde::de::SeqAccess<$de>>(self, mut items: S) -> Result<Self::Value, S::Error> {
            while items.next_element::<serde::de::IgnoredAny>()?.is_some() {}
            Ok($value)
        }
    };
    (@scalars $value:expr) => {
        fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
            Ok($value)
        }
        fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<Self::Value, E> {
            Ok($value)
        }
        fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Self::Value, E> {
            Ok($value)
        }
        fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Self::Value, E> {
            Ok($value)
        }
        fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Self::Value, E> {
            Ok($value)
        }
        fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Self::Value, E> {
            Ok($value)
        }
    };
}
pub(crate) use absent_for_other_kinds;

/// Declares a struct that reads the named keys of a JSON object and ignores all others; a missing key, `null` and a
/// value of another kind all give the default, and of a repeated key the last one counts, as in `JSON.parse`.
macro_rules! lenient_object {
    ($(#[$meta:meta])* $name:ident<$de:lifetime> { $($field:ident: $type:ty = $key:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Default, Clone, Copy)]
        pub(crate) struct $name<$de> { $(pub(crate) $field: $type),* }

        impl<$de> serde::de::Deserialize<$de> for $name<$de> {
            fn deserialize<D: serde::de::Deserializer<$de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Lenient;
                impl<$de> serde::de::Visitor<$de> for Lenient {
                    type Value = $name<$de>;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }
                    fn visit_map<M: serde::de::MapAccess<$de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                        let mut object = $name::default();
                        while let Some(key) = map.next_key::<crate::har::json::Text<'_>>()? {
                            match &*key.0 {
                                $($key => object.$field = map.next_value()?,)*
                                _ => _ = map.next_value::<serde::de::IgnoredAny>()?,
                            }
                        }
                        Ok(object)
                    }
                    crate::har::json::absent_for_other_kinds!($de, $name::default());
                }
                deserializer.deserialize_any(Lenient)
            }
        }

        impl<$de> crate::har::scan::Scan<$de> for $name<$de> {
            fn scan(scanner: &mut crate::har::scan::Scanner<$de>) -> Result<Self, crate::har::scan::Stop> {
                let (mut object, mut first) = (Self::default(), true);
                if !scanner.enters_object()? {
                    return Ok(object);
                }
                while let Some(key) = scanner.member(std::mem::take(&mut first))? {
                    match &*key {
                        $($key => object.$field = crate::har::scan::Scan::scan(scanner)?,)*
                        _ => _ = scanner.raw()?,
                    }
                }
                Ok(object)
            }
        }
    };
}
pub(crate) use lenient_object;

/// One value as it stands in the text; `null` and a missing key are the same.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Json<'a>(Option<&'a str>);

impl<'a> Json<'a> {
    /// Neither missing nor `null`.
    pub(crate) fn is_there(self) -> bool {
        self.0.is_some()
    }

    /// The value's text.
    pub(crate) fn source(self) -> Option<&'a str> {
        self.0
    }

    /// A string, lone surrogates as U+FFFD.
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        let raw = self.literal()?;
        if memchr::memchr(b'\\', raw.as_bytes()).is_none() {
            return Some(Cow::Borrowed(&raw[1..raw.len() - 1]));
        }
        serde_json::from_str::<Text<'a>>(raw).ok().map(|text| text.0)
    }

    /// A string, or nothing where it is empty.
    pub(crate) fn non_empty(self) -> Option<Cow<'a, str>> {
        self.text().filter(|text| !text.is_empty())
    }

    /// A number, also one that is written as a string.
    pub(crate) fn number(self) -> Option<f64> {
        let raw = self.source()?;
        let digits = match raw.strip_prefix('"') {
            Some(rest) => rest.strip_suffix('"')?.trim(),
            None => raw,
        };
        digits.parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// The literal `true`.
    pub(crate) fn is_true(self) -> bool {
        self.source() == Some("true")
    }

    /// The items of an array; none where it is anything else.
    pub(crate) fn items(self) -> Vec<Json<'a>> {
        self.source()
            .filter(|raw| raw.starts_with('['))
            .and_then(|raw| serde_json::from_str(raw).ok())
            .unwrap_or_default()
    }

    /// Reads a lenient object.
    pub(crate) fn object<T: Deserialize<'a> + Default>(self) -> T {
        self.source().and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default()
    }

    /// The string literal with its quotes.
    pub(crate) fn literal(self) -> Option<&'a str> {
        self.source().filter(|raw| raw.len() >= 2 && raw.starts_with('"') && raw.ends_with('"'))
    }
}

impl<'de> Deserialize<'de> for Json<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Option::<&'de RawValue>::deserialize(deserializer)?;
        Ok(Self(value.map(RawValue::get)))
    }
}

impl<'t> Scan<'t> for Json<'t> {
    fn scan(scanner: &mut Scanner<'t>) -> Result<Self, Stop> {
        let value = scanner.raw()?;
        Ok(Self((value != "null").then_some(value)))
    }
}

/// A string whose lone surrogates became U+FFFD.
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl<'de> Visitor<'de> for Bytes {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_bytes<E: serde::de::Error>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
                // A visitor of bytes is handed what a visitor of text is spared (RFC 8259 section 7).
                if bytes.iter().any(|byte| *byte < 0x20) {
                    return Err(E::custom("control character in a string"));
                }
                match std::str::from_utf8(bytes) {
                    Ok(text) => Ok(Text(Cow::Borrowed(text))),
                    Err(_) => self.visit_bytes(bytes),
                }
            }
            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
                String::from_utf8(without_surrogates(bytes.to_vec()))
                    .map(|text| Text(Cow::Owned(text)))
                    .map_err(|_| E::custom("not UTF-8"))
            }
            fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        // serde_json hands out lone surrogates to a visitor of bytes alone, in the form of WTF-8.
        deserializer.deserialize_bytes(Bytes)
    }
}

/// The bytes that a JSON string literal (with its quotes) stands for; none where it is no string literal.
pub(crate) fn unescape(mut literal: Vec<u8>) -> Option<Vec<u8>> {
    if literal.len() < 2 || literal.first() != Some(&b'"') || literal.last() != Some(&b'"') {
        return None;
    }
    if memchr::memchr(b'\\', &literal).is_none() {
        literal.pop();
        literal.remove(0);
        return Some(literal);
    }
    struct Unescaped;
    impl Visitor<'_> for Unescaped {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a string")
        }
        fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
            Ok(bytes.to_vec())
        }
    }
    let mut deserializer = serde_json::Deserializer::from_slice(&literal);
    deserializer.deserialize_bytes(Unescaped).ok().map(without_surrogates)
}

/// Replaces surrogates in WTF-8, which are always lone there, by U+FFFD; both take three bytes.
fn without_surrogates(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut from = 0;
    while let Some(found) = memchr::memchr(0xED, &bytes[from..]) {
        let at = from + found;
        if bytes.get(at + 1).is_some_and(|next| *next >= 0xA0) && bytes.len() >= at + 3 {
            bytes[at..at + 3].copy_from_slice("\u{FFFD}".as_bytes());
        }
        from = at + 1;
    }
    bytes
}

/// Where `part` lies in `whole`, of which it is a slice, counted from `base`.
pub(crate) fn span_in(whole: &str, base: u64, part: &str) -> Range<u64> {
    let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize) as u64 + base;
    start..start + part.len() as u64
}

/// The text with the spans replaced.
pub(crate) fn apply(text: &str, mut edits: Vec<(Range<usize>, String)>) -> String {
    edits.sort_by_key(|(span, _)| span.start);
    let mut new = String::with_capacity(text.len());
    let mut kept = 0;
    for (span, with) in edits {
        if span.start >= kept {
            new.push_str(&text[kept..span.start]);
            new.push_str(&with);
            kept = span.end;
        }
    }
    new.push_str(&text[kept..]);
    new
}
