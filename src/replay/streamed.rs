//! A body that is served in pieces, with what came after the last one.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::pieces::Piece;
use crate::message::BodyError;

/// Gives each piece as a frame of its own. It tells no length ahead: HTTP/1 has pieces and trailers in chunked bodies alone.
pub(super) struct StreamedBody {
    left: Bytes,
    pieces: std::vec::IntoIter<Piece>,
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
    /// `body` in these pieces, or in one where there are none.
    pub(super) fn new(body: Bytes, mut pieces: Vec<Piece>, ending: Ending) -> Self {
        if pieces.is_empty() {
            pieces.push(Piece { length: body.len(), due: None });
        }
        pieces.retain(|piece| piece.length > 0);
        Self { left: body, pieces: pieces.into_iter(), started: None, turn: Turn::Now, ending }
    }

    /// Sets what the next piece waits for but for the flush of the one before it.
    fn set_turn(&mut self) {
        let started = *self.started.get_or_insert_with(Instant::now);
        self.turn = match self.pieces.as_slice().first().and_then(|piece| piece.due) {
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
        if this.pieces.as_slice().is_empty() {
            return this.poll_ending(cx);
        }
        ready!(this.poll_turn(cx));
        this.turn = Turn::Flush;
        let length = this.pieces.next().map_or(0, |piece| piece.length).min(this.left.len());
        Poll::Ready(Some(Ok(Frame::data(this.left.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.as_slice().is_empty() && matches!(self.ending, Ending::Over)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_body::Body as _;
    use http_body_util::BodyExt;
    use tokio_util::sync::CancellationToken;

    use super::*;

    fn piece(length: usize, due: Option<u64>) -> Piece {
        Piece { length, due: due.map(Duration::from_secs) }
    }

    #[tokio::test(start_paused = true)]
    async fn each_piece_is_a_frame_that_comes_when_it_is_due() {
        let pieces = vec![piece(2, Some(1)), piece(3, Some(60)), piece(1, Some(60))];
        let mut body = StreamedBody::new(Bytes::from_static(b"aabbbc"), pieces, Ending::Over);
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
        let mut body = StreamedBody::new(Bytes::from_static(b"ab"), vec![piece(1, None), piece(1, None)], Ending::Over);
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
        let mut body = StreamedBody::new(Bytes::from_static(b"a"), Vec::new(), ending);
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "a");
        assert!(!body.is_end_stream());
        let waited = tokio::time::timeout(Duration::from_secs(1_000_000), body.frame()).await;
        assert!(waited.is_err());
        run.cancel();
        assert!(body.frame().await.is_none());
    }
}
