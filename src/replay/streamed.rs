//! A body that is served in pieces, with what came after the last one.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as _, Frame};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::pieces::Piece;
use crate::message::{Body, BodyError};

/// Larger pieces go out as they come from the disk.
const JOINED: usize = 64 << 10;

/// Gives each piece as a frame of its own. It tells no length ahead: HTTP/1 has pieces and trailers in chunked bodies alone.
pub(super) struct StreamedBody {
    body: Body,
    /// What has come of it and is in no frame yet.
    left: Bytes,
    pieces: VecDeque<Piece>,
    /// When the head went out.
    started: Option<Instant>,
    turn: Turn,
    ending: Ending,
}

/// What the next piece waits for.
enum Turn {
    /// Nothing.
    Now,
    Due(Pin<Box<Sleep>>),
    /// That the piece before it is sent: hyper writes out what it has once there is nothing more.
    Flush,
}

/// What comes after the last piece.
pub(super) enum Ending {
    /// The recorded upstream broke off.
    Cut,
    /// The client had left: the stream stays open until the run ends.
    Open(Pin<Box<WaitForCancellationFutureOwned>>),
    Trailers(HeaderMap),
    Over,
}

impl StreamedBody {
    /// `body` of this length in these pieces, or in one where there are none.
    pub(super) fn new(body: Body, length: u64, mut pieces: Vec<Piece>, ending: Ending) -> Self {
        if pieces.is_empty() {
            pieces.push(Piece { length, due: None });
        }
        pieces.retain(|piece| piece.length > 0);
        Self { body, left: Bytes::new(), pieces: pieces.into_iter().collect(), started: None, turn: Turn::Now, ending }
    }

    /// The next bytes of the body: as many as are wanted, or fewer of a large piece, or none at its end.
    fn poll_bytes(&mut self, cx: &mut Context<'_>, wanted: u64) -> Poll<Result<Bytes, BodyError>> {
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        while self.left.len() < wanted && (self.left.is_empty() || wanted <= JOINED) {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                None => break,
                Some(Err(error)) => return Poll::Ready(Err(error)),
                Some(Ok(frame)) => {
                    let more = frame.into_data().unwrap_or_default();
                    self.left = if self.left.is_empty() { more } else { [&self.left[..], &more].concat().into() };
                }
            }
        }
        let length = wanted.min(self.left.len());
        Poll::Ready(Ok(self.left.split_to(length)))
    }

    /// Sets what the next piece waits for but for the flush of the one before it.
    fn set_turn(&mut self) {
        let started = *self.started.get_or_insert_with(Instant::now);
        self.turn = match self.pieces.front().and_then(|piece| piece.due) {
            Some(due) => Turn::Due(Box::pin(sleep_until(started + due))),
            None => Turn::Now,
        };
    }

    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.started.is_none() {
            self.set_turn();
        }
        match &mut self.turn {
            Turn::Now => Poll::Ready(()),
            Turn::Due(due) => due.as_mut().poll(cx),
            Turn::Flush => {
                self.set_turn();
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn poll_ending(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Ending::Open(run) = &mut self.ending {
            ready!(run.as_mut().poll(cx));
        }
        Poll::Ready(match std::mem::replace(&mut self.ending, Ending::Over) {
            Ending::Cut => Some(Err("the recorded upstream broke off here".into())),
            Ending::Trailers(trailers) => Some(Ok(Frame::trailers(trailers))),
            Ending::Open(_) | Ending::Over => None,
        })
    }
}

impl http_body::Body for StreamedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        if this.pieces.is_empty() {
            return this.poll_ending(cx);
        }
        ready!(this.poll_turn(cx));
        let Some(piece) = this.pieces.front().copied() else { return this.poll_ending(cx) };
        let bytes = ready!(this.poll_bytes(cx, piece.length))?;
        match piece.length - bytes.len() as u64 {
            // The file became shorter while it was read.
            _ if bytes.is_empty() => {
                this.pieces.clear();
                return this.poll_ending(cx);
            }
            0 => {
                this.pieces.pop_front();
                this.turn = Turn::Flush;
            }
            left => this.pieces[0].length = left,
        }
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty() && matches!(self.ending, Ending::Over)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_body_util::BodyExt;
    use tokio_util::sync::CancellationToken;

    use super::*;

    fn piece(length: u64, due: Option<u64>) -> Piece {
        Piece { length, due: due.map(Duration::from_secs) }
    }

    #[tokio::test(start_paused = true)]
    async fn each_piece_is_a_frame_that_comes_when_it_is_due() {
        let pieces = vec![piece(2, Some(1)), piece(3, Some(60)), piece(1, Some(60))];
        let mut body = StreamedBody::new(Body::full("aabbbc"), 6, pieces, Ending::Over);
        let start = Instant::now();
        for (expected, seconds) in [("aa", 1), ("bbb", 60), ("c", 60)] {
            let frame = body.frame().await.unwrap().unwrap();
            assert_eq!(frame.into_data().unwrap(), expected);
            assert_eq!(start.elapsed().as_secs(), seconds);
        }
        assert!(body.is_end_stream() && body.frame().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_piece_is_written_out_before_the_next_one_is_given() {
        let mut body = StreamedBody::new(Body::full("ab"), 2, vec![piece(1, None), piece(1, None)], Ending::Over);
        let mut polls = 0;
        while !body.is_end_stream() {
            let polled = std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut body).poll_frame(cx))).await;
            assert_eq!(polled.is_pending(), polls == 1, "{polls}");
            polls += 1;
        }
        assert_eq!(polls, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_its_client_had_left_stays_open_until_the_run_ends() {
        let run = CancellationToken::new();
        let ending = Ending::Open(Box::pin(run.clone().cancelled_owned()));
        let mut body = StreamedBody::new(Body::full("a"), 1, Vec::new(), ending);
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "a");
        assert!(!body.is_end_stream());
        let waited = tokio::time::timeout(Duration::from_secs(1_000_000), body.frame()).await;
        assert!(waited.is_err());
        run.cancel();
        assert!(body.frame().await.is_none());
    }
}
