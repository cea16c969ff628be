//! One connection: HTTP on the listening port, and on what a `CONNECT` turned out to carry.

use std::convert::Infallible;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};

use super::engine::Engine;
use super::service;
use super::target::Via;
use crate::connect::{ClientStream, ResetSwitch};

/// Largest head of an HTTP/1 request, in bytes.
const HEAD_MOST: usize = 1 << 20;

/// Streams that one HTTP/2 client may have open.
const STREAMS: u32 = 1_000;

/// What the handler of a request knows of the connection on which it came.
#[derive(Debug, Clone)]
pub(super) struct Client {
    /// Ends the TCP connection with a reset.
    pub(super) reset: ResetSwitch,
    /// The listening port, or inside a `CONNECT`.
    pub(super) via: Via,
}

/// The client is to see a reset: of its connection on HTTP/1, of its stream on HTTP/2.
#[derive(Debug)]
pub(super) struct Reset;

impl fmt::Display for Reset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("reset by harmock")
    }
}

impl std::error::Error for Reset {}

impl From<Infallible> for Reset {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// Serves a client on the listening port.
pub(super) async fn serve_listener(stream: ClientStream, engine: Arc<Engine>) {
    let client = Client { reset: stream.reset_switch(), via: Via::Listener };
    serve_http1(stream, client, engine).await;
}

/// Serves HTTP/1 until the client or the run ends.
pub(super) async fn serve_http1<S>(stream: S, client: Client, engine: Arc<Engine>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let client = Arc::new(client);
    let handler = {
        let engine = Arc::clone(&engine);
        let client = Arc::clone(&client);
        service_fn(move |request: hyper::Request<Incoming>| {
            let (engine, client) = (Arc::clone(&engine), Arc::clone(&client));
            async move {
                let answer = service::serve(engine, Arc::clone(&client), request).await;
                if answer.is_err() {
                    client.reset.throw();
                }
                answer
            }
        })
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // Also the limit on an idle connection: the wait for the next head counts.
        .header_read_timeout(engine.limits.idle)
        .preserve_header_case(true)
        // The archive, or the upstream, says when an answer was made.
        .auto_date_header(false)
        .max_buf_size(HEAD_MOST)
        .serve_connection(TokioIo::new(stream), handler)
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        // How a connection ended is seen in its exchanges.
        _ended = connection.as_mut() => return,
        () = engine.ending.cancelled() => connection.as_mut().graceful_shutdown(),
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
        let engine = Arc::clone(&engine);
        service_fn(move |request: hyper::Request<Incoming>| {
            service::serve(Arc::clone(&engine), Arc::clone(&client), request)
        })
    };
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .auto_date_header(false)
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(4 << 20)
        .max_header_list_size(HEAD_MOST as u32)
        .serve_connection(TokioIo::new(stream), handler);
    let mut connection = pin!(connection);
    tokio::select! {
        _ended = connection.as_mut() => return,
        () = engine.ending.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ended = connection.await;
}
