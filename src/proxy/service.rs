//! The spine: what becomes of one request. It names the stages and does no work of its own.

use std::sync::Arc;

use http::{Method, Request, Response, Version};
use hyper::body::Incoming;

use super::connection::{Client, Reset};
use super::engine::{Engine, EngineMode};
use super::exchange::Exchange;
use super::target::{Asked, Unaddressed};
use super::{answering, forward, opening, rescue};
use crate::message::Body;
use crate::message::fields::join_cookies;
use crate::pages::{self, Arrival};

/// Answers one request, on the listening port or inside a `CONNECT`.
pub(super) async fn serve(
    engine: Arc<Engine>,
    client: &Client,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, Reset> {
    if request.version() == Version::HTTP_2 {
        join_cookies(request.headers_mut());
    }
    if request.method() == Method::CONNECT {
        return Ok(Box::pin(opening::connect(engine, client, request)).await);
    }
    let asked = match Asked::of(&request, &client.via) {
        Ok(asked) => asked,
        Err(Unaddressed::Direct { host }) => return Ok(direct(&engine, host.as_deref(), request)),
        Err(Unaddressed::Malformed(what)) => return Ok(rescue::bad_request(&what)),
    };
    if engine.is_own(&asked.to.host, asked.to.port) {
        return Ok(pages::respond(&request.into_parts().0, Arrival::Proxied, &engine.page_facts()));
    }
    let exchange = Exchange::start(engine, request.method().clone(), asked);
    match &exchange.engine.mode {
        EngineMode::Record(_) => Ok(Box::pin(forward::record(exchange, request)).await),
        EngineMode::Replay(_) => answering::answer(exchange, request).await,
    }
}

/// A request in origin form on the listening port is for harmock's own pages, or from a client that takes the proxy for
/// its server.
fn direct(engine: &Engine, host: Option<&str>, request: Request<Incoming>) -> Response<Body> {
    let (parts, _body) = request.into_parts();
    let Some(host) = host else {
        return rescue::bad_request("the request has no Host field");
    };
    match super::target::destination(crate::message::Scheme::Http, host) {
        Some(to) if engine.is_own(&to.host, to.port) => pages::respond(&parts, Arrival::Direct, &engine.page_facts()),
        _ => rescue::bad_request(&format!(
            "this is a forward proxy, and the request for {host} did not come as one: set it as the client's proxy \
             (http://{}) instead of as its server",
            engine.listen
        )),
    }
}
