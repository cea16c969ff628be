//! `_harmock.chunks` of a streamed response: where its stored body was cut, computed when the archive is written.
//!
//! Events are cut where they end, which the bytes alone say: the same in every recording. Any other body was cut where
//! its frames came, which only a full recording keeps, as it keeps the times. Frames are those of the wire; of a coded
//! body each is decoded by itself to know which part of the stored body it gave.

use std::cell::Cell;
use std::io::{self, Read, Write};

use super::Error;
use super::restored::Decoded;
use crate::har::cuts::{Cuts, Piece};
use crate::har::streams::{EventEnds, EventFormat};
use crate::har::{Chunk, Field};
use crate::message::coding::{Coding, decode_into};

/// A decoded body as it came in time: what each of its frames gave, of which a minimal recording has none. `wire` is the
/// body as it came. One that does not decode a second time has no such pieces.
pub(super) fn arrived(frames: &Cuts, codings: &[Coding], wire: impl FnOnce() -> Decoded) -> Result<Cuts, Error> {
    if codings.is_empty() || frames.pieces().is_empty() {
        return Ok(frames.clone());
    }
    let wire = wire();
    let Some(coded) = wire.reader()? else { return Ok(Cuts::default()) };
    Ok(decoded(frames.pieces(), codings, coded).unwrap_or_default())
}

/// The pieces of a streamed body that is stored so; none where nothing worth keeping is known of them.
pub(super) fn chunks(fields: &[Field], stored: &Decoded, arrived: &Cuts) -> Result<Vec<Chunk>, Error> {
    let value = |name: &str| fields.iter().find(|field| &*field.name == name).map(|field| &*field.value);
    if value("content-length").is_some() {
        return Ok(Vec::new());
    }
    let content_type = value("content-type").map(String::from_utf8_lossy).unwrap_or_default();
    let pieces = arrived.pieces();
    if let Some(format) = EventFormat::of(&content_type) {
        return events(format, stored, pieces);
    }
    // One piece is the whole body, as of any answer. A body that does not decode as it came has other pieces.
    let is_cut = pieces.len() > 1 && pieces.iter().map(|piece| piece.0).sum::<u64>() == stored.length()?;
    Ok(if is_cut { pieces.iter().map(|piece| chunk(piece.0, Some(piece.1))).collect() } else { Vec::new() })
}

fn events(format: EventFormat, stored: &Decoded, arrived: &[Piece]) -> Result<Vec<Chunk>, Error> {
    let Some(mut body) = stored.reader()? else { return Ok(Vec::new()) };
    let (mut ends, mut events) = (EventEnds::new(format), Cuts::default());
    let mut clock = Clock { arrived, end: 0, time: 0 };
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

/// When the bytes of a body came.
struct Clock<'a> {
    arrived: &'a [Piece],
    end: u64,
    time: u64,
}

impl Clock<'_> {
    /// When the byte before this position was there; positions only grow.
    fn at(&mut self, position: u64) -> u64 {
        while self.end < position
            && let Some((first, rest)) = self.arrived.split_first()
        {
            self.end += first.0;
            self.time = first.1;
            self.arrived = rest;
        }
        self.time
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
