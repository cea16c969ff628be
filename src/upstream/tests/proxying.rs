//! Further proxies on the way: which requests they get, in which form, and what they refuse.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::origins::{Certificates, Origin, read_head};
use super::*;
use crate::message::FailureCause;

/// A proxy that notes the heads it gets, connects for `CONNECT`, and answers all else itself.
async fn proxy() -> (Origin, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = seen.clone();
    let proxy = Origin::scripted(move |_, stream| relay(stream, notes.clone())).await;
    (proxy, seen)
}

async fn relay<S>(mut stream: S, notes: Arc<Mutex<Vec<String>>>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    loop {
        let head = read_head(&mut stream).await;
        if head.is_empty() {
            return;
        }
        notes.lock().unwrap().push(head.clone());
        if let Some(rest) = head.strip_prefix("CONNECT ") {
            let mut onwards = TcpStream::connect(rest.split(' ').next().unwrap()).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n").await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut stream, &mut onwards).await;
            return;
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nproxy").await.unwrap();
    }
}

fn through(proxy: &Origin) -> UpstreamConfig {
    UpstreamConfig { proxy: UpstreamProxy::Url(format!("http://me:secret@{}", proxy.at)), ..config() }
}

fn example(scheme: Scheme) -> Destination {
    Destination { scheme, host: "api.example".into(), port: scheme.default_port() }
}

#[tokio::test]
async fn plain_requests_go_to_the_proxy_in_absolute_form_with_its_credentials() {
    let (proxy, seen) = proxy().await;
    let upstream = upstream(&through(&proxy));
    let mut request = get();
    request.headers_mut().insert("host", "api.example".parse().unwrap());
    let sent = upstream.send(&example(Scheme::Http), "api.example", request).await.unwrap();
    assert_eq!(sent.connection.remote, None);
    assert_eq!(text(sent).await, "proxy");
    let head = seen.lock().unwrap()[0].clone();
    assert_eq!(
        head,
        "GET http://api.example:80/path?q=1 HTTP/1.1\r\nhost: api.example\r\n\
         proxy-authorization: Basic bWU6c2VjcmV0\r\n\r\n"
    );
}

#[tokio::test]
async fn a_request_whose_host_is_not_its_destination_goes_through_a_tunnel() {
    let (proxy, seen) = proxy().await;
    let origin = Origin::scripted(|_, stream| super::origins::serve(stream)).await;
    let upstream = upstream(&through(&proxy));
    let sent = upstream.send(&plain(origin.at), "api.example", get()).await.unwrap();
    assert!(text(sent).await.contains("host: api.example\n"));
    assert!(seen.lock().unwrap()[0].starts_with(&format!("CONNECT {} HTTP/1.1\r\n", origin.at)));
}

#[tokio::test]
async fn https_goes_through_a_tunnel_and_keeps_its_connection() {
    let certificates = Certificates::new();
    let origin = Origin::secure(&certificates, &["h2", "http/1.1"]).await;
    let (proxy, seen) = proxy().await;
    let upstream = upstream(&UpstreamConfig { ca: vec![certificates.file()], ..through(&proxy) });
    for _ in 0..2 {
        let sent = send(&upstream, &secure(origin.at), get()).await.unwrap();
        assert_eq!(sent.connection.remote, None);
        assert!(text(sent).await.starts_with("HTTP/2.0 GET https://localhost:"));
    }
    let port = origin.at.port();
    let expected = format!(
        "CONNECT localhost:{port} HTTP/1.1\r\nHost: localhost:{port}\r\n\
         Proxy-Authorization: Basic bWU6c2VjcmV0\r\n\r\n"
    );
    assert_eq!(*seen.lock().unwrap(), [expected]);
}

#[tokio::test]
async fn a_proxy_may_itself_speak_tls() {
    let certificates = Certificates::new();
    let origin = Origin::secure(&certificates, &["h2"]).await;
    let acceptor = certificates.acceptor("localhost", &["http/1.1"]);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = seen.clone();
    let proxy = Origin::scripted(move |_, stream| {
        let (acceptor, notes) = (acceptor.clone(), notes.clone());
        async move { relay(acceptor.accept(stream).await.unwrap(), notes).await }
    })
    .await;
    let upstream = upstream(&UpstreamConfig {
        ca: vec![certificates.file()],
        proxy: UpstreamProxy::Url(format!("https://localhost:{}", proxy.at.port())),
        ..config()
    });
    let sent = send(&upstream, &secure(origin.at), get()).await.unwrap();
    assert!(text(sent).await.starts_with("HTTP/2.0 GET"));
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn the_environment_chooses_the_proxy_and_its_exceptions() {
    let (proxy, seen) = proxy().await;
    let origin = Origin::scripted(|_, stream| super::origins::serve(stream)).await;
    let url = format!("http://{}", proxy.at);
    let variable = |name: &str| match name {
        "http_proxy" => Some(url.clone()),
        "NO_PROXY" => Some("127.0.0.1".to_owned()),
        _ => None,
    };
    let config = UpstreamConfig { proxy: UpstreamProxy::Environment, ..config() };
    let upstream = Upstream::with_environment(&config, Vec::new(), &variable).unwrap();
    assert_eq!(text(send(&upstream, &example(Scheme::Http), get()).await.unwrap()).await, "proxy");
    assert!(text(send(&upstream, &plain(origin.at), get()).await.unwrap()).await.starts_with("HTTP/1.1 GET /path"));
    assert_eq!(seen.lock().unwrap().len(), 1);

    // The same variable does not count where it names this proxy.
    let upstream = Upstream::with_environment(&config, vec![proxy.at], &variable).unwrap();
    assert!(send(&upstream, &plain(origin.at), get()).await.unwrap().connection.remote.is_some());
}

#[tokio::test]
async fn a_proxy_that_wants_other_credentials_is_named_for_either_scheme() {
    let proxy = Origin::scripted(|_, mut stream| async move {
        read_head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n").await;
    })
    .await;
    let upstream = upstream(&through(&proxy));
    for scheme in [Scheme::Http, Scheme::Https] {
        let to = example(scheme);
        let failure = send(&upstream, &to, get()).await.unwrap_err();
        assert_eq!(failure.cause, FailureCause::Refused);
        let expected = format!(
            "the proxy {} answered 407 Who are you when asked to connect to {to}; \
             its URL needs a user and password that it accepts",
            proxy.at
        );
        assert_eq!(failure.to_string(), expected);
    }
}

#[tokio::test]
async fn a_proxy_that_does_not_listen_or_does_not_speak_http_is_named() {
    let silent = Origin::scripted(|_, mut stream| async move {
        let _ = stream.write_all(b"220 mail.example ESMTP\r\n\r\n").await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let failure = send(&upstream(&through(&silent)), &example(Scheme::Https), get()).await.unwrap_err();
    assert_eq!(failure.cause, FailureCause::Protocol);
    assert!(failure.sentence().starts_with(&format!("the proxy {}", silent.at)), "{failure}");

    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let proxy = UpstreamProxy::Url(closed.to_string());
    let upstream = upstream(&UpstreamConfig { proxy, ..config() });
    let failure = send(&upstream, &example(Scheme::Https), get()).await.unwrap_err();
    assert_eq!(failure.to_string(), format!("connection to the proxy {closed} refused"));
}

#[tokio::test]
async fn a_tunnel_goes_through_the_proxy_and_keeps_what_the_origin_says_first() {
    let origin = Origin::scripted(|_, mut stream| async move {
        let _ = stream.write_all(b"hello").await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let (proxy, seen) = proxy().await;
    for config in [through(&proxy), config()] {
        let mut stream = upstream(&config).tunnel(&secure(origin.at)).await.unwrap();
        let mut said = [0; 5];
        stream.read_exact(&mut said).await.unwrap();
        assert_eq!(&said, b"hello");
    }
    assert_eq!(seen.lock().unwrap().len(), 1);
}
