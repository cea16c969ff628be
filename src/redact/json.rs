//! Secrets in JSON: the strings and numbers under a listed key, where they stand in the text.
//!
//! The text is read token by token and never built up, so that one JSON value after the other (NDJSON), a broken end,
//! and any number of levels do no harm: what comes before is found.

use std::borrow::Cow;
use std::ops::Range;

use super::json_path::{Shown, Step};
use super::nested;
use super::place::Place;
use super::rules::Rules;
use crate::har::json::unescape;

/// A string or a number that is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaf {
    /// The span has no quotes.
    String,
    Number,
}

/// The places of a JSON text.
pub(super) fn in_json(text: &[u8], rules: &Rules) -> Vec<Place> {
    in_json_under(text, rules, &[], nested::DEPTH)
}

/// The places of a JSON text to which these steps have led, nested texts of so many levels included.
pub(super) fn in_json_under(text: &[u8], rules: &Rules, steps: &[Step], depth: usize) -> Vec<Place> {
    let mut places = Vec::new();
    if !rules.is_on() {
        return places;
    }
    scan(text, &mut |found, span, leaf| {
        let raw = &text[span.clone()];
        let value = if leaf == Leaf::String { unescaped(raw) } else { Cow::Borrowed(raw) };
        let whole = if steps.is_empty() { Cow::Borrowed(found) } else { Cow::Owned([steps, found].concat()) };
        if rules.json(&whole, &value) {
            let quote = if leaf == Leaf::Number { "\"".to_owned() } else { String::new() };
            let (name, label) = (last_key(&whole).unwrap_or_default().to_owned(), format!("json:${}", Shown(&whole)));
            places.push(Place { span, name, label, secret: value.into_owned(), quote });
        } else if leaf == Leaf::String && depth > 0 {
            let inner = nested::in_string(raw, &value, rules, &whole, depth);
            let moved = |at: &Range<usize>| span.start + at.start..span.start + at.end;
            places.extend(inner.into_iter().map(|place| Place { span: moved(&place.span), ..place }));
        }
    });
    places
}

/// The key that a value stands under, or the list that it is in.
pub(super) fn last_key(steps: &[Step]) -> Option<&str> {
    steps.iter().rev().find_map(|step| if let Step::Key(key) = step { Some(&**key) } else { None })
}

/// The text of a string literal, given without its quotes.
pub(super) fn unescaped(raw: &[u8]) -> Cow<'_, [u8]> {
    let escaped = memchr::memchr(b'\\', raw).is_some();
    let text = if escaped { unescape([b"\"", raw, b"\""].concat()) } else { None };
    text.map_or(Cow::Borrowed(raw), Cow::Owned)
}

/// Takes a leaf: the steps that lead to it, where it is, what it is.
pub(super) type Each<'a> = dyn FnMut(&[Step], Range<usize>, Leaf) + 'a;

/// Reads JSON values one after the other and hands out each leaf with the steps that lead to it.
pub(super) fn scan(text: &[u8], each: &mut Each<'_>) {
    let mut state = Scan { text, at: 0, open: Vec::new(), steps: Vec::new() };
    while let Some(token) = state.next() {
        if let Token::Leaf(span, leaf) = token {
            each(&state.steps, span, leaf);
        }
        state.after_value();
    }
}

enum Token {
    Leaf(Range<usize>, Leaf),
    /// `true`, `false`, `null`, or the end of a list or object.
    Other,
}

struct Scan<'a> {
    text: &'a [u8],
    at: usize,
    /// Whether each open container is an object.
    open: Vec<bool>,
    /// The step into each open container's current value; in an object only while its value is awaited.
    steps: Vec<Step>,
}

impl Scan<'_> {
    /// The next whole value.
    fn next(&mut self) -> Option<Token> {
        loop {
            let byte = *self.text.get(self.at)?;
            let start = self.at;
            self.at += 1;
            match byte {
                b'{' => self.open.push(true),
                b'[' => {
                    self.open.push(false);
                    self.steps.push(Step::Index(0));
                }
                b'}' | b']' => {
                    if let Some(object) = self.open.pop() {
                        if !object || self.steps.len() > self.open.len() {
                            self.steps.pop();
                        }
                        return Some(Token::Other);
                    }
                }
                b'"' => {
                    let span = start + 1..self.end_of_string()?;
                    if self.awaits_key() {
                        let key = unescaped(&self.text[span]);
                        self.steps.push(Step::Key(String::from_utf8_lossy(&key).into_owned()));
                    } else {
                        return Some(Token::Leaf(span, Leaf::String));
                    }
                }
                b'-' | b'0'..=b'9' => {
                    self.skip_word();
                    return Some(Token::Leaf(start..self.at, Leaf::Number));
                }
                byte if byte.is_ascii_alphabetic() => {
                    self.skip_word();
                    return Some(Token::Other);
                }
                _ => {}
            }
        }
    }

    fn awaits_key(&self) -> bool {
        self.open.last() == Some(&true) && self.steps.len() < self.open.len()
    }

    /// The value that the last step led to is over.
    fn after_value(&mut self) {
        match self.open.last() {
            Some(true) if self.steps.len() == self.open.len() => _ = self.steps.pop(),
            Some(false) => {
                if let Some(Step::Index(index)) = self.steps.last_mut() {
                    *index += 1;
                }
            }
            _ => {}
        }
    }

    /// Passes over a string whose first quote has been read, and gives the place of the last one.
    fn end_of_string(&mut self) -> Option<usize> {
        loop {
            let found = memchr::memchr2(b'"', b'\\', &self.text[self.at..])?;
            self.at += found + 1;
            if self.text[self.at - 1] == b'"' {
                return Some(self.at - 1);
            }
            self.at += 1;
            if self.at > self.text.len() {
                return None;
            }
        }
    }

    fn skip_word(&mut self) {
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-');
        self.at += self.text[self.at..].iter().take_while(|byte| is_word(byte)).count();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<(String, String)> {
        let rules = Rules::listed_and(&["json:$.items[*].key".parse().unwrap()]);
        let places = in_json(text.as_bytes(), &rules);
        places.iter().map(|place| (place.label.clone(), text[place.span.clone()].to_owned())).collect()
    }

    fn some(places: &[(&str, &str)]) -> Vec<(String, String)> {
        places.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn values_are_found_by_key_and_by_path() {
        let text = r#"{"user":{"name":"ada","password":"p\"w"},"items":[{"key":"k1"},{"key":2}],"api_keys":["no"],"access_token":["a","b"],"pin":1234,"secret":{"id":"x"}}"#;
        let expected = [
            ("json:$.user.password", "p\\\"w"),
            ("json:$.items[*].key", "k1"),
            ("json:$.items[*].key", "2"),
            ("json:$.access_token[*]", "a"),
            ("json:$.access_token[*]", "b"),
            ("json:$.pin", "1234"),
        ];
        assert_eq!(values(text), some(&expected));
    }

    #[test]
    fn lines_of_json_and_broken_ends_are_read_as_far_as_they_go() {
        let text = "{\"password\":\"a\"}\n[1,{\"x\":[]}]\n{\"password\":\"b\",\"o\":{\"password\":\"c\"";
        assert_eq!(values(text).iter().map(|(_, value)| &**value).collect::<Vec<_>>(), ["a", "b", "c"]);
        for end in 0..text.len() {
            values(&text[..end]);
        }
    }

    #[test]
    fn a_number_becomes_a_string_also_inside_a_string() {
        let text = r#"{"pin":1234,"body":"{\"n\":\"\u00e9\",\"pin\":5678}"}"#;
        let places = in_json(text.as_bytes(), &Rules::default());
        let replaced = super::super::place::replace(text.as_bytes(), &places, &mut super::super::mask).bytes;
        let whole: serde_json::Value = serde_json::from_slice(&replaced).unwrap();
        let inner: serde_json::Value = serde_json::from_str(whole["body"].as_str().unwrap()).unwrap();
        assert_eq!((&whole["pin"], &inner["pin"], &inner["n"]), (&"redacted".into(), &"redacted".into(), &"é".into()));
    }

    #[test]
    fn texts_in_strings_are_read_too() {
        let text = r#"{"body":"{\"password\":\"a\\u0062\"}","url":"https:\/\/a.test\/?x=1&api_key=k1","query":"mutation { login(user: \"u\", password: \"pw\") { token } }"}"#;
        let expected = [("json:$.body.password", r"a\\u0062"), ("json:$.url", "k1"), ("json:$.query", "pw")];
        assert_eq!(values(text), some(&expected));
    }
}
