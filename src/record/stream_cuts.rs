//! `_harmock.chunks` of a streamed response: where its stored body was cut, computed when the archive is written.
//!
//! Events are cut where they end, which the bytes alone say: the same in every recording. Any other body was cut where
//! its frames came, which only a full recording keeps, as it keeps the times. Frames are those of the wire; of a coded
//! body each is decoded by itself to know which part of the stored body it gave.

use std::cell::Cell;
use std::io::{self, Read, Write};

use super::Error;
use super::cuts::{Cuts, Piece};
use crate::har::streams::{EventEnds, EventFormat};
use crate::har::{Chunk, Field};
use crate::message::coding::{Coding, decode_into};

/// A body that can be read again from its start.
pub(super) type Reread<'a> = &'a dyn Fn() -> Result<Option<Box<dyn Read + 'a>>, Error>;

/// A response body that was streamed.
pub(super) struct Streamed<'a> {
    /// The frames as they came over the wire; none in a minimal recording.
    pub(super) frames: &'a Cuts,
    /// How the stored body was coded on the wire; empty where it is stored as it came.
    pub(super) codings: &'a [Coding],
    /// As it came.
    pub(super) wire: Reread<'a>,
    /// As the archive keeps it.
    pub(super) stored: Reread<'a>,
}

impl Streamed<'_> {
    /// The pieces of the stored body; none where nothing worth keeping is known of them.
    pub(super) fn chunks(&self, fields: &[Field]) -> Result<Vec<Chunk>, Error> {
        let value = |name: &str| fields.iter().find(|field| &*field.name == name).map(|field| &*field.value);
        if value("content-length").is_some() {
            return Ok(Vec::new());
        }
        let content_type = value("content-type").map(String::from_utf8_lossy).unwrap_or_default();
        let arrived = self.arrived()?;
        let chunks = match EventFormat::of(&content_type) {
            Some(format) => self.events(format, arrived.pieces())?,
            // One piece is the whole body, as of any answer.
            None if arrived.pieces().len() < 2 => Vec::new(),
            None => arrived.pieces().iter().map(|piece| chunk(piece.0, Some(piece.1))).collect(),
        };
        Ok(chunks)
    }

    /// The stored body as it came in time. A body that does not decode a second time has no such pieces.
    fn arrived(&self) -> Result<Cuts, Error> {
        if self.codings.is_empty() || self.frames.pieces().is_empty() {
            return Ok(self.frames.clone());
        }
        let Some(wire) = (self.wire)()? else { return Ok(Cuts::default()) };
        Ok(decoded(self.frames.pieces(), self.codings, wire).unwrap_or_default())
    }

    fn events(&self, format: EventFormat, arrived: &[Piece]) -> Result<Vec<Chunk>, Error> {
        let Some(mut body) = (self.stored)()? else { return Ok(Vec::new()) };
        let (mut ends, mut events) = (EventEnds::new(format), Cuts::default());
        let mut clock = Clock { arrived, end: 0, time: None };
        let (mut event_start, mut length) = (0, 0);
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // Whoever writes the body into the archive meets it too, and says so.
                Err(_unreadable) => return Ok(Vec::new()),
            };
            length += read as u64;
            ends.look_at(&buffer[..read], |end| {
                events.add(end - event_start, clock.at(end));
                event_start = end;
            });
        }
        events.add(length - event_start, clock.at(length));
        let timed = !arrived.is_empty();
        Ok(events.pieces().iter().map(|piece| chunk(piece.0, timed.then_some(piece.1))).collect())
    }
}

/// When the bytes of a body came.
struct Clock<'a> {
    arrived: &'a [Piece],
    end: u64,
    time: Option<u64>,
}

impl Clock<'_> {
    /// When the byte before this position was there; positions only grow.
    fn at(&mut self, position: u64) -> u64 {
        while self.end < position
            && let Some((first, rest)) = self.arrived.split_first()
        {
            self.end += first.0;
            self.time = Some(first.1);
            self.arrived = rest;
        }
        self.time.unwrap_or_default()
    }
}

/// What each frame gave once it was decoded.
fn decoded(frames: &[Piece], codings: &[Coding], mut wire: impl Read) -> io::Result<Cuts> {
    let given = Cell::new(0);
    let mut decoder = decode_into(codings, Counter(&given))?;
    let mut cuts = Cuts::default();
    for frame in frames {
        io::copy(&mut wire.by_ref().take(frame.0), &mut decoder)?;
        decoder.flush()?;
        cuts.add(given.replace(0), frame.1);
    }
    Ok(cuts)
}

/// Counts what is written.
struct Counter<'a>(&'a Cell<u64>);

impl Write for Counter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.set(self.0.get() + bytes.len() as u64);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn chunk(length: u64, microseconds: Option<u64>) -> Chunk {
    Chunk { length, offset: microseconds.map(|time| time as f64 / 1000.0) }
}
