//! What passes unchanged, and in which form, in both protocols.

use std::sync::Arc;

use http::{HeaderValue, Response, Version};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::origins::{Certificates, Origin, read_head};
use super::*;

/// A listener that passes everything on to `origin` as the proxy does.
async fn relay_to(origin: SocketAddr) -> Origin {
    let upstream = upstream(&config());
    Origin::scripted(move |_, stream| {
        let upstream = upstream.clone();
        let service = service_fn(move |request: Request<hyper::body::Incoming>| {
            let upstream = upstream.clone();
            async move {
                let sent = upstream.send(&plain(origin), "origin.example", request.map(Body::from)).await;
                sent.map(|sent| sent.response)
            }
        });
        async move {
            let mut builder = hyper::server::conn::http1::Builder::new();
            builder.preserve_header_case(true).auto_date_header(false);
            let _ = builder.serve_connection(TokioIo::new(stream), service).await;
        }
    })
    .await
}

#[tokio::test]
async fn spelling_and_order_of_http1_fields_pass_both_ways() {
    let request = "GET /a?b=%7e HTTP/1.1\r\nhOST: origin.example\r\nX-ONE: 1\r\nx-two: 2\r\nX-Three:  3\r\n\r\n";
    let answer =
        "HTTP/1.1 299 Fine By Me\r\neTaG: \"x\"\r\nSET-Cookie: a=1\r\nset-cookie: b=2\r\ncontent-LENGTH: 0\r\n\r\n";
    let (seen, head) = tokio::sync::oneshot::channel();
    let seen = std::sync::Mutex::new(Some(seen));
    let seen = Arc::new(seen);
    let origin = Origin::scripted(move |_, mut stream| {
        let seen = seen.clone();
        async move {
            let head = read_head(&mut stream).await;
            seen.lock().unwrap().take().unwrap().send(head).unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    })
    .await;
    let relay = relay_to(origin.at).await;
    let mut client = TcpStream::connect(relay.at).await.unwrap();
    client.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(read_head(&mut client).await, answer);
    assert_eq!(head.await.unwrap(), request.replace(":  3", ": 3"));
}

#[tokio::test]
async fn trailers_pass_both_ways_on_http1_and_http2() {
    let certificates = Certificates::new();
    let upstream = upstream(&UpstreamConfig { ca: vec![certificates.file()], ..config() });
    for protocol in ["http/1.1", "h2"] {
        let origin = Origin::secure(&certificates, &[protocol]).await;
        let body = Scripted::new(["data\n"]).ending_with("x-check", "7");
        let mut request = request(Method::POST, "").map(|_| Body::boxed(body));
        request.headers_mut().insert("te", HeaderValue::from_static("trailers"));
        request.headers_mut().insert("trailer", HeaderValue::from_static("x-check"));
        let sent = send(&upstream, &secure(origin.at), request).await.unwrap();
        let collected = sent.response.into_body().collect().await.unwrap();
        assert_eq!(collected.trailers().unwrap()["x-sum"], "42", "{protocol}");
        let said = String::from_utf8(collected.to_bytes().to_vec()).unwrap();
        assert!(said.contains("te: trailers\n") && said.contains("data\nx-check: 7\n"), "{said}");
    }
}

#[tokio::test]
async fn http2_gets_the_clients_authority_and_no_field_of_a_connection() {
    let certificates = Certificates::new();
    let origin = Origin::secure(&certificates, &["h2"]).await;
    let upstream = upstream(&UpstreamConfig { ca: vec![certificates.file()], ..config() });
    let mut request = get();
    for (name, value) in [
        ("host", "shop.example:8443"),
        ("connection", "keep-alive"),
        ("keep-alive", "timeout=5"),
        ("te", "gzip"),
        ("x-kept", "yes"),
    ] {
        request.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    let sent = upstream.send(&secure(origin.at), "shop.example:8443", request).await.unwrap();
    assert_eq!(sent.response.version(), Version::HTTP_2);
    let said = text(sent).await;
    assert_eq!(said, "HTTP/2.0 GET https://shop.example:8443/path?q=1\nx-kept: yes\n");
}

#[tokio::test]
async fn a_request_that_came_in_http2_goes_on_in_http1_with_host_and_one_cookie_field() {
    let origin = Origin::scripted(|_, stream| super::origins::serve(stream)).await;
    let mut request = get();
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() = "https://shop.example/path".parse().unwrap();
    request.headers_mut().append("cookie", HeaderValue::from_static("a=1"));
    request.headers_mut().append("x-after", HeaderValue::from_static("x"));
    request.headers_mut().append("cookie", HeaderValue::from_static("b=2"));
    let sent = upstream(&config()).send(&plain(origin.at), "shop.example", request).await.unwrap();
    let said = text(sent).await;
    assert_eq!(said, "HTTP/1.1 GET /path\ncookie: a=1; b=2\nx-after: x\nhost: shop.example\n");
}

#[tokio::test]
async fn a_get_with_a_body_of_unknown_length_is_sent_with_it() {
    let origin = Origin::scripted(|_, stream| super::origins::serve(stream)).await;
    let request = get().map(|_| Body::boxed(Scripted::new(["{\"query\"", ":{}}"])));
    let said = text(send(&upstream(&config()), &plain(origin.at), request).await.unwrap()).await;
    assert!(said.ends_with("transfer-encoding: chunked\n{\"query\":{}}"), "{said}");
}

#[tokio::test]
async fn early_hints_are_dropped_and_counted() {
    let origin = Origin::scripted(|_, mut stream| async move {
        read_head(&mut stream).await;
        let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n".repeat(2);
        let _ = stream.write_all(hints.as_bytes()).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let sent = send(&upstream(&config()), &plain(origin.at), get()).await.unwrap();
    assert_eq!(sent.response.status(), 200);
    assert_eq!(sent.connection.informational, 2);
    assert_eq!(text(sent).await, "ok");
}

#[tokio::test]
async fn early_hints_on_http2_are_dropped() {
    let certificates = Certificates::new();
    let acceptor = certificates.acceptor("localhost", &["h2"]);
    let origin = Origin::scripted(move |_, stream| {
        let acceptor = acceptor.clone();
        async move {
            let mut connection = h2::server::handshake(acceptor.accept(stream).await.unwrap()).await.unwrap();
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                respond.send_informational(Response::builder().status(103).body(()).unwrap()).unwrap();
                let mut body = respond.send_response(Response::new(()), false).unwrap();
                body.send_data(Bytes::from_static(b"ok"), true).unwrap();
            }
        }
    })
    .await;
    let upstream = upstream(&UpstreamConfig { ca: vec![certificates.file()], ..config() });
    let sent = send(&upstream, &secure(origin.at), get()).await.unwrap();
    assert_eq!(sent.response.status(), 200);
    assert_eq!(text(sent).await, "ok");
}

#[tokio::test]
async fn an_answer_may_come_while_the_request_body_is_on_its_way() {
    let origin = Origin::scripted(|_, mut stream| async move {
        read_head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno").await;
        // Closing with unread bytes resets the connection.
    })
    .await;
    let body = Scripted::new(std::iter::repeat_n("0123456789abcdef", 1 << 18));
    let request = request(Method::POST, "").map(|_| Body::boxed(body));
    let sent = send(&upstream(&config()), &plain(origin.at), request).await.unwrap();
    assert_eq!(sent.response.status(), 413);
}

#[tokio::test]
async fn the_first_bytes_of_a_body_come_before_its_end_is_sent() {
    let go = Arc::new(Notify::new());
    let wait = go.clone();
    let origin = Origin::scripted(move |_, mut stream| {
        let wait = wait.clone();
        async move {
            read_head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n").await.unwrap();
            wait.notified().await;
            stream.write_all(b"3\r\ntwo\r\n0\r\n\r\n").await.unwrap();
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    })
    .await;
    let mut body = send(&upstream(&config()), &plain(origin.at), get()).await.unwrap().response.into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "one");
    go.notify_one();
    assert_eq!(body.collect().await.unwrap().to_bytes(), "two");
}

#[tokio::test]
async fn http10_answers_last_until_the_connection_ends() {
    let origin = Origin::scripted(|_, mut stream| async move {
        read_head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.0 200 OK\r\nX-Old: yes\r\n\r\nuntil the end").await;
    })
    .await;
    let sent = send(&upstream(&config()), &plain(origin.at), get()).await.unwrap();
    assert_eq!(sent.response.version(), Version::HTTP_10);
    assert_eq!(text(sent).await, "until the end");
}

#[tokio::test]
async fn large_heads_pass_on_http1_and_http2() {
    let mut answer = String::from("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
    for number in 0..500 {
        answer += &format!("X-{number}: {}\r\n", "v".repeat(1000));
    }
    answer += "\r\n";
    let origin = Origin::scripted(move |_, mut stream| {
        let answer = answer.clone();
        async move {
            read_head(&mut stream).await;
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    })
    .await;
    let sent = send(&upstream(&config()), &plain(origin.at), get()).await.unwrap();
    assert_eq!(sent.response.headers().len(), 501);

    let certificates = Certificates::new();
    let acceptor = certificates.acceptor("localhost", &["h2"]);
    let origin = Origin::scripted(move |_, stream| {
        let acceptor = acceptor.clone();
        async move {
            let service = service_fn(|_| async {
                let mut response = Response::new(http_body_util::Empty::<Bytes>::new());
                for number in 0..900 {
                    let name: http::HeaderName = format!("x-{number}").parse().unwrap();
                    response.headers_mut().insert(name, "v".repeat(100).parse().unwrap());
                }
                Ok::<_, std::convert::Infallible>(response)
            });
            let stream = TokioIo::new(acceptor.accept(stream).await.unwrap());
            let executor = hyper_util::rt::TokioExecutor::new();
            let _ = hyper::server::conn::http2::Builder::new(executor).serve_connection(stream, service).await;
        }
    })
    .await;
    let upstream = upstream(&UpstreamConfig { ca: vec![certificates.file()], ..config() });
    let sent = send(&upstream, &secure(origin.at), get()).await.unwrap();
    assert!(sent.response.headers().len() >= 900);
}

#[tokio::test]
async fn an_upgrade_hands_over_the_stream_with_what_came_behind_the_head() {
    let origin = Origin::scripted(|_, mut stream| async move {
        let head = read_head(&mut stream).await;
        assert!(head.contains("upgrade: websocket\r\n"), "{head}");
        let _ = stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nfirst").await;
        let (mut read, mut write) = stream.split();
        let _ = tokio::io::copy(&mut read, &mut write).await;
    })
    .await;
    let mut request = get();
    request.headers_mut().insert("connection", HeaderValue::from_static("upgrade"));
    request.headers_mut().insert("upgrade", HeaderValue::from_static("websocket"));
    let to = plain(origin.at);
    let mut sent = upstream(&config()).send_upgrade(&to, &to.authority(), request).await.unwrap();
    assert_eq!(sent.response.status(), 101);
    let mut stream = TokioIo::new(hyper::upgrade::on(&mut sent.response).await.unwrap());
    stream.write_all(b" then echo").await.unwrap();
    let mut said = [0; 15];
    stream.read_exact(&mut said).await.unwrap();
    assert_eq!(&said, b"first then echo");
}

#[tokio::test]
async fn an_upgrade_over_tls_is_http1_and_its_refusal_an_ordinary_answer() {
    let certificates = Certificates::new();
    let origin = Origin::secure(&certificates, &["h2", "http/1.1"]).await;
    let upstream = upstream(&UpstreamConfig { ca: vec![certificates.file()], ..config() });
    let to = secure(origin.at);
    let sent = upstream.send_upgrade(&to, &to.authority(), get()).await.unwrap();
    assert!(text(sent).await.starts_with("HTTP/1.1 GET /path"));
}

#[tokio::test]
async fn ipv6_literals_are_reached() {
    let Ok(origin) = Origin::scripted_on("[::1]:0", |_, stream| super::origins::serve(stream)).await else {
        eprintln!("skipped: no IPv6 loopback here");
        return;
    };
    let to = plain(origin.at);
    assert_eq!(to.authority(), format!("[::1]:{}", origin.at.port()));
    let said = text(send(&upstream(&config()), &to, get()).await.unwrap()).await;
    assert!(said.contains(&format!("host: [::1]:{}\n", origin.at.port())), "{said}");
}
