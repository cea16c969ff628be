//! A body that breaks off only once what came before has reached the peer.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use super::BodyError;

/// A broken body takes what hyper has not written yet with it, the head included; so it breaks after this.
const DRAIN: Duration = Duration::from_millis(50);

/// Passes a body on; where it breaks off, the break is told a moment later.
#[derive(Debug)]
pub struct LateBreak<B> {
    inner: B,
    state: State,
}

#[derive(Debug)]
enum State {
    Passing,
    Broken(Option<BodyError>, Pin<Box<Sleep>>),
}

impl<B> LateBreak<B> {
    /// Holds back how `inner` breaks off.
    pub fn new(inner: B) -> Self {
        Self { inner, state: State::Passing }
    }
}

impl<B> HttpBody for LateBreak<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<BodyError>,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        loop {
            match &mut this.state {
                State::Passing => match ready!(Pin::new(&mut this.inner).poll_frame(cx)) {
                    Some(Err(error)) => this.state = State::Broken(Some(error.into()), Box::pin(sleep(DRAIN))),
                    Some(Ok(frame)) => return Poll::Ready(Some(Ok(frame))),
                    None => return Poll::Ready(None),
                },
                State::Broken(error, drained) => {
                    if error.is_some() {
                        ready!(drained.as_mut().poll(cx));
                    }
                    return Poll::Ready(error.take().map(Err));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.state {
            State::Passing => self.inner.is_end_stream(),
            State::Broken(error, _) => error.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, StreamBody};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_break_comes_after_the_frames_and_a_moment() {
        let frames: [Result<_, BodyError>; 2] = [Ok(Frame::data(Bytes::from_static(b"half"))), Err("cut".into())];
        let mut body = LateBreak::new(StreamBody::new(futures_util::stream::iter(frames)));
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "half");
        let before = tokio::time::Instant::now();
        assert_eq!(body.frame().await.unwrap().unwrap_err().to_string(), "cut");
        assert!(before.elapsed() >= DRAIN);
        assert!(body.frame().await.is_none());
    }
}
