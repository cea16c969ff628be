//! The recording of one exchange: what its two bodies and its head tell the recorder, from whichever task they pass on.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::task::TaskTracker;

use super::exchange::{ExchangeFacts, PhaseTimes, ResponseFacts};
use super::inbox::Notes;
use super::spool::{Note, Side, Whole};
use super::tee::TeeBody;
use crate::har::streams::is_endless;
use crate::har::{End, FailureCause};
use crate::message::Body;

/// Bytes of bodies that may wait for the disk, for the whole process.
const ROOM: u32 = 32 << 20;

/// What all recordings of a run share.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) notes: Notes<Note>,
    pub(super) room: Arc<Semaphore>,
    /// Microseconds that clients waited for the disk.
    pub(super) waited: AtomicU64,
    /// Clients that went away before the response head.
    pub(super) abandoned: AtomicU64,
    /// Exchanges that are kept even if the run ends first: answered in full while their request was still on its way,
    /// read on after their client had gone, or streams that have no end of their own.
    late: Mutex<Vec<Weak<Exchange>>>,
    /// Bodies that are read on without their client.
    pub(super) reading_on: TaskTracker,
    /// The frames of streamed bodies are noted, with their times.
    keeps_frames: bool,
}

impl Run {
    pub(super) fn new(notes: Notes<Note>, keeps_frames: bool) -> Self {
        let room = Arc::new(Semaphore::new(ROOM as usize));
        Self {
            notes,
            room,
            waited: AtomicU64::new(0),
            abandoned: AtomicU64::new(0),
            late: Mutex::default(),
            reading_on: TaskTracker::new(),
            keeps_frames,
        }
    }

    /// A share of the buffer for a frame of this length, if there is one now. One frame larger than the whole buffer
    /// takes all of it.
    fn try_room(&self, length: usize) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.room).try_acquire_many_owned(share(length)).ok()
    }

    /// The same once there is one; the client waits, which is counted.
    async fn room(self: Arc<Self>, length: usize) -> Option<OwnedSemaphorePermit> {
        let since = Instant::now();
        let room = Arc::clone(&self.room).acquire_many_owned(share(length)).await.ok();
        self.waited.fetch_add(microseconds(since), Ordering::Relaxed);
        room
    }

    fn note_late(&self, exchange: &Arc<Exchange>) {
        let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        late.retain(|exchange| exchange.strong_count() > 0);
        late.push(Arc::downgrade(exchange));
    }

    /// Takes what came of exchanges that go on although the run does not.
    pub(super) fn finish_late(&self) {
        let late = std::mem::take(&mut *self.late.lock().unwrap_or_else(PoisonError::into_inner));
        for exchange in late.iter().filter_map(Weak::upgrade) {
            drop(exchange.finish(None, |_| {}));
        }
    }
}

#[derive(Debug)]
struct Exchange {
    number: u64,
    state: Mutex<State>,
    run: Arc<Run>,
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
    fn response_ended(self: &Arc<Self>, whole: Option<Whole>, change: impl FnOnce(&mut ExchangeFacts)) -> Sealing {
        let mut state = self.state();
        if !state.sending {
            drop(state);
            return self.finish(whole, change);
        }
        if let Some(Whole { bytes, share }) = whole {
            self.run.notes.send(Note::Frame { exchange: self.number, side: Side::Response, bytes, _share: share });
        }
        if let Some(facts) = &mut state.facts {
            change(facts);
        }
        state.answered = true;
        drop(state);
        self.run.note_late(self);
        Sealing(None)
    }

    fn request_ended(&self) {
        let mut state = self.state();
        state.sending = false;
        if state.answered {
            drop(state);
            drop(self.finish(None, |_| {}));
        }
    }

    /// Sends the facts to the journal once; later calls find nothing.
    fn finish(&self, response: Option<Whole>, change: impl FnOnce(&mut ExchangeFacts)) -> Sealing {
        let Some(mut facts) = self.state().facts.take() else { return Sealing(None) };
        change(&mut facts);
        let (written, sealed) = oneshot::channel();
        self.run.notes.send(Note::Finished { facts, response, written });
        Sealing(Some(sealed))
    }

    fn open(&self) -> bool {
        self.state().facts.is_some()
    }
}

impl Exchange {
    /// The first value of a field of the response.
    fn response_field(&self, name: &str) -> Option<String> {
        let state = self.state();
        let ResponseFacts::Answered { fields, .. } = &state.facts.as_ref()?.response else { return None };
        fields.value(name).map(str::to_owned)
    }

    /// The client has ended the exchange if nobody else does before the run.
    fn may_outlive_the_run(self: &Arc<Self>) {
        self.update(|facts| {
            if let ResponseFacts::Answered { end, .. } = &mut facts.response {
                *end = End::Client;
            }
        });
        self.run.note_late(self);
    }

    /// Notes a frame of the response. Whether the exchange still takes any.
    fn takes_frame(&self, noted: Option<(usize, u64)>) -> bool {
        let mut state = self.state();
        let Some(facts) = &mut state.facts else { return false };
        if let Some((length, time)) = noted {
            facts.frames.add(length as u64, time);
        }
        true
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if self.open() {
            self.run.abandoned.fetch_add(1, Ordering::Relaxed);
            self.run.notes.send(Note::Discarded { exchange: self.number });
        }
    }
}

/// The recording of one exchange. Dropped before the response head, it is not kept: the client went away.
#[derive(Debug)]
pub struct Recording(Arc<Exchange>);

impl Recording {
    /// Starts the recording of the exchange that these facts begin.
    pub(super) fn start(facts: ExchangeFacts, run: &Arc<Run>) -> Self {
        let number = facts.number;
        let state = Mutex::new(State { facts: Some(Box::new(facts)), sending: false, answered: false });
        Self(Arc::new(Exchange { number, state, run: Arc::clone(run), started: Instant::now() }))
    }

    /// The exchange is not what a client did: its answer goes into the archive as an example, of this name.
    #[must_use]
    pub fn as_example(self, name: &str) -> Self {
        self.0.update(|facts| facts.example = Some(name.to_owned()));
        self
    }

    /// The request body, copied as it passes.
    pub fn request_body(&self, body: Body) -> Body {
        use http_body::Body as _;
        // A request without a body must go on looking like one: it may be sent again, and gets no length of 0.
        if body.is_end_stream() {
            return body;
        }
        self.0.state().sending = true;
        Body::boxed(TeeBody::new(body, Copying::new(Arc::clone(&self.0), Side::Request), false))
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

    /// The response body, copied as it passes. One that is known whole, and answers whose framing has no body (HEAD, 204,
    /// 304: `bodiless`), are in the journal when this returns.
    pub async fn response_body(self, body: Body, bodiless: bool) -> Body {
        use http_body::Body as _;
        if let Body::Full(Some(bytes)) = body {
            self.whole_body(bytes.clone()).await;
            return Body::Full(Some(bytes));
        }
        let mut copying = Copying::new(Arc::clone(&self.0), Side::Response);
        if bodiless || body.is_end_stream() {
            copying.seal().await;
            return body;
        }
        let endless = self.0.response_field("content-type").is_some_and(|content_type| is_endless(&content_type));
        if endless {
            self.0.may_outlive_the_run();
        }
        copying.notes_frames = self.0.run.keeps_frames && self.0.response_field("content-length").is_none();
        Body::boxed(TeeBody::new(body, copying, !endless))
    }

    async fn whole_body(self, bytes: Bytes) {
        let run = &self.0.run;
        // A client that goes away while there is no room has not seen the head: the exchange is given up.
        let share = match run.try_room(bytes.len()) {
            None => Arc::clone(run).room(bytes.len()).await,
            share => share,
        };
        Copying::new(Arc::clone(&self.0), Side::Response).whole(Whole { bytes, share }).await;
    }

    /// The client got a 502 or 504 of harmock's own.
    pub async fn failed(self, cause: FailureCause, detail: &str) {
        let started = self.0.started;
        self.0
            .finish(None, |facts| {
                facts.response = ResponseFacts::failed(cause, detail);
                facts.times.wait = milliseconds(started);
            })
            .await;
    }
}

fn share(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(ROOM).min(ROOM)
}

fn milliseconds(since: Instant) -> f64 {
    microseconds(since) as f64 / 1000.0
}

/// Microseconds are what clocks and readers agree on.
fn microseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// The recorder's side of a [`TeeBody`].
pub(super) struct Copying {
    exchange: Arc<Exchange>,
    side: Side,
    share: Option<OwnedSemaphorePermit>,
    waiting: Option<Room>,
    head_at: Instant,
    notes_frames: bool,
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
        Self { exchange, side, share: None, waiting: None, head_at: Instant::now(), notes_frames: false, ended: false }
    }

    /// Ready once the buffer has room for a frame of this length.
    pub(super) fn poll_room(&mut self, cx: &mut Context<'_>, length: usize) -> Poll<()> {
        if self.waiting.is_none() {
            self.share = self.exchange.run.try_room(length);
            if self.share.is_some() {
                return Poll::Ready(());
            }
            self.waiting = Some(Box::pin(Arc::clone(&self.exchange.run).room(length)));
        }
        if let Some(room) = &mut self.waiting {
            self.share = ready!(room.as_mut().poll(cx));
            self.waiting = None;
        }
        Poll::Ready(())
    }

    /// Hands a frame over; the share taken by [`Self::poll_room`] goes with it.
    pub(super) fn frame(&mut self, bytes: Bytes) {
        let share = self.share.take();
        let noted = self.notes_frames.then(|| (bytes.len(), microseconds(self.head_at)));
        if self.exchange.takes_frame(noted) {
            let note = Note::Frame { exchange: self.exchange.number, side: self.side, bytes, _share: share };
            self.exchange.run.notes.send(note);
        }
    }

    pub(super) fn trailers(&mut self, fields: &HeaderMap) {
        if self.side == Side::Response {
            let recorded = fields.into();
            self.exchange.update(|facts| {
                if let ResponseFacts::Answered { trailers, .. } = &mut facts.response {
                    *trailers = recorded;
                }
            });
        }
    }

    /// The client has gone, and the body is read on without it: gives who waits for that.
    pub(super) fn left_alone(&self) -> TaskTracker {
        self.exchange.may_outlive_the_run();
        self.exchange.run.reading_on.clone()
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
        self.end_response(how, None)
    }

    /// The response has come whole.
    fn whole(mut self, whole: Whole) -> Sealing {
        self.ended = true;
        self.end_response(End::Complete, Some(whole))
    }

    fn end_response(&self, how: End, whole: Option<Whole>) -> Sealing {
        let receive = milliseconds(self.head_at);
        self.exchange.response_ended(whole, |facts| {
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

#[cfg(test)]
pub(super) mod tests {
    use http_body_util::BodyExt;
    use std::task::Waker;

    use super::*;
    use crate::record::inbox::inbox;

    /// An exchange that failed.
    pub(in crate::record) fn facts(number: u64) -> ExchangeFacts {
        let mut latin1 = HeaderMap::new();
        latin1.insert("x", http::HeaderValue::from_bytes(b"\xe9").unwrap());
        ExchangeFacts {
            number,
            method: "GET".into(),
            url: "http://a/".into(),
            http_version: "HTTP/1.1".into(),
            fields: (&latin1).into(),
            started: 0,
            response: ResponseFacts::failed(FailureCause::Dns, "no such host"),
            times: PhaseTimes::default(),
            server: None,
            connection: None,
            session: None,
            frames: Default::default(),
            example: None,
        }
    }

    #[tokio::test]
    async fn a_client_waits_while_the_buffer_is_full_and_the_wait_is_counted() {
        let (notes, disk) = inbox();
        let run = Arc::new(Run::new(notes, false));
        let recording = Recording::start(facts(0), &run);
        let mut request =
            recording.request_body(Body::boxed(http_body_util::Full::new(Bytes::from(vec![0; ROOM as usize]))));
        let first = request.frame().await.unwrap().unwrap();
        assert_eq!(first.data_ref().map(Bytes::len), Some(ROOM as usize));
        let mut second = Recording::start(facts(1), &run).request_body(Body::full("x"));
        let mut cx = Context::from_waker(Waker::noop());
        let poll = |body: &mut Body, cx: &mut Context<'_>| http_body::Body::poll_frame(Pin::new(body), cx).is_ready();
        assert!(!poll(&mut second, &mut cx), "there is no room");
        std::thread::sleep(std::time::Duration::from_millis(2));
        // The disk takes the first frame.
        let mut taken = Vec::new();
        disk.take(&mut taken);
        drop(taken);
        assert!(poll(&mut second, &mut cx), "there is room again");
        assert!(run.waited.load(Ordering::Relaxed) >= 1000);
    }
}
