//! The reference: a bare hyper server that answers absolute-form requests, `CONNECT` and TLS with one constant.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::{self, Ticketer};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::archive::{FIELDS, HOST, body};

/// What every request gets.
struct Constant {
    fields: HeaderMap,
    body: Bytes,
    tls: TlsAcceptor,
}

/// Serves until it is killed. The runtime is of the kind that harmock has.
pub(crate) fn run(body_length: usize, one_thread: bool) -> Result<()> {
    let mut runtime = match one_thread {
        true => tokio::runtime::Builder::new_current_thread(),
        false => tokio::runtime::Builder::new_multi_thread(),
    };
    runtime.enable_all().build()?.block_on(listen(body_length))
}

async fn listen(body_length: usize) -> Result<()> {
    let pairs = FIELDS.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    let constant = Arc::new(Constant { fields: pairs.collect(), body: body(0, body_length).into(), tls: tls()? });
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    println!("http://{}", listener.local_addr()?);
    loop {
        let (tcp, _client) = listener.accept().await?;
        tcp.set_nodelay(true)?;
        tokio::spawn(serve_http1(tcp, Arc::clone(&constant)));
    }
}

/// One certificate, signed by itself, in settings that are otherwise harmock's.
fn tls() -> Result<TlsAcceptor> {
    Ok(TlsAcceptor::from(Arc::new(tls_config()?)))
}

pub(crate) fn tls_config() -> Result<ServerConfig> {
    let certified = rcgen::generate_simple_self_signed([HOST.to_owned()])?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        // Two certificates, as harmock sends its authority's along.
        .with_single_cert(vec![certified.cert.der().clone(), certified.cert.der().clone()], key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec(), b"http/1.0".to_vec()];
    config.ticketer = Ticketer::new()?;
    Ok(config)
}

async fn serve_http1<S>(stream: S, constant: Arc<Constant>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let handler = service_fn(move |request| answer(request, Arc::clone(&constant)));
    let connection = http1::Builder::new().auto_date_header(false).serve_connection(TokioIo::new(stream), handler);
    let _ended = connection.with_upgrades().await;
}

async fn serve_http2<S>(stream: S, constant: Arc<Constant>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let handler = service_fn(move |request| answer(request, Arc::clone(&constant)));
    let connection = http2::Builder::new(TokioExecutor::new())
        .auto_date_header(false)
        .max_concurrent_streams(1_000)
        .serve_connection(TokioIo::new(stream), handler);
    let _ended = connection.await;
}

/// Boxed, because what is inside is served by the function that called this one.
fn open_tls(upgrade: OnUpgrade, constant: Arc<Constant>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let Ok(parts) = upgraded.downcast::<TokioIo<TcpStream>>() else { return };
        let Ok(tls) = constant.tls.accept(parts.io.into_inner()).await else { return };
        match tls.get_ref().1.alpn_protocol() {
            Some(b"h2") => serve_http2(tls, constant).await,
            _ => serve_http1(tls, constant).await,
        }
    })
}

async fn answer(mut request: Request<Incoming>, constant: Arc<Constant>) -> Result<Response<Full<Bytes>>, Infallible> {
    if *request.method() == Method::CONNECT {
        tokio::spawn(open_tls(hyper::upgrade::on(&mut request), constant));
        return Ok(Response::new(Full::default()));
    }
    let mut response = Response::new(Full::new(constant.body.clone()));
    *response.headers_mut() = constant.fields.clone();
    Ok(response)
}
