//! The control API: what a test runner asks of the proxy that it runs behind, and tells it, under `/__harmock/`.
//!
//! It has the guard of the own pages. What changes something needs the token of the run beside: another program of this
//! machine, or a page that a browser was led to, does not have it. `openapi.json` describes all of it.

mod facts;

use std::sync::Arc;

use http::header::{ALLOW, AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::engine::{Engine, EngineMode};
use super::rescue::Problem;
use crate::message::Body;
use crate::pages::{self, Arrival, PREFIX};
use crate::record::Verdict;
use crate::replay::Session;
use facts::{Asserted, Decided, Entries, Exchanges, Misses, Page, Ready, Sessions, Unused};

/// The description of the API.
const OPENAPI: &str = include_str!("openapi.json");

/// What the API is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Call {
    Ready,
    Entries,
    Exchanges,
    Misses,
    Unused,
    Sessions,
    OpenApi,
    Reload,
    Assert,
    /// What a session is told to do.
    Session(String, Order),
}

/// What a session is told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Reset,
    /// To keep what was recorded for it, or to drop it.
    Decide(Verdict),
}

impl Call {
    /// The call of a path below the prefix.
    fn of(path: &str) -> Option<Self> {
        Some(match path {
            "/ready" => Self::Ready,
            "/entries" => Self::Entries,
            "/exchanges" => Self::Exchanges,
            "/misses" => Self::Misses,
            "/unused" => Self::Unused,
            "/sessions" => Self::Sessions,
            "/openapi.json" => Self::OpenApi,
            "/reload" => Self::Reload,
            "/assert" => Self::Assert,
            _ => {
                let (name, order) = path.strip_prefix("/sessions/")?.split_once('/')?;
                let order = match order {
                    "reset" => Order::Reset,
                    "commit" => Order::Decide(Verdict::Commit),
                    "rollback" => Order::Decide(Verdict::Rollback),
                    _ => return None,
                };
                Self::Session(percent_encoding::percent_decode_str(name).decode_utf8().ok()?.into_owned(), order)
            }
        })
    }

    /// Whether it changes something, or says that something must be so.
    fn is_order(&self) -> bool {
        matches!(self, Self::Reload | Self::Assert | Self::Session(..))
    }
}

/// Answers a request for the control API or one of the own pages.
pub(super) async fn respond(engine: &Arc<Engine>, request: &Parts, arrival: Arrival) -> Response<Body> {
    let facts = engine.page_facts();
    let Some(call) = request.uri.path().strip_prefix(PREFIX).and_then(Call::of) else {
        return pages::respond(request, arrival, &facts);
    };
    if let Some(reason) = pages::refusal(request, &facts) {
        return refused(request, StatusCode::FORBIDDEN, reason);
    }
    let allowed: &[Method] = if call.is_order() { &[Method::POST] } else { &[Method::GET, Method::HEAD] };
    if !allowed.contains(&request.method) {
        let mut answer = refused(request, StatusCode::METHOD_NOT_ALLOWED, "this is asked with another method");
        let names = if call.is_order() { "POST" } else { "GET, HEAD" };
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static(names));
        return answer;
    }
    if call.is_order() && !has_token(engine, &request.headers) {
        let detail = "this needs the token that harmock prints when it starts, as `Authorization: Bearer TOKEN`; commands \
                      that harmock runs have it in HARMOCK_TOKEN";
        let mut answer = refused(request, StatusCode::UNAUTHORIZED, detail);
        answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        return answer;
    }
    answer(engine, request, call).await
}

async fn answer(engine: &Arc<Engine>, request: &Parts, call: Call) -> Response<Body> {
    let query = request.uri.query().unwrap_or_default();
    let page = Page::of(query);
    match call {
        Call::Ready => told(request, StatusCode::OK, &Ready::of(engine)),
        Call::Entries => told(request, StatusCode::OK, &Entries::of(engine, page)),
        Call::Exchanges => told(request, StatusCode::OK, &Exchanges::of(engine, page)),
        Call::Misses => told(request, StatusCode::OK, &Misses::of(engine, query)),
        Call::Unused => told(request, StatusCode::OK, &Unused::of(engine, query)),
        Call::Sessions => told(request, StatusCode::OK, &Sessions::of(engine)),
        Call::OpenApi => pages::json(StatusCode::OK, JSON, OPENAPI.to_owned(), request.method == Method::HEAD),
        Call::Assert => {
            let asserted = Asserted::of(engine, query);
            told(request, if asserted.ok { StatusCode::OK } else { StatusCode::CONFLICT }, &asserted)
        }
        Call::Reload => match engine.reload().await {
            Some(reloaded) if reloaded.broken.is_empty() => told(request, StatusCode::OK, &reloaded),
            Some(reloaded) => told(request, StatusCode::CONFLICT, &reloaded),
            None => refused(request, StatusCode::CONFLICT, "this run does not replay, so there is nothing to reload"),
        },
        Call::Session(name, order) => session(engine, request, &name, order).await,
    }
}

async fn session(engine: &Engine, request: &Parts, name: &str, order: Order) -> Response<Body> {
    let EngineMode::Replay(state) = &engine.mode else {
        return refused(request, StatusCode::CONFLICT, "this run does not replay, so it has no sessions");
    };
    let Some(session) = state.sessions.find(name) else {
        return refused(request, StatusCode::NOT_FOUND, "no request has named this session");
    };
    let verdict = match order {
        Order::Reset => {
            session.reset();
            return told(request, StatusCode::OK, &facts::Session::of(session.name(), &engine.summary()));
        }
        Order::Decide(verdict) => verdict,
    };
    let Some(recorder) = &state.recorder else {
        return refused(request, StatusCode::CONFLICT, "nothing is recorded in this run; --not-found record does that");
    };
    if session.name() == Session::DEFAULT {
        let detail = "what requests without a session bring is kept in any case; name a session to decide about it";
        return refused(request, StatusCode::CONFLICT, detail);
    }
    match recorder.decide(session.name(), verdict).await {
        Ok(exchanges) => told(request, StatusCode::OK, &Decided::of(session.name(), verdict, exchanges)),
        Err(error) => {
            let detail = format!("nothing is decided, because that cannot be written: {error}");
            refused(request, StatusCode::INTERNAL_SERVER_ERROR, &detail)
        }
    }
}

fn told(request: &Parts, status: StatusCode, facts: &impl Serialize) -> Response<Body> {
    answered(request, status, JSON, facts)
}

fn refused(request: &Parts, status: StatusCode, detail: &str) -> Response<Body> {
    answered(request, status, "application/problem+json", &Problem::of(status, detail))
}

fn answered(request: &Parts, status: StatusCode, media_type: &'static str, facts: &impl Serialize) -> Response<Body> {
    let mut text = serde_json::to_string_pretty(facts).unwrap_or_default();
    text.push('\n');
    pages::json(status, media_type, text, request.method == Method::HEAD)
}

const JSON: &str = "application/json";

/// Whether the request carries the token of the run. Digests are compared: how long that takes tells nothing of the token.
pub(super) fn has_token(engine: &Engine, fields: &HeaderMap) -> bool {
    let mut given = fields.get_all(AUTHORIZATION).iter();
    let (Some(given), None) = (given.next(), given.next()) else { return false };
    let bytes = given.as_bytes();
    let Some((scheme, token)) = bytes.split_at_checked("Bearer ".len()) else { return false };
    scheme.eq_ignore_ascii_case(b"Bearer ") && Sha256::digest(token) == Sha256::digest(engine.token.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_named_by_one_encoded_part_of_the_path() {
        let named = |order| Some(Call::Session("a/b c".to_owned(), order));
        assert_eq!(Call::of("/sessions/a%2Fb%20c/reset"), named(Order::Reset));
        assert_eq!(Call::of("/sessions/a%2Fb%20c/commit"), named(Order::Decide(Verdict::Commit)));
        assert_eq!(Call::of("/sessions/a%2Fb%20c/rollback"), named(Order::Decide(Verdict::Rollback)));
        assert_eq!(Call::of("/sessions/a/b/reset"), None);
        assert_eq!(Call::of("/health"), None);
    }
}
