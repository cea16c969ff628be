//! From a JSON string literal to the bytes of the body that it holds.

use std::path::Path;

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::{DecodeError, alphabet};
use bytes::Bytes;

use crate::archive::PayloadError;
use crate::har::BodyText;
use crate::har::fields::latin1_bytes;
use crate::har::json::unescape;

/// Decodes a literal with its quotes.
pub(crate) fn decode(literal: Vec<u8>, text: BodyText) -> Result<Bytes, Problem> {
    let bytes = unescape(literal).ok_or(Problem::NotAString)?;
    match text {
        BodyText::Utf8 => Ok(bytes.into()),
        BodyText::Latin1 => {
            // Above U+00FF no byte is meant; the reader chose this form only where there is none.
            let latin1 = std::str::from_utf8(&bytes).ok().and_then(latin1_bytes);
            Ok(latin1.unwrap_or(bytes).into())
        }
        BodyText::Base64 => decode_base64(&bytes).map(Bytes::from),
    }
}

/// What is wrong with the text, before it is known whose it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    Base64 { at: usize },
    NotAString,
}

impl Problem {
    /// The error for a text that begins at `byte` of this archive's HAR.
    pub(crate) fn in_archive(self, archive: &Path, byte: u64) -> PayloadError {
        let archive = archive.to_path_buf();
        match self {
            Self::Base64 { at } => PayloadError::Base64 { archive, at, byte },
            Self::NotAString => PayloadError::NotAString { archive, byte },
        }
    }
}

pub(crate) const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// As Node's `Buffer.from` reads it: line breaks and the URL alphabet are fine, padding may be missing. Other
/// characters, which Node skips, are an error: they mean that the text is no base64.
fn decode_base64(text: &[u8]) -> Result<Vec<u8>, Problem> {
    if let Ok(bytes) = LENIENT.decode(text) {
        return Ok(bytes);
    }
    let mut kept = Vec::with_capacity(text.len());
    let mut places = Vec::new();
    let unpadded = text.trim_ascii_end();
    let unpadded = &unpadded[..unpadded.len() - unpadded.iter().rev().take_while(|byte| **byte == b'=').count()];
    for (place, byte) in unpadded.iter().enumerate() {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => continue,
            b'-' => kept.push(b'+'),
            b'_' => kept.push(b'/'),
            byte if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/') => kept.push(*byte),
            _ => return Err(Problem::Base64 { at: place }),
        }
        places.push(place);
    }
    LENIENT.decode(&kept).map_err(|error| {
        let at = match error {
            DecodeError::InvalidByte(at, _) | DecodeError::InvalidLastSymbol { offset: at, .. } => at,
            _ => kept.len(),
        };
        Problem::Base64 { at: places.get(at).copied().unwrap_or(text.len()) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(literal: &str, text: BodyText) -> Result<Vec<u8>, Problem> {
        decode(literal.as_bytes().to_vec(), text).map(|bytes| bytes.to_vec())
    }

    #[test]
    fn text_is_unescaped_and_lone_surrogates_become_one_replacement_character_each() {
        assert_eq!(decoded(r#""a\n\"b\" \u00e9\ud83d\ude00""#, BodyText::Utf8).unwrap(), "a\n\"b\" é😀".as_bytes());
        assert_eq!(decoded(r#""x\ud83dy\ude00""#, BodyText::Utf8).unwrap(), "x\u{FFFD}y\u{FFFD}".as_bytes());
        assert_eq!(decoded("\"\u{D7FF}\u{E000}\\n\"", BodyText::Utf8).unwrap(), "\u{D7FF}\u{E000}\n".as_bytes());
        assert_eq!(decoded("\"\"", BodyText::Utf8).unwrap(), b"");
    }

    #[test]
    fn binary_strings_give_one_byte_per_code_point() {
        assert_eq!(decoded("\"\\u0089PNG\u{ff}\"", BodyText::Latin1).unwrap(), b"\x89PNG\xFF");
    }

    #[test]
    fn base64_is_read_as_node_reads_it() {
        for text in ["+/8=", "+/8", "-_8", "+ /\\r\\n8=", "\\u002b/8=", "+/9"] {
            assert_eq!(decoded(&format!("\"{text}\""), BodyText::Base64).unwrap(), [0xFB, 0xFF], "{text}");
        }
    }

    #[test]
    fn what_is_no_base64_is_placed() {
        assert_eq!(decoded("\"AA AA{}\"", BodyText::Base64), Err(Problem::Base64 { at: 5 }));
        assert_eq!(decoded("\"AAAAA\"", BodyText::Base64), Err(Problem::Base64 { at: 5 }));
    }

    #[test]
    fn a_span_that_is_no_string_is_refused() {
        assert_eq!(decoded("{}", BodyText::Utf8), Err(Problem::NotAString));
        assert_eq!(decoded("\"a\"b\"", BodyText::Utf8), Ok(b"a\"b".to_vec()));
    }
}
