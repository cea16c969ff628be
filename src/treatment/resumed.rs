//! A body that was begun and goes on: what has been read of it, and then the rest or what broke it off.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};

use crate::message::{Body, BodyError};

/// What has been read, and what comes behind it.
pub(super) struct Resumed {
    read: Option<Bytes>,
    rest: Body,
    error: Option<BodyError>,
}

impl Resumed {
    pub(super) fn with_rest(read: Bytes, rest: Body) -> Self {
        Self { read: Some(read), rest, error: None }
    }

    pub(super) fn broken(read: Bytes, error: BodyError) -> Self {
        Self { read: Some(read), rest: Body::Empty, error: Some(error) }
    }
}

impl HttpBody for Resumed {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(read) = self.read.take() {
            return Poll::Ready(Some(Ok(Frame::data(read))));
        }
        match self.error.take() {
            Some(error) => Poll::Ready(Some(Err(error))),
            None => Pin::new(&mut self.rest).poll_frame(cx),
        }
    }
}
