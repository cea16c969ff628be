//! A `CONNECT`: answered, looked into, and then opened, passed on or refused.

use std::pin::Pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::header::USER_AGENT;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;

use super::connection::{Client, serve_http1, serve_http2};
use super::engine::Engine;
use super::handshake::Handshake;
use super::miss::Unanswered;
use super::rescue;
use super::target::{Via, connect_target};
use crate::connect::tls_failure::fail_handshake;
use crate::connect::tunnel::tunnel;
use crate::connect::{ClientStream, Detection, Prefixed, detect};
use crate::log::{ExchangeLine, Source};
use crate::message::{Body, Destination, Scheme};
use crate::report::Applied;
use crate::upstream::TunnelStream;

/// A `CONNECT` that has been granted.
struct Granted {
    engine: Arc<Engine>,
    client: Client,
    to: Destination,
    user_agent: Option<String>,
}

/// Answers a `CONNECT`. What it carries is looked at after the client has its 200.
pub(super) async fn connect(engine: Arc<Engine>, client: &Client, mut request: Request<Incoming>) -> Response<Body> {
    if client.via != Via::Listener {
        return rescue::plain(StatusCode::METHOD_NOT_ALLOWED, "a CONNECT inside a CONNECT is not served");
    }
    if client.secure {
        let sentence =
            format!("a CONNECT is served without TLS to the proxy itself: set http://{} as the proxy", engine.listen);
        return rescue::plain(StatusCode::METHOD_NOT_ALLOWED, &sentence);
    }
    let Some(to) = connect_target(request.uri()) else {
        return rescue::bad_request(&format!("CONNECT {} does not name a host and a port", request.uri()));
    };
    let user_agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let upgrade = hyper::upgrade::on(&mut request);
    let granted = Granted { engine: Arc::clone(&engine), client: client.clone(), to, user_agent };
    if engine.leaves_closed(&granted.to) {
        return pass_closed(granted, upgrade).await;
    }
    engine.tasks.spawn(async move {
        if let Some((stream, read)) = upgraded(upgrade).await {
            granted.open(stream, read).await;
        }
    });
    Response::new(Body::Empty)
}

/// A tunnel that is known to stay closed is connected before it is granted, so that the client learns of a failure.
async fn pass_closed(granted: Granted, upgrade: OnUpgrade) -> Response<Body> {
    let engine = Arc::clone(&granted.engine);
    let Some(upstream) = &engine.upstream else {
        return not_passed(&granted);
    };
    let far = match upstream.tunnel(&granted.to).await {
        Ok(far) => far,
        Err(failure) => return rescue::upstream_failed(failure.cause, failure.sentence()),
    };
    engine.tasks.spawn(async move {
        if let Some((stream, read)) = upgraded(upgrade).await {
            granted.pass(stream, read, far).await;
        }
    });
    Response::new(Body::Empty)
}

/// What would be passed on unopened is a miss where nothing may be passed on.
fn not_passed(granted: &Granted) -> Response<Body> {
    let (engine, host) = (&granted.engine, granted.to.authority());
    let reason = format!("{host} is not opened, and --offline forbids to pass it on");
    let asked = Unanswered { method: "CONNECT", url: &host, status: StatusCode::BAD_GATEWAY, reason: &reason };
    asked.count(engine, granted.client.session.as_deref());
    rescue::plain(StatusCode::BAD_GATEWAY, &reason)
}

/// The client's stream once hyper has let go of it, and what hyper had read ahead.
async fn upgraded(upgrade: OnUpgrade) -> Option<(ClientStream, Bytes)> {
    let upgraded: Upgraded = upgrade.await.ok()?;
    let parts = upgraded.downcast::<TokioIo<Prefixed<ClientStream>>>().ok()?;
    let (unread, stream) = parts.io.into_inner().into_parts();
    let read = if unread.is_empty() { parts.read_buf } else { [parts.read_buf, unread].concat().into() };
    Some((stream, read))
}

impl Granted {
    /// Boxed, because serving what is inside comes back to this module.
    fn open(self, stream: ClientStream, read: Bytes) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(self.look_and_serve(stream, read))
    }

    /// Looks at the first bytes and serves what they announce.
    async fn look_and_serve(self, mut stream: ClientStream, read: Bytes) {
        let looked = tokio::select! {
            looked = detect(&mut stream, BytesMut::from(&read[..]), self.engine.limits.detect) => looked,
            () = self.engine.ending.cancelled() => return,
        };
        // A client that went away without a byte has nothing to be told.
        let Ok((detection, read)) = looked else { return };
        let read = read.freeze();
        match detection {
            Detection::Tls => self.open_tls(Prefixed::new(read, stream)).await,
            Detection::Http1 => {
                let (engine, client) = self.inside(Scheme::Http);
                serve_http1(Prefixed::new(read, stream), BytesMut::new(), client, engine).await;
            }
            Detection::Http2 => {
                let (engine, client) = self.inside(Scheme::Http);
                serve_http2(Prefixed::new(read, stream), client, engine).await;
            }
            Detection::Opaque if self.engine.passes_opaque() => self.pass_opaque(stream, read).await,
            Detection::Opaque => {
                let to = &self.to;
                self.engine.log.notice(&format!("CONNECT {to} refused: it carries neither TLS nor HTTP"));
                stream.reset_switch().throw();
            }
        }
    }

    async fn open_tls(self, stream: Prefixed<ClientStream>) {
        if let Some(fault) = self.engine.tls_fault(&self.to) {
            self.tell_fault(fault);
            return fail_handshake(stream).await;
        }
        let engine = Arc::clone(&self.engine);
        let handshake = Handshake { engine: &engine, host: &self.to.host, user_agent: self.user_agent.as_deref() };
        let Some((tls, http2)) = handshake.accept(stream).await else { return };
        let (engine, client) = self.inside(Scheme::Https);
        if http2 {
            serve_http2(tls, client, engine).await;
        } else {
            serve_http1(tls, BytesMut::new(), client, engine).await;
        }
    }

    /// A handshake that fails because a rule says so is told as an exchange: no request will come.
    fn tell_fault(&self, what: String) {
        let host = self.to.authority();
        self.engine.log.exchange(&ExchangeLine {
            method: "CONNECT",
            url: &host,
            status: None,
            size: 0,
            time: std::time::Duration::ZERO,
            source: Source::Own,
            note: Some(&format!("[{what}]")),
        });
        let (method, entry, detail) = ("CONNECT".to_owned(), None, Vec::new());
        self.engine.tally.applied(Applied { what, method, url: host, entry, detail, count: 1 });
    }

    async fn pass_opaque(self, stream: ClientStream, read: Bytes) {
        let Some(upstream) = &self.engine.upstream else { return };
        match upstream.tunnel(&self.to).await {
            Ok(far) => self.pass(stream, read, far).await,
            Err(failure) => self.engine.log.notice(&format!("CONNECT {}: {failure}", self.to)),
        }
    }

    /// Passes bytes both ways until both sides have ended, or the run has.
    async fn pass(&self, stream: ClientStream, read: Bytes, mut far: Box<dyn TunnelStream>) {
        let started = std::time::Instant::now();
        let host = self.to.authority();
        self.engine.tally.tunnelled(&host);
        let mut near = Prefixed::new(read, stream);
        let passed = tokio::select! {
            passed = tunnel(&mut near, &mut far) => passed,
            () = self.engine.ending.cancelled() => return,
        };
        self.engine.log.exchange(&ExchangeLine {
            method: "CONNECT",
            url: &host,
            status: Some(200),
            size: passed.received,
            time: started.elapsed(),
            source: Source::Tunnel,
            note: None,
        });
    }

    fn inside(self, scheme: Scheme) -> (Arc<Engine>, Client) {
        let to = Destination { scheme, ..self.to };
        (self.engine, Client { secure: scheme == Scheme::Https, via: Via::Connect(to), ..self.client })
    }
}
