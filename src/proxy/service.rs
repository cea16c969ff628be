//! The spine: what becomes of one request. It names the stages and does no work of its own.

use std::sync::Arc;

use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{Method, Request, Response, Version};
use hyper::body::Incoming;

use super::connection::{Client, Reset};
use super::engine::{Engine, EngineMode};
use super::exchange::Exchange;
use super::observed::Observed;
use super::target::{Asked, Unaddressed};
use super::{answering, control, forward, opening, rescue, session};
use crate::message::Body;
use crate::message::fields::join_cookies;
use crate::pages::Arrival;

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
async fn route(engine: Arc<Engine>, client: &Client, request: Request<Incoming>) -> Result<Response<Body>, Reset> {
    let session = session::named(request.headers()).or_else(|| client.session.clone());
    if request.method() == Method::CONNECT {
        if session.is_none() && engine.sessions_required {
            return Ok(session::credentials_needed());
        }
        let client = Client { session, ..client.clone() };
        return Ok(Box::pin(opening::connect(engine, &client, request)).await);
    }
    let asked = match Asked::of(&request, &client.via) {
        Ok(asked) => asked,
        Err(Unaddressed::Direct { host }) => return Ok(Box::pin(direct(&engine, host.as_deref(), request)).await),
        Err(Unaddressed::Malformed(what)) => return Ok(rescue::bad_request(&what)),
    };
    if engine.is_own(&asked.to.host, asked.to.port) {
        let (parts, _body) = request.into_parts();
        return Ok(Box::pin(control::respond(&engine, &parts, Arrival::Proxied)).await);
    }
    if session.is_none() && engine.sessions_required {
        return Ok(session::credentials_needed());
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

/// The archive's answer, or the upstream's.
async fn answer(exchange: Exchange, request: Request<Incoming>) -> Result<Response<Body>, Reset> {
    match &exchange.engine.mode {
        EngineMode::Record(_) => Ok(Box::pin(forward::record(exchange, request)).await),
        EngineMode::Replay(_) => answering::answer(exchange, request).await,
    }
}

/// A request in origin form on the listening port is for harmock's own pages, or from a client that takes the proxy for
/// its server.
async fn direct(engine: &Arc<Engine>, host: Option<&str>, request: Request<Incoming>) -> Response<Body> {
    let (parts, _body) = request.into_parts();
    let Some(host) = host else {
        return rescue::bad_request("the request has no Host field");
    };
    match super::target::destination(crate::message::Scheme::Http, host) {
        Some(to) if engine.is_own(&to.host, to.port) => control::respond(engine, &parts, Arrival::Direct).await,
        _ => rescue::bad_request(&format!(
            "this is a forward proxy, and the request for {host} did not come as one: set it as the client's proxy \
             (http://{}) instead of as its server",
            engine.listen
        )),
    }
}
