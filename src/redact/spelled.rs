//! Words of a text in which characters are escaped, as they read without: as JSON and scripts escape them (`\u002b`,
//! `\/`), as URLs and forms do (`%2B`), and as markup does (`&#x2B;`, `&amp;`), one in the other too.

use std::ops::Range;

/// A shorter word holds nothing that is looked for.
const SHORTEST: usize = 16;
/// A longer word is decoded piece by piece, each with the end of the one before.
const LONGEST: usize = 1 << 20;
const OVERLAP: usize = 16 << 10;
/// So many escapes may be in one another.
const DEPTH: usize = 3;

/// A word without its escapes.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) bytes: Vec<u8>,
    /// Where each byte comes from, and at last where the word ends.
    origins: Vec<usize>,
}

impl Decoded {
    /// Where the byte at this place comes from in the word.
    pub(super) fn origin(&self, at: usize) -> usize {
        self.origins[at]
    }
}

/// Hands out each word that holds an escape, level by level.
pub(super) fn each(text: &[u8], see: &mut dyn FnMut(Range<usize>, &Decoded)) {
    let mut from = 0;
    while let Some(found) = memchr::memchr3(b'\\', b'%', b'&', &text[from..]) {
        let escape = from + found;
        let start = (from..escape).rev().find(|&at| ends_word(text, at)).map_or(from, |at| at + 1);
        let end = (escape..text.len()).find(|&at| ends_word(text, at)).unwrap_or(text.len());
        let mut piece = start;
        while end - piece >= SHORTEST {
            let word = piece..end.min(piece + LONGEST);
            each_level(&text[word.clone()], &mut |decoded| see(word.clone(), decoded));
            if word.end == end {
                break;
            }
            piece = word.end - OVERLAP;
        }
        from = end.max(escape + 1);
    }
}

fn each_level(word: &[u8], see: &mut dyn FnMut(&Decoded)) {
    let Some(mut level) = decoded(word) else { return };
    for _ in 1..DEPTH {
        see(&level);
        let Some(next) = decoded(&level.bytes) else { return };
        let origins = next.origins.iter().map(|&at| level.origins[at]).collect();
        level = Decoded { bytes: next.bytes, origins };
    }
    see(&level);
}

/// A word without the outermost escapes; none where there are none.
fn decoded(word: &[u8]) -> Option<Decoded> {
    let (mut bytes, mut origins) = (Vec::with_capacity(word.len()), Vec::with_capacity(word.len() + 1));
    let mut at = 0;
    while let Some(&byte) = word.get(at) {
        let (byte, length) = escape(&word[at..]).unwrap_or((byte, 1));
        bytes.push(byte);
        origins.push(at);
        at += length;
    }
    origins.push(at);
    (bytes.len() < word.len()).then_some(Decoded { bytes, origins })
}

/// The ASCII character that a text begins with an escape of, and the length of that.
fn escape(text: &[u8]) -> Option<(u8, usize)> {
    match text {
        [b'%', rest @ ..] => Some((number(rest.get(..2)?, 16)?, 3)),
        [b'\\', b'u', rest @ ..] => Some((number(rest.get(..4)?, 16)?, 6)),
        [b'\\', b'x', rest @ ..] => Some((number(rest.get(..2)?, 16)?, 4)),
        [b'\\', same @ (b'/' | b'"' | b'\'' | b'\\'), ..] => Some((*same, 2)),
        [b'&', rest @ ..] => {
            let name = &rest[..rest.iter().take(8).position(|byte| *byte == b';')?];
            Some((named(name)?, name.len() + 2))
        }
        _ => None,
    }
}

fn named(name: &[u8]) -> Option<u8> {
    match name {
        b"amp" => Some(b'&'),
        b"apos" => Some(b'\''),
        b"gt" => Some(b'>'),
        b"lt" => Some(b'<'),
        b"quot" => Some(b'"'),
        [b'#', b'x' | b'X', digits @ ..] => number(digits, 16),
        [b'#', digits @ ..] => number(digits, 10),
        _ => None,
    }
}

/// Digits as the code of an ASCII character.
fn number(digits: &[u8], radix: u32) -> Option<u8> {
    let digits =
        std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u8::try_from(u32::from_str_radix(digits, radix).ok()?).ok().filter(u8::is_ascii)
}

/// Whether no word goes on here: a secret has no white space, and what stands in quotes ends with them.
fn ends_word(text: &[u8], at: usize) -> bool {
    match text[at] {
        b'"' => at == 0 || text[at - 1] != b'\\',
        byte => byte.is_ascii_whitespace() || matches!(byte, b'<' | b'>'),
    }
}
