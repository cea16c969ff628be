//! JSON passed over quickly: most of reading an entry is finding the ends of values that nobody asks for.
//!
//! What is accepted here serde_json accepts, too, and finds the same in it. Where that is in doubt nothing is read, and
//! serde_json reads the whole text and says what is wrong.

use std::borrow::Cow;

use crate::har::json::Text;

/// Why a value was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It goes on behind the text.
    More,
    /// It is not read this way.
    Odd,
}

/// What is read of a value without serde.
pub(crate) trait Scan<'t>: Sized {
    /// Reads the next value.
    fn scan(scanner: &mut Scanner<'t>) -> Result<Self, Stop>;
}

/// A place in a text.
#[derive(Debug)]
pub(crate) struct Scanner<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Scanner<'t> {
    /// At the beginning of a text.
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// The whole text.
    pub(crate) fn text(&self) -> &'t str {
        self.text
    }

    /// How many bytes have been read.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Goes back, or on, to a place that [`Scanner::at`] has given.
    pub(crate) fn go_to(&mut self, at: usize) {
        self.at = at;
    }

    /// Whether nothing but white space is left.
    pub(crate) fn is_blank(&self) -> bool {
        self.text.as_bytes()[self.at..].iter().all(|byte| is_space(*byte))
    }

    /// The next byte that is no white space.
    #[inline]
    pub(crate) fn peek(&mut self) -> Result<u8, Stop> {
        loop {
            let byte = self.byte()?;
            if !is_space(byte) {
                return Ok(byte);
            }
            self.at += 1;
            // A line begins with many of them.
            while self.text.as_bytes()[self.at..].first_chunk() == Some(b"        ") {
                self.at += 8;
            }
        }
    }

    /// Passes over this byte, and white space before it.
    pub(crate) fn expect(&mut self, byte: u8) -> Result<(), Stop> {
        if self.peek()? != byte {
            return Err(Stop::Odd);
        }
        self.at += 1;
        Ok(())
    }

    /// The next key of an object and the colon behind it, or its closing bracket.
    pub(crate) fn member(&mut self, first: bool) -> Result<Option<Cow<'t, str>>, Stop> {
        if self.peek()? == b'}' {
            self.at += 1;
            return Ok(None);
        }
        if !first {
            self.expect(b',')?;
        }
        self.key().map(Some)
    }

    /// Passes over the next value, whatever it is, and gives its text.
    pub(crate) fn raw(&mut self) -> Result<&'t str, Stop> {
        let first = self.peek()?;
        let start = self.at;
        match first {
            b'{' | b'[' => self.container()?,
            _ => self.scalar(first)?,
        }
        Ok(&self.text[start..self.at])
    }

    /// Whether the next value is an object, which is then entered. Any other value is passed over, unless serde_json
    /// might find something wrong with it that passing over it does not.
    pub(crate) fn enters_object(&mut self) -> Result<bool, Stop> {
        match self.peek()? {
            b'{' => {
                self.at += 1;
                Ok(true)
            }
            b'n' | b't' | b'f' => self.raw().map(|_| false),
            b'"' if !self.raw()?.contains('\\') => Ok(false),
            _ => Err(Stop::Odd),
        }
    }

    fn byte(&self) -> Result<u8, Stop> {
        self.text.as_bytes().get(self.at).copied().ok_or(Stop::More)
    }

    fn key(&mut self) -> Result<Cow<'t, str>, Stop> {
        if self.peek()? != b'"' {
            return Err(Stop::Odd);
        }
        let start = self.at;
        let escaped = self.string()?;
        let literal = &self.text[start..self.at];
        self.expect(b':')?;
        match escaped {
            false => Ok(Cow::Borrowed(&literal[1..literal.len() - 1])),
            true => serde_json::from_str::<Text<'t>>(literal).map(|text| text.0).map_err(|_| Stop::Odd),
        }
    }

    /// A list or an object, at its opening bracket.
    fn container(&mut self) -> Result<(), Stop> {
        let mut open = Brackets::default();
        loop {
            let first = self.peek()?;
            match first {
                b'{' => {
                    self.at += 1;
                    open.push(b'}')?;
                    if self.peek()? != b'}' {
                        self.key()?;
                        continue;
                    }
                }
                b'[' => {
                    self.at += 1;
                    open.push(b']')?;
                    if self.peek()? != b']' {
                        continue;
                    }
                }
                _ => self.scalar(first)?,
            }
            if self.close(&mut open)? {
                return Ok(());
            }
        }
    }

    /// What stands behind a value: brackets, and unless the last one is closed, all up to the next value.
    fn close(&mut self, open: &mut Brackets) -> Result<bool, Stop> {
        while let Some(bracket) = open.last() {
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b',' if bracket == b'}' => return self.key().map(|_| false),
                b',' => return Ok(false),
                _ if byte == bracket => open.pop(),
                _ => return Err(Stop::Odd),
            }
        }
        Ok(true)
    }

    /// A value without parts that begins with this byte.
    fn scalar(&mut self, first: u8) -> Result<(), Stop> {
        match first {
            b'"' => self.string().map(|_| ()),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => Err(Stop::Odd),
        }
    }

    fn word(&mut self, word: &str) -> Result<(), Stop> {
        let rest = &self.text.as_bytes()[self.at..];
        if rest.starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(());
        }
        Err(if word.as_bytes().starts_with(rest) { Stop::More } else { Stop::Odd })
    }

    /// A number (RFC 8259 section 6); one at the very end of the text may go on behind it.
    fn number(&mut self) -> Result<(), Stop> {
        if self.byte()? == b'-' {
            self.at += 1;
        }
        match self.byte()? {
            b'0' => self.at += 1,
            _ => self.digits()?,
        }
        if self.byte()? == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte()?, b'e' | b'E') {
            self.at += 1;
            if matches!(self.byte()?, b'+' | b'-') {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Stop> {
        let start = self.at;
        while self.byte()?.is_ascii_digit() {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(Stop::Odd) }
    }

    /// A string, at its opening quote. Whether anything in it is escaped.
    fn string(&mut self) -> Result<bool, Stop> {
        let bytes = self.text.as_bytes();
        let (mut at, mut escaped) = (self.at + 1, false);
        loop {
            at += plain(&bytes[at..]);
            match bytes.get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok(escaped);
                }
                Some(b'\\') => at += escape(&bytes[at..])?,
                Some(_) => return Err(Stop::Odd),
                None => return Err(Stop::More),
            }
            escaped = true;
        }
    }
}

/// White space of JSON (RFC 8259 section 2).
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Brackets that are to be closed, a bit for each.
#[derive(Default)]
struct Brackets {
    objects: u128,
    depth: u32,
}

impl Brackets {
    fn push(&mut self, closing: u8) -> Result<(), Stop> {
        if self.depth == u128::BITS {
            return Err(Stop::Odd);
        }
        self.objects = self.objects << 1 | u128::from(closing == b'}');
        self.depth += 1;
        Ok(())
    }

    fn last(&self) -> Option<u8> {
        (self.depth > 0).then_some(if self.objects & 1 == 1 { b'}' } else { b']' })
    }

    fn pop(&mut self) {
        self.objects >>= 1;
        self.depth -= 1;
    }
}

/// Bytes of an escape, which begins here.
fn escape(bytes: &[u8]) -> Result<usize, Stop> {
    match bytes.get(1) {
        None => Err(Stop::More),
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(2),
        Some(b'u') => match bytes.get(2..6) {
            None => Err(Stop::More),
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => Ok(6),
            Some(_) => Err(Stop::Odd),
        },
        Some(_) => Err(Stop::Odd),
    }
}

/// Bytes that are looked at together in a string that is not short; whatever vectors a processor has take them.
const BLOCK: usize = 64;
/// Most strings end within so many bytes.
const SHORT: usize = 32;

/// How many bytes stand before a quote, a backslash or a control character, or before the end.
fn plain(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(word) = bytes[at..].first_chunk() {
        let odd = odd_bytes(u64::from_le_bytes(*word));
        if odd != 0 {
            return at + odd.trailing_zeros() as usize / 8;
        }
        at += 8;
        if at >= SHORT {
            let blocks = bytes[at..].as_chunks::<BLOCK>().0;
            at += blocks.iter().take_while(|block| is_plain(block)).count() * BLOCK;
        }
    }
    at + bytes[at..].iter().take_while(|byte| !is_odd(**byte)).count()
}

fn is_odd(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn is_plain(block: &[u8; BLOCK]) -> bool {
    // All of them, whatever the first ones are: that is what becomes a vector.
    !block.iter().fold(false, |odd, byte| odd | is_odd(*byte))
}

/// The highest bit of the first odd byte is the lowest bit that is set, and none is set where there is no such byte.
fn odd_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    // A byte below the subtracted one borrows; what it borrows from stands behind it.
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGH;
    let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    below(word, 0x20) | equal(b'"') | equal(b'\\')
}

#[cfg(test)]
mod tests;
