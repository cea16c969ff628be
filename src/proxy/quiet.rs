//! What ends a connection from outside: the end of the run, or too long a silence on it.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::connection::Client;

/// How often in the time that a connection may be silent it is looked at.
const LOOKS: u32 = 4;

/// Waits until nothing has moved on a connection for `limit` while no request of it was being answered.
///
/// Hyper's own limit sets a timer for each request; this looks at the connection now and then, and costs a request
/// nothing.
pub(super) async fn silence(client: &Client, limit: Duration) {
    let mut moved = client.traffic.moved();
    let mut silent_since = Instant::now();
    loop {
        sleep(limit / LOOKS).await;
        let now_moved = client.traffic.moved();
        if now_moved != moved || client.is_answering() {
            (moved, silent_since) = (now_moved, Instant::now());
        } else if silent_since.elapsed() >= limit {
            return;
        }
    }
}

/// A future that shares a task with a busy one: it is polled when it was woken itself, not whenever its neighbour was.
///
/// Waiting for the end of the run takes a lock and a timer's entry each time it is polled, which is for each request.
pub(super) struct Quiet<F> {
    inner: Pin<Box<F>>,
    bell: Arc<Bell>,
    waker: Waker,
    /// The task that the bell wakes.
    task: Option<Waker>,
}

struct Bell {
    rung: AtomicBool,
    task: Mutex<Option<Waker>>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        if let Some(task) = &*self.task.lock().unwrap_or_else(PoisonError::into_inner) {
            task.wake_by_ref();
        }
    }
}

impl<F> Quiet<F> {
    pub(super) fn new(inner: F) -> Self {
        // Rung, so that the first poll arrives.
        let bell = Arc::new(Bell { rung: AtomicBool::new(true), task: Mutex::default() });
        Self { inner: Box::pin(inner), waker: Waker::from(Arc::clone(&bell)), bell, task: None }
    }
}

impl<F: Future> Future for Quiet<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        if !self.task.as_ref().is_some_and(|task| task.will_wake(cx.waker())) {
            self.task = Some(cx.waker().clone());
            *self.bell.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
        }
        if !self.bell.rung.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        // Before the poll: what rings during it must not be lost.
        self.bell.rung.store(false, Ordering::Release);
        let waker = self.waker.clone();
        self.inner.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[tokio::test]
    async fn a_neighbour_that_wakes_the_task_does_not_have_it_polled() {
        let polls = Arc::new(AtomicUsize::new(0));
        let (ring, heard) = tokio::sync::oneshot::channel::<()>();
        let counted = Arc::clone(&polls);
        let mut heard = Box::pin(heard);
        let mut quiet = Box::pin(Quiet::new(poll_fn(move |cx| {
            counted.fetch_add(1, Ordering::Relaxed);
            heard.as_mut().poll(cx)
        })));
        for _ in 0..10 {
            tokio::select! {
                biased;
                _ = &mut quiet => panic!("nobody rang"),
                () = tokio::task::yield_now() => {}
            }
        }
        assert_eq!(polls.load(Ordering::Relaxed), 1);
        ring.send(()).unwrap();
        quiet.await.unwrap();
        assert_eq!(polls.load(Ordering::Relaxed), 2);
    }
}
