//! Lists of names and values as nearly every producer writes them, taken apart in one pass.
//!
//! Header lists are most of what reading an entry costs once bodies are passed over. The general way reads each item as
//! a value of any kind, and each part of it again; here an item is two strings, most of which stand in the text as they are.

use std::borrow::Cow;

use memchr::memchr2;

use crate::har::json::Text;

/// The names and values of a JSON list whose items are objects of strings; none where any item is anything else. Of a repeated key the last one counts, as in `JSON.parse`; other keys are passed over.
///
/// `list` is JSON that has been read before: what is not well-formed is not looked for.
pub(crate) fn plain_items(list: &str) -> Option<Vec<(Cow<'_, str>, Cow<'_, str>)>> {
    let mut scanner = Scanner { rest: list };
    let mut items = Vec::new();
    scanner.take(b'[')?;
    if scanner.next()? == b']' {
        return Some(items);
    }
    loop {
        items.push(scanner.item()?);
        match scanner.next()? {
            b',' => scanner.take(b',')?,
            _ => return scanner.take(b']').map(|()| items),
        }
    }
}

struct Scanner<'t> {
    rest: &'t str,
}

impl<'t> Scanner<'t> {
    /// The next byte that is no white space.
    fn next(&mut self) -> Option<u8> {
        let bytes = self.rest.as_bytes();
        let space = bytes.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))?;
        self.rest = self.rest.get(space..)?;
        bytes.get(space).copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        if self.next()? != byte {
            return None;
        }
        self.rest = self.rest.get(1..)?;
        Some(())
    }

    fn string(&mut self) -> Option<Cow<'t, str>> {
        self.next()?;
        let literal = self.rest;
        self.take(b'"')?;
        let (bytes, mut end, mut escaped) = (self.rest.as_bytes(), 0, false);
        loop {
            end += memchr2(b'"', b'\\', bytes.get(end..)?)?;
            if bytes[end] == b'"' {
                break;
            }
            escaped = true;
            end += 2;
        }
        let text = self.rest.get(..end)?;
        self.rest = self.rest.get(end + 1..)?;
        if !escaped {
            return Some(Cow::Borrowed(text));
        }
        // An ETag, most of the time.
        serde_json::from_str::<Text<'t>>(literal.get(..end + 2)?).ok().map(|text| text.0)
    }

    fn item(&mut self) -> Option<(Cow<'t, str>, Cow<'t, str>)> {
        let (mut name, mut value) = (None, None);
        self.take(b'{')?;
        loop {
            let key = self.string()?;
            self.take(b':')?;
            let text = self.string()?;
            match &*key {
                "name" => name = Some(text),
                "value" => value = Some(text),
                // Nothing that concerns the field is written as a string.
                _ => {}
            }
            match self.next()? {
                b',' => self.take(b',')?,
                _ => {
                    self.take(b'}')?;
                    return name.zip(value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(list: &str) -> Option<Vec<(String, String)>> {
        let owned = |(name, value): (Cow<'_, str>, Cow<'_, str>)| (name.into_owned(), value.into_owned());
        Some(plain_items(list)?.into_iter().map(owned).collect())
    }

    fn items(items: &[(&str, &str)]) -> Option<Vec<(String, String)>> {
        Some(items.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn objects_of_strings_are_taken_apart() {
        let list = "[ {\"name\":\"A b\",\n\t\"value\" : \"1,]}\"} , {\"value\":\"\u{e9}\",\"comment\":\"\",\"name\":\"\"}\r\n]";
        assert_eq!(read(list), items(&[("A b", "1,]}"), ("", "\u{e9}")]));
        assert_eq!(read("[]"), items(&[]));
        assert_eq!(read(" [ \n] "), items(&[]));
        assert_eq!(read(r#"[{"name":"a","value":"1","name":"b"}]"#), items(&[("b", "1")]));
        assert_eq!(read(r#"[{"n\u0061me":"a","value":"W/\"1\\\"","x":"\\"}]"#), items(&[("a", "W/\"1\\\"")]));
        assert_eq!(read(r#"[{"name":"a","value":"\ud83d\n"}]"#), items(&[("a", "\u{fffd}\n")]));
    }

    #[test]
    fn whatever_is_anything_else_is_left_to_the_general_way() {
        for list in [
            "{}",
            "null",
            "[[\"a\",\"b\"]]",
            "[7]",
            "[{}]",
            r#"[{"name":"a"}]"#,
            r#"[{"value":"a"}]"#,
            r#"[{"name":"a","value":3}]"#,
            r#"[{"name":"a","value":null}]"#,
            r#"[{"name":"a","value":"\"#,
            r#"[{"name":"a","value":"\""#,
            r#"[{"name":"a","value":"\x"}]"#,
            r#"[{"name":"a","value":"b","_harmock":{"latin1":true}}]"#,
            r#"[{"name":"a","value":"b"},{"name":"a"}]"#,
        ] {
            assert_eq!(plain_items(list), None, "{list}");
        }
    }
}
