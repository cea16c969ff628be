//! One body of an exchange on its way to the recorder: its frames, its end, and who waits for the journal.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio_util::task::TaskTracker;

use super::exchange::ResponseFacts;
use super::recording::Exchange;
use super::run::{microseconds, milliseconds};
use super::spool::{Piece, Side};
use crate::har::End;

/// The recorder's side of a [`TeeBody`].
pub(super) struct Copying {
    exchange: Arc<Exchange>,
    side: Side,
    share: Option<OwnedSemaphorePermit>,
    waiting: Option<Room>,
    head_at: Instant,
    notes_frames: bool,
    ended: bool,
}

type Room = Pin<Box<dyn Future<Output = Option<OwnedSemaphorePermit>> + Send>>;

impl std::fmt::Debug for Copying {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Copying").field("exchange", &self.exchange.number).field("side", &self.side).finish()
    }
}

impl Copying {
    /// Of a body of this exchange.
    pub(super) fn new(exchange: Arc<Exchange>, side: Side) -> Self {
        Self { exchange, side, share: None, waiting: None, head_at: Instant::now(), notes_frames: false, ended: false }
    }

    /// Whether a client waits for this body.
    pub(super) fn is_response(&self) -> bool {
        self.side == Side::Response
    }

    /// Notes when each frame came and how long it was.
    pub(super) fn noting_frames(mut self) -> Self {
        self.notes_frames = true;
        self
    }

    /// Ready once the buffer has room for a frame of this length.
    pub(super) fn poll_room(&mut self, cx: &mut Context<'_>, length: usize) -> Poll<()> {
        if self.waiting.is_none() {
            self.share = self.exchange.run.try_room(length);
            if self.share.is_some() {
                return Poll::Ready(());
            }
            self.waiting = Some(Box::pin(Arc::clone(&self.exchange.run).room(length)));
        }
        if let Some(room) = &mut self.waiting {
            self.share = ready!(room.as_mut().poll(cx));
            self.waiting = None;
        }
        Poll::Ready(())
    }

    /// Hands a frame over, after which so much is to come, if that is known; the share taken by [`Self::poll_room`] goes
    /// with it.
    pub(super) fn frame(&mut self, bytes: Bytes, to_come: Option<u64>) {
        let share = self.share.take();
        let noted = self.notes_frames.then(|| (bytes.len(), microseconds(self.head_at)));
        if self.exchange.takes_frame(noted) {
            self.exchange.run.frame(self.exchange.number, self.side, Piece { bytes, share, to_come });
        }
    }

    pub(super) fn trailers(&mut self, fields: &HeaderMap) {
        if self.is_response() {
            let recorded = fields.into();
            self.exchange.update(|facts| {
                if let ResponseFacts::Answered { trailers, .. } = &mut facts.response {
                    *trailers = recorded;
                }
            });
        }
    }

    /// The client has gone, and the body is read on without it: gives who waits for that.
    pub(super) fn left_alone(&self) -> TaskTracker {
        self.exchange.may_outlive_the_run();
        self.exchange.run.reading_on.clone()
    }

    /// The body has come to its end; a response's exchange goes into the journal.
    pub(super) fn seal(&mut self) -> Sealing {
        self.end(End::Complete)
    }

    /// The sender broke off. A request that breaks off ends with its exchange.
    pub(super) fn broke_off(&mut self) {
        drop(self.end(End::Upstream));
    }

    fn end(&mut self, how: End) -> Sealing {
        self.ended = true;
        if self.side == Side::Request {
            self.exchange.request_ended(how == End::Complete);
            return Sealing::done();
        }
        self.end_response(how, None)
    }

    /// The response has come whole.
    pub(super) fn whole(mut self, whole: Piece) -> Sealing {
        self.ended = true;
        self.end_response(End::Complete, Some(whole))
    }

    fn end_response(&self, how: End, whole: Option<Piece>) -> Sealing {
        let receive = milliseconds(self.head_at);
        self.exchange.response_ended(whole, |facts| {
            facts.times.receive = receive;
            if let ResponseFacts::Answered { end, .. } = &mut facts.response {
                *end = how;
            }
        })
    }
}

impl Drop for Copying {
    fn drop(&mut self) {
        if !self.ended {
            drop(self.end(End::Client));
        }
    }
}

/// Ready once the exchange is in the journal, or lost.
#[derive(Debug)]
pub(super) struct Sealing(Option<(oneshot::Receiver<()>, Arc<Exchange>)>);

impl Sealing {
    /// Of an exchange for which nobody waits.
    pub(super) fn done() -> Self {
        Self(None)
    }

    /// Of one that the writing thread tells of, once it is written.
    pub(super) fn by(written: oneshot::Receiver<()>, exchange: Arc<Exchange>) -> Self {
        Self(Some((written, exchange)))
    }
}

impl Future for Sealing {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if let Some((sealed, exchange)) = &mut self.0
            // What is not told of was not written; a writing thread that is gone keeps no client waiting.
            && ready!(Pin::new(sealed).poll(cx)).is_err()
        {
            exchange.lose();
        }
        Poll::Ready(())
    }
}
