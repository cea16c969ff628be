//! hyper over rustls, with webpki's checks as they are and nothing but harmock's authority trusted.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::{Harmock, Origin, client_config, same_when_replayed};

#[test]
fn rustls_accepts_the_leaf_and_sees_the_same_over_http1() {
    let origin = Origin::https();
    let authority = origin.authority();
    let seen = same_when_replayed(origin, |proxy| fetch(proxy, &authority, &["http/1.1"], &["/json", "/coded/gzip"]));
    assert_eq!(seen[0], (200, "HTTP/1.1".to_owned(), r#"{"answer":42,"who":"origin"}"#.to_owned()));
}

#[test]
fn rustls_accepts_the_leaf_and_sees_the_same_over_http2() {
    let origin = Origin::https();
    let authority = origin.authority();
    let paths: Vec<_> = (0..30).map(|number| format!("/site/data/{number}")).collect();
    let paths: Vec<_> = paths.iter().map(String::as_str).collect();
    let seen = same_when_replayed(origin, |proxy| fetch(proxy, &authority, &["h2"], &paths));
    assert_eq!(seen.len(), 30);
    assert_eq!(seen[29], (200, "HTTP/2.0".to_owned(), r#"{"item":29,"name":"thing 29"}"#.to_owned()));
}

#[test]
fn rustls_accepts_the_leaf_of_an_ip_address() {
    let origin = Origin::https_by_address();
    let authority = origin.authority();
    let seen = same_when_replayed(origin, |proxy| fetch(proxy, &authority, &["h2", "http/1.1"], &["/json"]));
    assert_eq!(seen[0].0, 200);
}

type Seen = (u16, String, String);

/// All paths over one connection through the proxy: at once over HTTP/2, one after another over HTTP/1.1.
fn fetch(proxy: &Harmock, authority: &str, alpn: &[&str], paths: &[&str]) -> Vec<Seen> {
    block_on(async {
        let stream = connect(proxy, authority, alpn).await;
        let mut seen = Vec::new();
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            let client = Http2::over(stream, authority).await;
            let sent: Vec<_> = paths.iter().map(|path| tokio::spawn(client.get(path))).collect();
            for response in sent {
                seen.push(read(response.await.unwrap().unwrap()).await);
            }
        } else {
            let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
            tokio::spawn(connection);
            for path in paths {
                let request = Request::builder().uri(*path).header("host", authority);
                sender.ready().await.unwrap();
                let answer = sender.send_request(request.body(Full::<Bytes>::default()).unwrap()).await;
                seen.push(read(answer.unwrap()).await);
            }
        }
        seen
    })
}

/// The frames of a body over HTTP/2, as text.
pub(crate) fn frames_over_http2(proxy: &Harmock, authority: &str, path: &str) -> Vec<String> {
    block_on(async {
        let mut body = Http2::connect(proxy, authority).await.get(path).await.unwrap().into_body();
        let mut frames = Vec::new();
        while let Some(frame) = body.frame().await {
            frames.push(String::from_utf8(frame.unwrap().into_data().unwrap().into()).unwrap());
        }
        frames
    })
}

/// The first frame of a body over HTTP/2, as text; its stream is left then, and the connection goes on.
pub(crate) fn left_over_http2(proxy: &Harmock, authority: &str, path: &str) -> String {
    block_on(async {
        let client = Http2::connect(proxy, authority).await;
        let mut body = client.get(path).await.unwrap().into_body();
        let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
        drop(body);
        // Its answer comes after the proxy was told.
        client.goes_on().await;
        String::from_utf8(frame.into()).unwrap()
    })
}

/// Leaves a stream of HTTP/2 before its answer has a head; its connection goes on.
pub(crate) fn left_unanswered_over_http2(proxy: &Harmock, authority: &str, path: &str) {
    block_on(async {
        let client = Http2::connect(proxy, authority).await;
        let left = tokio::spawn(client.get(path));
        // Its answer comes after the proxy has begun with the one before, and then after it was told.
        client.goes_on().await;
        left.abort();
        assert!(left.await.unwrap_err().is_cancelled());
        client.goes_on().await;
    });
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// A connection over HTTP/2 through the proxy.
struct Http2 {
    sender: http2::SendRequest<Full<Bytes>>,
    authority: String,
}

impl Http2 {
    async fn connect(proxy: &Harmock, authority: &str) -> Self {
        Self::over(connect(proxy, authority, &["h2"]).await, authority).await
    }

    async fn over(stream: TlsStream<TcpStream>, authority: &str) -> Self {
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self { sender, authority: authority.to_owned() }
    }

    fn get(&self, path: &str) -> impl Future<Output = hyper::Result<Response<Incoming>>> + use<> {
        let request = Request::builder().uri(format!("https://{}{path}", self.authority));
        self.sender.clone().send_request(request.body(Full::default()).unwrap())
    }

    /// Fails unless another request is answered.
    async fn goes_on(&self) {
        assert_eq!(read(self.get("/json").await.unwrap()).await.0, 200);
    }
}

async fn connect(proxy: &Harmock, authority: &str, alpn: &[&str]) -> TlsStream<TcpStream> {
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream.write_all(format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n").as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&head));
    let name = authority.rsplit_once(':').unwrap().0.to_owned();
    let config = Arc::clone(&client_config(proxy.ca(), alpn));
    TlsConnector::from(config).connect(ServerName::try_from(name).unwrap(), stream).await.unwrap()
}

async fn read(response: Response<Incoming>) -> Seen {
    let (head, body) = response.into_parts();
    let mut body = body.collect().await.unwrap().to_bytes().to_vec();
    if head.headers.get("content-encoding").is_some_and(|coding| coding == "gzip") {
        let mut plain = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(body.as_slice()), &mut plain).unwrap();
        body = plain;
    }
    (head.status.as_u16(), format!("{:?}", head.version), String::from_utf8(body).unwrap())
}
