//! Each way to fail has its cause and its sentence.

use std::time::Duration;

use http::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::origins::{Certificates, Origin, read_head, reset};
use super::*;
use crate::message::FailureCause;

async fn failure(config: &UpstreamConfig, to: &Destination) -> Failure {
    send(&upstream(config), to, get()).await.expect_err("a failure")
}

fn assert_says(failure: &Failure, cause: FailureCause, sentence: &str) {
    assert_eq!((failure.cause, failure.to_string().as_str()), (cause, sentence));
    assert!(!failure.by_client);
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_named_without_its_port() {
    let to = Destination { scheme: Scheme::Https, host: "nonexistent.invalid".into(), port: 443 };
    let failure = failure(&config(), &to).await;
    assert_eq!(failure.cause, FailureCause::Dns);
    assert!(failure.sentence().starts_with("nonexistent.invalid does not resolve ("), "{failure}");
}

#[tokio::test]
async fn a_closed_port_refuses() {
    let to = plain(TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap());
    let failure = failure(&config(), &to).await;
    assert_says(&failure, FailureCause::Refused, &format!("connection to {to} refused"));
}

/// Only Linux leaves the connections that overflow a full queue without an answer.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_connection_that_is_not_accepted_times_out() {
    let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let at = listener.local_addr().unwrap().as_socket().unwrap();
    let _fills_the_queue = tokio::net::TcpStream::connect(at).await.unwrap();
    let config = UpstreamConfig { connect: Duration::from_millis(60), ..config() };
    let sentence = format!("no connection to {at} within 60 ms");
    assert_says(&failure(&config, &plain(at)).await, FailureCause::Timeout, &sentence);
}

#[tokio::test]
async fn an_unknown_issuer_is_told_with_both_ways_out() {
    let certificates = Certificates::new();
    let origin = Origin::secure(&certificates, &["http/1.1"]).await;
    let failure = failure(&config(), &secure(origin.at)).await;
    assert_says(
        &failure,
        FailureCause::Tls,
        &format!(
            "TLS handshake with localhost:{} failed: certificate not trusted (unknown issuer); \
             pass --upstream-ca or --insecure-upstream",
            origin.at.port()
        ),
    );
}

#[tokio::test]
async fn a_named_authority_and_insecure_each_accept_the_certificate() {
    let certificates = Certificates::new();
    let origin = Origin::secure(&certificates, &["http/1.1"]).await;
    let trusting = UpstreamConfig { ca: vec![certificates.file()], ..config() };
    let careless = UpstreamConfig { insecure: true, ..config() };
    for config in [trusting, careless] {
        let sent = send(&upstream(&config), &secure(origin.at), get()).await.unwrap();
        assert!(sent.connection.tls.is_some());
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_is_told_with_both_names() {
    let certificates = Certificates::new();
    let acceptor = certificates.acceptor("other.example", &["http/1.1"]);
    let origin = Origin::scripted(move |_, stream| {
        let acceptor = acceptor.clone();
        async move { drop(acceptor.accept(stream).await) }
    })
    .await;
    let config = UpstreamConfig { ca: vec![certificates.file()], ..config() };
    let failure = failure(&config, &secure(origin.at)).await;
    assert_eq!(failure.cause, FailureCause::Tls);
    assert!(failure.sentence().contains("its certificate is for another name"), "{failure}");
    assert!(failure.sentence().contains("localhost") && failure.sentence().contains("other.example"), "{failure}");
}

#[tokio::test]
async fn plain_http_on_a_tls_port_is_not_tls() {
    let origin = Origin::scripted(|_, mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let to = secure(origin.at);
    let sentence = format!("TLS handshake with {to} failed: what it answered is not TLS");
    assert_says(&failure(&config(), &to).await, FailureCause::Tls, &sentence);
}

#[tokio::test]
async fn a_handshake_that_gets_no_answer_times_out() {
    let origin = Origin::scripted(|_, mut stream| async move { drop(stream.read_to_end(&mut Vec::new()).await) }).await;
    let to = secure(origin.at);
    let config = UpstreamConfig { tls: Duration::from_millis(40), ..config() };
    let sentence = format!("no TLS handshake with {to} within 40 ms");
    assert_says(&failure(&config, &to).await, FailureCause::Timeout, &sentence);
}

#[tokio::test]
async fn an_answer_that_does_not_come_times_out() {
    let origin = Origin::scripted(|_, mut stream| async move { drop(stream.read_to_end(&mut Vec::new()).await) }).await;
    let to = plain(origin.at);
    let config = UpstreamConfig { first_byte: Duration::from_millis(40), ..config() };
    let sentence = format!("{to} did not answer within 40 ms");
    assert_says(&failure(&config, &to).await, FailureCause::Timeout, &sentence);
}

#[tokio::test]
async fn a_reset_before_the_answer_is_a_reset() {
    let origin = Origin::scripted(|_, mut stream| async move {
        read_head(&mut stream).await;
        reset(stream);
    })
    .await;
    let to = plain(origin.at);
    let sentence = format!("{to} reset the connection before answering");
    assert_says(&failure(&config(), &to).await, FailureCause::Reset, &sentence);
}

#[tokio::test]
async fn an_end_before_the_answer_is_told_apart_from_a_reset() {
    let origin = Origin::scripted(|_, mut stream| async move {
        read_head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Ty").await;
    })
    .await;
    let to = plain(origin.at);
    let sentence = format!("{to} closed the connection before answering");
    assert_says(&failure(&config(), &to).await, FailureCause::Reset, &sentence);
}

#[tokio::test]
async fn what_is_not_http_is_a_protocol_failure_whoever_speaks_first() {
    for waits in [true, false] {
        let origin = Origin::scripted(move |_, mut stream| async move {
            if waits {
                read_head(&mut stream).await;
            }
            let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await;
            let _ = stream.read_to_end(&mut Vec::new()).await;
        })
        .await;
        let to = plain(origin.at);
        let failure = failure(&config(), &to).await;
        assert_eq!(failure.cause, FailureCause::Protocol, "{failure}");
        assert!(failure.sentence().starts_with(&format!("{to} did not answer in HTTP (")), "{failure}");
    }
}

#[tokio::test]
async fn garbage_after_http2_was_agreed_on_is_a_protocol_failure() {
    let certificates = Certificates::new();
    let acceptor = certificates.acceptor("localhost", &["h2"]);
    let origin = Origin::scripted(move |_, stream| {
        let acceptor = acceptor.clone();
        async move {
            let mut stream = acceptor.accept(stream).await.unwrap();
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    })
    .await;
    let config = UpstreamConfig { ca: vec![certificates.file()], ..config() };
    let failure = failure(&config, &secure(origin.at)).await;
    assert_eq!(failure.cause, FailureCause::Protocol, "{failure}");
}

#[tokio::test]
async fn a_change_of_protocol_that_nobody_asked_for_is_refused() {
    let origin = Origin::scripted(|_, mut stream| async move {
        read_head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n").await;
    })
    .await;
    let to = plain(origin.at);
    let sentence = format!("{to} did not answer in HTTP (it changed the protocol unasked)");
    assert_says(&failure(&config(), &to).await, FailureCause::Protocol, &sentence);
}

#[tokio::test]
async fn a_request_to_this_proxy_itself_is_refused_before_it_connects() {
    let origin = Origin::scripted(|_, _| async {}).await;
    let to = plain(origin.at);
    let upstream = Upstream::new(&config(), vec![origin.at]).unwrap();
    let failure = send(&upstream, &to, get()).await.expect_err("a failure");
    let sentence = format!("{to} is this proxy itself, so the request would go in a circle");
    assert_says(&failure, FailureCause::Refused, &sentence);
    assert!(upstream.tunnel(&to).await.is_err());
    assert_eq!(origin.accepted(), 0);
}

#[tokio::test]
async fn a_request_body_that_breaks_off_is_the_clients_fault() {
    let origin = Origin::scripted(|_, mut stream| async move { drop(stream.read_to_end(&mut Vec::new()).await) }).await;
    let request = request(Method::POST, "").map(|_| Body::boxed(Scripted::new(["abc"]).breaking()));
    let failure = send(&upstream(&config()), &plain(origin.at), request).await.expect_err("a failure");
    assert!(failure.by_client, "{failure}");
}
