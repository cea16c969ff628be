//! One pass over a body, in memory or on disk: its hash, its size, and whether it can stand in a HAR as text.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::har::NewBody;

/// What one pass over a body tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BodyScan {
    /// SHA-256 of the bytes.
    pub(crate) hash: [u8; 32],
    /// How many bytes.
    pub(crate) size: u64,
    /// All of it is valid UTF-8.
    pub(crate) utf8: bool,
    /// U+FFFD is in it: in a request, readers take that for text that the producer destroyed.
    pub(crate) replacement: bool,
}

/// Reads the body once.
pub(crate) fn scan(body: &NewBody<'_>) -> io::Result<BodyScan> {
    match body {
        NewBody::None | NewBody::Omitted => scan_reader(io::empty()),
        NewBody::Bytes(bytes) => scan_reader(*bytes),
        NewBody::File(path) => scan_reader(File::open(path)?),
    }
}

/// SHA-256 of a file.
pub(crate) fn hash_file(path: &Path) -> io::Result<[u8; 32]> {
    hash_reader(File::open(path)?)
}

/// SHA-256 of all that is left to read.
pub(crate) fn hash_reader(mut source: impl Read) -> io::Result<[u8; 32]> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok(hash.finalize().into()),
            Ok(read) => hash.update(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn scan_reader(mut source: impl Read) -> io::Result<BodyScan> {
    let mut hash = Sha256::new();
    let (mut size, mut text) = (0, TextScan::default());
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hash.update(&buffer[..read]);
        text.update(&buffer[..read]);
        size += read as u64;
    }
    let utf8 = !text.invalid && text.cut.is_empty();
    Ok(BodyScan { hash: hash.finalize().into(), size, utf8, replacement: text.replacement })
}

/// Validates UTF-8 chunk by chunk.
#[derive(Default)]
struct TextScan {
    invalid: bool,
    replacement: bool,
    /// The beginning of a character that the last chunk cut off.
    cut: Vec<u8>,
}

impl TextScan {
    fn update(&mut self, chunk: &[u8]) {
        if self.invalid {
            return;
        }
        if self.cut.is_empty() {
            return self.check(chunk);
        }
        let mut joined = std::mem::take(&mut self.cut);
        joined.extend_from_slice(chunk);
        self.check(&joined);
    }

    fn check(&mut self, bytes: &[u8]) {
        let valid = match std::str::from_utf8(bytes) {
            Ok(text) => text.len(),
            Err(error) => {
                self.invalid = error.error_len().is_some();
                self.cut = bytes[error.valid_up_to()..].iter().copied().take(4).collect();
                error.valid_up_to()
            }
        };
        self.replacement |= memchr::memmem::find(&bytes[..valid], "\u{fffd}".as_bytes()).is_some();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(chunks: &[&[u8]]) -> (bool, bool) {
        let mut scan = TextScan::default();
        chunks.iter().for_each(|chunk| scan.update(chunk));
        (!scan.invalid && scan.cut.is_empty(), scan.replacement)
    }

    #[test]
    fn characters_may_be_cut_between_chunks() {
        let text_bytes = "é€\u{1f600}\u{fffd}".as_bytes();
        for at in 0..text_bytes.len() {
            assert_eq!(text(&[&text_bytes[..at], &text_bytes[at..]]), (true, true), "cut at {at}");
        }
        let single: Vec<&[u8]> = text_bytes.chunks(1).collect();
        assert_eq!(text(&single), (true, true));
    }

    #[test]
    fn bytes_that_are_no_text_are_found_wherever_they_are() {
        assert_eq!(text(&[b"abc", b"\xff", b"abc"]), (false, false));
        assert_eq!(text(&["é".as_bytes(), &"é".as_bytes()[..1]]), (false, false));
    }
}
