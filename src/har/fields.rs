//! Header lists as producers write them, read into fields that HTTP can carry.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use crate::har::entry::Field;
use crate::har::json::Json;
use crate::har::plain_items::plain_items;
use crate::har::raw::RawItem;
use crate::har::repeats::Repeats;

/// Reads HAR `headers`: objects or `[name, value]` pairs; values joined by line feeds become fields of their own and
/// pseudo-headers are dropped. `odd` is told of each field that HTTP cannot carry, which is left out.
pub(crate) fn read_fields(headers: Json<'_>, seen: &mut Seen, mut odd: impl FnMut(usize, String)) -> Arc<[Field]> {
    let Some(list) = headers.source() else { return seen.none.clone() };
    let place = seen.lists.place(list);
    if let Some(fields) = seen.lists.find(place, list) {
        return fields;
    }
    let mut is_odd = false;
    let fields = read_list(headers, seen, |index, message| {
        is_odd = true;
        odd(index, message);
    });
    // What is odd is told for each entry.
    if !is_odd {
        seen.lists.saw(place, list, &fields);
    }
    fields
}

fn read_list(headers: Json<'_>, seen: &mut Seen, odd: impl FnMut(usize, String)) -> Arc<[Field]> {
    if let Some(items) = headers.source().and_then(plain_items) {
        let mut fields = FieldList { fields: Vec::with_capacity(items.len()), seen, odd };
        items.into_iter().enumerate().for_each(|(index, (name, value))| fields.add(index, &name, &value, false));
        return fields.fields.into();
    }
    let items = headers.items();
    let mut fields = FieldList { fields: Vec::with_capacity(items.len()), seen, odd };
    for (index, item) in items.into_iter().enumerate() {
        let (name, value, latin1) = name_and_value(item);
        fields.add(index, &name.unwrap_or_default(), &value, latin1);
    }
    fields.fields.into()
}

struct FieldList<'s, F> {
    fields: Vec<Field>,
    seen: &'s mut Seen,
    odd: F,
}

impl<F: FnMut(usize, String)> FieldList<'_, F> {
    fn add(&mut self, index: usize, name: &str, value: &str, latin1: bool) {
        // What was seen before is a field that HTTP can carry, in lower case; most are.
        if !latin1 && let (Some(name), Some(value)) = (self.seen.names.get(name), self.seen.value_of(value)) {
            self.fields.push(Field { name: name.clone(), value });
            return;
        }
        if name.is_empty() {
            (self.odd)(index, "has no name".to_owned());
            return;
        }
        if name.starts_with(':') {
            return;
        }
        if !is_token(name) {
            (self.odd)(index, format!("the name {name:?} is not a field name"));
            return;
        }
        let name = name.to_ascii_lowercase();
        for line in value.split('\n') {
            match field_value(line.trim_matches(AROUND), latin1) {
                Ok(value) => self.fields.push(Field { name: self.seen.name(&name), value: self.seen.value(&value) }),
                Err(reason) => (self.odd)(index, format!("the value of {name:?} {reason}")),
            }
        }
    }
}

/// White space around a value that does not belong to it (RFC 9110 §5.5), and the rest of a line's end.
const AROUND: [char; 3] = [' ', '\t', '\r'];

/// Names and values that came before. Most fields of an archive repeat in each of its entries; keeping each once makes
/// a large archive several times smaller in memory.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    names: HashSet<Arc<str>, foldhash::fast::RandomState>,
    values: HashSet<Arc<[u8]>, foldhash::fast::RandomState>,
    lists: Repeats<Arc<[Field]>>,
    /// What an entry without fields has.
    none: Arc<[Field]>,
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

    /// This value, if it was seen.
    fn value_of(&self, text: &str) -> Option<Arc<[u8]>> {
        self.values.get(text.trim_matches(AROUND).as_bytes()).cloned()
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
    fn equal_lists_are_kept_once_and_what_is_odd_in_them_is_told_each_time() {
        let (plain, odd) = (r#"[{"name":"a","value":"1"}]"#, r#"[{"name":"a b","value":"1"}]"#);
        let (mut seen, mut told) = (Seen::default(), 0);
        let mut read = |list: &str| {
            let json: Json<'_> = serde_json::from_str(list).unwrap();
            read_fields(json, &mut seen, |_, _| told += 1)
        };
        let lists = [read(plain), read(plain), read(plain)];
        assert!(lists.iter().all(|list| **list == *lists[0]) && Arc::ptr_eq(&lists[1], &lists[2]));
        (0..3).for_each(|_| assert!(read(odd).is_empty()));
        assert_eq!(told, 3);
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
