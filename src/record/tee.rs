//! A body that is copied to the recorder, frame by frame, while it passes.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::recording::{Copying, Sealing};
use crate::message::{Body, BodyError};

/// Passes a body on and copies it.
///
/// A frame waits while the recorder's buffer is full. Of a response, the last frame (or the end, where the last frame
/// cannot be told ahead) waits until the exchange is in the journal. Dropping the body before its end tells the
/// recorder that the peer went away.
#[derive(Debug)]
pub struct TeeBody {
    inner: Body,
    copying: Copying,
    state: State,
}

#[derive(Debug)]
enum State {
    Passing,
    /// The frame waits for room in the recorder's buffer.
    Waiting(Bytes),
    /// The frame, or the end, waits for the journal.
    Sealing(Option<Frame<Bytes>>, Sealing),
    Ended,
}

impl TeeBody {
    /// Copies `inner` through `copying`.
    pub(super) fn new(inner: Body, copying: Copying) -> Self {
        Self { inner, copying, state: State::Passing }
    }

    /// A frame that is in the recorder's hands: passed on at once, or sealed first when it is the last.
    fn pass(&mut self, frame: Frame<Bytes>) -> Option<Frame<Bytes>> {
        if !self.inner.is_end_stream() {
            self.state = State::Passing;
            return Some(frame);
        }
        self.state = State::Sealing(Some(frame), self.copying.seal());
        None
    }
}

impl HttpBody for TeeBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        loop {
            match &mut this.state {
                State::Ended => return Poll::Ready(None),
                State::Sealing(frame, sealing) => {
                    ready!(Pin::new(sealing).poll(cx));
                    let frame = frame.take();
                    this.state = State::Ended;
                    return Poll::Ready(frame.map(Ok));
                }
                State::Waiting(bytes) => {
                    ready!(this.copying.poll_room(cx, bytes.len()));
                    let bytes = std::mem::take(bytes);
                    this.copying.frame(bytes.clone());
                    if let Some(frame) = this.pass(Frame::data(bytes)) {
                        return Poll::Ready(Some(Ok(frame)));
                    }
                }
                State::Passing => match ready!(Pin::new(&mut this.inner).poll_frame(cx)) {
                    None => this.state = State::Sealing(None, this.copying.seal()),
                    Some(Err(error)) => {
                        this.copying.broke_off();
                        this.state = State::Ended;
                        return Poll::Ready(Some(Err(error)));
                    }
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(bytes) => this.state = State::Waiting(bytes),
                        Err(frame) => {
                            // Nothing follows trailers, and not every receiver asks for the end after them.
                            if let Some(trailers) = frame.trailers_ref() {
                                this.copying.trailers(trailers);
                            }
                            this.state = State::Sealing(Some(frame), this.copying.seal());
                        }
                    },
                },
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self.state {
            // Also a body without a single frame must reach its end, so that its exchange is sealed.
            State::Passing | State::Waiting(_) | State::Sealing(..) => false,
            State::Ended => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
