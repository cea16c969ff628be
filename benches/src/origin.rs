//! The upstream of recordings: a hyper server whose bodies are all different, and which reads what it is sent.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use anyhow::Result;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::archive::FIELDS;
use crate::reference::tls_config;

/// Of a large body.
const PIECE: usize = 64 << 10;

/// Serves bodies of this length until it is killed, in TLS or not.
pub(crate) fn run(length: usize, in_tls: bool) -> Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(listen(length, in_tls))
}

async fn listen(length: usize, in_tls: bool) -> Result<()> {
    let tls = in_tls.then(tls).transpose()?;
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    println!("http://{}", listener.local_addr()?);
    let numbers = Arc::new(AtomicU64::new(0));
    loop {
        let (tcp, _client) = listener.accept().await?;
        tcp.set_nodelay(true)?;
        let numbers = Arc::clone(&numbers);
        let handler = service_fn(move |request| answer(request, numbers.fetch_add(1, Ordering::Relaxed), length));
        let tls = tls.clone();
        tokio::spawn(async move {
            let _ended = match tls {
                None => http1::Builder::new().serve_connection(TokioIo::new(tcp), handler).await,
                Some(tls) => {
                    let Ok(stream) = tls.accept(tcp).await else { return };
                    http1::Builder::new().serve_connection(TokioIo::new(stream), handler).await
                }
            };
        });
    }
}

fn tls() -> Result<TlsAcceptor> {
    let mut config = tls_config()?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn answer(request: Request<Incoming>, number: u64, length: usize) -> Result<Response<Numbered>, Infallible> {
    let mut sent = request.into_body();
    while let Some(Ok(_frame)) = sent.frame().await {}
    let mut response = Response::new(Numbered { number, rest: length });
    for (name, value) in FIELDS {
        response.headers_mut().insert(name, http::HeaderValue::from_static(value));
    }
    Ok(response)
}

/// A body that begins with its number.
struct Numbered {
    number: u64,
    rest: usize,
}

impl Body for Numbered {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest == 0 {
            return Poll::Ready(None);
        }
        let mut piece = format!("{{\"number\": \"{:020}\", ", self.number).into_bytes();
        piece.resize(PIECE, b'x');
        piece.truncate(self.rest);
        self.rest -= piece.len();
        Poll::Ready(Some(Ok(Frame::data(piece.into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest as u64)
    }
}
