//! The pieces in which a recorded stream is served, and when each is due.

use std::io;
use std::time::Duration;

use tokio::task::spawn_blocking;

use super::stored::Stored;
use crate::archive::BodyFile;
use crate::har::cuts::Cuts;
use crate::har::streams::{EventEnds, EventFormat};
use crate::har::{Answer, Chunk};

/// How fast recorded streams are served: as many times as fast as they were recorded, or without waiting.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct StreamSpeed(f64);

/// Timers overflow long after this.
const LATEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl StreamSpeed {
    /// `0`: without waiting; `1`: as recorded; `10`: ten times as fast. None for what is no such number.
    pub fn new(factor: f64) -> Option<Self> {
        (factor.is_finite() && factor >= 0.0).then_some(Self(factor))
    }

    /// The number.
    pub fn factor(self) -> f64 {
        self.0
    }

    /// When a piece is due that came this many milliseconds after the head; none: at once.
    fn due(self, offset: Option<f64>) -> Option<Duration> {
        let offset = offset.filter(|_| self.0 > 0.0)?;
        Some(Duration::try_from_secs_f64(offset / 1000.0 / self.0).map_or(LATEST, |due| due.min(LATEST)))
    }
}

/// One frame of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    /// In bytes.
    pub(super) length: u64,
    /// After the head; none: at once.
    pub(super) due: Option<Duration>,
}

/// The events of a body that a person has edited, found anew: it no longer is as long as its recorded pieces together.
/// `None` where those hold, and of what is no stream of events.
pub(super) async fn edited_events(answer: &Answer, stored: Option<&Stored>) -> Option<Cuts> {
    let recorded = answer.chunks.iter().fold(0_u64, |sum, chunk| sum.saturating_add(chunk.length));
    let stored = stored.filter(|stored| recorded > 0 && recorded != stored.length())?;
    let format = EventFormat::of(&answer.content_type())?;
    if let Stored::File(file) = stored {
        let file = file.clone();
        // What cannot be read is told when the body is sent.
        return spawn_blocking(move || events_in(format, &file)).await.ok()?.ok();
    }
    let mut events = Events::new(format);
    events.look_at(&stored.bytes()?);
    Some(events.end())
}

/// The pieces of an answer with a body of this length; none where it was not recorded in pieces.
///
/// Events of an edited body keep the times of those that were there; any other edited body is cut as far as it goes.
pub(super) fn pieces(answer: &Answer, length: u64, edited: Option<&Cuts>, speed: StreamSpeed) -> Vec<Piece> {
    let chunks = &answer.chunks;
    let lengths: Vec<u64> = match edited {
        _ if chunks.is_empty() => return Vec::new(),
        Some(events) => events.pieces().iter().map(|event| event.0).collect(),
        None => lengths(chunks, length),
    };
    let last = chunks.last().and_then(|chunk| chunk.offset);
    let offsets = chunks.iter().map(|chunk| chunk.offset).chain(std::iter::repeat(last));
    lengths.into_iter().zip(offsets).map(|(length, offset)| Piece { length, due: speed.due(offset) }).collect()
}

fn lengths(chunks: &[Chunk], body: u64) -> Vec<u64> {
    let mut left = body;
    let mut lengths: Vec<u64> = chunks
        .iter()
        .map(|chunk| {
            let length = chunk.length.min(left);
            left -= length;
            length
        })
        .collect();
    if left > 0 {
        lengths.push(left);
    }
    lengths
}

/// Reads a large body once, piece by piece. Blocks.
fn events_in(format: EventFormat, file: &BodyFile) -> io::Result<Cuts> {
    let (mut events, mut at, mut buffer) = (Events::new(format), 0, vec![0; 128 << 10]);
    while at < file.length() {
        let read = file.read(at, &mut buffer)?;
        events.look_at(&buffer[..read]);
        at += read as u64;
    }
    Ok(events.end())
}

/// The events of a body, which is looked at in whatever pieces.
struct Events {
    ends: EventEnds,
    found: Cuts,
    /// Where the event starts that has not ended.
    start: u64,
    length: u64,
}

impl Events {
    fn new(format: EventFormat) -> Self {
        Self { ends: EventEnds::new(format), found: Cuts::default(), start: 0, length: 0 }
    }

    fn look_at(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        self.ends.look_at(bytes, |end| {
            self.found.add(end - self.start, 0);
            self.start = end;
        });
    }

    fn end(mut self) -> Cuts {
        self.found.add(self.length - self.start, 0);
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::har::{End, Field};

    fn streamed(content_type: &str, chunks: &[(u64, f64)]) -> Answer {
        let field = Field { name: "content-type".into(), value: content_type.as_bytes().into() };
        Answer {
            status: 200,
            reason: "".into(),
            fields: [field].into(),
            body: None,
            encoded: false,
            trailers: [].into(),
            end: End::Complete,
            chunks: chunks.iter().map(|(length, offset)| Chunk { length: *length, offset: Some(*offset) }).collect(),
        }
    }

    fn served(answer: &Answer, body: &str, factor: f64) -> Vec<(u64, Option<u64>)> {
        let stored = Stored::Made(body.to_owned().into());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let edited = runtime.block_on(edited_events(answer, Some(&stored)));
        let pieces = pieces(answer, stored.length(), edited.as_ref(), StreamSpeed::new(factor).unwrap());
        pieces.iter().map(|piece| (piece.length, piece.due.map(|due| due.as_millis() as u64))).collect()
    }

    #[test]
    fn the_pace_is_none_or_the_recorded_one_or_a_multiple_of_it() {
        let answer = streamed("text/plain", &[(2, 0.0), (3, 500.0)]);
        assert_eq!(served(&answer, "abcde", 0.0), [(2, None), (3, None)]);
        assert_eq!(served(&answer, "abcde", 1.0), [(2, Some(0)), (3, Some(500))]);
        assert_eq!(served(&answer, "abcde", 10.0), [(2, Some(0)), (3, Some(50))]);
        assert_eq!(served(&answer, "abcde", 0.5), [(2, Some(0)), (3, Some(1000))]);
        assert!(StreamSpeed::new(f64::NAN).is_none() && StreamSpeed::new(-1.0).is_none());
        assert!(StreamSpeed::new(f64::INFINITY).is_none());
    }

    #[test]
    fn an_edited_stream_of_events_is_cut_at_its_events() {
        let answer = streamed("text/event-stream", &[(9, 1.0), (9, 2.0)]);
        assert_eq!(
            served(&answer, "data: longer\n\ndata: 2\n\ndata: 3\n\n", 1.0),
            [(14, Some(1)), (9, Some(2)), (9, Some(2))]
        );
        assert_eq!(served(&answer, "", 1.0), []);
    }

    #[test]
    fn any_other_edited_stream_is_cut_as_far_as_it_goes() {
        let answer = streamed("text/plain", &[(2, 1.0), (2, 2.0)]);
        assert_eq!(served(&answer, "abc", 0.0), [(2, None), (1, None)]);
        assert_eq!(served(&answer, "abcdef", 1.0), [(2, Some(1)), (2, Some(2)), (2, Some(2))]);
    }
}
