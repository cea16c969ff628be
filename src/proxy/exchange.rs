//! One exchange from its request to the line in the log.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http::Method;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::engine::Engine;
use super::hidden::shown_url;
use super::observed::{Answerer, Told};
use super::target::Asked;
use crate::log::{ExchangeLine, Source};
use crate::message::{Body, BodyError};
use crate::record::Fate;
use crate::redact::shown_text;
use crate::replay::EntryName;
use crate::report::Applied;

/// One request on its way to an answer.
pub(super) struct Exchange {
    pub(super) engine: Arc<Engine>,
    pub(super) method: Method,
    pub(super) asked: Asked,
    /// `None`: that of requests that name none.
    pub(super) session: Option<Arc<str>>,
    /// `None` where no line tells how long it took.
    started: Option<Instant>,
    /// Who answers, where anybody wants to know beside the log.
    pub(super) told: Option<Told>,
    /// The rules that made the entry an answer, for the same.
    pub(super) rules: Option<String>,
    /// What becomes of its recording.
    pub(super) fate: Option<Fate>,
}

/// Who answered, for the line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By<'a> {
    Entry(EntryName<'a>),
    Recorded,
    Upstream,
    Miss,
    Own,
    Error,
}

impl Exchange {
    pub(super) fn start(engine: Arc<Engine>, method: Method, asked: Asked, session: Option<Arc<str>>) -> Self {
        let started = engine.log.is_on().then(Instant::now);
        let told = engine.observers.is_on().then(Told::default);
        Self { engine, method, asked, session, started, told, rules: None, fate: None }
    }

    /// Writes the line of an exchange whose body is known, or that got none.
    pub(super) fn log(&self, status: Option<u16>, size: u64, by: By<'_>, note: Option<&str>) {
        self.tell(by, note, Some(size));
        if !self.engine.log.is_on() {
            return;
        }
        self.engine.log.exchange(&ExchangeLine {
            method: self.method.as_str(),
            url: self.asked.url.as_str(),
            status,
            size,
            time: self.started.map(|started| started.elapsed()).unwrap_or_default(),
            source: by.source(),
            note,
        });
    }

    /// Counts what was applied to the answer, for the report.
    pub(super) fn applied(&self, what: &str, entry: Option<EntryName<'_>>, detail: Vec<String>) {
        self.engine.tally.applied(Applied {
            what: what.to_owned(),
            method: self.method.as_str().to_owned(),
            url: shown_url(self.asked.url.as_str()),
            entry: entry.map(|entry| entry.to_string()),
            detail,
            count: 1,
        });
    }

    /// Counts an answer as patched, and gives what the log says of it.
    pub(super) fn patched(&self, entry: Option<EntryName<'_>>, parts: Vec<String>) -> String {
        let note = format!("patched: {}", parts.join(", "));
        self.applied("patched", entry, parts);
        note
    }

    /// The same of one that was rendered.
    pub(super) fn templated(&self, entry: Option<EntryName<'_>>, by: &str) -> String {
        self.applied("templated", entry, vec![by.to_owned()]);
        format!("templated: {by}")
    }

    fn tell(&self, by: By<'_>, note: Option<&str>, size: Option<u64>) {
        if let Some(told) = &self.told {
            let note = note.map(shown_text);
            let note = note.as_deref();
            // A body that was streamed has been told of by its head.
            let _ = told.set(Answerer::of(by, note, self.rules.clone(), size));
        }
    }

    /// Writes the line once a streamed body has ended, however it ends.
    pub(super) fn log_at_end(self, status: u16, by: By<'static>, note: Option<String>, body: Body) -> Body {
        self.tell(by, note.as_deref(), None);
        if !self.engine.log.is_on() {
            return body;
        }
        Body::boxed(LoggedBody {
            inner: body,
            exchange: self,
            status,
            by,
            note,
            size: 0,
            ended: false,
            broke_off: false,
        })
    }
}

impl<'a> By<'a> {
    fn source(self) -> Source<'a> {
        match self {
            By::Entry(name) => Source::Entry { archive: name.archive, entry: name.ordinal },
            By::Recorded => Source::Recorded,
            By::Upstream => Source::Upstream,
            By::Miss => Source::Miss,
            By::Own => Source::Own,
            By::Error => Source::Error,
        }
    }
}

/// Counts a body as it passes; its drop is the end of the exchange.
struct LoggedBody {
    inner: Body,
    exchange: Exchange,
    status: u16,
    by: By<'static>,
    note: Option<String>,
    size: u64,
    ended: bool,
    broke_off: bool,
}

impl Drop for LoggedBody {
    fn drop(&mut self) {
        // A body that ends with its last frame is not polled for its end.
        let early = match self.broke_off {
            true => Some("broke off".to_owned()),
            false => (!self.ended && !self.inner.is_end_stream()).then(|| "ended early".to_owned()),
        };
        let lost = self.exchange.fate.as_ref().is_some_and(Fate::is_lost);
        let unkept = lost.then(|| "not recorded".to_owned());
        let told: Vec<_> = self.note.take().into_iter().chain(early).chain(unkept).collect();
        let note = (!told.is_empty()).then(|| told.join("; "));
        let by = if lost { By::Upstream } else { self.by };
        self.exchange.log(Some(self.status), self.size, by, note.as_deref());
    }
}

impl HttpBody for LoggedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                self.size += frame.data_ref().map_or(0, |bytes| bytes.len() as u64);
                self.ended = frame.is_trailers();
            }
            Poll::Ready(Some(Err(_))) => self.broke_off = true,
            Poll::Ready(None) => self.ended = true,
            _ => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
