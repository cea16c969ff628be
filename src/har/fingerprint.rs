//! `_harmock.hash`: what an entry was when harmock wrote it, so that an edit by hand can be told.
//!
//! The hash is SHA-256, in lower-case hex, over the entry's JSON without the white space between tokens, strings and
//! numbers exactly as they are written, with `_harmock.hash` itself as the empty string; then, for the request's and
//! the response's payload file, where there is one, a line feed and the lower-case hex SHA-256 of its content. Moving
//! an entry or indenting it anew therefore changes nothing, any other change shows.

use std::ops::Range;

use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// The hash of an entry of an archive as it is now, to be compared with its `_harmock.hash`. `payloads` are the hashes
/// of the files that the request and the response name, in this order. `None` if it has no `_harmock.hash`.
pub fn entry_hash(entry: &str, payloads: &[[u8; 32]]) -> Option<String> {
    let hash = hash_span(entry)?;
    let mut tokens = Sha256::new();
    update_compact(&mut tokens, entry.get(..hash.start)?);
    tokens.update(b"\"\"");
    update_compact(&mut tokens, entry.get(hash.end..)?);
    Some(finish(tokens, payloads))
}

/// The text of `_harmock.hash`.
pub fn written_hash(entry: &str) -> Option<String> {
    serde_json::from_str(recorded_hash(entry)?.get()).ok()
}

/// Ends the hash with the payloads.
pub(crate) fn finish(mut tokens: Sha256, payloads: &[[u8; 32]]) -> String {
    for payload in payloads {
        tokens.update(b"\n");
        tokens.update(hex(payload));
    }
    hex(&tokens.finalize())
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]).collect()
}

/// The bytes of a hash in hex.
pub(crate) fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

/// Where the value of `_harmock.hash` stands in an entry's text, quotes included.
pub(crate) fn hash_span(entry: &str) -> Option<Range<usize>> {
    let hash = recorded_hash(entry)?.get();
    let start = (hash.as_ptr() as usize).checked_sub(entry.as_ptr() as usize)?;
    Some(start..start + hash.len())
}

fn recorded_hash(entry: &str) -> Option<&RawValue> {
    #[derive(Deserialize)]
    struct Marked<'a> {
        #[serde(borrow, rename = "_harmock")]
        harmock: Own<'a>,
    }
    #[derive(Deserialize)]
    struct Own<'a> {
        #[serde(borrow)]
        hash: &'a RawValue,
    }
    serde_json::from_str::<Marked<'_>>(entry).ok().map(|marked| marked.harmock.hash)
}

/// Hashes JSON text without the white space between its tokens.
pub(crate) fn update_compact(tokens: &mut Sha256, json: &str) {
    compact_parts(json, |part| tokens.update(part));
}

/// JSON text without the white space between its tokens.
pub(crate) fn compact(json: &str) -> Vec<u8> {
    let mut compact = Vec::with_capacity(json.len());
    compact_parts(json, |part| compact.extend_from_slice(part));
    compact
}

fn compact_parts(json: &str, mut each: impl FnMut(&[u8])) {
    let (mut start, mut in_string, mut escaped) = (0, false, false);
    let bytes = json.as_bytes();
    for (at, &byte) in bytes.iter().enumerate() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else if byte == b'"' {
            in_string = true;
        } else if byte.is_ascii_whitespace() {
            each(&bytes[start..at]);
            start = at + 1;
        }
    }
    each(&bytes[start..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_between_tokens_does_not_count_and_inside_strings_it_does() {
        let compact = r#"{"a":"x \" y","_harmock":{"hash":"h"},"b":[1,2]}"#;
        let indented = "{\n  \"a\": \"x \\\" y\",\n  \"_harmock\": { \"hash\": \"other\" },\n  \"b\": [ 1, 2 ]\n}";
        let edited = compact.replace("x ", "x");
        assert_eq!(entry_hash(compact, &[]), entry_hash(indented, &[]));
        assert_ne!(entry_hash(compact, &[]), entry_hash(&edited, &[]));
        assert_ne!(entry_hash(compact, &[]), entry_hash(compact, &[[0; 32]]));
    }

    #[test]
    fn an_entry_of_another_tool_has_no_hash() {
        assert_eq!(entry_hash("{}", &[]), None);
        assert_eq!(entry_hash(r#"{"_harmock":{}}"#, &[]), None);
    }
}
