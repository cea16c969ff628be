//! The one JSON layout of archives, made for line diffs and for editing by hand.
//!
//! Two spaces per level; one field of an object per line; an object or list that is an item of a list (a header, a
//! cookie, a query pair) on one line of its own; `[]` and `{}` where there is nothing. So a changed header changes one
//! line. While the text is written, its tokens (without the white space between them) also go into a hash.

use std::io::{self, Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// Writes JSON text in the archive layout.
pub(crate) struct JsonText<W> {
    out: W,
    tokens: Sha256,
    open: Vec<Container>,
    base: usize,
}

impl JsonText<io::Sink> {
    /// Writes nothing but goes on with a hash.
    pub(crate) fn continuing(tokens: Sha256) -> Self {
        Self { out: io::sink(), tokens, open: Vec::new(), base: 0 }
    }
}

/// A list or object that is not closed yet.
struct Container {
    close: u8,
    one_line: bool,
    empty: bool,
}

impl<W: Write> JsonText<W> {
    /// Starts a value whose opening line is indented by `base` levels already.
    pub(crate) fn new(out: W, base: usize) -> Self {
        Self { out, tokens: Sha256::new(), open: Vec::new(), base }
    }

    /// The hash over all tokens so far, to be continued by the caller.
    pub(crate) fn tokens(&self) -> Sha256 {
        self.tokens.clone()
    }

    /// Gives the sink back.
    pub(crate) fn into_inner(self) -> W {
        self.out
    }

    pub(crate) fn begin_object(&mut self) -> io::Result<()> {
        self.begin(b'{', b'}')
    }

    pub(crate) fn begin_list(&mut self) -> io::Result<()> {
        self.begin(b'[', b']')
    }

    /// Closes the innermost list or object.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        let Some(container) = self.open.pop() else { return Ok(()) };
        match (container.empty, container.one_line) {
            (true, _) => {}
            (false, true) => self.space(b" ")?,
            (false, false) => self.new_line()?,
        }
        self.token(&[container.close])
    }

    /// The name of the next field.
    pub(crate) fn key(&mut self, name: &str) -> io::Result<()> {
        self.next_item()?;
        self.string(name)?;
        self.token(b":")?;
        self.space(b" ")
    }

    /// Before each item of a list.
    pub(crate) fn next_item(&mut self) -> io::Result<()> {
        let Some(container) = self.open.last_mut() else { return Ok(()) };
        let (first, one_line) = (container.empty, container.one_line);
        container.empty = false;
        if !first {
            self.token(b",")?;
        }
        if one_line { self.space(b" ") } else { self.new_line() }
    }

    pub(crate) fn string(&mut self, text: &str) -> io::Result<()> {
        self.token(b"\"")?;
        self.string_part(text.as_bytes())?;
        self.token(b"\"")
    }

    /// A number or another value that is JSON text already.
    pub(crate) fn raw(&mut self, json: &str) -> io::Result<()> {
        self.token(json.as_bytes())
    }

    pub(crate) fn string_field(&mut self, name: &str, text: &str) -> io::Result<()> {
        self.key(name)?;
        self.string(text)
    }

    pub(crate) fn number_field(&mut self, name: &str, number: impl std::fmt::Display) -> io::Result<()> {
        self.key(name)?;
        self.raw(&number.to_string())
    }

    /// A string of any length from UTF-8 bytes.
    pub(crate) fn string_from(&mut self, source: &mut dyn Read) -> io::Result<()> {
        self.token(b"\"")?;
        let mut buffer = vec![0; CHUNK];
        loop {
            let filled = fill(source, &mut buffer)?;
            self.string_part(&buffer[..filled])?;
            if filled < buffer.len() {
                break;
            }
        }
        self.token(b"\"")
    }

    /// A base64 string of any length.
    pub(crate) fn base64_from(&mut self, source: &mut dyn Read) -> io::Result<()> {
        self.token(b"\"")?;
        let mut buffer = vec![0; CHUNK];
        let mut text = String::new();
        loop {
            let filled = fill(source, &mut buffer)?;
            text.clear();
            STANDARD.encode_string(&buffer[..filled], &mut text);
            self.token(text.as_bytes())?;
            if filled < buffer.len() {
                break;
            }
        }
        self.token(b"\"")
    }

    fn begin(&mut self, open: u8, close: u8) -> io::Result<()> {
        self.token(&[open])?;
        let one_line = self.open.last().is_some_and(|around| around.one_line || around.close == b']');
        self.open.push(Container { close, one_line, empty: true });
        Ok(())
    }

    /// Escapes as `JSON.stringify` does, byte by byte, so that a part may end anywhere.
    fn string_part(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut written = 0;
        for (at, &byte) in bytes.iter().enumerate() {
            let escape = match byte {
                b'"' => "\\\"",
                b'\\' => "\\\\",
                0x08 => "\\b",
                0x09 => "\\t",
                0x0a => "\\n",
                0x0c => "\\f",
                0x0d => "\\r",
                0..0x20 => "",
                _ => continue,
            };
            self.token(&bytes[written..at])?;
            if escape.is_empty() {
                self.token(format!("\\u{byte:04x}").as_bytes())?;
            } else {
                self.token(escape.as_bytes())?;
            }
            written = at + 1;
        }
        self.token(&bytes[written..])
    }

    fn new_line(&mut self) -> io::Result<()> {
        self.space(b"\n")?;
        for _ in 0..self.base + self.open.len() {
            self.space(b"  ")?;
        }
        Ok(())
    }

    fn token(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.tokens.update(bytes);
        self.out.write_all(bytes)
    }

    fn space(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)
    }
}

/// A JSON string.
pub(crate) fn quoted(text: &str) -> String {
    let mut json = JsonText::new(Vec::new(), 0);
    // A vector takes everything, and escaping leaves UTF-8 valid.
    let _ = json.string(text);
    String::from_utf8(json.into_inner()).unwrap_or_default()
}

/// Divisible by three, so that base64 chunks can be joined.
const CHUNK: usize = 48 << 10;

/// Reads until the buffer is full or the source ends.
fn fill(source: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(compose: impl FnOnce(&mut JsonText<Vec<u8>>) -> io::Result<()>) -> String {
        let mut json = JsonText::new(Vec::new(), 0);
        compose(&mut json).unwrap();
        String::from_utf8(json.into_inner()).unwrap()
    }

    #[test]
    fn fields_take_a_line_each_and_list_items_one_line() {
        let text = written(|json| {
            json.begin_object()?;
            json.key("headers")?;
            json.begin_list()?;
            for value in ["1", "2"] {
                json.next_item()?;
                json.begin_object()?;
                json.string_field("name", "a")?;
                json.string_field("value", value)?;
                json.end()?;
            }
            json.end()?;
            json.key("cookies")?;
            json.begin_list()?;
            json.end()?;
            json.end()
        });
        let expected = r#"{
  "headers": [
    { "name": "a", "value": "1" },
    { "name": "a", "value": "2" }
  ],
  "cookies": []
}"#;
        assert_eq!(text, expected);
    }

    #[test]
    fn every_string_reads_back_as_it_was() {
        let original: String = (0..0x250).filter_map(char::from_u32).chain("\u{2028}\u{1f600}\"\\".chars()).collect();
        let text = written(|json| json.string(&original));
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), original);
    }

    #[test]
    fn long_bodies_join_over_chunk_borders() {
        let bytes: Vec<u8> = "aé€\u{1f600}\"".bytes().cycle().take(CHUNK * 2 + 14).collect();
        let text = written(|json| json.string_from(&mut bytes.as_slice()));
        assert_eq!(serde_json::from_str::<String>(&text).unwrap().into_bytes(), bytes);
        let encoded = written(|json| json.base64_from(&mut bytes.as_slice()));
        assert_eq!(STANDARD.decode(encoded.trim_matches('"')).unwrap(), bytes);
    }
}
