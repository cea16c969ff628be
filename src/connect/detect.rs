//! Telling from the client's first bytes what a `CONNECT` carries, under a deadline.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

/// The connection preface of HTTP/2 (RFC 9113 section 3.4).
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// No registered method is longer; a token that goes on is no request line.
const LONGEST_METHOD: usize = 32;

/// What a stream carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detection {
    /// A TLS handshake record.
    Tls,
    /// A request line of HTTP/1.
    Http1,
    /// The preface of HTTP/2 with prior knowledge.
    Http2,
    /// Something else, or a client that waits for the server to speak first.
    Opaque,
}

/// Reads until it is clear what the stream carries, or until `deadline` has passed.
///
/// Gives back every byte that was read. A stream that ends undecided is [`Detection::Opaque`].
///
/// # Errors
///
/// What reading the stream gives.
pub async fn detect<S: AsyncRead + Unpin>(
    stream: &mut S,
    mut read: BytesMut,
    deadline: Duration,
) -> io::Result<(Detection, BytesMut)> {
    let looked = timeout(deadline, async {
        loop {
            if let Some(detection) = decide(&read) {
                return Ok(detection);
            }
            read.reserve(1024);
            if stream.read_buf(&mut read).await? == 0 {
                return Ok(Detection::Opaque);
            }
        }
    })
    .await;
    match looked {
        Ok(detection) => detection.map(|detection| (detection, read)),
        Err(_elapsed) => Ok((Detection::Opaque, read)),
    }
}

/// `None` while more bytes are needed.
fn decide(bytes: &[u8]) -> Option<Detection> {
    match bytes {
        [] | [0x16] => None,
        // A handshake record: content type 22, then the legacy version 3.x (RFC 8446 section 5.1).
        [0x16, 0x03, ..] => Some(Detection::Tls),
        [0x16, ..] => Some(Detection::Opaque),
        _ if bytes.starts_with(b"PRI ") || HTTP2_PREFACE.starts_with(bytes) => decide_http2(bytes),
        _ => decide_http1(bytes),
    }
}

fn decide_http2(bytes: &[u8]) -> Option<Detection> {
    if bytes.len() < HTTP2_PREFACE.len() {
        return if HTTP2_PREFACE.starts_with(bytes) { None } else { Some(Detection::Opaque) };
    }
    Some(if bytes.starts_with(HTTP2_PREFACE) { Detection::Http2 } else { Detection::Opaque })
}

/// A method, one space, and the first byte of a target: enough to tell HTTP from every protocol that opens with a word.
fn decide_http1(bytes: &[u8]) -> Option<Detection> {
    let method = bytes.iter().take_while(|byte| is_method_byte(**byte)).count();
    match (bytes.get(method), bytes.get(method + 1)) {
        (None, _) if method < LONGEST_METHOD => None,
        (Some(b' '), None) if method > 0 => None,
        (Some(b' '), Some(b'/' | b'*' | b'h' | b'H')) if method > 0 => Some(Detection::Http1),
        _ => Some(Detection::Opaque),
    }
}

/// Registered methods are upper case, with a hyphen in a few; a lower-case greeting is another protocol's.
fn is_method_byte(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte == b'-' || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protocol_is_told_by_its_first_bytes() {
        for (bytes, expected) in [
            (&b"\x16\x03\x01\x02\x00"[..], Some(Detection::Tls)),
            (b"\x16", None),
            (b"\x16\x99", Some(Detection::Opaque)),
            (b"GET / HTTP/1.1\r\n", Some(Detection::Http1)),
            (b"GET http://a/ HTTP/1.1\r\n", Some(Detection::Http1)),
            (b"OPTIONS * HTTP/1.1\r\n", Some(Detection::Http1)),
            (b"P", None),
            (b"PRI * HTTP/2.0\r\n\r\nSM", None),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00", Some(Detection::Http2)),
            (b"PRI * HTTP/3", Some(Detection::Opaque)),
            (b"PROPFIND /", Some(Detection::Http1)),
            (b"SSH-2.0-OpenSSH_9\r\n", Some(Detection::Opaque)),
            (b"HELO mail\r\n", Some(Detection::Opaque)),
            (b"\x00\x01", Some(Detection::Opaque)),
        ] {
            assert_eq!(decide(bytes), expected, "{}", bytes.escape_ascii());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_waits_for_the_server_is_opaque_after_the_deadline() {
        let (mut near, _far) = tokio::io::duplex(64);
        let (detection, read) =
            detect(&mut near, BytesMut::new(), Duration::from_secs(1)).await.expect("nothing can fail here");
        assert_eq!((detection, read.len()), (Detection::Opaque, 0));
    }
}
