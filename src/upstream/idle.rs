//! Time limits on what flows: bodies that stall, and answers that do not come.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Sleep, sleep, sleep_until};

use super::failure::Shown;
use crate::message::BodyError;

/// Breaks a body off when no frame comes for `limit`, counted only while one is asked for: a slow reader does not
/// break it.
pub fn limit_idle<B>(body: B, limit: Duration) -> IdleLimited<B> {
    IdleLimited { body, limit, asked: None, alarm: None }
}

/// The body that [`limit_idle`] makes.
#[derive(Debug)]
pub struct IdleLimited<B> {
    body: B,
    limit: Duration,
    /// When the frame that is waited for was first asked for.
    asked: Option<Instant>,
    alarm: Option<Pin<Box<Sleep>>>,
}

/// No frame came within the limit.
#[derive(Debug, thiserror::Error)]
#[error("nothing came for {}", Shown(*.0))]
struct Idle(Duration);

impl<B> HttpBody for IdleLimited<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<BodyError>,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            this.asked = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let end = *this.asked.get_or_insert_with(Instant::now) + this.limit;
        // The alarm is set once and moved only when it rings, because most frames come long before it.
        let alarm = this.alarm.get_or_insert_with(|| Box::pin(sleep(this.limit)));
        while alarm.as_mut().poll(cx).is_ready() {
            if Instant::now() >= end {
                return Poll::Ready(Some(Err(Box::new(Idle(this.limit)))));
            }
            alarm.as_mut().reset(end.into());
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// How far a request body is: the time to wait for an answer does not run while the body waits for the client.
pub(super) struct Progress {
    start: Instant,
    /// Milliseconds from `start` to the latest frame or question for one.
    latest: AtomicU64,
    waiting_for_client: AtomicBool,
}

impl Progress {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { start: Instant::now(), latest: AtomicU64::new(0), waiting_for_client: AtomicBool::new(false) })
    }

    fn note(&self, waiting_for_client: bool) {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.latest.store(now, Ordering::Relaxed);
        self.waiting_for_client.store(waiting_for_client, Ordering::Relaxed);
    }

    /// When an answer is due as things stand.
    fn due(&self, limit: Duration) -> Instant {
        if self.waiting_for_client.load(Ordering::Relaxed) {
            Instant::now() + limit
        } else {
            self.start + Duration::from_millis(self.latest.load(Ordering::Relaxed)) + limit
        }
    }
}

/// A request body that notes its progress.
pub(super) struct Noted<B> {
    pub(super) body: B,
    pub(super) progress: Arc<Progress>,
}

impl<B: HttpBody + Unpin> HttpBody for Noted<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        this.progress.note(polled.is_pending());
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Waits for an answer for at most `limit` after the request went out, so far as the client sent it.
pub(super) async fn answered<F: Future>(answer: F, limit: Duration, progress: Option<&Progress>) -> Option<F::Output> {
    let mut answer = std::pin::pin!(answer);
    let mut due = Instant::now() + limit;
    loop {
        tokio::select! {
            biased;
            output = &mut answer => return Some(output),
            () = sleep_until(due.into()) => {}
        }
        match progress.map(|progress| progress.due(limit)) {
            Some(later) if later > Instant::now() => due = later,
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, Full};

    use super::*;

    #[tokio::test]
    async fn a_body_that_stalls_is_broken_off() {
        let mut body = limit_idle(Never, Duration::from_millis(20));
        let error = body.frame().await.unwrap().unwrap_err();
        assert_eq!(error.to_string(), "nothing came for 20 ms");
    }

    #[tokio::test]
    async fn a_body_that_flows_passes_unchanged() {
        let body = limit_idle(Full::new(Bytes::from_static(b"abc")), Duration::from_secs(1));
        assert_eq!(body.size_hint().exact(), Some(3));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "abc");
    }

    #[tokio::test]
    async fn a_body_that_waits_for_its_client_does_not_use_up_the_time_to_answer() {
        let progress = Progress::new();
        progress.note(true);
        let (answer, wanted) = tokio::sync::oneshot::channel();
        let limit = Duration::from_millis(5);
        let waiting = tokio::spawn(async move { answered(wanted, limit, Some(&progress)).await });
        tokio::time::sleep(limit * 20).await;
        answer.send(()).unwrap();
        assert!(waiting.await.unwrap().is_some());
        assert!(answered(std::future::pending::<()>(), limit, None).await.is_none());
    }

    struct Never;

    impl HttpBody for Never {
        type Data = Bytes;
        type Error = BodyError;

        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
            Poll::Pending
        }
    }
}
