//! Strings that are too long to be held: bodies of which reading needs no more than to know where they are.
//!
//! A string that does not end in a window of [`LONG`] bytes is passed over up to its end, looked at only as far as JSON
//! has to be (quotes, escapes, control characters, UTF-8), and its beginning alone stands in the window. What is read
//! then has places that are too small by what was left out before them; [`Omissions::restore`] puts them right. Where
//! anything but the place of such a string could matter, there is nothing to restore, and the text is read as a whole.

use std::io;
use std::ops::Range;

use memchr::{memchr, memchr2};

use super::Window;
use crate::har::entry::{Answer, BodyText, Entry, Outcome, RecordedPayload, StoredBody};
use crate::har::read::HarLog;

/// Windows grow up to this many bytes before a string is passed over.
pub(super) const LONG: usize = 1 << 20;
/// Bytes of such a string that stay: by its beginning is told what is still compressed.
const KEPT: usize = 64;

/// What was left out, in order.
#[derive(Debug, Default)]
pub(super) struct Omissions(Vec<Omission>);

#[derive(Debug)]
struct Omission {
    /// Where it would stand, in bytes of what was read.
    at: u64,
    bytes: u64,
}

/// How far a part of a string goes.
enum Passed {
    /// Its closing quote is at this byte.
    Closed(usize),
    /// It goes on; a character or an escape at the end may not be whole, and begins here.
    Open(usize),
}

/// What became of a window that is full.
pub(super) enum Shortened {
    /// There is room.
    Yes,
    /// It is not full of one string.
    No,
    /// The string is none, or has no end.
    Odd,
}

impl Omissions {
    /// Leaves out the string that goes on behind a full window, if most of the window is that string.
    pub(super) fn shorten(&mut self, window: &mut Window<'_>) -> io::Result<Shortened> {
        let held = &window.bytes[window.start..window.end];
        let Some(open) = open_string(held).filter(|open| *open < held.len() / 2) else { return Ok(Shortened::No) };
        let Some(Passed::Open(kept)) = pass(&held[open..(open + KEPT).min(held.len())]) else {
            return Ok(Shortened::Odd);
        };
        let start = window.start + open + kept;
        let mut omission = Omission { at: window.base + start as u64, bytes: 0 };
        loop {
            let (length, closed) = match pass(&window.bytes[start..window.end]) {
                None => return Ok(Shortened::Odd),
                Some(Passed::Closed(length)) => (length, true),
                Some(Passed::Open(length)) => (length, false),
            };
            window.remove(start, length);
            omission.bytes += length as u64;
            if closed {
                self.0.push(omission);
                return Ok(Shortened::Yes);
            }
            if window.read()? == 0 {
                return Ok(Shortened::Odd);
            }
        }
    }

    /// Puts right all places in what was read; nothing where that could be another thing than the whole text says.
    pub(super) fn restore(&self, mut log: HarLog) -> Option<HarLog> {
        if self.0.is_empty() {
            return Some(log);
        }
        // Whether a text is of one byte for each character is told by its length.
        if log.told_by_length || !self.0.iter().all(|omission| is_in_body(&log, omission.at)) {
            return None;
        }
        log.spans.iter_mut().for_each(|span| *span = self.moved(span));
        for body in log.entries.iter_mut().flat_map(bodies) {
            if let StoredBody::Embedded { span, .. } = body {
                *span = self.moved(span);
            }
        }
        Some(log)
    }

    fn moved(&self, span: &Range<u64>) -> Range<u64> {
        self.moved_by(span.start) + span.start..self.moved_by(span.end) + span.end
    }

    fn moved_by(&self, at: u64) -> u64 {
        self.0.iter().take_while(|omission| omission.at <= at).map(|omission| omission.bytes).sum()
    }
}

/// Where the content of the string begins that goes on behind the end; `text` begins outside of strings.
fn open_string(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let content = at + memchr(b'"', &text[at..])? + 1;
        match pass(&text[content..])? {
            Passed::Closed(length) => at = content + length + 1,
            Passed::Open(_) => return Some(content),
        }
    }
}

/// Passes over the content of a string; nothing where it is none.
fn pass(text: &[u8]) -> Option<Passed> {
    let mut at = 0;
    loop {
        let end = memchr2(b'"', b'\\', &text[at..]).map_or(text.len(), |found| at + found);
        let plain = &text[at..end];
        if plain.iter().any(|byte| *byte < 0x20) {
            return None;
        }
        match std::str::from_utf8(plain) {
            Ok(_) => at = end,
            Err(error) if error.error_len().is_none() && end == text.len() => {
                return Some(Passed::Open(at + error.valid_up_to()));
            }
            Err(_) => return None,
        }
        match (text.get(at), text.get(at + 1)) {
            (Some(b'"'), _) => return Some(Passed::Closed(at)),
            (None, _) | (_, None) => return Some(Passed::Open(at)),
            (_, Some(b'u')) => match text.get(at + 2..at + 6) {
                None => return Some(Passed::Open(at)),
                Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => at += 6,
                Some(_) => return None,
            },
            (_, Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't')) => at += 2,
            _ => return None,
        }
    }
}

/// Whether what stands here is of the body of an answer whose reading does not depend on all of it.
fn is_in_body(log: &HarLog, at: u64) -> bool {
    let place = log.entries.partition_point(|entry| log.spans.get(entry.ordinal).is_some_and(|span| span.end <= at));
    let Some(Outcome::Answered(answer)) = log.entries.get(place).map(|entry| &entry.outcome) else { return false };
    let Some(StoredBody::Embedded { span, text }) = &answer.body else { return false };
    let by_itself = match text {
        BodyText::Utf8 => true,
        // Whether it is still under its coding may be told by its length.
        BodyText::Base64 => answer.field("content-encoding").is_none(),
        BodyText::Latin1 => false,
    };
    // What stood before its closing quote was left out.
    by_itself && (span.start..=span.end).contains(&at)
}

fn bodies(entry: &mut Entry) -> impl Iterator<Item = &mut StoredBody> {
    let answer = match &mut entry.outcome {
        Outcome::Answered(Answer { body, .. }) => body.as_mut(),
        Outcome::Failed(_) => None,
    };
    let payload = match &mut entry.request.payload {
        RecordedPayload::Stored(body) => Some(body),
        _ => None,
    };
    payload.into_iter().chain(answer)
}
