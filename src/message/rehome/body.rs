//! A body that names new origins where it named old ones.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};

use super::TextMover;
use crate::message::{Body, BodyError};

/// Whether bodies of this media type are text that may name an origin.
pub fn is_text(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let Some((family, kind)) = essence.split_once('/') else { return false };
    let structured = kind.ends_with("+json") || kind.ends_with("+xml");
    family == "text"
        || structured
        || matches!(
            kind,
            "json"
                | "javascript"
                | "x-javascript"
                | "ecmascript"
                | "xml"
                | "x-www-form-urlencoded"
                | "graphql"
                | "x-ndjson"
        )
}

/// Any body, its text moved as it passes. Its length is not known ahead.
pub struct RehomedBody {
    inner: Body,
    mover: TextMover,
    /// What comes after the last bytes: trailers, or the end.
    ending: Option<Option<Frame<Bytes>>>,
}

impl RehomedBody {
    /// This body in the words of the new origin.
    pub fn new(inner: Body, mover: TextMover) -> Self {
        Self { inner, mover, ending: None }
    }
}

impl HttpBody for RehomedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            if let Some(ending) = self.ending.take() {
                // Whoever asks again has had it all.
                self.ending = Some(None);
                return Poll::Ready(ending.map(Ok));
            }
            let frame = match Pin::new(&mut self.inner).poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(frame) => frame.transpose()?,
            };
            let given = match frame.map(Frame::into_data) {
                Some(Ok(piece)) => self.mover.push(piece, false),
                ended => {
                    self.ending = Some(ended.and_then(Result::err));
                    self.mover.push(Bytes::new(), true)
                }
            };
            if !given.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(given))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.ending, Some(None))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http_body_util::{BodyExt, StreamBody};

    use super::*;
    use crate::message::rehome::{Move, Rehome};

    #[tokio::test]
    async fn a_name_that_lies_across_two_frames_is_found_and_trailers_follow() {
        let trailers = HeaderMap::from_iter([(http::HeaderName::from_static("x-end"), "1".parse().unwrap())]);
        let frames = [
            Ok::<_, BodyError>(Frame::data(Bytes::from_static(b"a https://api.exa"))),
            Ok(Frame::data(Bytes::from_static(b"mple/x b"))),
            Ok(Frame::trailers(trailers.clone())),
        ];
        let inner = Body::boxed(StreamBody::new(futures_util::stream::iter(frames)));
        let own = Move::new("https://api.example".parse().unwrap(), "http://localhost:1".parse().unwrap());
        let body = RehomedBody::new(inner, Rehome::new(own, []).text().unwrap());
        let collected = body.collect().await.unwrap();
        assert_eq!(collected.trailers(), Some(&trailers));
        assert_eq!(collected.to_bytes(), "a http://localhost:1/x b");
    }

    #[test]
    fn text_is_told_by_its_media_type() {
        for text in [
            "text/html; charset=utf-8",
            "application/JSON",
            "application/problem+json",
            "image/svg+xml",
            "text/event-stream",
        ] {
            assert!(is_text(text), "{text}");
        }
        for other in ["image/png", "application/octet-stream", "application/grpc", "", "font/woff2"] {
            assert!(!is_text(other), "{other}");
        }
    }
}
