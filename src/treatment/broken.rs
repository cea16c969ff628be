//! A body that comes to nothing on the way: it breaks off, or nothing more comes.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::message::{Body, BodyError};

/// Gives so many bytes of a body, and then breaks off.
pub struct Broken {
    inner: Body,
    left: u64,
    /// What is waited for before it breaks off.
    until: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    over: bool,
    /// It tells the length of the whole body.
    tells_length: bool,
}

impl Broken {
    /// Breaks off after `bytes`: at once, or once this is cancelled.
    pub fn after(inner: Body, bytes: u64, until: Option<WaitForCancellationFutureOwned>) -> Self {
        Self { inner, left: bytes, until: until.map(Box::pin), over: false, tells_length: true }
    }

    /// Breaks off at its end, before a length that somebody else tells.
    pub fn short(inner: Body) -> Self {
        Self { tells_length: false, ..Self::after(inner, u64::MAX, None) }
    }
}

impl HttpBody for Broken {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        while this.left > 0 && !this.over {
            match ready!(Pin::new(&mut this.inner).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    let Ok(mut bytes) = frame.into_data() else { continue };
                    bytes.truncate(usize::try_from(this.left).unwrap_or(usize::MAX));
                    this.left -= bytes.len() as u64;
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => this.left = 0,
            }
        }
        if this.over {
            return Poll::Ready(None);
        }
        if let Some(until) = &mut this.until {
            ready!(until.as_mut().poll(cx));
        }
        this.over = true;
        Poll::Ready(Some(Err("a fault breaks off here".into())))
    }

    fn is_end_stream(&self) -> bool {
        self.over
    }

    fn size_hint(&self) -> SizeHint {
        if self.tells_length { self.inner.size_hint() } else { SizeHint::default() }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use tokio_util::sync::CancellationToken;

    use super::*;

    #[tokio::test]
    async fn so_many_bytes_come_and_then_an_error() {
        let mut body = Broken::after(Body::full("abcdef"), 3, None);
        assert_eq!(body.size_hint().exact(), Some(6));
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "abc");
        assert!(body.frame().await.unwrap().is_err());
        assert!(body.frame().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stalled_body_gives_nothing_until_the_run_ends() {
        let run = CancellationToken::new();
        let mut body = Broken::after(Body::full("ab"), 1, Some(run.clone().cancelled_owned()));
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "a");
        assert!(tokio::time::timeout(std::time::Duration::from_secs(3600), body.frame()).await.is_err());
        run.cancel();
        assert!(body.frame().await.unwrap().is_err());
    }
}
