//! `_harmock`, the last field of an entry: its hash, and what HAR has no field for.

use std::io::{self, Write};

use super::compose::rounded;
use super::entry::{Chunk, End};
use super::fingerprint;
use super::json_text::JsonText;
use super::lists::write_fields;
use super::write::{Detail, NewAnswer};

/// What goes into `_harmock` beside the hash.
pub(crate) struct OwnFields<'a> {
    /// How the exchange ended.
    pub(crate) answer: &'a NewAnswer<'a>,
    /// The request had a body that the archive does not hold (`"payload": "omitted"`).
    pub(crate) payload_omitted: bool,
    /// Where values were replaced.
    pub(crate) redacted: &'a [String],
    /// The name of an entry that is an example.
    pub(crate) example: Option<&'a str>,
    /// Whether times are written.
    pub(crate) detail: Detail,
}

impl OwnFields<'_> {
    /// Writes the field. All that is before it is in the hash already; what is in it is hashed first, with an empty
    /// hash, as is the brace that closes the entry.
    pub(crate) fn write<W: Write>(&self, json: &mut JsonText<W>, payloads: &[[u8; 32]]) -> io::Result<()> {
        json.key("_harmock")?;
        let mut hashed = JsonText::continuing(json.tokens());
        self.object(&mut hashed, "")?;
        hashed.raw("}")?;
        self.object(json, &fingerprint::finish(hashed.tokens(), payloads))
    }

    fn object<W: Write>(&self, json: &mut JsonText<W>, hash: &str) -> io::Result<()> {
        json.begin_object()?;
        json.string_field("hash", hash)?;
        if let Some(name) = self.example {
            json.key("example")?;
            json.raw("true")?;
            if !name.is_empty() {
                json.string_field("name", name)?;
            }
        }
        if self.payload_omitted {
            json.string_field("payload", "omitted")?;
        }
        if !self.redacted.is_empty() {
            json.key("redacted")?;
            json.begin_list()?;
            for place in self.redacted {
                json.next_item()?;
                json.string(place)?;
            }
            json.end()?;
        }
        match self.answer {
            NewAnswer::Failed { cause, .. } => {
                json.key("failure")?;
                json.begin_object()?;
                json.string_field("cause", cause.as_str())?;
                json.end()?;
            }
            NewAnswer::Answered(response) => {
                if response.encoded {
                    json.key("encoded")?;
                    json.raw("true")?;
                }
                match response.end {
                    End::Complete => {}
                    End::Client => json.string_field("end", "client")?,
                    End::Upstream => json.string_field("end", "upstream")?,
                }
                if !response.trailers.is_empty() {
                    write_fields(json, "trailers", response.trailers)?;
                }
                if !response.chunks.is_empty() {
                    self.chunks(json, response.chunks)?;
                }
            }
        }
        json.end()
    }

    fn chunks<W: Write>(&self, json: &mut JsonText<W>, chunks: &[Chunk]) -> io::Result<()> {
        json.key("chunks")?;
        json.begin_list()?;
        for chunk in chunks {
            json.next_item()?;
            json.begin_object()?;
            json.number_field("length", chunk.length)?;
            if let (Detail::Full, Some(offset)) = (self.detail, chunk.offset) {
                json.number_field("offset", rounded(offset))?;
            }
            json.end()?;
        }
        json.end()
    }
}
