//! Answers that go wrong because a rule says so.

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::request::Parts;
use http::{Response, StatusCode};

use super::answering::{in_brackets, readable, unrendered};
use super::connection::{BreaksOff, Reset};
use super::engine::ReplayState;
use super::exchange::{By, Exchange};
use super::rescue;
use super::treated::Plan;
use crate::matching::Hit;
use crate::message::{Body, LateBreak};
use crate::replay::{Pausing, ReplayedAnswer};
use crate::treatment::{Broken, FaultKind};

impl Plan<'_> {
    /// What the client gets in the place of the entry's answer, once it has waited; none: the answer itself.
    pub(super) async fn before(
        &self,
        exchange: &Exchange,
        state: &ReplayState,
        request: &Parts,
        hit: &Hit,
        notes: &mut Vec<String>,
    ) -> Option<Result<Response<Body>, Reset>> {
        if let Some(refusal) = self.refuse(exchange, state, request, notes) {
            return Some(Ok(refusal));
        }
        let fault = self.fault(exchange, notes);
        if let Err(reset) = self.wait(exchange, notes).await {
            return Some(Err(reset));
        }
        Some(self.fail(exchange, state, request, hit, fault?, notes).await)
    }

    /// 429 for a request beyond the limit of its window.
    fn refuse(
        &self,
        exchange: &Exchange,
        state: &ReplayState,
        request: &Parts,
        notes: &mut Vec<String>,
    ) -> Option<Response<Body>> {
        let limiter = self.treatment()?.limiter.as_ref()?;
        let left = limiter.exceeded()?;
        let what = limiter.name();
        let mut answer = rescue::plain(StatusCode::TOO_MANY_REQUESTS, &format!("{what}: too many requests"));
        // Whole seconds, and never so early that the next request is one too many as well.
        let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        notes.push(what.clone());
        self.count(exchange);
        exchange.applied(&what, Some(self.name()), Vec::new());
        let size = answer.body().known_length();
        exchange.log(Some(429), size, By::Entry(self.name()), in_brackets(notes).as_deref());
        Some(readable(state, request, answer))
    }

    /// What goes wrong with this answer, if anything.
    fn fault(&self, exchange: &Exchange, notes: &mut Vec<String>) -> Option<&FaultKind> {
        let (kind, what) = self.treatment()?.faults.as_ref()?.draw()?;
        exchange.applied(&what, Some(self.name()), Vec::new());
        notes.push(what);
        Some(kind)
    }

    /// The answer, gone wrong.
    async fn fail(
        &self,
        exchange: &Exchange,
        state: &ReplayState,
        request: &Parts,
        hit: &Hit,
        fault: &FaultKind,
        notes: &mut Vec<String>,
    ) -> Result<Response<Body>, Reset> {
        self.count(exchange);
        let by = By::Entry(self.name());
        let nothing = |reset, notes: &[String]| {
            exchange.log(None, 0, by, in_brackets(notes).as_deref());
            Err(reset)
        };
        let cut = match fault {
            FaultKind::Reset | FaultKind::Tls => return nothing(Reset::Abrupt, notes),
            FaultKind::Empty => return nothing(Reset::Polite, notes),
            FaultKind::Answer { status, body, content_type } => {
                let answer = readable(state, request, overridden(*status, body, content_type.as_deref()));
                exchange.log(Some(*status), answer.body().known_length(), by, in_brackets(notes).as_deref());
                return Ok(answer);
            }
            FaultKind::ResetBody => Cut::Reset,
            FaultKind::StallBody => Cut::Stall,
            FaultKind::WrongLength => Cut::Length,
        };
        let rendered = match self.render(exchange, notes).await {
            Ok(rendered) => rendered,
            Err(trouble) => return Ok(unrendered(exchange, state, request, &trouble)),
        };
        let (fields, delivery) = (&request.headers, state.delivery(exchange));
        match self.replayer().answer(hit, &exchange.method, fields, delivery, rendered.as_deref()).await {
            Ok(ReplayedAnswer::Response(response, size)) if size > 0 => {
                let response = cut.of(response, size, exchange);
                exchange.log(Some(response.status().as_u16()), size / 2, by, in_brackets(notes).as_deref());
                Ok(response)
            }
            // There is no middle of it.
            _ => nothing(Reset::Abrupt, notes),
        }
    }

    /// It was asked for, and answered.
    fn count(&self, exchange: &Exchange) {
        self.replayer().count(self.entry());
        exchange.engine.tally.served();
        if let Some(session) = &exchange.session {
            exchange.engine.tally.served_in(session, std::iter::once(self.entry()));
        }
    }
}

/// How the recorded answer does not come to its end.
#[derive(Debug, Clone, Copy)]
enum Cut {
    Reset,
    Stall,
    Length,
}

impl Cut {
    /// An answer with a body of this size, cut.
    fn of(self, response: Response<Body>, size: u64, exchange: &Exchange) -> Response<Body> {
        match self {
            Self::Length => too_short(response, size),
            Self::Stall => {
                let ended = exchange.engine.ending.clone().cancelled_owned();
                let mut response = response.map(|body| Body::boxed(Broken::after(body, size.div_ceil(2), Some(ended))));
                response.extensions_mut().insert(Pausing);
                response
            }
            Self::Reset => {
                let broken = |body| Body::boxed(LateBreak::new(Broken::after(body, size / 2, None)));
                let mut response = response.map(broken);
                response.extensions_mut().insert(BreaksOff);
                response
            }
        }
    }
}

/// Another answer than the recorded one.
fn overridden(status: u16, body: &str, content_type: Option<&str>) -> Response<Body> {
    let looks_like_json = || serde_json::from_str::<serde::de::IgnoredAny>(body).is_ok();
    let content_type = content_type.unwrap_or_else(|| match looks_like_json() {
        true => "application/json",
        false => "text/plain; charset=utf-8",
    });
    let mut response = Response::new(Body::full(body.to_owned()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let (false, Ok(value)) = (body.is_empty(), HeaderValue::from_str(content_type)) {
        response.headers_mut().insert(CONTENT_TYPE, value);
    }
    response
}

/// The whole body under a length that it does not reach.
fn too_short(response: Response<Body>, size: u64) -> Response<Body> {
    let mut response = response.map(|body| Body::boxed(LateBreak::new(Broken::short(body))));
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(size + size / 2 + 1));
    response
}
