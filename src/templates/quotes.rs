//! Whether what a template has made so far ends inside a JSON string, and the bound on how much it makes.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Where the text is, for whoever writes the next value. One rendering has one, on one thread.
#[derive(Debug, Default)]
pub(super) struct Quotes {
    open: AtomicBool,
    /// The next byte has no meaning of its own.
    escaped: AtomicBool,
}

impl Quotes {
    /// Whether a string is open.
    pub(super) fn are_open(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }

    fn follow(&self, bytes: &[u8]) {
        let (mut open, mut escaped) = (self.are_open(), self.escaped.load(Ordering::Relaxed));
        for byte in bytes {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if open => escaped = true,
                b'"' => open = !open,
                _ => {}
            }
        }
        self.open.store(open, Ordering::Relaxed);
        self.escaped.store(escaped, Ordering::Relaxed);
    }

    /// For another text.
    pub(super) fn close(&self) {
        self.open.store(false, Ordering::Relaxed);
        self.escaped.store(false, Ordering::Relaxed);
    }
}

/// Takes what a template makes, up to a length.
pub(super) struct Bounded<'a> {
    pub(super) bytes: Vec<u8>,
    pub(super) most: usize,
    pub(super) quotes: &'a Quotes,
}

impl Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.most {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.quotes.follow(bytes);
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_open_from_its_quote_to_the_next_that_is_not_escaped() {
        for (text, open) in [
            ("", false),
            ("{\"a\":", false),
            ("{\"a\":\"", true),
            ("\"a\\\"", true),
            ("\"a\\\\\"", false),
            ("\"a\\", true),
        ] {
            let quotes = Quotes::default();
            text.bytes().for_each(|byte| quotes.follow(&[byte]));
            assert_eq!(quotes.are_open(), open, "{text}");
        }
    }
}
