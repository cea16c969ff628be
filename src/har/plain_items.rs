//! Lists of names and values as nearly every producer writes them, taken apart in one pass.
//!
//! Header lists are most of what reading an entry costs once bodies are passed over. The general way reads each item as
//! a value of any kind, and each part of it again; here an item is two strings that stand in the text as they are.

use memchr::memchr2;

/// The names and values of a JSON list whose items are objects of strings without escapes; none where any item is
/// anything else. Of a repeated key the last one counts, as in `JSON.parse`; other keys are passed over.
///
/// `list` is JSON that has been read before: what is not well-formed is not looked for.
pub(crate) fn plain_items(list: &str) -> Option<Vec<(&str, &str)>> {
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

    /// A string without escapes.
    fn string(&mut self) -> Option<&'t str> {
        self.take(b'"')?;
        let end = memchr2(b'"', b'\\', self.rest.as_bytes())?;
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest.strip_prefix('"')?;
        Some(text)
    }

    fn item(&mut self) -> Option<(&'t str, &'t str)> {
        let (mut name, mut value) = (None, None);
        self.take(b'{')?;
        loop {
            let key = self.string()?;
            self.take(b':')?;
            let text = self.string()?;
            match key {
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

    #[test]
    fn objects_of_strings_are_taken_apart() {
        let list = "[ {\"name\":\"A b\",\n\t\"value\" : \"1,]}\"} , {\"value\":\"\u{e9}\",\"comment\":\"\",\"name\":\"\"}\r\n]";
        assert_eq!(plain_items(list), Some(vec![("A b", "1,]}"), ("", "\u{e9}")]));
        assert_eq!(plain_items("[]"), Some(Vec::new()));
        assert_eq!(plain_items(" [ \n] "), Some(Vec::new()));
        assert_eq!(plain_items(r#"[{"name":"a","value":"1","name":"b"}]"#), Some(vec![("b", "1")]));
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
            r#"[{"name":"a","value":"\n"}]"#,
            r#"[{"n\u0061me":"a","value":"b"}]"#,
            r#"[{"name":"a","value":"b","_harmock":{"latin1":true}}]"#,
            r#"[{"name":"a","value":"b"},{"name":"a"}]"#,
        ] {
            assert_eq!(plain_items(list), None, "{list}");
        }
    }
}
