//! Connections are used again, and nothing is sent twice that must not be.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;

use super::origins::{Certificates, Origin, read_head};
use super::*;
use crate::message::FailureCause;
use crate::upstream::Protocol;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Answers every request on every connection.
async fn patient() -> Origin {
    Origin::scripted(|_, mut stream| async move {
        while !read_head(&mut stream).await.is_empty() {
            stream.write_all(OK).await.unwrap();
        }
    })
    .await
}

#[tokio::test]
async fn a_connection_serves_one_request_after_the_other() {
    let origin = patient().await;
    let (upstream, to) = (upstream(&config()), plain(origin.at));
    let mut seen = Vec::new();
    for _ in 0..5 {
        let sent = send(&upstream, &to, get()).await.unwrap();
        seen.push(sent.connection.clone());
        assert_eq!(text(sent).await, "ok");
    }
    assert_eq!(origin.accepted(), 1);
    assert_eq!(seen[0].remote, Some(origin.at));
    assert!(!seen[0].reused && seen[0].connect.is_some() && seen[0].dns.is_none() && seen[0].tls.is_none());
    assert!(seen[1..].iter().all(|facts| facts.reused && facts.id == seen[0].id && facts.connect.is_none()));
}

#[tokio::test]
async fn requests_at_the_same_time_have_http1_connections_of_their_own() {
    let origin = patient().await;
    let (upstream, to) = (upstream(&config()), plain(origin.at));
    let first = send(&upstream, &to, get()).await.unwrap();
    let second = send(&upstream, &to, get()).await.unwrap();
    // Neither body has been read, so the first connection may be free by now or not.
    assert!(origin.accepted() <= 2);
    assert_eq!((text(first).await, text(second).await), ("ok".into(), "ok".into()));
    let both = tokio::join!(send(&upstream, &to, get()), send(&upstream, &to, get()));
    assert_ne!(both.0.unwrap().connection.id, both.1.unwrap().connection.id);
}

#[tokio::test]
async fn requests_that_come_before_an_http2_connection_is_open_share_it() {
    let certificates = Certificates::new();
    let origin = Origin::secure(&certificates, &["h2", "http/1.1"]).await;
    let upstream = upstream(&UpstreamConfig { ca: vec![certificates.file()], ..config() });
    let to = secure(origin.at);
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (upstream, to) = (upstream.clone(), to.clone());
        requests.spawn(async move { send(&upstream, &to, get()).await.unwrap().connection });
    }
    let facts = requests.join_all().await;
    assert_eq!(origin.accepted(), 1);
    assert!(facts.iter().all(|facts| facts.protocol == Protocol::Http2));
    assert_eq!(facts.iter().filter(|facts| !facts.reused).count(), 1);
}

#[tokio::test]
async fn requests_that_wait_for_one_handshake_each_get_a_connection_if_it_brings_http1() {
    let certificates = Certificates::new();
    let origin = Origin::secure(&certificates, &["http/1.1"]).await;
    let upstream = upstream(&UpstreamConfig { ca: vec![certificates.file()], ..config() });
    let to = secure(origin.at);
    let both = tokio::join!(send(&upstream, &to, get()), send(&upstream, &to, get()));
    for sent in [both.0.unwrap(), both.1.unwrap()] {
        assert_eq!(sent.connection.protocol, Protocol::Http1);
        assert!(text(sent).await.starts_with("HTTP/1.1 GET /path?q=1\nhost: localhost:"));
    }
}

#[tokio::test]
async fn all_that_wait_for_one_handshake_are_told_why_it_failed() {
    let origin = Origin::scripted(|_, stream| async move { drop(stream) }).await;
    let (upstream, to) = (upstream(&config()), secure(origin.at));
    let both = tokio::join!(send(&upstream, &to, get()), send(&upstream, &to, get()));
    assert_eq!(both.0.unwrap_err().cause, FailureCause::Tls);
    assert_eq!(both.1.unwrap_err().cause, FailureCause::Tls);
    assert_eq!(origin.accepted(), 1);
}

#[tokio::test]
async fn a_client_that_goes_away_does_not_end_the_handshake_of_another() {
    let certificates = Certificates::new();
    let acceptor = certificates.acceptor("localhost", &["h2"]);
    let (arrived, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let origin = {
        let (arrived, go) = (arrived.clone(), go.clone());
        Origin::scripted(move |_, stream| {
            let (acceptor, arrived, go) = (acceptor.clone(), arrived.clone(), go.clone());
            async move {
                arrived.notify_one();
                go.notified().await;
                super::origins::serve(acceptor.accept(stream).await.unwrap()).await;
            }
        })
        .await
    };
    let upstream = upstream(&UpstreamConfig { ca: vec![certificates.file()], ..config() });
    let to = secure(origin.at);
    let leaving = tokio::spawn({
        let (upstream, to) = (upstream.clone(), to.clone());
        async move { drop(send(&upstream, &to, get()).await) }
    });
    arrived.notified().await;
    let staying = tokio::spawn(async move { send(&upstream, &to, get()).await });
    leaving.abort();
    let _ = leaving.await;
    go.notify_one();
    assert!(staying.await.unwrap().is_ok());
    assert_eq!(origin.accepted(), 1);
}

/// The first connection answers once and ends with the second request read; later ones answer. What came is noted.
async fn forgetful() -> (Origin, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = seen.clone();
    let origin = Origin::scripted(move |number, mut stream| {
        let notes = notes.clone();
        async move {
            for answered in 0.. {
                let head = read_head(&mut stream).await;
                if head.is_empty() {
                    return;
                }
                notes.lock().unwrap().push(format!("{number} {}", head.split(' ').next().unwrap()));
                if number == 0 && answered == 1 {
                    return;
                }
                stream.write_all(OK).await.unwrap();
            }
        }
    })
    .await;
    (origin, seen)
}

#[tokio::test]
async fn a_get_is_sent_again_when_its_used_connection_ends() {
    let (origin, seen) = forgetful().await;
    let (upstream, to) = (upstream(&config()), plain(origin.at));
    text(send(&upstream, &to, get()).await.unwrap()).await;
    let sent = send(&upstream, &to, get()).await.unwrap();
    assert!(!sent.connection.reused);
    assert_eq!(text(sent).await, "ok");
    assert_eq!(*seen.lock().unwrap(), ["0 GET", "0 GET", "1 GET"]);
}

#[tokio::test]
async fn a_post_is_not_sent_again_when_its_used_connection_ends() {
    let (origin, seen) = forgetful().await;
    let (upstream, to) = (upstream(&config()), plain(origin.at));
    text(send(&upstream, &to, get()).await.unwrap()).await;
    let failure = send(&upstream, &to, request(Method::POST, "pay")).await.unwrap_err();
    assert_eq!(failure.cause, FailureCause::Reset);
    assert_eq!(*seen.lock().unwrap(), ["0 GET", "0 POST"]);
}

#[tokio::test]
async fn a_put_is_sent_again_with_its_body_if_that_is_at_hand() {
    let (origin, seen) = forgetful().await;
    let (upstream, to) = (upstream(&config()), plain(origin.at));
    text(send(&upstream, &to, get()).await.unwrap()).await;
    let sent = send(&upstream, &to, request(Method::PUT, "")).await.unwrap();
    assert_eq!(text(sent).await, "ok");
    text(send(&upstream, &to, get()).await.unwrap()).await;
    assert_eq!(*seen.lock().unwrap(), ["0 GET", "0 PUT", "1 PUT", "1 GET"]);

    let (origin, seen) = forgetful().await;
    let to = plain(origin.at);
    text(send(&upstream, &to, get()).await.unwrap()).await;
    let streamed = request(Method::PUT, "").map(|_| Body::boxed(Scripted::new(["gone"])));
    assert_eq!(send(&upstream, &to, streamed).await.unwrap_err().cause, FailureCause::Reset);
    assert_eq!(*seen.lock().unwrap(), ["0 GET", "0 PUT"]);
}

#[tokio::test]
async fn nothing_is_sent_again_that_failed_on_a_new_connection() {
    let origin = Origin::scripted(|_, mut stream| async move { drop(read_head(&mut stream).await) }).await;
    let failure = send(&upstream(&config()), &plain(origin.at), get()).await.unwrap_err();
    assert_eq!(failure.cause, FailureCause::Reset);
    assert_eq!(origin.accepted(), 1);
}

#[tokio::test]
async fn a_connection_that_the_origin_ended_while_idle_costs_a_post_nothing() {
    let ended = Arc::new(Notify::new());
    let end = ended.clone();
    let origin = Origin::scripted(move |number, mut stream| {
        let end = end.clone();
        async move {
            read_head(&mut stream).await;
            stream.write_all(OK).await.unwrap();
            if number == 0 {
                stream.shutdown().await.unwrap();
                // The proxy closes its side as soon as it has seen the end.
                let _ = stream.read_to_end(&mut Vec::new()).await;
                end.notify_one();
            } else {
                let _ = stream.read_to_end(&mut Vec::new()).await;
            }
        }
    })
    .await;
    let (upstream, to) = (upstream(&config()), plain(origin.at));
    text(send(&upstream, &to, get()).await.unwrap()).await;
    ended.notified().await;
    let sent = send(&upstream, &to, request(Method::POST, "pay")).await.unwrap();
    assert!(!sent.connection.reused);
}

#[tokio::test]
async fn a_connection_is_not_used_for_longer_than_its_origin_said() {
    let origin = Origin::scripted(|_, mut stream| async move {
        while !read_head(&mut stream).await.is_empty() {
            let answer = b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1, max=9\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(answer).await.unwrap();
        }
    })
    .await;
    let (upstream, to) = (upstream(&config()), plain(origin.at));
    for _ in 0..2 {
        assert!(!send(&upstream, &to, get()).await.unwrap().connection.reused);
    }
}

#[tokio::test]
async fn a_body_that_is_given_up_takes_its_connection_with_it() {
    let origin = Origin::scripted(|_, mut stream| async move {
        read_head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nstart").await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let (upstream, to) = (upstream(&config()), plain(origin.at));
    drop(send(&upstream, &to, get()).await.unwrap());
    assert!(!send(&upstream, &to, get()).await.unwrap().connection.reused);
}

#[tokio::test]
async fn a_connection_that_stays_idle_is_closed() {
    let (ended, end) = tokio::sync::mpsc::channel(2);
    let mut end = end;
    let certificates = Certificates::new();
    let acceptor = certificates.acceptor("localhost", &["h2"]);
    let http2 = {
        let ended = ended.clone();
        Origin::scripted(move |_, stream| {
            let (acceptor, ended) = (acceptor.clone(), ended.clone());
            async move {
                super::origins::serve(acceptor.accept(stream).await.unwrap()).await;
                ended.send(Protocol::Http2).await.unwrap();
            }
        })
        .await
    };
    let http1 = Origin::scripted(move |_, stream| {
        let ended = ended.clone();
        async move {
            super::origins::serve(stream).await;
            ended.send(Protocol::Http1).await.unwrap();
        }
    })
    .await;
    let config = UpstreamConfig { ca: vec![certificates.file()], idle: Duration::from_millis(30), ..config() };
    let upstream = upstream(&config);
    text(send(&upstream, &plain(http1.at), get()).await.unwrap()).await;
    text(send(&upstream, &secure(http2.at), get()).await.unwrap()).await;
    let both = [end.recv().await.unwrap(), end.recv().await.unwrap()];
    assert_ne!(both[0], both[1]);
}

#[tokio::test]
async fn an_http2_connection_that_says_goodbye_is_replaced() {
    let certificates = Certificates::new();
    let acceptor = certificates.acceptor("localhost", &["h2"]);
    let origin = Origin::scripted(move |_, stream| {
        let acceptor = acceptor.clone();
        async move {
            let mut connection = h2::server::handshake(acceptor.accept(stream).await.unwrap()).await.unwrap();
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                respond.send_response(http::Response::new(()), true).unwrap();
                connection.graceful_shutdown();
            }
        }
    })
    .await;
    let upstream = upstream(&UpstreamConfig { ca: vec![certificates.file()], ..config() });
    for _ in 0..3 {
        let sent = send(&upstream, &secure(origin.at), request(Method::POST, "pay")).await.unwrap();
        assert_eq!(sent.response.status(), 200);
    }
    assert!(origin.accepted() > 1);
}
