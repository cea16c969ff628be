//! A body that is copied to the recorder, frame by frame, while it passes.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::copying::{Copying, Sealing};
use crate::message::{Body, BodyError};

/// Bytes that are read on for the archive after the client has gone.
const READ_ON_MOST: usize = 16 << 20;

/// For how long.
const READ_ON_TIME: Duration = Duration::from_secs(30);

/// Passes a body on and copies it.
///
/// A frame waits while the recorder's buffer is full. Of a response, the last frame (or the end, where the last frame
/// cannot be told ahead) waits until the exchange is in the journal: a client that knows the length does not wait for more. A client that goes away before the end has cut its
/// own answer alone: the archive gets the rest, up to 16 MiB, where the body is one that ends by itself.
#[derive(Debug)]
pub struct TeeBody {
    tee: Option<Tee>,
    reads_on: bool,
}

impl TeeBody {
    /// Copies `inner` through `copying`. `reads_on`: to its end, whoever stays to hear it.
    pub(super) fn new(inner: Body, copying: Copying, reads_on: bool) -> Self {
        Self { tee: Some(Tee { inner, copying, state: State::Passing }), reads_on }
    }
}

impl Drop for TeeBody {
    fn drop(&mut self) {
        let Some(mut tee) = self.tee.take().filter(Tee::is_open) else { return };
        if !self.reads_on {
            if tee.has_passed_whole() {
                drop(tee.copying.seal());
            }
            return;
        }
        if let Ok(runtime) = Handle::try_current() {
            let waiting = tee.copying.left_alone();
            waiting.spawn_on(timeout(READ_ON_TIME, read_on(tee)), &runtime);
        }
    }
}

/// Polls a body that nobody waits for; what is left after the limit is cut, as the client cut it.
async fn read_on(mut tee: Tee) {
    let mut read = 0;
    while read < READ_ON_MOST {
        match std::future::poll_fn(|cx| tee.poll_frame(cx)).await {
            Some(Ok(frame)) => read += frame.data_ref().map_or(0, Bytes::len),
            Some(Err(_)) | None => return,
        }
    }
}

impl HttpBody for TeeBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.tee.as_mut().map_or(Poll::Ready(None), |tee| tee.poll_frame(cx))
    }

    fn is_end_stream(&self) -> bool {
        // Also a body without a single frame must reach its end, so that its exchange is sealed.
        self.tee.as_ref().is_none_or(|tee| matches!(&tee.state, State::Ended(left) if left.is_empty()))
    }

    fn size_hint(&self) -> SizeHint {
        self.tee.as_ref().map_or_else(SizeHint::default, |tee| tee.inner.size_hint())
    }
}

/// A body and its copy. Dropped before its end, it tells the recorder that the client went away.
#[derive(Debug)]
struct Tee {
    inner: Body,
    copying: Copying,
    state: State,
}

#[derive(Debug)]
enum State {
    Passing,
    /// The frame waits for room in the recorder's buffer.
    Waiting(Bytes),
    /// As many bytes have come as the body has, these the last of them, and its end is still to come.
    Full(Bytes),
    /// What is left waits for the journal.
    Sealing(Left, Sealing),
    /// The exchange is in the journal, or will never be.
    Ended(Left),
}

/// What the client gets last.
#[derive(Debug, Default)]
struct Left {
    bytes: Option<Bytes>,
    trailers: Option<HeaderMap>,
}

impl Left {
    fn next(&mut self) -> Option<Frame<Bytes>> {
        let bytes = self.bytes.take().map(Frame::data);
        bytes.or_else(|| self.trailers.take().map(Frame::trailers))
    }

    fn is_empty(&self) -> bool {
        self.bytes.is_none() && self.trailers.is_none()
    }
}

impl Tee {
    /// More of the body may come.
    fn is_open(&self) -> bool {
        matches!(self.state, State::Passing | State::Waiting(_) | State::Full(_))
    }

    /// Whether all bytes of a body of a known length have been passed on: who sends it need not ask for its end.
    fn has_passed_whole(&self) -> bool {
        matches!(self.state, State::Passing) && self.inner.size_hint().exact() == Some(0)
    }

    /// Bytes that are in the recorder's hands: passed on at once, or kept back when they are the last.
    fn pass(&mut self, bytes: Bytes) -> Option<Frame<Bytes>> {
        if self.inner.is_end_stream() {
            self.seal(Some(bytes), None);
        } else if self.copying.is_response() && self.inner.size_hint().exact() == Some(0) {
            self.state = State::Full(bytes);
        } else {
            self.state = State::Passing;
            return Some(Frame::data(bytes));
        }
        None
    }

    /// The body has come to its end; this is left of it.
    fn seal(&mut self, bytes: Option<Bytes>, trailers: Option<HeaderMap>) {
        if let Some(trailers) = &trailers {
            self.copying.trailers(trailers);
        }
        self.state = State::Sealing(Left { bytes, trailers }, self.copying.seal());
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            match &mut self.state {
                State::Ended(left) => return Poll::Ready(left.next().map(Ok)),
                State::Sealing(left, sealing) => {
                    ready!(Pin::new(sealing).poll(cx));
                    self.state = State::Ended(std::mem::take(left));
                }
                State::Waiting(bytes) => {
                    ready!(self.copying.poll_room(cx, bytes.len()));
                    let bytes = std::mem::take(bytes);
                    self.copying.frame(bytes.clone(), self.inner.size_hint().exact());
                    if let Some(frame) = self.pass(bytes) {
                        return Poll::Ready(Some(Ok(frame)));
                    }
                }
                State::Passing | State::Full(_) => {
                    let next = ready!(Pin::new(&mut self.inner).poll_frame(cx));
                    if let Some(passed) = self.take(next) {
                        return Poll::Ready(Some(passed));
                    }
                }
            }
        }
    }

    /// Takes what comes next of the body; gives what can be passed on now.
    fn take(&mut self, next: Option<Result<Frame<Bytes>, BodyError>>) -> Option<Result<Frame<Bytes>, BodyError>> {
        let kept = if let State::Full(bytes) = &mut self.state { Some(std::mem::take(bytes)) } else { None };
        match next.map(|frame| frame.map(Frame::into_data)) {
            None => self.seal(kept, None),
            Some(Err(error)) => {
                self.copying.broke_off();
                self.state = State::Ended(Left::default());
                return Some(Err(error));
            }
            Some(Ok(Ok(bytes))) => {
                if bytes.is_empty()
                    && let Some(kept) = kept
                {
                    self.state = State::Full(kept);
                    return None;
                }
                self.state = State::Waiting(bytes);
                return kept.map(|kept| Ok(Frame::data(kept)));
            }
            // Nothing follows trailers, and not every receiver asks for the end after them.
            Some(Ok(Err(frame))) => self.seal(kept, frame.into_trailers().ok()),
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Waker;

    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;
    use crate::record::Recording;
    use crate::record::inbox::{Inbox, inbox};
    use crate::record::recording::tests::facts;
    use crate::record::run::Run;
    use crate::record::spool::Note;

    /// A body that knows its length and comes frame by frame, as over HTTP/2: its end comes by itself.
    struct Counted {
        left: u64,
        frames: UnboundedReceiver<Frame<Bytes>>,
    }

    impl HttpBody for Counted {
        type Data = Bytes;
        type Error = BodyError;

        fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
            let frame = ready!(self.frames.poll_recv(cx));
            self.left -= frame.as_ref().and_then(Frame::data_ref).map_or(0, Bytes::len) as u64;
            Poll::Ready(frame.map(Ok))
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(self.left)
        }
    }

    fn poll(body: &mut Body) -> Poll<Option<Frame<Bytes>>> {
        let mut cx = Context::from_waker(Waker::noop());
        Pin::new(body).poll_frame(&mut cx).map(|frame| frame.map(Result::unwrap))
    }

    /// Says of each exchange that has come to its end that it is written.
    fn write(disk: &Inbox<Note>) -> usize {
        let mut notes = Vec::new();
        disk.take(&mut notes);
        let finished = notes.into_iter().filter_map(|note| match note {
            Note::Finished { written, .. } => Some(written),
            _ => None,
        });
        finished.map(|written| written.send(()).unwrap()).count()
    }

    #[tokio::test]
    async fn the_last_bytes_of_a_known_length_wait_for_the_journal_also_where_the_end_comes_behind_them() {
        let trailers =
            HeaderMap::from_iter([(http::HeaderName::from_static("x"), http::HeaderValue::from_static("y"))]);
        for trailers in [None, Some(trailers)] {
            let (notes, disk) = inbox();
            let run = Arc::new(Run::new(notes, false));
            let recording = Recording::start(facts(0), &run);
            let (sender, frames) = unbounded_channel();
            let mut body = recording.response_body(Body::boxed(Counted { left: 4, frames }), false).await;
            sender.send(Frame::data(Bytes::from_static(b"ab"))).unwrap();
            assert!(matches!(poll(&mut body), Poll::Ready(Some(frame)) if frame.data_ref().unwrap() == "ab"));
            sender.send(Frame::data(Bytes::from_static(b"cd"))).unwrap();
            sender.send(Frame::data(Bytes::new())).unwrap();
            assert!(poll(&mut body).is_pending(), "its end is not there");
            trailers.iter().for_each(|trailers| sender.send(Frame::trailers(trailers.clone())).unwrap());
            drop(sender);
            assert!(poll(&mut body).is_pending(), "it is not written");
            assert_eq!(write(&disk), 1);
            assert!(matches!(poll(&mut body), Poll::Ready(Some(frame)) if frame.data_ref().unwrap() == "cd"));
            assert_eq!(body.is_end_stream(), trailers.is_none());
            let last = if let Poll::Ready(last) = poll(&mut body) { last } else { None };
            assert_eq!(last.and_then(|frame| frame.into_trailers().ok()), trailers);
            assert!(body.is_end_stream());
        }
    }

    #[tokio::test]
    async fn a_payload_is_whole_when_all_its_bytes_have_been_asked_for_and_cut_before() {
        for (sent, cut) in [(&b"abcd"[..], false), (b"ab", true)] {
            let (notes, disk) = inbox();
            let run = Arc::new(Run::new(notes, false));
            let recording = Recording::start(facts(0), &run);
            let (sender, frames) = unbounded_channel();
            let mut payload = recording.request_body(Body::boxed(Counted { left: 4, frames }));
            sender.send(Frame::data(Bytes::copy_from_slice(sent))).unwrap();
            assert!(matches!(poll(&mut payload), Poll::Ready(Some(_))));
            // Who sends a body of a known length does not ask for its end.
            drop(payload);
            let answered = tokio::spawn(recording.failed(crate::har::FailureCause::Reset, ""));
            tokio::task::yield_now().await;
            let mut notes = Vec::new();
            disk.take(&mut notes);
            let finished = notes.iter().find_map(|note| match note {
                Note::Finished { facts, .. } => Some(facts.payload_cut),
                _ => None,
            });
            assert_eq!(finished, Some(cut));
            drop(notes);
            answered.await.unwrap();
        }
    }
}
