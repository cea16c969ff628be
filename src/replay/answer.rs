//! The response that a client gets for an entry.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderValue, SET_COOKIE};
use http::{Method, Response, StatusCode};
use http_body::Frame;

use super::cors;
use super::prepared::header_map;
use super::replayer::{PayloadTrouble, Replayer, Stored, answered};
use crate::har::{Answer, End, Failure, Outcome};
use crate::matching::Hit;
use crate::message::{Body, BodyError, LateBreak};

/// What a hit turns into.
#[derive(Debug)]
pub enum ReplayedAnswer<'a> {
    /// A response, and the length of its body in bytes.
    Response(Response<Body>, u64),
    /// The entry failed when it was recorded, and fails again.
    Failed(&'a Failure),
}

impl Replayer {
    /// Answers with the entry of a hit, as recorded.
    ///
    /// With `fit_cors` its CORS fields fit the live `Origin`. Redirects that were followed inside the archive add
    /// their `Set-Cookie` fields, where they were set by the same host.
    ///
    /// # Errors
    ///
    /// When the body cannot be read.
    pub async fn answer(
        self: &Arc<Self>,
        hit: &Hit,
        method: &Method,
        request: &HeaderMap,
        fit_cors: bool,
    ) -> Result<ReplayedAnswer<'_>, PayloadTrouble> {
        let entry = self.entry(hit.entry);
        let answer = match &entry.outcome {
            Outcome::Answered(answer) => answer,
            Outcome::Failed(failure) => return Ok(ReplayedAnswer::Failed(failure)),
        };
        let stored = self.stored(hit.entry, answer).await?;
        let Some(prepared) = self.prepared(hit.entry, answer) else {
            return Ok(ReplayedAnswer::Response(Response::new(Body::Empty), 0));
        };
        let length = stored.as_ref().map_or(0, Stored::length);
        let body = || stored.map_or(Body::Empty, Stored::into_body);
        let bodiless = is_bodiless(method, answer.status);
        let mut response = prepared.response(if bodiless { Body::Empty } else { framed(body(), answer) });
        if bodiless && let Some(value) = bodiless_length(method, answer.status, prepared.recorded_length(), length) {
            response.headers_mut().insert(CONTENT_LENGTH, value);
        }
        if answer.end == End::Upstream
            && !bodiless
            && let Some(value) = prepared.recorded_length()
        {
            // Also a client of HTTP/1.0, which takes the end of the connection for that of the body, sees it cut.
            response.headers_mut().insert(CONTENT_LENGTH, value.clone());
        }
        self.add_cookies_of_hops(hit, response.headers_mut());
        if fit_cors {
            let origin = || entry.request.fields.iter().find(|field| &*field.name == "origin").map(|f| &*f.value);
            cors::fit(response.headers_mut(), request, origin);
        }
        Ok(ReplayedAnswer::Response(response, if bodiless { 0 } else { length }))
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
            let cookies = answered(entry).into_iter().flat_map(|answer| &answer.fields);
            for cookie in cookies.filter(|field| &*field.name == SET_COOKIE.as_str()) {
                if let Ok(value) = HeaderValue::from_bytes(&cookie.value) {
                    fields.append(SET_COOKIE, value);
                }
            }
        }
    }
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

/// The body, with what came after it: a body that the upstream had cut is cut again, trailers follow theirs.
fn framed(body: Body, answer: &Answer) -> Body {
    match answer.end {
        End::Upstream => Body::boxed(LateBreak::new(EndedBody { inner: body, ending: Ending::Cut })),
        End::Complete | End::Client if answer.trailers.is_empty() => body,
        End::Complete | End::Client => {
            Body::boxed(EndedBody { inner: body, ending: Ending::Trailers(header_map(&answer.trailers)) })
        }
    }
}

/// A body, then what came after it. It tells no length ahead: HTTP/1 has trailers in chunked bodies alone.
#[derive(Debug)]
struct EndedBody {
    inner: Body,
    ending: Ending,
}

#[derive(Debug)]
enum Ending {
    Cut,
    Trailers(HeaderMap),
    Over,
}

impl http_body::Body for EndedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(frame) = ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
            return Poll::Ready(Some(frame));
        }
        Poll::Ready(match std::mem::replace(&mut self.ending, Ending::Over) {
            Ending::Cut => Some(Err("the recorded upstream broke off here".into())),
            Ending::Trailers(trailers) => Some(Ok(Frame::trailers(trailers))),
            Ending::Over => None,
        })
    }
}
