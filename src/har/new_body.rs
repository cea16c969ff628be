//! Another body in an entry that is there: what says something of the body follows, all else stays byte for byte.

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::content_type::is_form;
use super::fields::scalar;
use super::json::{Json, apply, span_in};
use super::json_text::quoted;
use super::post_data::is_base64;
use super::raw::{RawEntry, RawItem};

/// Which message of an entry has the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Message {
    Request,
    Response,
}

/// A body that takes the place of another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewBodyText<'a> {
    /// Whose it is.
    pub(crate) message: Message,
    /// All of it.
    pub(crate) bytes: &'a [u8],
    /// Bytes of the one before.
    pub(crate) before: usize,
    /// The payload file that holds it, where the one before was in a file.
    pub(crate) file: Option<&'a str>,
    /// The one before had a code point for each byte.
    pub(crate) latin1: bool,
}

/// The entry with the body; none where it has no place for one.
///
/// Its `_harmock.hash` stays, so that a later merge knows the entry as edited by hand.
pub(crate) fn with_body(entry: &str, new: &NewBodyText<'_>) -> Option<String> {
    let raw: RawEntry<'_> = serde_json::from_str(entry).ok()?;
    let mut edits = Edits { entry, edits: Vec::new() };
    let (headers, body_size) = match new.message {
        Message::Request => {
            let post = &raw.request.post_data;
            edits.stored(post.file, post.text, post.encoding, new)?;
            if post.params.is_there() && is_form(&post.mime_type.text().unwrap_or_default()) {
                edits.put(post.params, pairs(new.bytes));
            }
            (raw.request.headers, raw.request.body_size)
        }
        Message::Response => {
            let content = &raw.response.content;
            edits.stored(content.file, content.text, content.encoding, new)?;
            edits.put(content.size, new.bytes.len().to_string());
            (raw.response.headers, raw.response.body_size)
        }
    };
    if body_size.number() == Some(new.before as f64) {
        edits.put(body_size, new.bytes.len().to_string());
    }
    edits.length(headers, new);
    Some(apply(entry, edits.edits))
}

struct Edits<'a> {
    entry: &'a str,
    edits: Vec<(Range<usize>, String)>,
}

impl<'a> Edits<'a> {
    fn stored(&mut self, file: Json<'a>, text: Json<'a>, encoding: Json<'a>, new: &NewBodyText<'_>) -> Option<()> {
        if let Some(name) = new.file {
            file.source()?;
            self.put(file, quoted(name));
            return Some(());
        }
        text.source()?;
        let plain = std::str::from_utf8(new.bytes).ok();
        // In a request U+FFFD would be read as damage.
        let plain = plain.filter(|text| new.message == Message::Response || !text.contains('\u{FFFD}'));
        match plain.filter(|_| !is_base64(encoding)) {
            _ if new.latin1 => {
                let points: String = new.bytes.iter().copied().map(char::from).collect();
                self.put(text, quoted(&points));
            }
            Some(plain) => self.put(text, quoted(plain)),
            None => {
                let coded = quoted(&STANDARD.encode(new.bytes));
                match encoding.is_there() {
                    true => {
                        self.put(text, coded);
                        self.put(encoding, quoted("base64"));
                    }
                    false => self.put(text, format!("{coded}, \"encoding\": \"base64\"")),
                }
            }
        }
        Some(())
    }

    /// What the message says of its length.
    fn length(&mut self, headers: Json<'a>, new: &NewBodyText<'_>) {
        for item in headers.items() {
            let item: RawItem<'_> = item.object();
            let is_length = item.name.text().is_some_and(|name| name.eq_ignore_ascii_case("content-length"));
            if is_length && scalar(item.value) == new.before.to_string() {
                self.put(item.value, quoted(&new.bytes.len().to_string()));
            }
        }
    }

    fn put(&mut self, value: Json<'a>, new: String) {
        if let Some(source) = value.source() {
            let span = span_in(self.entry, 0, source);
            self.edits.push((span.start as usize..span.end as usize, new));
        }
    }
}

/// The fields of a form, as HAR lists them.
fn pairs(form: &[u8]) -> String {
    let items: Vec<_> = form_urlencoded::parse(form)
        .map(|(name, value)| format!("{{ \"name\": {}, \"value\": {} }}", quoted(&name), quoted(&value)))
        .collect();
    format!("[{}]", items.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(entry: &str, message: Message, bytes: &[u8], before: usize, file: Option<&str>) -> String {
        with_body(entry, &NewBodyText { message, bytes, before, file, latin1: false }).unwrap()
    }

    #[test]
    fn text_sizes_and_lengths_follow_and_the_rest_stays() {
        let entry = r#"{"response":{"headers":[{"name":"Content-Length","value":"3"},{"name":"Age","value":"3"}],
            "content":{"size":3,"text":"old"},"bodySize":3},"_harmock":{"hash":"h"}}"#;
        let expected = r#"{"response":{"headers":[{"name":"Content-Length","value":"5"},{"name":"Age","value":"3"}],
            "content":{"size":5,"text":"newer"},"bodySize":5},"_harmock":{"hash":"h"}}"#;
        assert_eq!(edited(entry, Message::Response, b"newer", 3, None), expected);
    }

    #[test]
    fn bytes_that_are_no_text_become_base64_and_base64_stays_base64() {
        let entry = r#"{"response":{"content":{"size":1,"text":"a"}}}"#;
        let coded = r#"{"response":{"content":{"size":1,"text":"/w==", "encoding": "base64"}}}"#;
        assert_eq!(edited(entry, Message::Response, b"\xff", 1, None), coded);
        assert!(edited(coded, Message::Response, b"a", 1, None).contains(r#""text":"YQ==", "encoding": "base64""#));
        let request = r#"{"request":{"postData":{"text":"a","encoding":"utf-8"}}}"#;
        let coded = r#"{"request":{"postData":{"text":"77+9","encoding":"base64"}}}"#;
        assert_eq!(edited(request, Message::Request, "\u{fffd}".as_bytes(), 1, None), coded);
    }

    #[test]
    fn files_and_the_fields_of_forms_follow() {
        let entry = r#"{"request":{"postData":{"mimeType":"application/x-www-form-urlencoded","_file":"a.txt","text":"",
            "params":[{"name":"a","value":"1"}]}}}"#;
        let new = edited(entry, Message::Request, b"b=2&c=x+y", 3, Some("b.txt"));
        assert!(new.contains(r#""_file":"b.txt","text":"","#), "{new}");
        assert!(new.contains(r#"[{ "name": "b", "value": "2" }, { "name": "c", "value": "x y" }]"#), "{new}");
    }

    #[test]
    fn an_entry_without_a_place_for_a_body_gets_none() {
        let new = NewBodyText { message: Message::Response, bytes: b"a", before: 0, file: None, latin1: false };
        assert_eq!(with_body(r#"{"response":{"content":{"size":0}}}"#, &new), None);
    }
}
