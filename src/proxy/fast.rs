//! The fast path of HTTP/1.1: a GET that the archive answers in one way only gets bytes that lie ready.
//!
//! Hyper parses a request into a map of fields, has a response put together as another, and writes that out as text.
//! A replayed answer is the same text each time, so here the head of the request is looked at just far enough to know
//! that nothing in it matters, its URL is looked up as it stands, and head and body of the answer are written from one
//! piece of memory. Nothing is allocated for a request. The first request that is anything else (another method, a
//! payload, a field that changes the answer, a URL that is not recorded so, a head that is not whole or not well-formed)
//! is left unread, and hyper gets the connection for good.

use std::io;
use std::pin::pin;
use std::time::Instant;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::config::Cors;
use super::connection::Interruption;
use super::engine::{Engine, EngineMode, ReplayState};
use super::target::{Via, destination};
use crate::log::{ExchangeLine, Source};
use crate::matching::EntryRef;
use crate::message::Scheme;
use crate::replay::Ready;

/// A longer head is none of the usual.
const HEAD_MOST: usize = 16 << 10;
/// Nor is one with more fields.
const FIELDS_MOST: usize = 64;

/// Answers what it can. Returns with the bytes of the first request that it cannot answer, or with none where the
/// connection is to end.
pub(super) async fn serve<S, I>(
    stream: &mut S,
    via: &Via,
    engine: &Engine,
    interrupted: &mut I,
) -> io::Result<Option<BytesMut>>
where
    S: AsyncRead + AsyncWrite + Unpin,
    I: Future<Output = Interruption> + Unpin,
{
    let mut buffer = BytesMut::new();
    let EngineMode::Replay(state) = &engine.mode else { return Ok(Some(buffer)) };
    if let Via::Connect(to) = via
        && engine.is_own(&to.host, to.port)
    {
        return Ok(Some(buffer));
    }
    let mut url = String::new();
    loop {
        if buffer.is_empty() {
            let read = tokio::select! {
                biased;
                read = stream.read_buf(&mut buffer) => read?,
                _interruption = &mut *interrupted => return Ok(None),
            };
            if read == 0 {
                return Ok(None);
            }
        }
        let started = engine.log.is_on().then(Instant::now);
        let Some(length) = plain_get(&buffer, via, state.cors, &mut url) else { return Ok(Some(buffer)) };
        let Some(entry) = state.replayer.ready_entry(&url, |url| may_answer(url, engine, state)) else {
            return Ok(Some(buffer));
        };
        let Some(ready) = state.replayer.ready(entry).await else { return Ok(Some(buffer)) };
        buffer.advance(length);
        let goes_on = send(stream, &ready, interrupted).await?;
        state.replayer.count(entry);
        engine.tally.served();
        if let Some(started) = started {
            log(engine, state, &url, entry, &ready, started);
        }
        if !goes_on {
            return Ok(None);
        }
    }
}

/// Sends an answer, also when the run ends meanwhile, but not to a client that does not take it. Whether the connection
/// goes on.
async fn send<S, I>(stream: &mut S, ready: &Ready, interrupted: &mut I) -> io::Result<bool>
where
    S: AsyncWrite + Unpin,
    I: Future<Output = Interruption> + Unpin,
{
    let mut sending = pin!(async {
        stream.write_all(&ready.first).await?;
        if !ready.second.is_empty() {
            stream.write_all(&ready.second).await?;
        }
        stream.flush().await
    });
    tokio::select! {
        biased;
        sent = sending.as_mut() => sent.map(|()| true),
        interruption = interrupted => match interruption {
            Interruption::Silence => Ok(false),
            Interruption::EndOfRun => sending.await.map(|()| false),
        },
    }
}

/// Looks at the head at the start of `bytes`: how long it is, and into `url` what it asks for, if it is a GET to which
/// nothing but its URL matters.
fn plain_get(bytes: &[u8], via: &Via, cors: Cors, url: &mut String) -> Option<usize> {
    if bytes.len() > HEAD_MOST || !bytes.starts_with(b"GET ") {
        return None;
    }
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MOST];
    let mut request = httparse::Request::new(&mut fields);
    let httparse::Status::Complete(length) = request.parse(bytes).ok()? else { return None };
    if request.version != Some(1) {
        return None;
    }
    let mut host = None;
    for field in request.headers.iter() {
        let is = |name: &str| field.name.eq_ignore_ascii_case(name);
        // Told apart by their length first: most fields are none of these.
        match field.name.len() {
            4 if is("host") && host.replace(field.value).is_some() => return None,
            6 if is("expect") || (is("origin") && cors == Cors::Auto) => return None,
            7 if is("upgrade") => return None,
            10 if is("connection") && !field.value.eq_ignore_ascii_case(b"keep-alive") => return None,
            14 if is("content-length") => return None,
            17 if is("transfer-encoding") => return None,
            _ => {}
        }
    }
    let target = request.path?;
    url.clear();
    match via {
        Via::Listener if target.starts_with("http://") => url.push_str(target),
        Via::Connect(to) if target.starts_with('/') => {
            for part in [to.scheme.as_str(), "://", plain_host(host?)?, target] {
                url.push_str(part);
            }
        }
        _ => return None,
    }
    Some(length)
}

/// A host with or without a port and nothing beside: a slash in it would move the path of the URL.
fn plain_host(value: &[u8]) -> Option<&str> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(byte);
    std::str::from_utf8(value).ok().filter(|_| value.iter().all(plain))
}

/// Whether every request for a recorded URL is for the archive to answer: the user's settings and harmock's own names
/// have nothing to say about it.
fn may_answer(url: &str, engine: &Engine, state: &ReplayState) -> bool {
    let (scheme, rest) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
        (Some(rest), _) => (Scheme::Http, rest),
        (_, Some(rest)) => (Scheme::Https, rest),
        _ => return false,
    };
    let authority = rest.split('/').next().unwrap_or_default();
    // A live URL never has userinfo: it is taken off before the lookup.
    let Some(to) = destination(scheme, authority).filter(|_| !authority.contains('@')) else { return false };
    !engine.is_own(&to.host, to.port) && state.scope.contains(url)
}

fn log(engine: &Engine, state: &ReplayState, url: &str, entry: EntryRef, ready: &Ready, started: Instant) {
    let name = state.replayer.name(entry);
    engine.log.exchange(&ExchangeLine {
        method: "GET",
        url,
        status: Some(ready.status),
        size: ready.size,
        time: started.elapsed(),
        source: Source::Entry { archive: name.archive, entry: name.ordinal },
        note: None,
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Destination;

    fn asked(head: &str, via: &Via) -> Option<String> {
        let mut url = String::new();
        plain_get(head.as_bytes(), via, Cors::Auto, &mut url).map(|length| {
            assert_eq!(length, head.find("\r\n\r\n").unwrap() + 4);
            url
        })
    }

    fn inside() -> Via {
        Via::Connect(Destination { scheme: Scheme::Https, host: "a.example".into(), port: 443 })
    }

    #[test]
    fn the_url_is_that_of_the_absolute_form_or_made_of_host_and_path() {
        let absolute = "GET http://a.example/x?y HTTP/1.1\r\nHost: other\r\nAccept: */*\r\n\r\nGET";
        assert_eq!(asked(absolute, &Via::Listener).as_deref(), Some("http://a.example/x?y"));
        let origin = "GET /x HTTP/1.1\r\nhost: a.example:8443\r\nConnection: Keep-Alive\r\n\r\n";
        assert_eq!(asked(origin, &inside()).as_deref(), Some("https://a.example:8443/x"));
    }

    #[test]
    fn what_may_change_the_answer_is_left_to_hyper() {
        for head in [
            "POST http://a/ HTTP/1.1\r\nhost: a\r\n\r\n",
            "GET http://a/ HTTP/1.0\r\nhost: a\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nhost: a\r\n",
            "GET http://a/ HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nhost: a\r\nContent-Length: 0\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nhost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nhost: a\r\nConnection: close\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nhost: a\r\nConnection: keep-alive, upgrade\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nhost: a\r\nUpgrade: websocket\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nhost: a\r\nExpect: 100-continue\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nhost: a\r\nOrigin: http://b\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: a\r\n\r\n",
            "GET https://a/ HTTP/1.1\r\nhost: a\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nbad field: a\r\n\r\n",
        ] {
            assert_eq!(asked(head, &Via::Listener), None, "{head}");
        }
        assert_eq!(asked("GET /x HTTP/1.1\r\n\r\n", &inside()), None);
        for host in ["a.example/x", "a.example?", "u@a.example", "a.example#", "a\\b"] {
            assert_eq!(asked(&format!("GET /x HTTP/1.1\r\nhost: {host}\r\n\r\n"), &inside()), None, "{host}");
        }
        assert_eq!(asked("GET https://a.example/x HTTP/1.1\r\nhost: a.example\r\n\r\n", &inside()), None);
    }
}
