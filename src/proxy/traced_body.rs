//! A body on its way to the client, with a copy of its beginning for the trace.

use std::io::Read as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::hidden::shown_body;
use crate::message::coding::{codings, decoder};
use crate::message::{Body, BodyError};
use crate::report::{TraceWriter, Traced, TracedBody};

/// A longer body is not copied: who reads a trace wants to see answers, not downloads, and secrets in half a text could
/// not be told from the rest.
const MOST: usize = 1 << 20;

/// The exchange goes into the trace when the body has ended, however it ends.
pub(super) fn traced(body: Body, fields: &HeaderMap, traced: Traced, trace: &Arc<TraceWriter>) -> Body {
    let copied = Copied { fields: fields.clone(), bytes: BytesMut::new(), length: 0 };
    let mut copying = Copying { inner: Body::Empty, copied, traced: Some(Box::new(traced)), trace: Arc::clone(trace) };
    match body {
        // Known as it is: the client gets it in one piece, and nothing more is to come.
        Body::Empty | Body::Full(_) => {
            if let Body::Full(Some(bytes)) = &body {
                copying.copied.add(bytes);
            }
            copying.finish();
            body
        }
        streamed => {
            copying.inner = streamed;
            Body::boxed(copying)
        }
    }
}

/// What has passed.
struct Copied {
    fields: HeaderMap,
    bytes: BytesMut,
    length: u64,
}

impl Copied {
    fn add(&mut self, bytes: &Bytes) {
        self.length += bytes.len() as u64;
        if self.length <= MOST as u64 {
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// The body as people may see it: decoded, without its secrets.
    fn shown(&self) -> TracedBody {
        if self.length > MOST as u64 {
            return TracedBody::LeftOut("longer than 1 MiB");
        }
        let coded = self.fields.get_all(CONTENT_ENCODING).iter().map(http::HeaderValue::as_bytes);
        let mut decoded = Vec::new();
        let read = match codings(coded).map(|codings| decoder(&codings, &self.bytes[..])) {
            Some(Ok(reader)) => reader.take(MOST as u64 + 1).read_to_end(&mut decoded),
            _ => return TracedBody::LeftOut("its content coding cannot be undone"),
        };
        match read {
            Ok(_) if decoded.len() > MOST => return TracedBody::LeftOut("longer than 1 MiB"),
            Ok(_) => {}
            Err(_) => return TracedBody::LeftOut("its content coding cannot be undone"),
        }
        let content_type = self.fields.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        TracedBody::Shown(shown_body(content_type, decoded))
    }
}

struct Copying {
    inner: Body,
    copied: Copied,
    /// Taken when it is in the trace.
    traced: Option<Box<Traced>>,
    trace: Arc<TraceWriter>,
}

impl Copying {
    fn finish(&mut self) {
        let Some(mut traced) = self.traced.take() else { return };
        traced.size = traced.size.or(Some(self.copied.length));
        traced.body = self.copied.shown();
        self.trace.add(&traced);
    }
}

impl Drop for Copying {
    fn drop(&mut self) {
        self.finish();
    }
}

impl HttpBody for Copying {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(bytes) = frame.data_ref() {
                    self.copied.add(bytes);
                }
            }
            Poll::Ready(_) => self.finish(),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(fields: &[(http::HeaderName, &str)], bytes: &[u8]) -> TracedBody {
        let fields = fields.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        let mut copied = Copied { fields, bytes: BytesMut::new(), length: 0 };
        copied.add(&Bytes::copy_from_slice(bytes));
        copied.shown()
    }

    #[test]
    fn a_body_is_shown_decoded_and_without_its_secrets() {
        let mut coded = Vec::new();
        let text = br#"{"user":"ada","password":"hunter2-hunter2"}"#;
        flate2::read::GzEncoder::new(&text[..], flate2::Compression::fast()).read_to_end(&mut coded).unwrap();
        let fields = [(CONTENT_TYPE, "application/json"), (CONTENT_ENCODING, "gzip")];
        let TracedBody::Shown(body) = shown(&fields, &coded) else { panic!("left out") };
        let body = String::from_utf8(body).unwrap();
        assert!(body.contains("ada") && !body.contains("hunter2"), "{body}");
    }

    #[test]
    fn a_long_body_and_one_that_cannot_be_read_are_left_out() {
        let long = vec![b'x'; MOST + 1];
        assert_eq!(shown(&[], &long), TracedBody::LeftOut("longer than 1 MiB"));
        for coding in ["gzip", "unheard-of"] {
            let left_out = TracedBody::LeftOut("its content coding cannot be undone");
            assert_eq!(shown(&[(CONTENT_ENCODING, coding)], b"x"), left_out, "{coding}");
        }
        let mut bomb = Vec::new();
        let zeros = vec![0; MOST * 4];
        flate2::read::GzEncoder::new(&zeros[..], flate2::Compression::best()).read_to_end(&mut bomb).unwrap();
        assert_eq!(shown(&[(CONTENT_ENCODING, "gzip")], &bomb), TracedBody::LeftOut("longer than 1 MiB"));
    }
}
