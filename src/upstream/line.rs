//! One connection that speaks HTTP, and who may use it.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Poll;
use std::time::Duration;

use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};

use super::connect::{Opened, Phases};
use super::pool::Slot;
use super::wire::ReadsDecide;
use super::{ConnectionFacts, Protocol};
use crate::message::Body;

/// Fields of a response head; more is a failure. hyper makes room for so many with each response.
const MAX_FIELDS: usize = 512;
/// Bytes of a response head.
const MAX_HEAD: u32 = 1 << 20;
/// A stream may fill a fast path to a far origin without waiting for window updates.
const STREAM_WINDOW: u32 = 4 << 20;
/// Several such streams at once.
const CONNECTION_WINDOW: u32 = 16 << 20;
/// More often than every five minutes counts as abuse with gRPC servers.
const PING_EVERY: Duration = Duration::from_secs(310);

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// What all users of one connection share.
pub(super) struct Line {
    pub(super) id: u64,
    remote: Option<SocketAddr>,
    slot: Weak<Slot>,
    /// Seconds that the origin keeps the idle connection, as it said in `Keep-Alive: timeout`.
    kept_for: AtomicU64,
    /// The sender of an HTTP/1 connection whose last exchange has a response head and no end yet.
    parked: Mutex<Option<http1::SendRequest<Body>>>,
}

/// The right to send on a connection: the only one for HTTP/1, one of many for HTTP/2.
pub(super) struct Lease {
    pub(super) line: Arc<Line>,
    /// How it was opened, for the first exchange alone.
    pub(super) phases: Option<Phases>,
    pub(super) sender: Sender,
}

pub(super) enum Sender {
    Http1(http1::SendRequest<Body>),
    Http2(http2::SendRequest<Body>),
}

impl Lease {
    /// Starts HTTP on a connection. One for an upgrade serves a single request and gives its stream away after it.
    pub(super) async fn start(opened: Opened, slot: Weak<Slot>, upgrade: bool) -> Result<Self, hyper::Error> {
        let line = Arc::new(Line {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            remote: opened.remote,
            slot,
            kept_for: AtomicU64::new(u64::MAX),
            parked: Mutex::new(None),
        });
        let sender = if opened.http2 {
            let (sender, connection) = http2_builder().handshake(TokioIo::new(opened.wire)).await?;
            tokio::spawn(connection);
            Sender::Http2(sender)
        } else if upgrade {
            let (sender, connection) = http1_builder().handshake(TokioIo::new(opened.wire)).await?;
            tokio::spawn(connection.with_upgrades());
            Sender::Http1(sender)
        } else {
            let wire = TokioIo::new(ReadsDecide::new(opened.wire));
            let (sender, connection) = http1_builder().handshake(wire).await?;
            tokio::spawn(drive(connection, line.clone()));
            Sender::Http1(sender)
        };
        Ok(Self { line, phases: Some(opened.phases), sender })
    }

    pub(super) fn reused(&self) -> bool {
        self.phases.is_none()
    }

    pub(super) fn facts(&self, informational: u64) -> ConnectionFacts {
        let phases = self.phases.unwrap_or_default();
        ConnectionFacts {
            id: self.line.id,
            remote: self.line.remote,
            reused: self.reused(),
            protocol: match self.sender {
                Sender::Http1(_) => Protocol::Http1,
                Sender::Http2(_) => Protocol::Http2,
            },
            dns: phases.dns,
            connect: phases.connect,
            tls: phases.tls,
            informational,
        }
    }

    /// After a response head: an HTTP/1 connection goes back to the pool as soon as the exchange has ended.
    pub(super) fn give_back(self, kept_for: Option<u64>) {
        let Sender::Http1(sender) = self.sender else { return };
        if let Some(seconds) = kept_for {
            self.line.kept_for.store(seconds, Ordering::Relaxed);
        }
        *lock(&self.line.parked) = Some(sender);
        self.line.release_if_ready();
    }
}

impl Line {
    /// How long the origin keeps the idle connection, if it said so; a second less, for the way there.
    pub(super) fn kept_for(&self) -> Option<Duration> {
        match self.kept_for.load(Ordering::Relaxed) {
            u64::MAX => None,
            seconds => Some(Duration::from_secs(seconds.saturating_sub(1))),
        }
    }

    fn release_if_ready(self: &Arc<Self>) {
        let mut parked = lock(&self.parked);
        if !parked.as_ref().is_some_and(|sender| sender.is_ready() || sender.is_closed()) {
            return;
        }
        let sender = parked.take();
        drop(parked);
        if let (Some(sender), Some(slot)) = (sender, self.slot.upgrade())
            && !sender.is_closed()
        {
            slot.release(Lease { line: self.clone(), phases: None, sender: Sender::Http1(sender) });
        }
    }
}

/// Runs an HTTP/1 connection, and releases it in the same step that ends an exchange: whoever saw the end of the body
/// then finds the connection in the pool.
async fn drive(mut connection: http1::Connection<TokioIo<ReadsDecide>, Body>, line: Arc<Line>) {
    poll_fn(|cx| {
        let ended = Pin::new(&mut connection).poll(cx).is_ready();
        line.release_if_ready();
        if ended { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    lock(&line.parked).take();
}

fn http1_builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.preserve_header_case(true).max_headers(MAX_FIELDS).max_buf_size(MAX_HEAD as usize);
    builder
}

fn http2_builder() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(MAX_HEAD)
        .keep_alive_interval(PING_EVERY);
    builder
}

/// A panic while a lock is held cannot leave these values half changed.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
