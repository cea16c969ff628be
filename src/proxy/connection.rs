//! One connection: HTTP on the listening port, and on what a `CONNECT` turned out to carry.

use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::Response;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};

use super::engine::Engine;
use super::fast;
use super::handshake::Handshake;
use super::listener::Door;
use super::quiet::{Quiet, silence};
use super::service;
use super::streams::Streams;
use super::target::Via;
use crate::connect::{ClientStream, Detection, Prefixed, ResetSwitch, ToClient, Traffic, detect};
use crate::message::{Body, BodyError};
use crate::replay::Pausing;

/// Largest head of an HTTP/1 request, in bytes.
const HEAD_MOST: usize = 1 << 20;

/// Streams that one HTTP/2 client may have open.
const STREAMS: u32 = 1_000;

/// What the handler of a request knows of the connection on which it came.
#[derive(Debug, Clone)]
pub(super) struct Client {
    /// Ends the TCP connection with a reset.
    pub(super) reset: ResetSwitch,
    /// What has moved on the connection.
    pub(super) traffic: Traffic,
    /// Requests that have no answer yet.
    pub(super) answering: Arc<AtomicUsize>,
    /// The listening port, or inside a `CONNECT`.
    pub(super) via: Via,
    /// The session that the listener or the `CONNECT` names.
    pub(super) session: Option<Arc<str>>,
    /// The place of the listener among all.
    pub(super) door: usize,
    /// Whether what is read here came inside TLS.
    pub(super) secure: bool,
    /// The `CONNECT` in which this came had shown a key.
    pub(super) trusted: bool,
}

impl Client {
    /// Whether a request is being answered.
    pub(super) fn is_answering(&self) -> bool {
        self.answering.load(Ordering::Relaxed) > 0
    }
}

/// A request of a client, until it is answered or given up.
struct Answering(Arc<Client>);

impl Answering {
    fn of(client: Arc<Client>) -> Self {
        client.answering.fetch_add(1, Ordering::Relaxed);
        Self(client)
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.answering.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A stream that may be silent for long by what was recorded of it: its request is answered when it ends.
struct Unhurried {
    body: Body,
    _answering: Answering,
}

impl Unhurried {
    fn of(response: Response<Body>, answering: Answering) -> Response<Body> {
        if response.extensions().get::<Pausing>().is_none() {
            return response;
        }
        response.map(|body| Body::boxed(Self { body, _answering: answering }))
    }
}

impl HttpBody for Unhurried {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A request that gets no answer. On HTTP/2 the client sees its stream reset in either case: others share the connection.
#[derive(Debug)]
pub(super) enum Reset {
    /// On HTTP/1 its connection is reset.
    Abrupt,
    /// It is closed as if nothing were missing.
    Polite,
}

/// Marks a response whose body breaks off by a reset of the connection, on HTTP/1.
#[derive(Debug, Clone, Copy)]
pub(super) struct BreaksOff;

/// A body whose break resets the connection.
struct Resetting {
    body: Body,
    reset: ResetSwitch,
}

impl Resetting {
    fn of(response: Response<Body>, reset: &ResetSwitch) -> Response<Body> {
        if response.extensions().get::<BreaksOff>().is_none() {
            return response;
        }
        response.map(|body| Body::boxed(Self { body, reset: reset.clone() }))
    }
}

impl HttpBody for Resetting {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Err(_))) = &polled {
            self.reset.throw();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl fmt::Display for Reset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not answered by harmock")
    }
}

impl std::error::Error for Reset {}

impl From<Infallible> for Reset {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// Serves a client on the listening port.
pub(super) async fn serve_listener(mut stream: ClientStream, door: Door, engine: Arc<Engine>) {
    let client = Client {
        reset: stream.reset_switch(),
        traffic: stream.traffic(),
        answering: Arc::default(),
        via: Via::Listener,
        session: door.session,
        door: door.number,
        secure: false,
        trusted: false,
    };
    if !engine.is_server() {
        return serve_http1(stream, BytesMut::new(), client, engine).await;
    }
    // A client of a proxy speaks HTTP/1 to it; one of a server may speak any kind of HTTP.
    let looked = tokio::select! {
        () = engine.ending.cancelled() => return,
        looked = detect(&mut stream, BytesMut::new(), engine.limits.idle) => looked,
    };
    let Ok((detection, read)) = looked else { return };
    match detection {
        Detection::Tls if engine.tls => serve_tls(stream, read, client, engine).await,
        Detection::Tls => {
            if engine.is_new("TLS") {
                engine.log.notice("a client speaks TLS to this address, which --tls allows");
            }
        }
        Detection::Http2 => serve_http2(Prefixed::new(read, stream), client, engine).await,
        _ if read.is_empty() => {}
        _ => serve_http1(stream, read, client, engine).await,
    }
}

/// Serves a client that takes the proxy for a server with TLS.
async fn serve_tls(stream: ClientStream, read: BytesMut, client: Client, engine: Arc<Engine>) {
    let host = stream.local_ip().map_or_else(|| "localhost".to_owned(), |ip| ip.to_canonical().to_string());
    let handshake = Handshake { engine: &engine, host: &host, user_agent: None };
    let Some((tls, http2)) = handshake.accept(Prefixed::new(read, stream)).await else { return };
    let client = Client { secure: true, ..client };
    if http2 {
        serve_http2(tls, client, engine).await;
    } else {
        serve_http1(tls, BytesMut::new(), client, engine).await;
    }
}

/// Serves HTTP/1 until the client or the run ends; `read` has been read already.
pub(super) async fn serve_http1<S>(mut stream: S, read: BytesMut, client: Client, engine: Arc<Engine>)
where
    S: AsyncRead + AsyncWrite + ToClient + Unpin + Send + 'static,
{
    let client = Arc::new(client);
    let mut interrupted = Quiet::new(interrupted(&engine, &client));
    let Ok(Some(left)) = fast::http1::serve(&mut stream, read, &client, &engine, &mut interrupted).await else {
        return;
    };
    let stream = Prefixed::new(left, stream);
    let handler = {
        let engine = Arc::clone(&engine);
        let client = Arc::clone(&client);
        service_fn(move |request: hyper::Request<Incoming>| {
            let (engine, client) = (Arc::clone(&engine), Arc::clone(&client));
            async move {
                let answering = Answering::of(client);
                match service::serve(engine, &answering.0, request).await {
                    Ok(answer) => {
                        let answer = Resetting::of(answer, &answering.0.reset);
                        Ok(Unhurried::of(answer, answering))
                    }
                    Err(reset) => {
                        if let Reset::Abrupt = reset {
                            answering.0.reset.throw();
                        }
                        Err(reset)
                    }
                }
            }
        })
    };
    let connection = http1::Builder::new()
        // No timer of hyper's: it would set one for each head. [`silence`] limits the wait for a head.
        .header_read_timeout(None)
        // For whom a request is passed on to; an answer from the archive needs no copy of the names.
        .preserve_header_case(engine.upstream.is_some())
        // The archive, or the upstream, says when an answer was made.
        .auto_date_header(false)
        .max_buf_size(HEAD_MOST)
        .serve_connection(TokioIo::new(stream), handler)
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        biased;
        // How a connection ended is seen in its exchanges.
        _ended = connection.as_mut() => return,
        interruption = &mut interrupted => match interruption {
            Interruption::Silence => return,
            Interruption::EndOfRun => connection.as_mut().graceful_shutdown(),
        },
    }
    let _ended = connection.await;
}

/// Serves HTTP/2 until the client or the run ends.
pub(super) async fn serve_http2<S>(stream: S, client: Client, engine: Arc<Engine>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let client = Arc::new(client);
    let handler = {
        let (engine, client) = (Arc::clone(&engine), Arc::clone(&client));
        service_fn(move |request: hyper::Request<Incoming>| {
            if let Some(ready) = fast::http2::answer(&request, &client, &engine) {
                return Answer::Ready(Some(ready));
            }
            let (engine, client) = (Arc::clone(&engine), Arc::clone(&client));
            Answer::Awaited(Box::pin(async move {
                let answering = Answering::of(client);
                let answer = service::serve(engine, &answering.0, request).await;
                answer.map(|answer| Unhurried::of(answer, answering))
            }))
        })
    };
    let streams = Streams::default();
    let connection = http2::Builder::new(streams.clone())
        .timer(TokioTimer::new())
        .auto_date_header(false)
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(4 << 20)
        .max_header_list_size(HEAD_MOST as u32)
        .serve_connection(TokioIo::new(stream), handler);
    let mut connection = pin!(connection);
    let mut interrupted = Quiet::new(interrupted(&engine, &client));
    tokio::select! {
        biased;
        _ended = poll_fn(|cx| streams.poll(connection.as_mut(), cx)) => return,
        // On either, streams that are open are answered first.
        _interruption = &mut interrupted => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ended = poll_fn(|cx| streams.poll(connection.as_mut(), cx)).await;
}

/// An answer over HTTP/2. One that is ready is moved from hand to hand as what it is, not in a future that has room for
/// every way to be answered.
enum Answer<F> {
    Ready(Option<Response<Body>>),
    Awaited(Pin<Box<F>>),
}

impl<F: Future<Output = Result<Response<Body>, Reset>>> Future for Answer<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        match &mut *self {
            // It is polled until it has given its answer.
            Self::Ready(ready) => ready.take().map_or(Poll::Pending, |ready| Poll::Ready(Ok(ready))),
            Self::Awaited(awaited) => awaited.as_mut().poll(cx),
        }
    }
}

/// What ends a connection from outside.
pub(super) enum Interruption {
    EndOfRun,
    Silence,
}

async fn interrupted(engine: &Engine, client: &Client) -> Interruption {
    tokio::select! {
        () = engine.ending.cancelled() => Interruption::EndOfRun,
        () = silence(client, engine.limits.idle) => Interruption::Silence,
    }
}
