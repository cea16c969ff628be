//! Header lists as producers write them, read into fields that HTTP can carry.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use crate::har::entry::Field;
use crate::har::json::Json;
use crate::har::raw::RawItem;

/// Reads HAR `headers`: objects or `[name, value]` pairs; values joined by line feeds become fields of their own and
/// pseudo-headers are dropped. `odd` is told of each field that HTTP cannot carry, which is left out.
pub(crate) fn read_fields(headers: Json<'_>, seen: &mut Seen, mut odd: impl FnMut(usize, String)) -> Vec<Field> {
    let items = headers.items();
    let mut fields = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        let (name, value, latin1) = name_and_value(item);
        let Some(name) = name else {
            odd(index, "has no name".to_owned());
            continue;
        };
        if name.starts_with(':') {
            continue;
        }
        if !is_token(&name) {
            odd(index, format!("the name {name:?} is not a field name"));
            continue;
        }
        let name = name.to_ascii_lowercase();
        for line in value.split('\n') {
            match field_value(line.trim_matches([' ', '\t', '\r']), latin1) {
                Ok(value) => fields.push(Field { name: seen.name(&name), value: seen.value(&value) }),
                Err(reason) => odd(index, format!("the value of {name:?} {reason}")),
            }
        }
    }
    fields
}

/// Names and values that came before. Most fields of an archive repeat in each of its entries; keeping each once makes
/// a large archive several times smaller in memory.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    names: HashSet<Arc<str>, foldhash::fast::RandomState>,
    values: HashSet<Arc<[u8]>, foldhash::fast::RandomState>,
}

impl Seen {
    /// How many of each are remembered; what comes later and differs from them all is kept for itself.
    const MOST: usize = 1 << 16;

    fn name(&mut self, name: &str) -> Arc<str> {
        if let Some(seen) = self.names.get(name) {
            return seen.clone();
        }
        let new: Arc<str> = name.into();
        if self.names.len() < Self::MOST {
            self.names.insert(new.clone());
        }
        new
    }

    fn value(&mut self, value: &[u8]) -> Arc<[u8]> {
        if let Some(seen) = self.values.get(value) {
            return seen.clone();
        }
        let new: Arc<[u8]> = value.into();
        if self.values.len() < Self::MOST {
            self.values.insert(new.clone());
        }
        new
    }
}

/// Name, value and whether the value's code points are bytes.
pub(crate) fn name_and_value(item: Json<'_>) -> (Option<Cow<'_, str>>, Cow<'_, str>, bool) {
    let pair = item.items();
    if let [name, value, ..] = pair[..] {
        return (name.non_empty(), scalar(value), false);
    }
    let item: RawItem<'_> = item.object();
    (item.name.non_empty(), scalar(item.value), item.harmock.latin1.is_true())
}

/// A string, or the spelling of a number or boolean; nothing is empty.
pub(crate) fn scalar(value: Json<'_>) -> Cow<'_, str> {
    value.text().unwrap_or_else(|| match value.source() {
        Some(source) if !source.starts_with(['{', '[']) => Cow::Borrowed(source),
        _ => Cow::Borrowed(""),
    })
}

/// RFC 9110 §5.5: no control characters but the tab.
fn field_value(text: &str, latin1: bool) -> Result<Vec<u8>, &'static str> {
    if text.chars().any(|char| char.is_ascii_control() && char != '\t') {
        return Err("holds a control character, which HTTP cannot carry");
    }
    if !latin1 {
        return Ok(text.as_bytes().to_vec());
    }
    latin1_bytes(text).ok_or("is marked `latin1` and holds a character above U+00FF")
}

/// One byte per code point; none where one is above U+00FF.
pub(crate) fn latin1_bytes(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|char| u8::try_from(u32::from(char)).ok()).collect()
}

/// RFC 9110 §5.6.2.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &str) -> (Vec<(String, Vec<u8>)>, Vec<String>) {
        let mut oddities = Vec::new();
        let json: Json<'_> = serde_json::from_str(headers).unwrap();
        let fields =
            read_fields(json, &mut Seen::default(), |index, message| oddities.push(format!("{index} {message}")));
        (fields.iter().map(|field| (field.name.to_string(), field.value.to_vec())).collect(), oddities)
    }

    fn plain(fields: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
        fields.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect()
    }

    #[test]
    fn names_become_lower_case_and_order_and_repeats_stay() {
        let (fields, odd) =
            read(r#"[{"name":"B","value":"1"},{"name":"a","value":"2","comment":""},{"name":"b","value":"3"}]"#);
        assert_eq!(fields, plain(&[("b", "1"), ("a", "2"), ("b", "3")]));
        assert!(odd.is_empty());
    }

    #[test]
    fn values_joined_by_line_feeds_become_fields_of_their_own() {
        let (fields, _) = read(r#"[{"name":"Set-Cookie","value":"a=1\nb=2\r\nc=3"}]"#);
        assert_eq!(fields, plain(&[("set-cookie", "a=1"), ("set-cookie", "b=2"), ("set-cookie", "c=3")]));
    }

    #[test]
    fn pseudo_headers_are_dropped_without_a_word() {
        let (fields, odd) =
            read(r#"[{"name":":authority","value":"a"},{"name":":status","value":"200"},{"name":"x","value":""}]"#);
        assert_eq!((fields, odd.len()), (plain(&[("x", "")]), 0));
    }

    #[test]
    fn pairs_numbers_and_missing_values_are_read() {
        let (fields, odd) =
            read(r#"[["Accept","*/*"],{"name":"age","value":3},{"name":"dnt"},{"name":"n","value":null}]"#);
        assert_eq!((fields, odd.len()), (plain(&[("accept", "*/*"), ("age", "3"), ("dnt", ""), ("n", "")]), 0));
        assert_eq!(read("{}").0, []);
        assert_eq!(read("null").0, []);
    }

    #[test]
    fn what_http_cannot_carry_is_left_out_and_named() {
        let (fields, odd) = read(
            r#"[{"name":"a b","value":"1"},{"name":"x","value":"a\u0000b"},{"value":"1"},7,{"name":"ok","value":"a\tb"}]"#,
        );
        assert_eq!(fields, plain(&[("ok", "a\tb")]));
        assert_eq!(
            odd,
            [
                "0 the name \"a b\" is not a field name",
                "1 the value of \"x\" holds a control character, which HTTP cannot carry",
                "2 has no name",
                "3 has no name"
            ]
        );
    }

    #[test]
    fn equal_names_and_values_are_kept_once() {
        let json: Json<'_> = serde_json::from_str(r#"[["Accept","a"],["accept","a"]]"#).unwrap();
        let fields = read_fields(json, &mut Seen::default(), |_, _| {});
        assert!(Arc::ptr_eq(&fields[0].name, &fields[1].name) && Arc::ptr_eq(&fields[0].value, &fields[1].value));
    }

    #[test]
    fn a_marked_value_is_bytes_and_an_unmarked_one_utf8() {
        let (fields, odd) = read(
            r#"[{"name":"a","value":"\u00e9","_harmock":{"latin1":true}},{"name":"b","value":"\u00e9"},{"name":"c","value":"\u20ac","_harmock":{"latin1":true}}]"#,
        );
        assert_eq!(fields, [("a".to_owned(), vec![0xE9]), ("b".to_owned(), "é".as_bytes().to_vec())]);
        assert_eq!(odd.len(), 1);
    }
}
