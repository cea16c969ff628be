//! HTTP/2: frames written by hand, answers counted by their last frame.

use anyhow::{Result, bail};

use super::Prepared;
use crate::archive::{Asked, HOST};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// The largest window there is (RFC 9113 section 6.9.1).
const WINDOW: u32 = i32::MAX as u32;

/// The frames of a request, with zero where the stream's number goes.
pub(super) fn request(asked: &Asked) -> Prepared {
    // Indexed fields of the static table (RFC 7541 appendix A), others as literals that no table keeps.
    let mut block = vec![if asked.method == "GET" { 0x82 } else { 0x83 }, 0x87];
    literal(&mut block, &[0x04], &asked.path);
    literal(&mut block, &[0x01], HOST);
    literal(&mut block, &[0x0f, 19 - 15], "application/json");
    literal(&mut block, &[0x0f, 58 - 15], "bench/1.0");
    if let Some((name, value)) = &asked.field {
        block.push(0);
        string(&mut block, name);
        string(&mut block, value);
    }
    let mut bytes = Vec::new();
    let bare = asked.payload.is_empty();
    frame(&mut bytes, HEADERS, END_HEADERS | if bare { END_STREAM } else { 0 }, &block);
    let mut stream_ids = vec![5];
    if !bare {
        stream_ids.push(bytes.len() + 5);
        frame(&mut bytes, DATA, END_STREAM, asked.payload.as_bytes());
    }
    Prepared { bytes, stream_ids }
}

fn literal(block: &mut Vec<u8>, name: &[u8], value: &str) {
    block.extend_from_slice(name);
    string(block, value);
}

fn string(block: &mut Vec<u8>, text: &str) {
    match text.len() {
        short @ ..127 => block.push(short as u8),
        long => block.extend_from_slice(&[127, ((long - 127) & 0x7f) as u8 | 0x80, ((long - 127) >> 7) as u8]),
    }
    block.extend_from_slice(text.as_bytes());
}

fn frame(out: &mut Vec<u8>, kind: u8, flags: u8, payload: &[u8]) {
    out.extend_from_slice(&(payload.len() as u32).to_be_bytes()[1..]);
    out.extend_from_slice(&[kind, flags, 0, 0, 0, 0]);
    out.extend_from_slice(payload);
}

/// One connection's frames as they come.
pub(super) struct Http2 {
    next_stream: u32,
    /// A frame header that has not come whole.
    part: Vec<u8>,
    /// Of a frame's payload.
    rest: usize,
    frame: Frame,
    /// Bytes of data since the connection's window was last filled up.
    received: u32,
}

#[derive(Clone, Copy, Default)]
struct Frame {
    kind: u8,
    flags: u8,
    begun: bool,
}

impl Http2 {
    pub(super) fn start(out: &mut Vec<u8>) -> Self {
        out.extend_from_slice(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        // SETTINGS_INITIAL_WINDOW_SIZE
        frame(out, SETTINGS, 0, &[&[0, 4][..], &WINDOW.to_be_bytes()].concat());
        frame(out, WINDOW_UPDATE, 0, &(WINDOW - 65_535).to_be_bytes());
        Self { next_stream: 1, part: Vec::new(), rest: 0, frame: Frame::default(), received: 0 }
    }

    pub(super) fn ask(&mut self, request: &Prepared, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&request.bytes);
        for at in &request.stream_ids {
            out[start + at..start + at + 4].copy_from_slice(&self.next_stream.to_be_bytes());
        }
        self.next_stream += 2;
    }

    pub(super) fn take(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<u64> {
        let mut answers = 0;
        while !bytes.is_empty() || self.frame.begun && self.rest == 0 {
            if !self.frame.begun {
                let missing = (9 - self.part.len()).min(bytes.len());
                self.part.extend_from_slice(&bytes[..missing]);
                bytes = &bytes[missing..];
                if self.part.len() < 9 {
                    break;
                }
                self.rest = u32::from_be_bytes([0, self.part[0], self.part[1], self.part[2]]) as usize;
                self.frame = Frame { kind: self.part[3], flags: self.part[4], begun: true };
                self.part.clear();
                self.begin(bytes, out)?;
            }
            let payload = self.rest.min(bytes.len());
            bytes = &bytes[payload..];
            self.rest -= payload;
            if self.rest == 0 {
                self.frame.begun = false;
                let ends = matches!(self.frame.kind, DATA | HEADERS) && self.frame.flags & END_STREAM != 0;
                answers += u64::from(ends);
            }
        }
        Ok(answers)
    }

    /// What a frame's header alone calls for.
    fn begin(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Result<()> {
        match self.frame.kind {
            // `:status: 200` is 0x88, maybe after a change of the table's size.
            HEADERS if payload.first().is_some_and(|first| *first != 0x88 && first & 0xe0 != 0x20) => {
                bail!("an HTTP/2 answer that is not a 200");
            }
            SETTINGS if self.frame.flags & ACK == 0 => frame(out, SETTINGS, ACK, &[]),
            RST_STREAM | GOAWAY => bail!("the server reset an HTTP/2 stream or connection"),
            DATA => {
                self.received += self.rest as u32;
                if self.received > WINDOW / 2 {
                    frame(out, WINDOW_UPDATE, 0, &self.received.to_be_bytes());
                    self.received = 0;
                }
            }
            _ => {}
        }
        Ok(())
    }
}
