//! How much an archive may unpack to.

use std::io::{self, Read};

/// Bounds on what reading an archive takes from memory and disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of HAR text, unpacked.
    pub text: u64,
    /// Bytes of one body that is unpacked, or held in memory. One that lies in a file as it is sent may be longer.
    pub payload: u64,
    /// How many times its compressed size something may unpack to, once it is above [`Limits::ratio_from`].
    pub ratio: u64,
    /// Bytes below which the ratio does not matter: a small repetitive text compresses well for good reasons.
    pub ratio_from: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { text: 4 << 30, payload: 2 << 30, ratio: 1000, ratio_from: 1 << 20 }
    }
}

/// Reads decompressed bytes and fails as soon as they pass a limit, so that nothing is ever unpacked whole first.
pub(crate) struct Bounded<R> {
    inner: R,
    passed: u64,
    most: u64,
    allowed_by_ratio: u64,
    ratio: u64,
}

impl<R: Read> Bounded<R> {
    /// At most `most` bytes out of `compressed` bytes.
    pub(crate) fn new(inner: R, compressed: u64, most: u64, limits: &Limits) -> Self {
        let allowed_by_ratio = compressed.saturating_mul(limits.ratio).max(limits.ratio_from);
        Self { inner, passed: 0, most, allowed_by_ratio, ratio: limits.ratio }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.passed += read as u64;
        let problem = if self.passed > self.most {
            format!("larger than {} bytes", self.most)
        } else if self.passed > self.allowed_by_ratio {
            format!("compressed more than {}:1, as only zip bombs are", self.ratio)
        } else {
            return Ok(read);
        };
        Err(io::Error::new(io::ErrorKind::FileTooLarge, PastLimit(problem)))
    }
}

/// The limit that was passed, carried through [`io::Error`].
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct PastLimit(String);

/// The limit that this error reports, where it is one of [`Bounded`]'s.
pub(crate) fn past_limit(error: &io::Error) -> Option<String> {
    error.get_ref()?.downcast_ref::<PastLimit>().map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_stops_at_the_limit_and_not_at_the_end() {
        let limits = Limits { ratio_from: 10, ..Limits::default() };
        let mut sink = Vec::new();
        let error = Bounded::new(io::repeat(0), 1, 1 << 40, &limits).read_to_end(&mut sink).unwrap_err();
        assert!(past_limit(&error).unwrap().contains("1000:1"));
        assert!(sink.len() < 1 << 16);
        let error = Bounded::new(io::repeat(0), 1 << 40, 50, &limits).read_to_end(&mut sink).unwrap_err();
        assert_eq!(past_limit(&error).unwrap(), "larger than 50 bytes");
    }
}
