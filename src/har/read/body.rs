//! The body of a response: where it is, and what kind of text holds it.

use super::EntryReader;
use crate::har::entry::{Answer, BodyText, StoredBody};
use crate::har::fields::latin1_bytes;
use crate::har::post_data::is_base64;
use crate::har::raw::RawResponse;

impl EntryReader<'_> {
    /// Where the body of a response is.
    pub(super) fn body(&mut self, response: &RawResponse<'_>) -> Option<StoredBody> {
        let content = &response.content;
        if let Some(file) = content.file.non_empty() {
            return Some(StoredBody::File(file.into()));
        }
        if content.text.is_there() && content.text.literal().is_none() {
            self.warn("response.content.text", "is not a string; the body is left out".to_owned());
        }
        let text = self.body_text(response);
        self.context.embedded(content.text, text)
    }

    /// The text is one byte per code point where that alone gives the size that the entry says: Firefox keeps what it
    /// could not decode so, and a page in Latin-1 has to come back in the bytes that its `charset` promises.
    fn body_text(&mut self, response: &RawResponse<'_>) -> BodyText {
        let content = &response.content;
        if is_base64(content.encoding) {
            return BodyText::Base64;
        }
        let mime_type = content.mime_type.text().unwrap_or_default();
        let ends_with = |charset: &str| {
            let start = mime_type.len().checked_sub(charset.len());
            start.and_then(|start| mime_type.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(charset))
        };
        let latin1 = ["8859-1", "latin1", "1252"].into_iter().any(ends_with);
        if !latin1 && !self.context.binary_strings {
            return BodyText::Utf8;
        }
        *self.told_by_length = true;
        let text = content.text.text().unwrap_or_default();
        let size = content.size.number().filter(|size| *size > 0.0).map(|size| size as usize);
        let one_byte_each = size == latin1_bytes(&text).map(|bytes| bytes.len());
        if one_byte_each && size.is_some() && size != Some(text.len()) { BodyText::Latin1 } else { BodyText::Utf8 }
    }
}

/// Whether a base64 body is the coded form that its `content-encoding` names, as mitmproxy stores what it could not
/// decode. A body that begins like one could also be a decoded download of a compressed file: then its size is not
/// the one on the wire, or, where that is unknown, its media type says so.
pub(super) fn is_still_encoded(answer: &Answer, response: &RawResponse<'_>) -> bool {
    let Some(StoredBody::Embedded { text: BodyText::Base64, .. }) = answer.body else { return false };
    let Some(text) = response.content.text.non_empty() else { return false };
    // The magic bytes of gzip (with deflate, its only method) and zstd, in base64.
    let magic = match answer.field("content-encoding").map(<[u8]>::to_ascii_lowercase).as_deref() {
        Some(b"gzip" | b"x-gzip") => "H4sI",
        Some(b"zstd") => "KLUv/",
        _ => return false,
    };
    if !text.starts_with(magic) {
        return false;
    }
    let stored = text.trim_end_matches('=').len() as u64 * 3 / 4;
    match response.body_size.number() {
        Some(wire) if wire > 0.0 => wire as u64 == stored,
        _ => !answer.field("content-type").is_some_and(is_compressed_file),
    }
}

fn is_compressed_file(content_type: &[u8]) -> bool {
    let media_type = String::from_utf8_lossy(content_type).to_ascii_lowercase();
    ["gzip", "zstd", "tar", "tgz", "octet-stream", "compress"].iter().any(|word| media_type.contains(word))
}
