//! The fast path of HTTP/1.1: a GET that the archive answers in one way only gets bytes that lie ready.
//!
//! Hyper parses a request into a map of fields, has a response put together as another, and writes that out as text.
//! A replayed answer is the same text each time, so here the head of the request is looked at just far enough to know
//! that nothing in it matters, its URL is looked up as it stands, and head and body of the answer are written from one
//! piece of memory (a large body from its file). Nothing is allocated for a request. The first request that is anything else (another method, a
//! payload, a field that changes the answer, a URL that is not recorded so, a head that is not well-formed)
//! is left unread, and hyper gets the connection for good.

use std::io;
use std::mem::MaybeUninit;
use std::pin::pin;
use std::time::Instant;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use super::{changes_answer, file, log, may_answer, plain_host, replays};
use crate::connect::ToClient;
use crate::proxy::config::Cors;
use crate::proxy::connection::{Client, Interruption};
use crate::proxy::engine::Engine;
use crate::proxy::target::Via;
use crate::replay::Ready;

/// A longer head is none of the usual.
const HEAD_MOST: usize = 16 << 10;
/// Nor is one with more fields.
const FIELDS_MOST: usize = 64;
/// Bytes asked for at a time.
const READ: usize = 4 << 10;

/// Answers what it can, beginning with what has been read already. Returns with the bytes of the first request that it
/// cannot answer, or with none where the connection is to end.
pub(in crate::proxy) async fn serve<S, I>(
    stream: &mut S,
    mut buffer: BytesMut,
    client: &Client,
    engine: &Engine,
    interrupted: &mut I,
) -> io::Result<Option<BytesMut>>
where
    S: AsyncRead + AsyncWrite + ToClient + Unpin,
    I: Future<Output = Interruption> + Unpin,
{
    let Some(state) = replays(engine, client) else { return Ok(Some(buffer)) };
    let via = &client.via;
    let mut url = String::new();
    loop {
        let head = plain_get(&buffer, via, state.cors, &mut url);
        if let Head::Part = head {
            // The room of the requests before is used again.
            buffer.reserve(READ);
            let read = tokio::select! {
                biased;
                read = stream.read_buf(&mut buffer) => read?,
                _interruption = &mut *interrupted => return Ok(None),
            };
            if read == 0 {
                return Ok(None);
            }
            continue;
        }
        let started = engine.log.is_on().then(Instant::now);
        let Head::Plain(length) = head else { return Ok(Some(buffer)) };
        // Until the answer is sent: a reload meanwhile concerns later requests.
        let replayer = state.replayer.load();
        let Some(entry) = replayer.ready_entry(&url, |url| may_answer(url, engine, state)) else {
            return Ok(Some(buffer));
        };
        let Some(ready) = replayer.ready(entry).await else { return Ok(Some(buffer)) };
        if let Some(file) = file::held_back(&ready, stream) {
            replayer.copy_if_asked_again(entry, file);
        }
        buffer.advance(length);
        let goes_on = send(stream, &ready, interrupted).await?;
        replayer.count(entry);
        engine.tally.served();
        if let Some(started) = started {
            log(engine, replayer.name(entry), &url, (ready.status, ready.size), started);
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
    S: AsyncWrite + ToClient + Unpin,
    I: Future<Output = Interruption> + Unpin,
{
    let mut sending = pin!(file::write(ready, stream));
    tokio::select! {
        biased;
        sent = sending.as_mut() => sent.map(|()| true),
        interruption = interrupted => match interruption {
            Interruption::Silence => Ok(false),
            Interruption::EndOfRun => sending.await.map(|()| false),
        },
    }
}

/// What stands at the start of the bytes that have come.
enum Head {
    /// A GET to which nothing but its URL matters, and the length of its head.
    Plain(usize),
    /// Maybe one, that has not come whole.
    Part,
    /// Anything else.
    Other,
}

/// Looks at the head at the start of `bytes`, and writes into `url` what it asks for.
fn plain_get(bytes: &[u8], via: &Via, cors: Cors, url: &mut String) -> Head {
    let start = bytes.len().min(4);
    if bytes[..start] != b"GET "[..start] || bytes.len() > HEAD_MOST {
        return Head::Other;
    }
    let mut fields = [const { MaybeUninit::uninit() }; FIELDS_MOST];
    let mut request = httparse::Request::new(&mut []);
    match request.parse_with_uninit_headers(bytes, &mut fields) {
        Ok(httparse::Status::Complete(length)) if url_of(&request, via, cors, url).is_some() => Head::Plain(length),
        Ok(httparse::Status::Partial) => Head::Part,
        _ => Head::Other,
    }
}

/// Writes the URL of a request into `url`, if nothing else in it matters.
fn url_of(request: &httparse::Request<'_, '_>, via: &Via, cors: Cors, url: &mut String) -> Option<()> {
    if request.method != Some("GET") || request.version != Some(1) {
        return None;
    }
    let mut host = None;
    for field in request.headers.iter() {
        if field.name.eq_ignore_ascii_case("host") {
            if host.replace(field.value).is_some() {
                return None;
            }
        } else if changes_answer(field.name, field.value, cors) {
            return None;
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
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Destination, Scheme};

    fn asked(head: &str, via: &Via) -> Option<String> {
        let mut url = String::new();
        let Head::Plain(length) = plain_get(head.as_bytes(), via, Cors::Auto, &mut url) else { return None };
        assert_eq!(length, head.find("\r\n\r\n").unwrap() + 4);
        Some(url)
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
    fn a_head_that_has_not_come_whole_is_waited_for_and_an_endless_one_is_not() {
        let head = "GET http://a.example/x HTTP/1.1\r\nhost: a.example\r\n\r\n";
        let look = |bytes: &[u8]| plain_get(bytes, &Via::Listener, Cors::Auto, &mut String::new());
        for end in 0..head.len() {
            assert!(matches!(look(&head.as_bytes()[..end]), Head::Part), "{end}");
        }
        assert!(matches!(look(b"GEX"), Head::Other));
        let endless = format!("GET http://a.example/{}", "x".repeat(HEAD_MOST));
        assert!(matches!(look(endless.as_bytes()), Head::Other));
    }

    #[test]
    fn what_may_change_the_answer_is_left_to_hyper() {
        for head in [
            "POST http://a/ HTTP/1.1\r\nhost: a\r\n\r\n",
            "GET http://a/ HTTP/1.0\r\nhost: a\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nhost: a\r\nContent-Length: 0\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nhost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nhost: a\r\nConnection: close\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nhost: a\r\nConnection: keep-alive, upgrade\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nhost: a\r\nUpgrade: websocket\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nhost: a\r\nExpect: 100-continue\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nhost: a\r\nOrigin: http://b\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nhost: a\r\nRange: bytes=0-1\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nhost: a\r\nIf-None-Match: *\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nhost: a\r\nIf-Modified-Since: x\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nhost: a\r\nProxy-Authorization: Basic YTpi\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nhost: a\r\nX-Harmock-Session: a\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nhost: a\r\nX-Mock-Response-Code: 404\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nhost: a\r\nx-mock-delay: 1\r\n\r\n",
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
