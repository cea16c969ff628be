//! The recording of one exchange: what its two bodies and its head tell the recorder, from whichever task they pass on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::copying::{Copying, Sealing};
use super::exchange::{ExchangeFacts, PhaseTimes, ResponseFacts};
use super::run::{Run, milliseconds};
use super::spool::{Note, Piece, Side};
use super::tee::TeeBody;
use crate::har::streams::is_endless;
use crate::har::{End, FailureCause};
use crate::message::Body;

/// An exchange that is being recorded, shared by its two bodies.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) number: u64,
    state: Mutex<State>,
    pub(super) run: Arc<Run>,
    started: Instant,
    lost: AtomicBool,
}

#[derive(Debug)]
struct State {
    /// Taken when the exchange is finished.
    facts: Option<Box<ExchangeFacts>>,
    payload: Payload,
    /// The response has ended.
    answered: bool,
}

/// How far the request body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Payload {
    /// There is none, or all of it has passed.
    Whole,
    /// More of it is to come.
    Sending,
    /// The rest will not come: the server has not asked for it, or the client has not sent it.
    Cut,
}

impl Exchange {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn update(&self, change: impl FnOnce(&mut ExchangeFacts)) {
        if let Some(facts) = &mut self.state().facts {
            change(facts);
        }
    }

    /// The response has ended. Where it came before the end of the request, the journal waits for that: half a payload
    /// would match no request.
    pub(super) fn response_ended(
        self: &Arc<Self>,
        whole: Option<Piece>,
        change: impl FnOnce(&mut ExchangeFacts),
    ) -> Sealing {
        let mut state = self.state();
        if state.payload != Payload::Sending {
            drop(state);
            return self.finish(whole, change);
        }
        if let Some(piece) = whole {
            self.run.frame(self.number, Side::Response, piece);
        }
        if let Some(facts) = &mut state.facts {
            change(facts);
        }
        state.answered = true;
        drop(state);
        self.run.note_late(self);
        Sealing::done()
    }

    /// No more of the request comes, whether it is `whole` or not.
    pub(super) fn request_ended(self: &Arc<Self>, whole: bool) {
        let mut state = self.state();
        state.payload = if whole { Payload::Whole } else { Payload::Cut };
        if state.answered {
            drop(state);
            drop(self.finish(None, |_| {}));
        }
    }

    /// Sends the facts to the journal once; later calls find nothing.
    pub(super) fn finish(
        self: &Arc<Self>,
        response: Option<Piece>,
        change: impl FnOnce(&mut ExchangeFacts),
    ) -> Sealing {
        let mut state = self.state();
        let Some(mut facts) = state.facts.take() else { return Sealing::done() };
        facts.payload_cut = state.payload != Payload::Whole;
        drop(state);
        change(&mut facts);
        let (written, sealed) = oneshot::channel();
        self.run.notes.send(Note::Finished { facts, response, written });
        Sealing::by(sealed, Arc::clone(self))
    }

    /// It could not be written.
    pub(super) fn lose(&self) {
        self.lost.store(true, Ordering::Relaxed);
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
    pub(super) fn may_outlive_the_run(self: &Arc<Self>) {
        self.update(|facts| {
            if let ResponseFacts::Answered { end, .. } = &mut facts.response {
                *end = End::Client;
            }
        });
        self.run.note_late(self);
    }

    /// Notes a frame of the response. Whether the exchange still takes any.
    pub(super) fn takes_frame(&self, noted: Option<(usize, u64)>) -> bool {
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

/// What becomes of an exchange that is being recorded.
#[derive(Debug)]
pub struct Fate(Arc<Exchange>);

impl Fate {
    /// It could not be written, as the client that has got its last byte has waited to learn.
    pub fn is_lost(&self) -> bool {
        self.0.lost.load(Ordering::Relaxed)
    }
}

/// The recording of one exchange. Dropped before the response head, it is not kept: the client went away.
#[derive(Debug)]
pub struct Recording(Arc<Exchange>);

impl Recording {
    /// Starts the recording of the exchange that these facts begin.
    pub(super) fn start(facts: ExchangeFacts, run: &Arc<Run>) -> Self {
        let number = facts.number;
        let state = Mutex::new(State { facts: Some(Box::new(facts)), payload: Payload::Whole, answered: false });
        let lost = AtomicBool::new(false);
        Self(Arc::new(Exchange { number, state, run: Arc::clone(run), started: Instant::now(), lost }))
    }

    /// What becomes of it, for whoever tells of it.
    pub fn fate(&self) -> Fate {
        Fate(Arc::clone(&self.0))
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
        self.0.state().payload = Payload::Sending;
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
        if self.0.run.keeps_frames && self.0.response_field("content-length").is_none() {
            copying = copying.noting_frames();
        }
        Body::boxed(TeeBody::new(body, copying, !endless))
    }

    async fn whole_body(self, bytes: Bytes) {
        let run = &self.0.run;
        // A client that goes away while there is no room has not seen the head: the exchange is given up.
        let share = match run.try_room(bytes.len()) {
            None => Arc::clone(run).room(bytes.len()).await,
            share => share,
        };
        Copying::new(Arc::clone(&self.0), Side::Response).whole(Piece { bytes, share, to_come: Some(0) }).await;
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

#[cfg(test)]
pub(super) mod tests {
    use std::pin::Pin;
    use std::task::{Context, Waker};

    use http::HeaderMap;
    use http_body_util::BodyExt;

    use super::*;
    use crate::record::inbox::inbox;
    use crate::record::run::ROOM;

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
            payload_cut: false,
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
