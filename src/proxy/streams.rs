//! The streams of one HTTP/2 connection: answered by the task of their connection, or by tasks of their own.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use hyper::rt::Executor;

type Stream = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Takes the streams that hyper begins while their connection is polled.
///
/// Most are answered when they are polled once, right after that: a task for each would cost about as much as the answer.
/// Who has to wait gets one. All that came together are answered before the connection is polled again, so that it sends
/// them together.
#[derive(Clone, Default)]
pub(super) struct Streams(Arc<Mutex<Vec<Stream>>>);

impl<S: Future<Output = ()> + Send + 'static> Executor<S> for Streams {
    fn execute(&self, stream: S) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Box::pin(stream));
    }
}

impl Streams {
    /// Polls the connection to which these streams belong, and those that it began.
    pub(super) fn poll<C: Future>(&self, connection: Pin<&mut C>, cx: &mut Context<'_>) -> Poll<C::Output> {
        let polled = connection.poll(cx);
        let mut begun = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for mut stream in begun.drain(..) {
            // A stream that is answered wakes its connection, which is this task.
            if stream.as_mut().poll(cx).is_pending() {
                tokio::spawn(stream);
            }
        }
        // Its room is used again.
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = begun;
        polled
    }
}
