//! The spine: what becomes of one request. It names the stages and does no work of its own.

use std::sync::Arc;

use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{Method, Request, Response, Version};
use hyper::body::Incoming;

use super::connection::{Client, Reset};
use super::engine::{Engine, EngineMode};
use super::exchange::Exchange;
use super::observed::Observed;
use super::own_address::Resolved;
use super::target::{Asked, Unaddressed};
use super::{answering, forward, keys, opening, own_address, rescue, session};
use crate::message::Body;
use crate::message::fields::join_cookies;

/// Answers one request, on the listening port or inside a `CONNECT`.
pub(super) async fn serve(
    engine: Arc<Engine>,
    client: &Client,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, Reset> {
    if request.version() == Version::HTTP_2 {
        join_cookies(request.headers_mut());
    }
    let head = request.method() == Method::HEAD;
    let answer = route(engine, client, request).await?;
    Ok(if head { without_body(answer) } else { answer })
}

/// An answer to HEAD has the length of its body alone; over HTTP/2 hyper would send the body itself.
fn without_body(answer: Response<Body>) -> Response<Body> {
    let (mut parts, body) = answer.into_parts();
    if let (Body::Full(Some(bytes)), false) = (&body, parts.headers.contains_key(CONTENT_LENGTH)) {
        parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    }
    Response::from_parts(parts, Body::Empty)
}

/// The stages of one request.
async fn route(engine: Arc<Engine>, client: &Client, mut request: Request<Incoming>) -> Result<Response<Body>, Reset> {
    let session = session::named(request.headers()).or_else(|| client.session.clone());
    // After the session, whose name stands beside the key.
    let shown = engine.keys.take(request.headers_mut());
    if request.method() == Method::CONNECT {
        if !shown.to_proxy {
            return Ok(keys::asked_of_proxy_client(request.headers()));
        }
        if session.is_none() && engine.sessions_required {
            return Ok(session::credentials_needed());
        }
        let client = Client { session, trusted: !engine.keys.is_empty(), ..client.clone() };
        return Ok(Box::pin(opening::connect(engine, &client, request)).await);
    }
    let asked = match Asked::of(&request, &client.via) {
        Ok(asked) if !own_address::is_meant(&engine, client, &request, &asked) => {
            let admitted = shown.to_proxy || client.trusted || keys::needs_none(request.method(), request.headers());
            if !admitted {
                return Ok(keys::asked_of_proxy_client(request.headers()));
            }
            asked
        }
        Err(Unaddressed::Malformed(what)) => return Ok(rescue::bad_request(&what)),
        for_us => match Box::pin(own_address::resolve(&engine, client, shown, for_us, request)).await {
            Resolved::Origin(asked, changed) => {
                request = *changed;
                asked
            }
            Resolved::Answered(answer) => return Ok(answer),
        },
    };
    if session.is_none() && engine.sessions_required {
        return Ok(if asked.local.is_some() { session::field_needed() } else { session::credentials_needed() });
    }
    let exchange = Exchange::start(engine, request.method().clone(), asked, session);
    match Observed::begin(&exchange, &request) {
        None => answer(exchange, request).await,
        Some(observed) => {
            let engine = Arc::clone(&exchange.engine);
            observed.end(&engine, Box::pin(answer(exchange, request)).await)
        }
    }
}

/// The archive's answer, or the upstream's; for a client of a base URL made to fit its address.
async fn answer(exchange: Exchange, request: Request<Incoming>) -> Result<Response<Body>, Reset> {
    let local = exchange.asked.local.clone();
    let Some(local) = local else { return answer_as_it_is(exchange, request).await };
    let engine = Arc::clone(&exchange.engine);
    let answer = Box::pin(answer_as_it_is(exchange, request)).await;
    answer.map(|answer| local.towards_client(&engine, answer))
}

async fn answer_as_it_is(exchange: Exchange, request: Request<Incoming>) -> Result<Response<Body>, Reset> {
    match &exchange.engine.mode {
        EngineMode::Record(_) => Ok(Box::pin(forward::record(exchange, request)).await),
        EngineMode::Replay(_) => answering::answer(exchange, request).await,
    }
}
