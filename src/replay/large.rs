//! Large bodies: sent from a file piece by piece, so that no body takes more memory than a piece of it.

use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::archive::BodyFile;

/// A larger body is not read whole.
pub(super) const WHOLE: u64 = 1 << 20;
/// Bytes of a piece: the socket is worth waking for them, and they fit a processor's cache.
const PIECE: usize = 128 << 10;
/// Bytes before a piece in its memory. Memory of this size begins with a page, as that of a TLS record does; processors that
/// take the two for the same memory (`rep movsb` of AMD's Zen) copy a piece into a record twenty times more slowly if it
/// begins where its memory does.
const ASIDE: usize = 2 << 10;

/// Writes a body to a stream.
pub(super) async fn write(file: &BodyFile, stream: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    let mut memory = vec![0; ASIDE + PIECE];
    let mut at = 0;
    while at < file.length() {
        let read = match file.read_now(at, &mut memory[ASIDE..]) {
            Some(read) => read?,
            None => {
                let file = file.clone();
                let read;
                (memory, read) = spawn_blocking(move || {
                    let read = file.read(at, &mut memory[ASIDE..]);
                    (memory, read)
                })
                .await?;
                read?
            }
        };
        stream.write_all(&memory[ASIDE..][..read]).await?;
        at += read as u64;
    }
    Ok(())
}

/// A body as hyper takes it.
#[derive(Debug)]
pub(super) struct FileBody {
    file: BodyFile,
    at: u64,
    end: u64,
    /// The next piece, where it has to be waited for.
    reading: Option<JoinHandle<io::Result<Bytes>>>,
}

impl FileBody {
    pub(super) fn new(file: BodyFile) -> Self {
        let end = file.length();
        Self::part(file, 0..end)
    }

    /// These bytes of it.
    pub(super) fn part(file: BodyFile, bytes: Range<u64>) -> Self {
        Self { file, at: bytes.start, end: bytes.end, reading: None }
    }

    fn left(&self) -> u64 {
        self.end.saturating_sub(self.at)
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = &mut *self;
        let piece = if let Some(reading) = &mut this.reading {
            let read = ready!(Pin::new(reading).poll(cx));
            this.reading = None;
            read.map_err(io::Error::other).flatten()
        } else if this.left() == 0 {
            return Poll::Ready(None);
        } else {
            let length = usize::try_from(this.left()).map_or(PIECE, |left| left.min(PIECE));
            let mut piece = BytesMut::zeroed(ASIDE + length);
            piece.advance(ASIDE);
            let at = this.at;
            match this.file.read_now(at, &mut piece) {
                Some(read) => read.map(|read| piece.split_to(read).freeze()),
                None => {
                    let file = this.file.clone();
                    let reading = spawn_blocking(move || {
                        let read = file.read(at, &mut piece)?;
                        Ok(piece.split_to(read).freeze())
                    });
                    this.reading = Some(reading);
                    return self.poll_frame(cx);
                }
            }
        };
        Poll::Ready(Some(piece.map(|piece| {
            this.at += piece.len() as u64;
            Frame::data(piece)
        })))
    }

    fn is_end_stream(&self) -> bool {
        self.left() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left())
    }
}
