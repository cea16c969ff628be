//! The recorder of a run, and the recording of one exchange.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, ready};
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use http::HeaderMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::exchange::{ExchangeFacts, PhaseTimes, ResponseFacts, latin1_fields};
use super::lock::ArchiveLock;
use super::spool::{Note, Side, Spool, Spooled};
use super::tee::TeeBody;
use super::{Error, finish};
use crate::archive::WriterOptions;
use crate::har::{End, FailureCause};
use crate::message::{Body, CanonicalUrl};

/// Bytes of bodies that may wait for the disk, for the whole process.
const ROOM: u32 = 32 << 20;

/// Records the exchanges of one run into one archive.
#[derive(Debug)]
pub struct Recorder {
    archive: PathBuf,
    journal: PathBuf,
    options: WriterOptions,
    append: bool,
    notes: Sender<Note>,
    spool: Mutex<Option<Spool>>,
    room: Arc<Semaphore>,
    next: AtomicU64,
    waited: Arc<AtomicU64>,
    abandoned: Arc<AtomicU64>,
    late: Late,
    recovered: Option<finish::Finished>,
    _lock: ArchiveLock,
}

impl Recorder {
    /// Takes the archive's lock, finishes what a killed run left in its journal, and starts the writing thread.
    ///
    /// `append` keeps the entries that the archive has. Blocks.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written, another run holds the archive, or a left journal cannot be finished.
    pub fn open(archive: &Path, options: WriterOptions, append: bool) -> Result<Self, Error> {
        let place = finish::Place::of(archive)?;
        let lock = ArchiveLock::take(&place.lock, archive)?;
        let recovered = finish::recover(archive, &place, &options)?;
        place.note_append(append)?;
        let folder_error = |source| Error::Folder { path: place.journal.clone(), source };
        let (spool, notes) = Spool::start(&place.journal).map_err(folder_error)?;
        Ok(Self {
            archive: archive.to_owned(),
            journal: place.journal.clone(),
            options,
            append,
            notes,
            spool: Mutex::new(Some(spool)),
            room: Arc::new(Semaphore::new(ROOM as usize)),
            next: AtomicU64::new(0),
            waited: Arc::default(),
            abandoned: Arc::default(),
            late: Late::default(),
            recovered,
            _lock: lock,
        })
    }

    /// The archive that this run writes.
    pub fn archive(&self) -> &Path {
        &self.archive
    }

    /// What a killed run had left, when there was something.
    pub fn recovered(&self) -> Option<&finish::Finished> {
        self.recovered.as_ref()
    }

    /// Starts the recording of one exchange: its fields as the client sent them, but for those of one hop.
    pub fn begin(&self, method: &http::Method, url: &CanonicalUrl, version: &str, fields: &HeaderMap) -> Recording {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let facts = ExchangeFacts {
            number,
            method: method.as_str().to_owned(),
            url: url.as_str().to_owned(),
            http_version: version.to_owned(),
            fields: latin1_fields(fields),
            started: i64::try_from(started.as_micros()).unwrap_or(i64::MAX),
            response: ResponseFacts::failed(FailureCause::Reset, ""),
            times: PhaseTimes::default(),
            server: None,
            connection: None,
        };
        Recording(Arc::new(Exchange {
            number,
            state: Mutex::new(State { facts: Some(Box::new(facts)), sending: false, answered: false }),
            notes: self.notes.clone(),
            room: Arc::clone(&self.room),
            waited: Arc::clone(&self.waited),
            abandoned: Arc::clone(&self.abandoned),
            late: Arc::clone(&self.late),
            started: Instant::now(),
        }))
    }

    /// Ends the recording and writes the archive. Blocks; exchanges that are still open are not kept.
    ///
    /// # Errors
    ///
    /// When the archive cannot be written; the journal then stays where it is.
    pub fn close(&self) -> Result<Recorded, Error> {
        let late = std::mem::take(&mut *self.late.lock().unwrap_or_else(PoisonError::into_inner));
        for exchange in late.iter().filter_map(Weak::upgrade) {
            drop(exchange.finish(|_| {}));
        }
        let _ = self.notes.send(Note::Close);
        let spool = self.spool.lock().unwrap_or_else(PoisonError::into_inner).take();
        let spooled = spool.map(Spool::join).unwrap_or_default();
        let finished = if spooled.exchanges == 0 {
            finish::discard(&self.journal)?;
            None
        } else {
            Some(finish::finish(&self.archive, &self.journal, &self.options, self.append)?)
        };
        Ok(Recorded {
            finished,
            spooled,
            waited_ms: self.waited.load(Ordering::Relaxed) / 1000,
            abandoned: self.abandoned.load(Ordering::Relaxed),
        })
    }
}

/// What a run left behind.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The archive; `None` when nothing was recorded, and then the previous one is untouched.
    pub finished: Option<finish::Finished>,
    /// What went through the journal.
    pub spooled: Spooled,
    /// Milliseconds that clients waited because the buffer was full.
    pub waited_ms: u64,
    /// Clients that went away before the response head.
    pub abandoned: u64,
}

/// Exchanges that were answered in full while their request was still on its way.
type Late = Arc<Mutex<Vec<Weak<Exchange>>>>;

#[derive(Debug)]
struct Exchange {
    number: u64,
    state: Mutex<State>,
    notes: Sender<Note>,
    room: Arc<Semaphore>,
    waited: Arc<AtomicU64>,
    abandoned: Arc<AtomicU64>,
    late: Late,
    started: Instant,
}

#[derive(Debug)]
struct State {
    /// Taken when the exchange is finished.
    facts: Option<Box<ExchangeFacts>>,
    /// The request body is still on its way.
    sending: bool,
    /// The response has ended.
    answered: bool,
}

impl Exchange {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn update(&self, change: impl FnOnce(&mut ExchangeFacts)) {
        if let Some(facts) = &mut self.state().facts {
            change(facts);
        }
    }

    /// The response has ended. Where it came before the end of the request, the journal waits for that: half a payload
    /// would match no request.
    fn response_ended(self: &Arc<Self>, change: impl FnOnce(&mut ExchangeFacts)) -> Sealing {
        let mut state = self.state();
        if !state.sending {
            drop(state);
            return self.finish(change);
        }
        if let Some(facts) = &mut state.facts {
            change(facts);
        }
        state.answered = true;
        self.late.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(self));
        Sealing(None)
    }

    fn request_ended(&self) {
        let mut state = self.state();
        state.sending = false;
        if state.answered {
            drop(state);
            drop(self.finish(|_| {}));
        }
    }

    /// Sends the facts to the journal once; later calls find nothing.
    fn finish(&self, change: impl FnOnce(&mut ExchangeFacts)) -> Sealing {
        let Some(mut facts) = self.state().facts.take() else { return Sealing(None) };
        change(&mut facts);
        let (written, sealed) = oneshot::channel();
        match self.notes.send(Note::Finished { facts, written }) {
            Ok(()) => Sealing(Some(sealed)),
            Err(_closed) => Sealing(None),
        }
    }

    fn open(&self) -> bool {
        self.state().facts.is_some()
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if self.open() {
            self.abandoned.fetch_add(1, Ordering::Relaxed);
            let _ = self.notes.send(Note::Discarded { exchange: self.number });
        }
    }
}

/// The recording of one exchange. Dropped before the response head, it is not kept: the client went away.
#[derive(Debug)]
pub struct Recording(Arc<Exchange>);

impl Recording {
    /// The request body, copied as it passes.
    pub fn request_body(&self, body: Body) -> Body {
        use http_body::Body as _;
        // A request without a body must go on looking like one: it may be sent again, and gets no length of 0.
        if body.is_end_stream() {
            return body;
        }
        self.0.state().sending = true;
        Body::boxed(TeeBody::new(body, Copying::new(Arc::clone(&self.0), Side::Request)))
    }

    /// The response head, with the upstream's connection; the body follows through [`Self::response_body`].
    pub fn answered(&self, response: ResponseFacts, times: PhaseTimes, server: Option<std::net::SocketAddr>, id: u64) {
        let waited = milliseconds(self.0.started) - times.dns.unwrap_or(0.0) - times.connect.unwrap_or(0.0);
        self.0.update(|facts| {
            facts.response = response;
            facts.times = PhaseTimes { wait: waited.max(0.0), ..times };
            facts.server = server.map(|address| (address.ip(), address.port()));
            facts.connection = Some(id);
        });
    }

    /// The response body, copied as it passes. `bodiless` for answers whose framing has no body (HEAD, 204, 304):
    /// those are in the journal when this returns.
    pub async fn response_body(self, body: Body, bodiless: bool) -> Body {
        use http_body::Body as _;
        let mut copying = Copying::new(Arc::clone(&self.0), Side::Response);
        if bodiless || body.is_end_stream() {
            copying.seal().await;
            return body;
        }
        Body::boxed(TeeBody::new(body, copying))
    }

    /// The client got a 502 or 504 of harmock's own.
    pub async fn failed(self, cause: FailureCause, detail: &str) {
        let started = self.0.started;
        self.0
            .finish(|facts| {
                facts.response = ResponseFacts::failed(cause, detail);
                facts.times.wait = milliseconds(started);
            })
            .await;
    }
}

fn milliseconds(since: Instant) -> f64 {
    // Microseconds are what clocks and readers agree on.
    (since.elapsed().as_micros() as f64) / 1000.0
}

/// The recorder's side of a [`TeeBody`].
pub(super) struct Copying {
    exchange: Arc<Exchange>,
    side: Side,
    share: Option<OwnedSemaphorePermit>,
    waiting: Option<(Instant, Room)>,
    head_at: Instant,
    ended: bool,
}

type Room = Pin<Box<dyn Future<Output = Option<OwnedSemaphorePermit>> + Send>>;

impl std::fmt::Debug for Copying {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Copying").field("exchange", &self.exchange.number).field("side", &self.side).finish()
    }
}

impl Copying {
    fn new(exchange: Arc<Exchange>, side: Side) -> Self {
        Self { exchange, side, share: None, waiting: None, head_at: Instant::now(), ended: false }
    }

    /// Ready once the buffer has room for a frame of this length.
    pub(super) fn poll_room(&mut self, cx: &mut Context<'_>, length: usize) -> Poll<()> {
        // One frame larger than the whole buffer takes all of it.
        let share = u32::try_from(length).unwrap_or(ROOM).min(ROOM);
        if self.waiting.is_none() {
            let room = Arc::clone(&self.exchange.room);
            if let Ok(permit) = Arc::clone(&room).try_acquire_many_owned(share) {
                self.share = Some(permit);
                return Poll::Ready(());
            }
            self.waiting = Some((Instant::now(), Box::pin(async move { room.acquire_many_owned(share).await.ok() })));
        }
        if let Some((since, room)) = &mut self.waiting {
            self.share = ready!(room.as_mut().poll(cx));
            let waited = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.exchange.waited.fetch_add(waited, Ordering::Relaxed);
            self.waiting = None;
        }
        Poll::Ready(())
    }

    /// Hands a frame over; the share taken by [`Self::poll_room`] goes with it.
    pub(super) fn frame(&mut self, bytes: Bytes) {
        let share = self.share.take();
        if self.exchange.open() {
            let note = Note::Frame { exchange: self.exchange.number, side: self.side, bytes, _share: share };
            let _ = self.exchange.notes.send(note);
        }
    }

    pub(super) fn trailers(&mut self, fields: &HeaderMap) {
        if self.side == Side::Response {
            let recorded = latin1_fields(fields);
            self.exchange.update(|facts| {
                if let ResponseFacts::Answered { trailers, .. } = &mut facts.response {
                    *trailers = recorded;
                }
            });
        }
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
            self.exchange.request_ended();
            return Sealing(None);
        }
        let receive = milliseconds(self.head_at);
        self.exchange.response_ended(|facts| {
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

/// Ready once the exchange is in the journal.
#[derive(Debug)]
pub(super) struct Sealing(Option<oneshot::Receiver<()>>);

impl Future for Sealing {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.0 {
            None => Poll::Ready(()),
            // A writing thread that is gone keeps no client waiting.
            Some(sealed) => Pin::new(sealed).poll(cx).map(drop),
        }
    }
}
