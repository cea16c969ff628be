//! The upstream side against origins and proxies on loopback that do exactly what each test says.

mod failures;
mod origins;
mod passing;
mod pooling;
mod proxying;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body::Frame;
use http_body_util::BodyExt;

use super::{Failure, Sent, Upstream, UpstreamConfig, UpstreamProxy};
use crate::message::{Body, BodyError, Destination, Scheme};

/// Long enough for a machine that is busy; a limit that a test waits for is shorter.
const AMPLE: Duration = Duration::from_secs(20);

fn config() -> UpstreamConfig {
    UpstreamConfig {
        proxy: UpstreamProxy::None,
        connect: AMPLE,
        tls: AMPLE,
        first_byte: AMPLE,
        ..UpstreamConfig::default()
    }
}

fn upstream(config: &UpstreamConfig) -> Upstream {
    Upstream::new(config, Vec::new()).unwrap()
}

fn plain(at: SocketAddr) -> Destination {
    Destination { scheme: Scheme::Http, host: at.ip().to_string(), port: at.port() }
}

fn secure(at: SocketAddr) -> Destination {
    Destination { scheme: Scheme::Https, host: "localhost".into(), port: at.port() }
}

fn request(method: Method, body: impl Into<Bytes>) -> Request<Body> {
    Request::builder().method(method).uri("/path?q=1").body(Body::full(body)).unwrap()
}

fn get() -> Request<Body> {
    request(Method::GET, "")
}

async fn send(upstream: &Upstream, to: &Destination, request: Request<Body>) -> Result<Sent, Failure> {
    upstream.send(to, &to.authority(), request).await
}

async fn text(sent: Sent) -> String {
    let bytes = sent.response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A body of unknown length that says what it is told.
struct Scripted(VecDeque<Result<Frame<Bytes>, BodyError>>);

impl Scripted {
    fn new(parts: impl IntoIterator<Item = &'static str>) -> Self {
        Self(parts.into_iter().map(|part| Ok(Frame::data(Bytes::from_static(part.as_bytes())))).collect())
    }

    fn breaking(mut self) -> Self {
        self.0.push_back(Err("broken".into()));
        self
    }

    fn ending_with(mut self, name: &'static str, value: &'static str) -> Self {
        let trailers = HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]);
        self.0.push_back(Ok(Frame::trailers(trailers)));
        self
    }
}

impl http_body::Body for Scripted {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        Poll::Ready(self.get_mut().0.pop_front())
    }
}
