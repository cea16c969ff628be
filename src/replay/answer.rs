//! The response that a client gets for an entry.

use std::ops::Range;
use std::sync::Arc;

use http::header::{CONTENT_LENGTH, HeaderMap, HeaderValue, SET_COOKIE};
use http::{Method, Response, StatusCode};
use tokio_util::sync::CancellationToken;

use super::conditional::{self, Part};
use super::cors;
use super::pieces::{StreamSpeed, edited_events, pieces};
use super::prepared::{Prepared, header_map};
use super::rehomed::Rehomed;
use super::replayer::{Replayer, answered};
use super::stored::{PayloadTrouble, Stored};
use super::streamed::{Ending, StreamedBody};
use super::templated::Rendered;
use crate::har::cuts::Cuts;
use crate::har::streams::is_endless;
use crate::har::{Answer, End, Failure, Outcome};
use crate::matching::{EntryRef, Hit};
use crate::message::{Body, LateBreak};

/// What a hit turns into.
#[derive(Debug)]
pub enum ReplayedAnswer<'a> {
    /// A response, and the length of its body in bytes.
    Response(Response<Body>, u64),
    /// The entry failed when it was recorded, and fails again.
    Failed(&'a Failure),
}

/// Marks a response whose body pauses as it did when it was recorded, or stays open: silence is no sign that its client is
/// gone.
#[derive(Debug, Clone, Copy)]
pub struct Pausing;

/// How a run serves what was recorded.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// CORS fields are made to fit the live `Origin`.
    pub fit_cors: bool,
    /// Text names the origin asked for where it named the recorded one.
    pub move_text: bool,
    /// The pace of streams.
    pub speed: StreamSpeed,
    /// Cancelled when the run ends: streams that have no end of their own end with it.
    pub ending: &'a CancellationToken,
}

impl Replayer {
    /// Answers with the entry of a hit: as recorded, or, where the request has a condition or asks for a part, as its
    /// server would have answered that.
    ///
    /// Redirects that were followed inside the archive add their `Set-Cookie` fields, where they were set by the same
    /// host. What was rendered of the entry takes the place of what was recorded, and is served whole.
    ///
    /// # Errors
    ///
    /// When the body cannot be read.
    pub async fn answer(
        self: &Arc<Self>,
        hit: &Hit,
        method: &Method,
        request: &HeaderMap,
        delivery: Delivery<'_>,
        rendered: Option<&Rendered>,
    ) -> Result<ReplayedAnswer<'_>, PayloadTrouble> {
        let entry = self.entry(hit.entry);
        let answer = match &entry.outcome {
            Outcome::Answered(answer) => answer,
            Outcome::Failed(failure) => return Ok(ReplayedAnswer::Failed(failure)),
        };
        let of_rendered = rendered.map(|rendered| Prepared::of(&rendered.answer));
        let Some(prepared) = of_rendered.as_ref().or_else(|| self.prepared(hit.entry, answer)) else {
            return Ok(ReplayedAnswer::Response(Response::new(Body::Empty), 0));
        };
        let answer = rendered.map_or(answer, |rendered| &rendered.answer);
        let rehomed = hit.crossing.as_deref().map(|crossing| Rehomed::new(self.origins(), crossing, answer, delivery));
        let moves_text = rehomed.as_ref().is_some_and(Rehomed::moves_text);
        let mut streams = false;
        let (mut response, length) = if rendered.is_none() && conditional::is_not_modified(method, request, answer) {
            let mut response = prepared.response(Body::Empty);
            conditional::make_not_modified(&mut response);
            (response, 0)
        } else {
            let mut stored = self.body(hit.entry, answer, rendered).await?;
            if let Some(rehomed) = &rehomed {
                stored = stored.map(|stored| rehomed.stored(stored));
                streams = matches!(stored, Some(Stored::File(_)));
            }
            let length = stored.as_ref().map_or(0, Stored::length);
            let served_whole = moves_text || rendered.is_some();
            let part = if served_whole { Part::Whole } else { conditional::part(method, request, answer, length) };
            match part {
                Part::Whole => {
                    let edited = edited_events(answer, stored.as_ref()).await;
                    whole(prepared, answer, (stored, edited), method, delivery)
                }
                Part::Bytes(bytes) => (partial(prepared, stored, &bytes, length), bytes.end - bytes.start),
                Part::Unsatisfiable => {
                    let mut response = prepared.response(Body::Empty);
                    conditional::make_unsatisfiable(&mut response, length);
                    (response, 0)
                }
            }
        };
        self.add_cookies_of_hops(hit, response.headers_mut());
        let origin = || entry.request.fields.iter().find(|field| &*field.name == "origin").map(|field| &*field.value);
        if let Some(rehomed) = rehomed {
            response = rehomed.response(response, method, streams);
            if delivery.fit_cors {
                response = rehomed.readable(response, request, origin());
            }
        } else if delivery.fit_cors {
            cors::fit(response.headers_mut(), request, origin);
        }
        Ok(ReplayedAnswer::Response(response, length))
    }

    /// What was rendered, or else the recorded body.
    async fn body(
        self: &Arc<Self>,
        entry: EntryRef,
        answer: &Answer,
        rendered: Option<&Rendered>,
    ) -> Result<Option<Stored>, PayloadTrouble> {
        match rendered.and_then(|rendered| rendered.body.clone()) {
            Some(body) => Ok(Some(Stored::Made(body))),
            None => self.stored(entry, answer).await,
        }
    }

    fn add_cookies_of_hops(&self, hit: &Hit, fields: &mut HeaderMap) {
        if hit.hops.is_empty() {
            return;
        }
        let asked = hit.hops.first().and_then(|first| host(self.entry(*first).request.url.as_str()));
        for hop in &hit.hops {
            let entry = self.entry(*hop);
            if host(entry.request.url.as_str()) != asked {
                continue;
            }
            let cookies = answered(entry).into_iter().flat_map(|answer| &*answer.fields);
            for cookie in cookies.filter(|field| &*field.name == SET_COOKIE.as_str()) {
                if let Ok(value) = HeaderValue::from_bytes(&cookie.value) {
                    fields.append(SET_COOKIE, value);
                }
            }
        }
    }
}

/// These bytes of the answer, of `length`.
fn partial(prepared: &Prepared, stored: Option<Stored>, bytes: &Range<u64>, length: u64) -> Response<Body> {
    let body = stored.map_or(Body::Empty, |stored| stored.into_part(bytes.clone()));
    let mut response = prepared.response(body);
    conditional::make_partial(&mut response, bytes, length);
    response
}

/// The answer as it was recorded, and the length of its body.
fn whole(
    prepared: &Prepared,
    answer: &Answer,
    (stored, edited): (Option<Stored>, Option<Cuts>),
    method: &Method,
    delivery: Delivery<'_>,
) -> (Response<Body>, u64) {
    let length = stored.as_ref().map_or(0, Stored::length);
    let recorded = prepared.recorded_length();
    if is_bodiless(method, answer.status) {
        let mut response = prepared.response(Body::Empty);
        if let Some(value) = bodiless_length(method, answer.status, recorded, length) {
            response.headers_mut().insert(CONTENT_LENGTH, value);
        }
        return (response, 0);
    }
    let mut response = prepared.response(framed(stored, edited, answer, delivery));
    if stays_open(answer) || (!answer.chunks.is_empty() && delivery.speed.factor() > 0.0) {
        response.extensions_mut().insert(Pausing);
    }
    if answer.end == End::Upstream
        && let Some(value) = recorded
    {
        // Also a client of HTTP/1.0, which takes the end of the connection for that of the body, sees it cut.
        response.headers_mut().insert(CONTENT_LENGTH, value.clone());
    }
    (response, length)
}

fn host(url: &str) -> Option<String> {
    url::Url::parse(url).ok()?.host_str().map(str::to_owned)
}

/// Answers that have no body whatever their fields say (RFC 9112 section 6.3).
fn is_bodiless(method: &Method, status: u16) -> bool {
    *method == Method::HEAD || status < 200 || status == 204 || status == 304
}

/// A `Content-Length` without a body tells what a GET would have got: allowed for HEAD and 304 alone.
fn bodiless_length(method: &Method, status: u16, recorded: Option<&HeaderValue>, stored: u64) -> Option<HeaderValue> {
    if status < 200 || status == StatusCode::NO_CONTENT.as_u16() {
        return None;
    }
    match recorded {
        Some(recorded) => Some(recorded.clone()),
        None if *method == Method::HEAD && stored > 0 => Some(HeaderValue::from(stored)),
        None => None,
    }
}

/// The body in its pieces, with what came after it: a body that the upstream had cut is cut again, trailers follow theirs,
/// and a stream that its client had left stays open.
fn framed(stored: Option<Stored>, edited: Option<Cuts>, answer: &Answer, delivery: Delivery<'_>) -> Body {
    let length = stored.as_ref().map_or(0, Stored::length);
    let pieces = pieces(answer, length, edited.as_ref(), delivery.speed);
    let body = stored.map_or(Body::Empty, Stored::into_body);
    let ending = if answer.end == End::Upstream {
        Ending::Cut
    } else if stays_open(answer) {
        Ending::Open(Box::pin(delivery.ending.clone().cancelled_owned()))
    } else if !answer.trailers.is_empty() {
        Ending::Trailers(header_map(&*answer.trailers))
    } else if pieces.is_empty() {
        return body;
    } else {
        Ending::Over
    };
    let is_cut = matches!(ending, Ending::Cut);
    let body = StreamedBody::new(body, length, pieces, ending);
    if is_cut { Body::boxed(LateBreak::new(body)) } else { Body::boxed(body) }
}

/// Whether an answer is a stream that only its client had ended: one that ends would be asked for again and again.
pub(super) fn stays_open(answer: &Answer) -> bool {
    answer.end == End::Client && is_endless(&answer.content_type())
}
