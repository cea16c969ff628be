//! From the text of a JSON string to the bytes of the body that it holds, piece by piece: what `embedded` does at once.

use std::io::{self, Read, Write};

use base64::Engine;
use memchr::memchr;

use crate::archive::embedded::LENIENT;
use crate::har::BodyText;

/// Bytes that are read at a time.
const PIECE: usize = 64 << 10;
/// The longest escape: a pair of surrogates.
const ESCAPE_MOST: usize = 12;

/// Decodes what stands between the quotes of a string into `out`; `false` where it is not what it is said to be, which
/// decoding it at once then tells in full.
pub(crate) fn decode(mut literal: &mut dyn Read, text: BodyText, out: &mut dyn Write) -> io::Result<bool> {
    let mut bytes = Decoder::of(text);
    let (mut raw, mut unescaped, mut decoded) = (Vec::with_capacity(PIECE), Vec::new(), Vec::new());
    loop {
        let ended = (&mut literal).take((PIECE - raw.len()) as u64).read_to_end(&mut raw)? == 0;
        let Some(used) = unescape(&raw, ended, &mut unescaped) else { return Ok(false) };
        raw.drain(..used);
        if bytes.push(&unescaped, ended, &mut decoded).is_none() {
            return Ok(false);
        }
        out.write_all(&decoded)?;
        unescaped.clear();
        decoded.clear();
        if ended {
            return Ok(true);
        }
    }
}

/// Appends what `raw` stands for to `out` and says how much of it that was: an escape at the end may go on.
fn unescape(raw: &[u8], ended: bool, out: &mut Vec<u8>) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = memchr(b'\\', &raw[at..]) {
        out.extend_from_slice(&raw[at..at + found]);
        at += found;
        let escape = &raw[at..];
        if escape.len() < ESCAPE_MOST && !ended {
            return Some(at);
        }
        at += one_escape(escape, out)?;
    }
    out.extend_from_slice(&raw[at..]);
    Some(raw.len())
}

/// Appends one character; lone surrogates become U+FFFD. Gives the length of its escape, none where it is no escape.
fn one_escape(escape: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let plain = match escape.get(1)? {
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        plain @ (b'"' | b'\\' | b'/') => *plain,
        b'u' => {
            let first = code_unit(escape)?;
            let second = escape.get(6..).and_then(code_unit).filter(|_| (0xD800..0xDC00).contains(&first));
            let pair = second.and_then(|second| char::decode_utf16([first, second]).next()?.ok());
            let char = pair.or_else(|| char::from_u32(first.into())).unwrap_or(char::REPLACEMENT_CHARACTER);
            out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(if pair.is_some() { 12 } else { 6 });
        }
        _ => return None,
    };
    out.push(plain);
    Some(2)
}

fn code_unit(escape: &[u8]) -> Option<u16> {
    let digits = escape.get(..6)?.strip_prefix(b"\\u")?;
    let digits =
        std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u16::from_str_radix(digits, 16).ok()
}

/// From unescaped text to bytes; what the next piece completes is kept.
enum Decoder {
    Utf8,
    Latin1 { lead: Option<u8> },
    Base64 { digits: Vec<u8>, place: Base64Place },
}

/// Where in a base64 text a piece begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Base64Place {
    Digits,
    Padding,
    /// White space behind the padding.
    End,
}

impl Decoder {
    fn of(text: BodyText) -> Self {
        match text {
            BodyText::Utf8 => Self::Utf8,
            BodyText::Latin1 => Self::Latin1 { lead: None },
            BodyText::Base64 => Self::Base64 { digits: Vec::new(), place: Base64Place::Digits },
        }
    }

    fn push(&mut self, text: &[u8], ended: bool, out: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Utf8 => out.extend_from_slice(text),
            Self::Latin1 { lead } => latin1(text, lead, out)?,
            Self::Base64 { digits, place } => {
                for byte in text {
                    *place = base64_digit(*byte, *place, digits)?;
                }
                let whole = if ended { digits.len() } else { digits.len() / 4 * 4 };
                LENIENT.decode_vec(&digits[..whole], out).ok()?;
                digits.drain(..whole);
            }
        }
        Some(())
    }
}

/// One byte per code point, up to U+00FF, which UTF-8 writes in two bytes.
fn latin1(text: &[u8], lead: &mut Option<u8>, out: &mut Vec<u8>) -> Option<()> {
    for byte in text {
        match (lead.take(), byte) {
            (None, 0..0x80) => out.push(*byte),
            (None, 0xC2 | 0xC3) => *lead = Some(*byte),
            (Some(lead), 0x80..0xC0) => out.push(lead << 6 | byte & 0x3F),
            _ => return None,
        }
    }
    Some(())
}

fn base64_digit(byte: u8, place: Base64Place, digits: &mut Vec<u8>) -> Option<Base64Place> {
    use Base64Place::{Digits, End, Padding};
    let digit = match byte {
        b' ' | b'\t' | b'\r' | b'\n' => return Some(if place == Digits { Digits } else { End }),
        b'=' if place != End => return Some(Padding),
        b'-' => b'+',
        b'_' => b'/',
        digit if digit.is_ascii_alphanumeric() || matches!(digit, b'+' | b'/') => digit,
        _ => return None,
    };
    if place != Digits {
        return None;
    }
    digits.push(digit);
    Some(Digits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gives few bytes at a time, so that everything is cut everywhere.
    struct Dripping<'a>(&'a [u8], usize);

    impl Read for Dripping<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = buffer.len().min(self.1);
            self.0.read(&mut buffer[..most])
        }
    }

    fn streamed(inner: &str, text: BodyText) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        decode(&mut inner.as_bytes(), text, &mut out).unwrap().then_some(out)
    }

    fn at_once(inner: &str, text: BodyText) -> Option<Vec<u8>> {
        crate::archive::embedded::decode(format!("\"{inner}\"").into_bytes(), text).ok().map(|bytes| bytes.to_vec())
    }

    #[test]
    fn escapes_that_a_piece_cuts_are_whole_again() {
        let inner = r"\u00e9\ud83d\ude00\n".repeat(PIECE / 8);
        let expected = at_once(&inner, BodyText::Utf8);
        for shift in 0..24 {
            let (shifted, mut out) = ("x".repeat(shift) + &inner, Vec::new());
            assert!(decode(&mut Dripping(shifted.as_bytes(), 4099), BodyText::Utf8, &mut out).unwrap());
            assert_eq!(Some(&out[shift..]), expected.as_deref());
        }
    }

    #[test]
    fn what_is_no_string_and_no_base64_is_refused() {
        for inner in [r"\x", r"\u12g4", r"\u+123", r"\"] {
            assert_eq!(streamed(inner, BodyText::Utf8), None, "{inner}");
        }
        assert_eq!(streamed("\u{100}", BodyText::Latin1), None);
        for inner in ["AAAA*", "AA==AA", "AA= =", "A"] {
            assert_eq!((streamed(inner, BodyText::Base64), at_once(inner, BodyText::Base64)), (None, None), "{inner}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn the_bytes_are_those_that_are_decoded_at_once(
            inner in r#"([ -!#-\[\]-~]|é|€|😀|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}|\\u[dD][89a-fA-F][0-9a-f]{2}){0,12}"#,
            base64 in r"[A-Za-z0-9+/_-]{0,10}(\\n|\\r\\n| )?[A-Za-z0-9+/]{0,6}={0,3} ?",
        ) {
            prop_assert_eq!(streamed(&inner, BodyText::Utf8), at_once(&inner, BodyText::Utf8));
            if let Some(bytes) = streamed(&inner, BodyText::Latin1) {
                prop_assert_eq!(Some(bytes), at_once(&inner, BodyText::Latin1));
            }
            prop_assert_eq!(streamed(&base64, BodyText::Base64), at_once(&base64, BodyText::Base64), "{}", base64);
        }
    }
}
