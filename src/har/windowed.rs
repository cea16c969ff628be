//! Reading a HAR through a window: entry after entry passes through one buffer, so that a large file takes neither the
//! memory nor the time to fill that memory.
//!
//! Only what every producer writes is read this way: one object with one `log`, which has one `entries`, a list of
//! objects. For anything else, and for every error, [`read`] gives nothing, and the whole text is read by
//! [`HarLog::read`], which knows all the exceptions and says where what is wrong.

use std::io::{self, Read};

use serde::de::{Deserialize, IgnoredAny};

use crate::har::json::Text;
use crate::har::post_data::TextContext;
use crate::har::raw::{RawCreator, RawEntry, RawLogMark};
use crate::har::read::{HarLog, LogReader};

use long_strings::{LONG, Omissions, Shortened};

mod long_strings;

/// Bytes of the window at first; it grows to hold the largest entry, without its long body. Small enough for a
/// processor's cache.
const WINDOW: usize = 256 << 10;

/// Reads a text that begins at byte `base` of its file and ends at `end`, or nothing where it has to be read as a whole.
pub(crate) fn read(source: &mut dyn Read, base: u64, end: u64) -> io::Result<Option<HarLog>> {
    read_within(source, base, LogReader::ending_at(end), (WINDOW, LONG))
}

/// With a window that has the first number of bytes at first, and passes over long strings from the second on.
fn read_within(
    source: &mut dyn Read,
    base: u64,
    log: LogReader,
    (window, long): (usize, usize),
) -> io::Result<Option<HarLog>> {
    let mut window = Window { source, bytes: vec![0; window], start: 0, end: 0, base, ended: false };
    let mut omissions = Omissions::default();
    let mut parser = Parser { place: Place::Start, first: true, log, entries_over: false };
    loop {
        window.make_room();
        if window.is_full() {
            let is_long = window.bytes.len() >= long;
            match if is_long { omissions.shorten(&mut window)? } else { Shortened::No } {
                Shortened::Yes => {}
                Shortened::No => window.grow(),
                Shortened::Odd => return Ok(None),
            }
        }
        window.fill()?;
        let Some(text) = window.text() else { return Ok(None) };
        let mut cursor = Cursor { text, at: 0 };
        let stop = loop {
            let before = cursor.at;
            if let Err(stop) = parser.step(&mut cursor, window.offset()) {
                cursor.at = before;
                break stop;
            }
        };
        match stop {
            Stop::Done if window.ended => return Ok(omissions.restore(parser.log.finish())),
            Stop::Done => cursor.at = text.len(),
            Stop::Odd => return Ok(None),
            // What an ended text still lacks never comes.
            Stop::More if window.ended => return Ok(None),
            Stop::More => {}
        }
        let used = cursor.at;
        window.start += used;
    }
}

/// A part of the file.
struct Window<'r> {
    source: &'r mut dyn Read,
    bytes: Vec<u8>,
    /// Where in `bytes` what has not been used begins and ends.
    start: usize,
    end: usize,
    /// Where in the file `bytes` begins, not counting what was left out.
    base: u64,
    ended: bool,
}

impl Window<'_> {
    /// Moves what has not been used to the front.
    fn make_room(&mut self) {
        self.bytes.copy_within(self.start..self.end, 0);
        self.base += self.start as u64;
        (self.start, self.end) = (0, self.end - self.start);
    }

    fn is_full(&self) -> bool {
        self.end == self.bytes.len()
    }

    fn grow(&mut self) {
        self.bytes.resize(self.bytes.len() * 2, 0);
    }

    fn fill(&mut self) -> io::Result<()> {
        while !self.is_full() {
            if self.read()? == 0 {
                self.ended = true;
                break;
            }
        }
        Ok(())
    }

    /// Reads some more; 0 bytes are the end.
    fn read(&mut self) -> io::Result<usize> {
        loop {
            match self.source.read(&mut self.bytes[self.end..]) {
                Ok(read) => {
                    self.end += read;
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes `length` bytes out.
    fn remove(&mut self, at: usize, length: usize) {
        self.bytes.copy_within(at + length..self.end, at);
        self.end -= length;
    }

    /// What has not been used, without a character that is cut at its end; none where it is not UTF-8.
    fn text(&self) -> Option<&str> {
        let bytes = &self.bytes[self.start..self.end];
        match std::str::from_utf8(bytes) {
            Ok(text) => Some(text),
            Err(error) if error.error_len().is_none() && !self.ended => {
                std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()
            }
            Err(_) => None,
        }
    }

    /// Where in the file [`Window::text`] begins.
    fn offset(&self) -> u64 {
        self.base + self.start as u64
    }
}

/// Why reading does not go on in this window.
enum Stop {
    /// The text goes on behind the window.
    More,
    /// It is not what is read this way.
    Odd,
    /// It is complete, but for what comes behind the window.
    Done,
}

/// Where in the text reading is.
enum Place {
    Start,
    Root,
    Log,
    Entries,
    End,
}

struct Parser {
    place: Place,
    /// Nothing stands before the next item of the list or object.
    first: bool,
    log: LogReader,
    /// The entries are over: what comes now must not change how they are read.
    entries_over: bool,
}

impl Parser {
    /// Reads one part: a value, an entry, or a bracket.
    fn step(&mut self, cursor: &mut Cursor<'_>, base: u64) -> Result<(), Stop> {
        match self.place {
            Place::Start => {
                cursor.expect(b'{')?;
                self.enter(Place::Root);
            }
            Place::Root => match cursor.member(self.first)? {
                None if !self.entries_over => return Err(Stop::Odd),
                None => self.enter(Place::End),
                Some(key) if key.0 == "log" => {
                    if self.entries_over {
                        return Err(Stop::Odd);
                    }
                    cursor.expect(b'{')?;
                    self.enter(Place::Log);
                }
                Some(_) => self.skip(cursor)?,
            },
            Place::Log => match cursor.member(self.first)? {
                None => {
                    if !self.entries_over {
                        return Err(Stop::Odd);
                    }
                    self.leave(Place::Root);
                }
                Some(key) if key.0 == "entries" => {
                    if self.entries_over {
                        return Err(Stop::Odd);
                    }
                    cursor.expect(b'[')?;
                    self.enter(Place::Entries);
                }
                Some(key) if key.0 == "creator" => {
                    let creator: RawCreator<'_> = cursor.value()?;
                    let before = self.log.binary_strings();
                    self.log.set_creator(creator.name.text().unwrap_or_default().into_owned());
                    if self.entries_over && self.log.binary_strings() != before {
                        return Err(Stop::Odd);
                    }
                    self.first = false;
                }
                Some(key) if key.0 == "_harmock" => {
                    let mark: RawLogMark<'_> = cursor.value()?;
                    self.log.set_kind(&mark.kind.text().unwrap_or_default());
                    self.first = false;
                }
                Some(_) => self.skip(cursor)?,
            },
            Place::Entries => {
                if cursor.peek()? == b']' {
                    cursor.expect(b']')?;
                    self.entries_over = true;
                    self.leave(Place::Log);
                    return Ok(());
                }
                if !self.first {
                    cursor.expect(b',')?;
                }
                if cursor.peek()? != b'{' {
                    return Err(Stop::Odd);
                }
                let start = cursor.at as u64;
                let entry: RawEntry<'_> = cursor.value()?;
                let context = TextContext { text: cursor.text, base, binary_strings: self.log.binary_strings() };
                self.log.add(&entry, base + start..base + cursor.at as u64, context);
                self.first = false;
            }
            Place::End => {
                return Err(if cursor.is_blank() { Stop::Done } else { Stop::Odd });
            }
        }
        Ok(())
    }

    fn skip(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Stop> {
        cursor.value::<IgnoredAny>()?;
        self.first = false;
        Ok(())
    }

    fn enter(&mut self, place: Place) {
        (self.place, self.first) = (place, true);
    }

    fn leave(&mut self, place: Place) {
        (self.place, self.first) = (place, false);
    }
}

/// A place in the text of a window.
struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Cursor<'t> {
    fn is_blank(&self) -> bool {
        self.text.as_bytes()[self.at..].iter().all(is_space)
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Result<u8, Stop> {
        let rest = &self.text.as_bytes()[self.at..];
        let space = rest.iter().take_while(|byte| is_space(byte)).count();
        self.at += space;
        rest.get(space).copied().ok_or(Stop::More)
    }

    fn expect(&mut self, byte: u8) -> Result<(), Stop> {
        if self.peek()? != byte {
            return Err(Stop::Odd);
        }
        self.at += 1;
        Ok(())
    }

    /// The next key of an object and the colon behind it, or its closing bracket.
    fn member(&mut self, first: bool) -> Result<Option<Text<'t>>, Stop> {
        if self.peek()? == b'}' {
            self.at += 1;
            return Ok(None);
        }
        if !first {
            self.expect(b',')?;
        }
        if self.peek()? != b'"' {
            return Err(Stop::Odd);
        }
        let key = self.value()?;
        self.expect(b':')?;
        Ok(Some(key))
    }

    /// The next value.
    fn value<T: Deserialize<'t>>(&mut self) -> Result<T, Stop> {
        let delimited = matches!(self.peek()?, b'"' | b'{' | b'[');
        let mut values = serde_json::Deserializer::from_str(&self.text[self.at..]).into_iter::<T>();
        match values.next() {
            Some(Ok(value)) => {
                self.at += values.byte_offset();
                // A number at the end of the window may go on behind it.
                if delimited || self.at < self.text.len() { Ok(value) } else { Err(Stop::More) }
            }
            Some(Err(error)) if !error.is_eof() => Err(Stop::Odd),
            Some(Err(_)) | None => Err(Stop::More),
        }
    }
}

/// White space of JSON (RFC 8259 section 2).
fn is_space(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

#[cfg(test)]
mod tests;
