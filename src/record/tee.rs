//! A body that is copied to the recorder, frame by frame, while it passes.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::recording::{Copying, Sealing};
use crate::message::{Body, BodyError};

/// Bytes that are read on for the archive after the client has gone.
const READ_ON_MOST: usize = 16 << 20;

/// For how long.
const READ_ON_TIME: Duration = Duration::from_secs(30);

/// Passes a body on and copies it.
///
/// A frame waits while the recorder's buffer is full. Of a response, the last frame (or the end, where the last frame
/// cannot be told ahead) waits until the exchange is in the journal. A client that goes away before the end has cut its
/// own answer alone: the archive gets the rest, up to 16 MiB, where the body is one that ends by itself.
#[derive(Debug)]
pub struct TeeBody {
    tee: Option<Tee>,
    reads_on: bool,
}

impl TeeBody {
    /// Copies `inner` through `copying`. `reads_on`: to its end, whoever stays to hear it.
    pub(super) fn new(inner: Body, copying: Copying, reads_on: bool) -> Self {
        Self { tee: Some(Tee { inner, copying, state: State::Passing }), reads_on }
    }
}

impl Drop for TeeBody {
    fn drop(&mut self) {
        let Some(tee) = self.tee.take().filter(|tee| self.reads_on && tee.is_open()) else { return };
        if let Ok(runtime) = Handle::try_current() {
            let waiting = tee.copying.left_alone();
            waiting.spawn_on(timeout(READ_ON_TIME, read_on(tee)), &runtime);
        }
    }
}

/// Polls a body that nobody waits for; what is left after the limit is cut, as the client cut it.
async fn read_on(mut tee: Tee) {
    let mut read = 0;
    while read < READ_ON_MOST {
        match std::future::poll_fn(|cx| tee.poll_frame(cx)).await {
            Some(Ok(frame)) => read += frame.data_ref().map_or(0, Bytes::len),
            Some(Err(_)) | None => return,
        }
    }
}

impl HttpBody for TeeBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.tee.as_mut().map_or(Poll::Ready(None), |tee| tee.poll_frame(cx))
    }

    fn is_end_stream(&self) -> bool {
        // Also a body without a single frame must reach its end, so that its exchange is sealed.
        self.tee.as_ref().is_none_or(|tee| matches!(tee.state, State::Ended))
    }

    fn size_hint(&self) -> SizeHint {
        self.tee.as_ref().map_or_else(SizeHint::default, |tee| tee.inner.size_hint())
    }
}

/// A body and its copy. Dropped before its end, it tells the recorder that the client went away.
#[derive(Debug)]
struct Tee {
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

impl Tee {
    /// More of the body may come.
    fn is_open(&self) -> bool {
        matches!(self.state, State::Passing | State::Waiting(_))
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

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self;
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
}
