//! The real server of the tests: hyper on port 0 in a thread of its own, plain or TLS, HTTP/1.1 and HTTP/2.

use std::convert::Infallible;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, oneshot};
use tokio_rustls::TlsAcceptor;

use super::OriginCa;
use super::routes;

/// A running origin; [`Origin::stop`] frees its port, and whoever connects from then on is refused.
pub(crate) struct Origin {
    address: SocketAddr,
    scheme: &'static str,
    host: &'static str,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// A request as it reached the origin.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
}

/// What the handlers and the test have in common.
pub(crate) struct Shared {
    seen: Mutex<Vec<Seen>>,
    /// One permit lets one more chunk of `/gated/…` out.
    pub(crate) gate: Semaphore,
}

impl Origin {
    /// Plain HTTP on `127.0.0.1`: HTTP/1.1, and HTTP/2 by prior knowledge.
    pub(crate) fn http() -> Self {
        Self::start(Ipv4Addr::LOCALHOST.into(), "127.0.0.1", None)
    }

    /// Plain HTTP on `[::1]`.
    pub(crate) fn http_ipv6() -> Self {
        Self::start(Ipv6Addr::LOCALHOST.into(), "[::1]", None)
    }

    /// TLS on `localhost`, HTTP/2 preferred.
    pub(crate) fn https() -> Self {
        Self::start(Ipv4Addr::LOCALHOST.into(), "localhost", Some(&["h2", "http/1.1"]))
    }

    /// TLS on `localhost`, HTTP/1.1 alone.
    pub(crate) fn https_h1() -> Self {
        Self::start(Ipv4Addr::LOCALHOST.into(), "localhost", Some(&["http/1.1"]))
    }

    /// TLS on `127.0.0.1`, whose clients send no server name.
    pub(crate) fn https_by_address() -> Self {
        Self::start(Ipv4Addr::LOCALHOST.into(), "127.0.0.1", Some(&["h2", "http/1.1"]))
    }

    /// `SCHEME://HOST:PORT` and the path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.authority())
    }

    pub(crate) fn authority(&self) -> String {
        format!("{}:{}", self.host, self.address.port())
    }

    /// The requests so far, in order.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// The last request to this path.
    #[track_caller]
    pub(crate) fn last(&self, path: &str) -> Seen {
        let found = self.seen().into_iter().rev().find(|seen| seen.path == path);
        found.unwrap_or_else(|| panic!("the origin saw no request to {path}: {:?}", self.seen()))
    }

    /// Lets the streams of `/gated/…` send one more chunk.
    pub(crate) fn release(&self) {
        self.shared.gate.add_permits(1);
    }

    /// Ends all connections and closes the port; gives the requests that it saw.
    pub(crate) fn stop(mut self) -> Vec<Seen> {
        self.end();
        self.seen()
    }

    fn start(ip: std::net::IpAddr, host: &'static str, alpn: Option<&[&str]>) -> Self {
        let listener = TcpListener::bind((ip, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let tls = alpn.map(|alpn| TlsAcceptor::from(OriginCa::shared().server_config(alpn)));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let shared = Arc::new(Shared { seen: Mutex::default(), gate: Semaphore::new(0) });
        let (stop, stopped) = oneshot::channel();
        let serving = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            // The connections end with the runtime, at the end of this block.
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, tls, serving) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, scheme, host, shared, stop: Some(stop), thread: Some(thread) }
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || thread::panicking(), "the origin panicked");
        }
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.end();
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        let (tls, shared) = (tls.clone(), Arc::clone(&shared));
        tokio::spawn(async move {
            match tls {
                None => serve(stream, shared).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(stream, shared).await;
                    }
                }
            }
        });
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S, shared: Arc<Shared>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let shared = Arc::clone(&shared);
        async move {
            shared.seen.lock().unwrap().push(Seen::of(&request));
            Ok::<_, Infallible>(routes::answer(request, shared).await)
        }
    });
    let mut server = auto::Builder::new(TokioExecutor::new());
    // Every answer has a fixed date of its own, so that two of them can be compared.
    server.http1().auto_date_header(false).http2().auto_date_header(false);
    // A client that goes away is its own affair.
    let _ = server.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
}

impl Seen {
    fn of(request: &Request<Incoming>) -> Self {
        Self {
            path: request.uri().path_and_query().map(ToString::to_string).unwrap_or_default(),
            headers: request.headers().clone(),
        }
    }

    /// A field's first value, or nothing.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}
