//! Reading a HAR through a window: entry after entry passes through one buffer, so that a large file takes neither the
//! memory nor the time to fill that memory.
//!
//! Only what every producer writes is read this way: one object with one `log`, which has one `entries`, a list of
//! objects. For anything else, and for every error, [`read`] gives nothing, and the whole text is read by
//! [`HarLog::read`], which knows all the exceptions and says where what is wrong.

use std::io::{self, Read};

use crate::har::post_data::TextContext;
use crate::har::raw::{RawCreator, RawEntry, RawLogMark};
use crate::har::read::{HarLog, LogReader};
use crate::har::scan::{Scan, Scanner, Stop};

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
        let mut scanner = Scanner::new(text);
        let stop = parser.read(&mut scanner, window.offset());
        match stop {
            None if window.ended => return Ok(omissions.restore(parser.log.finish())),
            None => scanner.go_to(text.len()),
            Some(Stop::Odd) => return Ok(None),
            // What an ended text still lacks never comes.
            Some(Stop::More) if window.ended => return Ok(None),
            Some(Stop::More) => {}
        }
        let used = scanner.at();
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

/// Where in the text reading is.
#[derive(Clone, Copy)]
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
    /// Reads as many parts as there are whole, and tells why it stops; nothing where all has been read.
    fn read(&mut self, scanner: &mut Scanner<'_>, base: u64) -> Option<Stop> {
        loop {
            let before = scanner.at();
            if let Place::End = self.place {
                return if scanner.is_blank() { None } else { Some(Stop::Odd) };
            }
            if let Err(stop) = self.step(scanner, base) {
                scanner.go_to(before);
                return Some(stop);
            }
        }
    }

    /// Reads one part: a value, an entry, or a bracket.
    fn step(&mut self, scanner: &mut Scanner<'_>, base: u64) -> Result<(), Stop> {
        match self.place {
            Place::Start => {
                scanner.expect(b'{')?;
                self.enter(Place::Root);
                Ok(())
            }
            Place::Root => self.root(scanner),
            Place::Log => self.log(scanner),
            Place::Entries => self.entry(scanner, base),
            Place::End => Ok(()),
        }
    }

    /// A member of the outermost object.
    fn root(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Stop> {
        match scanner.member(self.first)?.as_deref() {
            None if self.entries_over => self.enter(Place::End),
            Some("log") if !self.entries_over => {
                scanner.expect(b'{')?;
                self.enter(Place::Log);
            }
            None | Some("log") => return Err(Stop::Odd),
            Some(_) => self.skip(scanner)?,
        }
        Ok(())
    }

    /// A member of `log`.
    fn log(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Stop> {
        match scanner.member(self.first)?.as_deref() {
            None if self.entries_over => self.leave(Place::Root),
            Some("entries") if !self.entries_over => {
                scanner.expect(b'[')?;
                self.enter(Place::Entries);
            }
            None | Some("entries") => return Err(Stop::Odd),
            Some("creator") => {
                let name = RawCreator::scan(scanner)?.name.text().unwrap_or_default().into_owned();
                let before = self.log.binary_strings();
                self.log.set_creator(name);
                if self.entries_over && self.log.binary_strings() != before {
                    return Err(Stop::Odd);
                }
                self.first = false;
            }
            Some("_harmock") => {
                self.log.set_kind(&RawLogMark::scan(scanner)?.kind.text().unwrap_or_default());
                self.first = false;
            }
            Some(_) => self.skip(scanner)?,
        }
        Ok(())
    }

    /// An item of `log.entries`, or the end of that list.
    fn entry(&mut self, scanner: &mut Scanner<'_>, base: u64) -> Result<(), Stop> {
        if scanner.peek()? == b']' {
            scanner.expect(b']')?;
            self.entries_over = true;
            self.leave(Place::Log);
            return Ok(());
        }
        if !self.first {
            scanner.expect(b',')?;
        }
        if scanner.peek()? != b'{' {
            return Err(Stop::Odd);
        }
        let start = scanner.at() as u64;
        let entry = RawEntry::scan(scanner)?;
        let context = TextContext { text: scanner.text(), base, binary_strings: self.log.binary_strings() };
        self.log.add(&entry, base + start..base + scanner.at() as u64, context);
        self.first = false;
        Ok(())
    }

    fn skip(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Stop> {
        scanner.raw()?;
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

#[cfg(test)]
mod tests;
