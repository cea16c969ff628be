//! A body that comes at a number of bytes per second, as over a slow line.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::message::{Body, BodyError};

/// So many pieces go out in a second, or one for each byte of a line that is slower than that.
const PIECES: f64 = 20.0;
/// A body that its source held back for longer does not make up for it.
const SLACK: Duration = Duration::from_secs(1);
/// No piece is waited for longer than this.
const LATEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Bytes per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bandwidth(u64);

impl Bandwidth {
    /// None for a line that nothing comes through.
    pub fn new(bytes: u64) -> Option<Self> {
        (bytes > 0).then_some(Self(bytes))
    }

    /// The number.
    pub fn bytes(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Bandwidth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes/s", self.0)
    }
}

/// Gives each piece of a body once it would have come through.
pub struct Paced {
    inner: Body,
    /// What has come of it and is not due.
    left: Bytes,
    rate: f64,
    started: Option<Instant>,
    sent: u64,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Paced {
    /// `rate` is in bytes per second.
    pub fn new(inner: Body, rate: f64) -> Self {
        Self { inner, left: Bytes::new(), rate: rate.max(1e-3), started: None, sent: 0, waiting: None }
    }

    /// When the next piece, of this many bytes, is through.
    fn due(&mut self, piece: u64) -> Instant {
        let now = Instant::now();
        let after = |bytes: u64| {
            Duration::try_from_secs_f64(bytes as f64 / self.rate).map_or(LATEST, |duration| duration.min(LATEST))
        };
        let mut started = *self.started.get_or_insert(now);
        if now > started + after(self.sent) + SLACK {
            started = now.checked_sub(after(self.sent)).unwrap_or(now);
            self.started = Some(started);
        }
        started + after(self.sent + piece)
    }
}

impl HttpBody for Paced {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        while this.left.is_empty() {
            match ready!(Pin::new(&mut this.inner).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => this.left = bytes,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                end => return Poll::Ready(end),
            }
        }
        let piece = this.left.len().min((this.rate / PIECES).ceil().max(1.0) as usize);
        let mut waiting = match this.waiting.take() {
            Some(waiting) => waiting,
            None => Box::pin(sleep_until(this.due(piece as u64))),
        };
        if waiting.as_mut().poll(cx).is_pending() {
            this.waiting = Some(waiting);
            return Poll::Pending;
        }
        this.sent += piece as u64;
        Poll::Ready(Some(Ok(Frame::data(this.left.split_to(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (hint, left) = (self.inner.size_hint(), self.left.len() as u64);
        match hint.exact() {
            Some(exact) => SizeHint::with_exact(exact + left),
            None => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_takes_as_long_as_its_bytes_need_and_keeps_its_length() {
        let mut body = Paced::new(Body::full(vec![7; 1000]), 250.0);
        assert_eq!(body.size_hint().exact(), Some(1000));
        let (start, mut length) = (Instant::now(), 0);
        while let Some(frame) = body.frame().await {
            length += frame.unwrap().into_data().unwrap().len();
            let through = start.elapsed().as_secs_f64() * 250.0;
            assert!(length as f64 <= through + 1.0, "{length} bytes after {through}");
            assert_eq!(body.size_hint().exact(), Some(1000 - length as u64));
        }
        assert_eq!((length, start.elapsed().as_secs()), (1000, 4));
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_slower_than_a_byte_a_second_still_gives_bytes() {
        let mut body = Paced::new(Body::full("ab"), 0.5);
        let start = Instant::now();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "a");
        assert_eq!(start.elapsed().as_secs(), 2);
    }
}
