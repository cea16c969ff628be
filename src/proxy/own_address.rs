//! Requests for an address on which this proxy listens: its own pages, or, in base-URL mode, an origin.

use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderMap};
use http::uri::Authority;
use http::{Request, Response, StatusCode, Version};
use hyper::body::Incoming;

use super::base_url::Local;
use super::connection::Client;
use super::engine::{Engine, EngineMode};
use super::keys::{self, Shown};
use super::miss::Unanswered;
use super::target::{Asked, Unaddressed, Via, destination};
use super::{control, rescue, session};
use crate::log::{ExchangeLine, Source};
use crate::message::{Body, Scheme};
use crate::pages::{self, Arrival};
use crate::replay::cors;

/// What becomes of a request for this proxy's own address.
pub(super) enum Resolved {
    /// It asks an origin, and has been made a request for that.
    Origin(Asked, Box<Request<Incoming>>),
    /// It has its answer.
    Answered(Response<Body>),
}

/// Whether a request that names its server as one to a proxy does means this proxy itself.
///
/// In HTTP/2 every request names its server. A name of this proxy may then have any port: what forwards to a listener has
/// one of its own.
pub(super) fn is_meant<B>(engine: &Engine, client: &Client, request: &Request<B>, asked: &Asked) -> bool {
    engine.is_own(&asked.to.host, asked.to.port)
        || (is_direct(client, request)
            && serves_origins(engine, client)
            && request.uri().authority().is_some_and(|authority| engine.is_called(authority)))
}

/// Answers a request for an own page; makes one for an origin that.
pub(super) async fn resolve(
    engine: &Arc<Engine>,
    client: &Client,
    shown: Shown,
    asked: Result<Asked, Unaddressed>,
    request: Request<Incoming>,
) -> Resolved {
    let (host, arrival) = match asked {
        Ok(asked) if is_direct(client, &request) => (asked.authority, Arrival::Direct),
        Ok(asked) => (asked.authority, Arrival::Proxied),
        Err(Unaddressed::Direct { host: Some(host) }) => (host, Arrival::Direct),
        Err(_) => return Resolved::Answered(rescue::bad_request("the request has no Host field")),
    };
    ForUs { engine, client, host: &host, arrival, shown }.resolve(request).await
}

fn is_direct<B>(client: &Client, request: &Request<B>) -> bool {
    client.via == Via::Listener && request.version() == Version::HTTP_2
}

fn serves_origins(engine: &Engine, client: &Client) -> bool {
    engine.mounts.on(client.door).next().is_some()
}

/// A request that names this proxy as its server.
struct ForUs<'a> {
    engine: &'a Arc<Engine>,
    client: &'a Client,
    /// What the client calls this server.
    host: &'a str,
    arrival: Arrival,
    shown: Shown,
}

impl ForUs<'_> {
    async fn resolve(self, request: Request<Incoming>) -> Resolved {
        let is_page = !serves_origins(self.engine, self.client)
            || self.host.eq_ignore_ascii_case(pages::HOST)
            || pages::is_below_prefix(request.uri().path());
        if is_page { Resolved::Answered(self.page(request).await) } else { self.origin(request) }
    }

    /// A request in origin form on the listening port is for harmock's own pages, or from a client that takes the proxy
    /// for its server.
    async fn page(self, request: Request<Incoming>) -> Response<Body> {
        let is_own = || destination(Scheme::Http, self.host).is_some_and(|to| self.engine.is_own(&to.host, to.port));
        if self.arrival == Arrival::Direct && !serves_origins(self.engine, self.client) && !is_own() {
            return rescue::bad_request(&format!(
                "this is a forward proxy, and the request for {} did not come as one: set it as the client's proxy \
                 (http://{}) instead of as its server, or name the origin that it stands for with --origin",
                self.host, self.engine.listen
            ));
        }
        let (parts, _body) = request.into_parts();
        let is_free = pages::is_free(parts.uri.path()) || keys::needs_none(&parts.method, &parts.headers);
        if !is_free && !self.may_enter() && !self.is_known(&parts.headers) {
            return keys::asked_of_a_person();
        }
        control::respond(self.engine, &parts, self.arrival).await
    }

    /// Whether a key came with the request or its connection.
    fn may_enter(&self) -> bool {
        let by_proxy = self.arrival == Arrival::Proxied && self.shown.to_proxy;
        self.shown.to_server || by_proxy || self.client.trusted
    }

    /// Whether a person typed a key, or a program has the token of the run.
    fn is_known(&self, fields: &HeaderMap) -> bool {
        let typed = fields.get(AUTHORIZATION).and_then(session::basic);
        typed.is_some_and(|(_, password)| self.engine.keys.has(password.as_bytes()))
            || control::has_token(self.engine, fields)
    }

    fn origin(self, mut request: Request<Incoming>) -> Resolved {
        let called = self.host.parse::<Authority>();
        if !called.is_ok_and(|authority| self.engine.is_called(&authority)) {
            let host = self.host;
            let sentence = format!(
                "this is harmock, and the request is for another host; --allow-host {host} lets it be called so"
            );
            return Resolved::Answered(rescue::plain(StatusCode::FORBIDDEN, &sentence));
        }
        if !self.may_enter() && !keys::needs_none(request.method(), request.headers()) {
            return Resolved::Answered(self.without_key(&request));
        }
        let path = request.uri().path();
        let Some(mount) = self.engine.mounts.find(self.client.door, path).cloned() else {
            return Resolved::Answered(self.nowhere(&request));
        };
        let scheme = if self.client.secure { Scheme::Https } else { Scheme::Http };
        let local = Local::of(self.client.door, scheme, self.host, mount, request.headers());
        match local.redirect(self.engine, &mut request) {
            Some(asked) => Resolved::Origin(asked, Box::new(request)),
            None => Resolved::Answered(rescue::bad_request("the path makes no URL of its origin")),
        }
    }

    fn without_key<B>(&self, request: &Request<B>) -> Response<Body> {
        let answer = keys::asked_for(request.headers());
        self.engine.log.exchange(&ExchangeLine {
            method: request.method().as_str(),
            url: &self.url(request),
            status: Some(answer.status().as_u16()),
            size: answer.body().known_length(),
            time: Duration::ZERO,
            source: Source::Own,
            note: Some("no API key"),
        });
        answer
    }

    /// A path that no origin has: nothing that is asked for in replay goes unnoticed.
    fn nowhere<B>(&self, request: &Request<B>) -> Response<Body> {
        let mounts = self.engine.mounts.on(self.client.door);
        let places: Vec<_> = mounts.map(|mount| format!("{}/ ({})", mount.prefix, mount.to)).collect();
        let reason = format!("no origin is at this path; there are {}", places.join(", "));
        if let EngineMode::Replay(_) = &self.engine.mode {
            let (method, url) = (request.method().as_str(), self.url(request));
            let asked = Unanswered { method, url: &url, status: StatusCode::NOT_FOUND, reason: &reason };
            asked.count(self.engine, self.client.session.as_deref());
        }
        let mut answer = rescue::plain(StatusCode::NOT_FOUND, &reason);
        cors::allow_origin(answer.headers_mut(), request.headers());
        answer
    }

    fn url<B>(&self, request: &Request<B>) -> String {
        let scheme = if self.client.secure { Scheme::Https } else { Scheme::Http };
        let path = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        format!("{scheme}://{}{path}", self.host)
    }
}
