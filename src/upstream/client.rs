//! The client side of the proxy: requests and tunnels towards origins.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use http::{Method, Request, StatusCode};
use http_body::Body as _;
use tokio::io::{AsyncRead, AsyncWrite};

use super::connect::{Connector, Purpose, Way};
use super::exchange::{Route, suits_absolute_form};
use super::line::Lease;
use super::pool::{Choice, Pool, Slot};
use super::proxies::Proxies;
use super::trust::Trust;
use super::{Failure, Sent, SetupError, UpstreamConfig};
use crate::message::{Body, Destination, Scheme};

/// A request that must not be sent twice does not go on a connection that has been idle for longer: the origin may be
/// closing it this moment, and then nobody could tell whether it acted.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);
/// How often a request is sent at most.
const ATTEMPTS: usize = 3;

/// Sends requests to origins over pooled connections. Cheap to clone; all clones share the pool.
#[derive(Clone)]
pub struct Upstream {
    pool: Arc<Pool>,
    notes: Arc<[String]>,
}

/// A raw byte stream to an origin.
pub trait TunnelStream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> TunnelStream for T {}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").finish_non_exhaustive()
    }
}

impl Upstream {
    /// Checks the settings and loads the trusted roots; opens nothing. `own` are the addresses on which this proxy
    /// listens: it never connects to them, and never takes itself for a further proxy.
    pub fn new(config: &UpstreamConfig, own: Vec<SocketAddr>) -> Result<Self, SetupError> {
        Self::with_environment(config, own, &|name| std::env::var(name).ok())
    }

    /// [`Upstream::new`] with another environment than that of the process.
    pub(super) fn with_environment(
        config: &UpstreamConfig,
        own: Vec<SocketAddr>,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, SetupError> {
        let mut notes = Vec::new();
        let proxies = Proxies::new(&config.proxy, &own, variable, &mut notes)?;
        let trust = Trust::new(config)?;
        let pool = Pool::new(Connector { config: config.clone(), own, proxies, trust });
        Ok(Self { pool: Arc::new(pool), notes: notes.into() })
    }

    /// Settings in the environment that are ignored, one line each, with the reason.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Sends one request and waits for the response head.
    ///
    /// The connection goes to `to`; `authority` is what the client asked for (`Host` or `:authority`) and stays.
    /// The request's target is in origin form, and hop-by-hop fields are gone but for `TE: trailers`; its extensions
    /// hold the spelling of HTTP/1 field names, if hyper's server put it there. One for plain HTTP that holds
    /// [`PriorKnowledge`] is sent in HTTP/2.
    ///
    /// A request is sent again only if not a byte of it left, or if it is idempotent (RFC 9110 §9.2.2), its body is
    /// at hand, and a connection that had served before ended without an answer.
    pub async fn send(&self, to: &Destination, authority: &str, request: Request<Body>) -> Result<Sent, Failure> {
        let slot = self.slot(to, authority, &request);
        self.pool.keep_swept();
        let route = self.route(to, authority, &slot.way);
        let mut request = request;
        let mut choice = Choice { fresh: false, idle_at_most: (!may_repeat(&request)).then_some(TRUSTED_IDLE) };
        let mut attempt = 1;
        loop {
            let lease = slot.lease(choice).await?;
            let (line, reused) = (lease.line.clone(), lease.reused());
            let spare = if reused && attempt < ATTEMPTS { repeated(&request) } else { None };
            let broken = match route.exchange(lease, request).await {
                Ok(sent) if sent.response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                    return Err(Failure::not_http(&to.authority(), "it changed the protocol unasked"));
                }
                Ok(sent) => return Ok(sent),
                Err(broken) => *broken,
            };
            slot.forget(&line);
            request = match broken.unsent.or(spare) {
                Some(request) if reused && broken.by_connection && attempt < ATTEMPTS => request,
                _ => return Err(broken.failure),
            };
            choice.fresh = true;
            attempt += 1;
        }
    }

    /// Sends a request with `Upgrade` on an HTTP/1.1 connection of its own. After a 101 the stream is in
    /// [`hyper::upgrade::on`] of the response. `Connection` and `Upgrade` are the caller's to set.
    pub async fn send_upgrade(
        &self,
        to: &Destination,
        authority: &str,
        request: Request<Body>,
    ) -> Result<Sent, Failure> {
        let way = self.pool.connector.opaque_way(to);
        let opened = self.pool.connector.open(to, &way, Purpose::Upgrade).await?;
        let lease = Lease::start(opened, Weak::new(), true)
            .await
            .map_err(|error| Failure::of_exchange(&to.authority(), &error))?;
        self.route(to, authority, &way).exchange(lease, request).await.map_err(|broken| broken.failure)
    }

    /// A raw byte stream to `to`, through the further proxy where one applies to `https`. No TLS is spoken on it.
    pub async fn tunnel(&self, to: &Destination) -> Result<Box<dyn TunnelStream>, Failure> {
        let way = self.pool.connector.opaque_way(to);
        let opened = self.pool.connector.open(to, &way, Purpose::Bytes).await?;
        Ok(Box::new(opened.wire))
    }

    fn slot(&self, to: &Destination, authority: &str, request: &Request<Body>) -> Arc<Slot> {
        if to.scheme == Scheme::Http && request.extensions().get::<PriorKnowledge>().is_some() {
            return self.pool.prior_slot(to);
        }
        let slot = self.pool.slot(to);
        if matches!(slot.way, Way::Forwarded(_)) && !suits_absolute_form(to, authority, request) {
            return self.pool.opaque_slot(to);
        }
        slot
    }

    fn route<'a>(&self, to: &'a Destination, authority: &'a str, way: &'a Way) -> Route<'a> {
        Route { to, authority, way, first_byte: self.pool.connector.config.first_byte }
    }
}

/// In the extensions of a request: its client knows that the origin speaks HTTP/2 without TLS (RFC 9113 section 3.3).
#[derive(Debug, Clone, Copy)]
pub struct PriorKnowledge;

/// A request that may reach an origin twice, and that is at hand for it.
fn may_repeat(request: &Request<Body>) -> bool {
    let idempotent = [Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT, Method::DELETE, Method::TRACE];
    idempotent.contains(request.method())
        && (matches!(request.body(), Body::Empty | Body::Full(_)) || request.body().is_end_stream())
}

fn repeated(request: &Request<Body>) -> Option<Request<Body>> {
    if !may_repeat(request) {
        return None;
    }
    let body = match request.body() {
        Body::Full(bytes) => Body::Full(bytes.clone()),
        _ => Body::Empty,
    };
    let mut copy = Request::new(body);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.version_mut() = request.version();
    *copy.headers_mut() = request.headers().clone();
    *copy.extensions_mut() = request.extensions().clone();
    Some(copy)
}
