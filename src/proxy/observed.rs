//! Exchanges for those who want to know of each: the answer says what answered, the trace and the control API keep it.
//!
//! Nothing here costs a run that asked for none of it; one that did answers every request on the long way.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Instant, SystemTime};

use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response, Version};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::connection::Reset;
use super::engine::Engine;
use super::exchange::{By, Exchange};
use super::hidden::{shown_field, shown_url};
use super::traced_body;
use crate::matching::Relaxed;
use crate::message::Body;
use crate::report::{TraceWriter, Traced, TracedBody};

/// Names what answered, on an answer.
const ANNOTATION: HeaderName = HeaderName::from_static("x-harmock");

/// What would end a note, or is no visible ASCII.
const NOT_IN_A_NOTE: &AsciiSet = &CONTROLS.add(b';').add(b'%');

/// Who wants to know of each exchange.
#[derive(Debug, Default)]
pub(super) struct Observers {
    /// The client: answers carry `X-Harmock`.
    pub(super) annotate: bool,
    /// A HAR of what was served.
    pub(super) trace: Option<Arc<TraceWriter>>,
    /// The control API.
    pub(super) recent: Option<Recent>,
}

impl Observers {
    /// Whether there is any.
    pub(super) fn is_on(&self) -> bool {
        self.annotate || self.trace.is_some() || self.recent.is_some()
    }

    /// Ends the trace; the error names its file.
    pub(super) fn finish(&self) -> Result<(), String> {
        let Some(trace) = &self.trace else { return Ok(()) };
        trace.finish().map_err(|error| {
            format!("the trace {} cannot be written: {error}; name another file with --trace", trace.path().display())
        })
    }
}

/// The last exchanges, the oldest first.
#[derive(Debug)]
pub(super) struct Recent {
    most: usize,
    exchanges: Mutex<VecDeque<Traced>>,
}

impl Recent {
    /// Keeps the last `most`.
    pub(super) fn new(most: usize) -> Self {
        Self { most, exchanges: Mutex::default() }
    }

    /// How many are kept.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// The last `count` of them, the oldest first.
    pub(super) fn last(&self, count: usize) -> Vec<Traced> {
        let exchanges = self.exchanges();
        exchanges.iter().skip(exchanges.len().saturating_sub(count)).cloned().collect()
    }

    fn add(&self, exchange: Traced) {
        let mut exchanges = self.exchanges();
        if exchanges.len() >= self.most {
            exchanges.pop_front();
        }
        exchanges.push_back(exchange);
    }

    fn exchanges(&self) -> MutexGuard<'_, VecDeque<Traced>> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who answered, once that is known.
pub(super) type Told = Arc<OnceLock<Answerer>>;

/// Who answered an exchange.
#[derive(Debug)]
pub(super) struct Answerer {
    by: &'static str,
    /// `ARCHIVE#ENTRY`.
    entry: Option<String>,
    note: Option<String>,
    /// The rules that made it an answer, as the annotation has them.
    rules: Option<String>,
    size: Option<u64>,
}

impl Answerer {
    pub(super) fn of(by: By<'_>, note: Option<&str>, rules: Option<String>, size: Option<u64>) -> Self {
        let (by, entry) = match by {
            By::Entry(name) => ("entry", Some(name.to_string())),
            By::Recorded => ("recorded", None),
            By::Upstream => ("upstream", None),
            By::Miss => ("miss", None),
            By::Own => ("own", None),
            By::Error => ("error", None),
        };
        Self { by, entry, note: note.map(str::to_owned), rules, size }
    }

    /// As the answer names it.
    fn annotation(&self) -> Option<HeaderValue> {
        let what = if self.by == "entry" { "hit" } else { self.by };
        let entry = self.entry.iter().map(|entry| format!("; entry={}", entry.replace(';', "%3B")));
        let rules = self.rules.iter().map(|rules| format!("; rules={rules}"));
        // What rules hid is in the note too, with its values.
        let note = self.note.iter().filter(|_| matches!(what, "hit" | "upstream" | "recorded") && self.rules.is_none());
        let note = note.map(|note| format!("; note={}", utf8_percent_encode(note, NOT_IN_A_NOTE)));
        let all: String = std::iter::once(what.to_owned()).chain(entry).chain(rules).chain(note).collect();
        HeaderValue::from_bytes(all.as_bytes()).ok()
    }
}

/// The rules that hid differences as an annotation names them, each once: `1:ignore-query:ts,map:origin`. Values stay out of
/// it.
pub(super) fn rules(relaxed: &[Relaxed]) -> Option<String> {
    let mut named: Vec<String> = Vec::new();
    for Relaxed { rule, key, difference } in relaxed {
        let number = rule.map(|rule| format!("{rule}:")).unwrap_or_default();
        let what = utf8_percent_encode(difference.what.name(), SEPARATORS);
        let one = format!("{number}{}:{what}", key.as_str());
        if !named.contains(&one) {
            named.push(one);
        }
    }
    (!named.is_empty()).then(|| named.join(","))
}

/// What separates the parts of an annotation, or cannot stand in a field.
const SEPARATORS: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%').add(b',').add(b';').add(b':');

/// A request that is being answered.
pub(super) struct Observed {
    told: Told,
    since: Instant,
    traced: Traced,
}

impl Observed {
    /// Notes the head of a request, where anybody wants to know.
    pub(super) fn begin<B>(exchange: &Exchange, request: &Request<B>) -> Option<Self> {
        let told = exchange.told.clone()?;
        let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let traced = Traced {
            started: SystemTime::now(),
            time: std::time::Duration::ZERO,
            method: request.method().as_str().to_owned(),
            url: shown_url(exchange.asked.url.as_str()),
            version: version(request.version()),
            request_fields: fields(request.headers()),
            request_size: length,
            status: None,
            response_fields: Vec::new(),
            size: None,
            by: "upstream",
            entry: None,
            note: None,
            body: TracedBody::None,
        };
        Some(Self { told, since: Instant::now(), traced })
    }

    /// Tells of the answer, also on the answer itself.
    pub(super) fn end(
        mut self,
        engine: &Engine,
        mut answer: Result<Response<Body>, Reset>,
    ) -> Result<Response<Body>, Reset> {
        let observers = &engine.observers;
        let traced = &mut self.traced;
        traced.time = self.since.elapsed();
        if let Ok(response) = &mut answer {
            traced.status = Some(response.status().as_u16());
            traced.response_fields = fields(response.headers());
        }
        if let Some(told) = self.told.get() {
            traced.by = told.by;
            traced.entry.clone_from(&told.entry);
            traced.note.clone_from(&told.note);
            traced.size = told.size;
            if let (true, Ok(response), Some(value)) = (observers.annotate, &mut answer, told.annotation()) {
                response.headers_mut().insert(ANNOTATION, value);
            }
        }
        if let Some(recent) = &observers.recent {
            recent.add(traced.clone());
        }
        let Some(trace) = &observers.trace else { return answer };
        match answer {
            // An answer to HEAD has no body, whatever lies ready for it.
            Ok(response) if self.traced.method != "HEAD" => {
                let (parts, body) = response.into_parts();
                let body = traced_body::traced(body, &parts.headers, self.traced, trace);
                Ok(Response::from_parts(parts, body))
            }
            bodiless => {
                trace.add(&self.traced);
                bodiless
            }
        }
    }
}

fn fields(map: &HeaderMap) -> Vec<(String, String)> {
    map.iter()
        .map(|(name, value)| {
            let shown = shown_field(name.as_str(), value.as_bytes());
            (name.as_str().to_owned(), String::from_utf8_lossy(&shown).into_owned())
        })
        .collect()
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "HTTP/2.0",
        Version::HTTP_10 => "HTTP/1.0",
        _ => "HTTP/1.1",
    }
}
