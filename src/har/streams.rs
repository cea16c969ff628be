//! Streams: which media types go on for as long as somebody listens, and where the events in them end.

use super::content_type::essence;

/// Bodies that go on for as long as somebody listens, beside those with an [`EventFormat`]; the start of the media type.
const ENDLESS: [&str; 2] = ["application/grpc", "multipart/x-mixed-replace"];

/// One JSON value on each line, by the names that servers give it.
const LINES: [&str; 8] = [
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/x-jsonl",
    "application/jsonlines",
    "application/x-jsonlines",
    "application/json-lines",
    "application/stream+json",
];

/// Whether a body of this `Content-Type` goes on for as long as somebody listens, so that a client that leaves has ended
/// it and cut nothing.
pub fn is_endless(content_type: &str) -> bool {
    let media_type = essence(content_type).to_ascii_lowercase();
    EventFormat::of(content_type).is_some() || ENDLESS.iter().any(|stream| media_type.starts_with(stream))
}

/// How events follow one another in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventFormat {
    /// `text/event-stream`: an event ends with an empty line (HTML standard, "Parsing an event stream").
    ServerSent,
    /// One JSON value on each line.
    Lines,
}

impl EventFormat {
    /// The format of a `Content-Type`.
    pub fn of(content_type: &str) -> Option<Self> {
        let media_type = essence(content_type);
        if media_type.eq_ignore_ascii_case("text/event-stream") {
            return Some(Self::ServerSent);
        }
        LINES.iter().any(|lines| media_type.eq_ignore_ascii_case(lines)).then_some(Self::Lines)
    }
}

/// Finds where events end, in whatever pieces the body is looked at.
#[derive(Debug)]
pub struct EventEnds {
    format: EventFormat,
    /// Bytes that were looked at.
    position: u64,
    /// The line so far is empty.
    line_is_empty: bool,
    /// No line since the last event had anything in it.
    event_is_empty: bool,
    /// The last byte was a carriage return; a line feed that follows belongs to it.
    after_return: bool,
    /// That carriage return ended an event.
    ends: bool,
}

impl EventEnds {
    /// Starts at the beginning of a body.
    pub fn new(format: EventFormat) -> Self {
        Self { format, position: 0, line_is_empty: true, event_is_empty: true, after_return: false, ends: false }
    }

    /// Looks at the next bytes, and tells the position in the body after each event that ends there. What follows the
    /// last one is an event that was cut, or nothing.
    pub fn look_at(&mut self, bytes: &[u8], mut end: impl FnMut(u64)) {
        let start = self.position;
        self.position += bytes.len() as u64;
        match self.format {
            EventFormat::Lines => {
                memchr::memchr_iter(b'\n', bytes).for_each(|at| end(start + at as u64 + 1));
            }
            EventFormat::ServerSent => {
                let mut looked = 0;
                for at in memchr::memchr2_iter(b'\n', b'\r', bytes) {
                    if at > looked {
                        self.text(start + looked as u64, &mut end);
                    }
                    looked = at + 1;
                    self.line_end(bytes[at], start + at as u64, &mut end);
                }
                if looked < bytes.len() {
                    self.text(start + looked as u64, &mut end);
                }
            }
        }
    }

    /// Something other than a line end at this position.
    fn text(&mut self, position: u64, end: &mut impl FnMut(u64)) {
        if std::mem::take(&mut self.ends) {
            end(position);
        }
        self.after_return = false;
        self.line_is_empty = false;
    }

    fn line_end(&mut self, byte: u8, position: u64, end: &mut impl FnMut(u64)) {
        let ends = std::mem::take(&mut self.ends);
        if std::mem::take(&mut self.after_return) && byte == b'\n' {
            if ends {
                end(position + 1);
            }
            return;
        }
        if ends {
            end(position);
        }
        self.after_return = byte == b'\r';
        if !std::mem::replace(&mut self.line_is_empty, true) {
            self.event_is_empty = false;
        } else if !std::mem::replace(&mut self.event_is_empty, true) {
            // After a carriage return, only the next byte tells where the line end ends.
            self.ends = self.after_return;
            if !self.ends {
                end(position + 1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ends(format: EventFormat, pieces: &[&[u8]]) -> Vec<u64> {
        let (mut found, mut looking) = (Vec::new(), EventEnds::new(format));
        pieces.iter().for_each(|piece| looking.look_at(piece, |end| found.push(end)));
        found
    }

    #[test]
    fn an_event_ends_after_its_empty_line_whatever_the_line_ends_are() {
        let whole = |text: &str| ends(EventFormat::ServerSent, &[text.as_bytes()]);
        assert_eq!(whole("data: 1\n\ndata: 2\n\n"), [9, 18]);
        assert_eq!(whole("data: 1\r\n\r\ndata: 2\r\n\r\nda"), [11, 22]);
        assert_eq!(whole("data: 1\r\rdata: 2\r\rx"), [9, 18]);
        assert_eq!(whole(": ping\n\nid: 1\ndata\n\n"), [8, 20]);
        // Further empty lines belong to the event after them.
        assert_eq!(whole("\n\ndata: 1\n\n\n\ndata: 2\n\n"), [11, 22]);
        assert_eq!(whole("data: 1\n"), [0; 0]);
    }

    #[test]
    fn lines_end_after_their_line_feed() {
        assert_eq!(ends(EventFormat::Lines, &[b"{}\n[1]\r\n7"]), [3, 8]);
    }

    #[test]
    fn media_types_are_told_apart_by_their_essence() {
        assert_eq!(EventFormat::of("Text/Event-Stream; charset=utf-8"), Some(EventFormat::ServerSent));
        assert_eq!(EventFormat::of("application/x-ndjson"), Some(EventFormat::Lines));
        assert_eq!(EventFormat::of("application/json"), None);
        assert!(is_endless("application/grpc+proto") && is_endless("application/stream+json"));
        assert!(!is_endless("text/plain"));
    }

    proptest! {
        #[test]
        fn the_pieces_in_which_a_body_comes_change_nothing(body in "[a\r\n]{0,24}", cut in 0_usize..24, lines: bool) {
            let format = if lines { EventFormat::Lines } else { EventFormat::ServerSent };
            let (body, cut) = (body.as_bytes(), cut.min(body.len()));
            let bytes: Vec<&[u8]> = body.chunks(1).collect();
            let whole = ends(format, &[body]);
            // A carriage return at the very end may still be half of a line end.
            prop_assert_eq!(&ends(format, &[&body[..cut], &body[cut..]]), &whole);
            prop_assert_eq!(&ends(format, &bytes), &whole);
        }
    }
}
