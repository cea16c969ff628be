//! What has come of a body by now: small ones are there with their head, and need no stream.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

/// A body from a peer after a first look.
pub enum Arrived<B: HttpBody> {
    /// All of it is there, as long as its head said.
    Whole(Bytes),
    /// More may come.
    Part(Begun<B>),
}

/// Looks once at what has come; waits for nothing.
pub async fn arrived<B>(mut body: B) -> Arrived<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    let length = body.size_hint().exact();
    let first = match poll_fn(|cx| Poll::Ready(Pin::new(&mut body).poll_frame(cx))).await {
        Poll::Ready(first) => first,
        Poll::Pending => None,
    };
    match first {
        Some(Ok(frame)) if body.is_end_stream() => match frame.into_data() {
            Ok(bytes) if length == Some(bytes.len() as u64) => Arrived::Whole(bytes),
            Ok(bytes) => Arrived::Part(Begun { first: Some(Ok(Frame::data(bytes))), rest: body }),
            Err(frame) => Arrived::Part(Begun { first: Some(Ok(frame)), rest: body }),
        },
        first => Arrived::Part(Begun { first, rest: body }),
    }
}

/// A body whose first frame has been taken already and is given back.
pub struct Begun<B: HttpBody> {
    first: Option<Result<Frame<Bytes>, B::Error>>,
    rest: B,
}

impl<B> HttpBody for Begun<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Unpin,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        match this.first.take() {
            Some(first) => Poll::Ready(Some(first)),
            None => Pin::new(&mut this.rest).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let taken = match &self.first {
            Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len) as u64,
            _ => 0,
        };
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(taken));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(taken));
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, Full, StreamBody};

    use super::*;

    #[tokio::test]
    async fn a_body_that_is_there_is_whole_and_one_of_unknown_length_never_is() {
        let whole = arrived(Full::new(Bytes::from_static(b"abc"))).await;
        assert!(matches!(whole, Arrived::Whole(bytes) if bytes == "abc"));
        let frames = [Ok::<_, std::io::Error>(Frame::data(Bytes::from_static(b"abc")))];
        let part = arrived(StreamBody::new(futures_util::stream::iter(frames))).await;
        let Arrived::Part(body) = part else { panic!("its length is not known") };
        assert_eq!(body.collect().await.unwrap().to_bytes(), "abc");
    }

    #[tokio::test]
    async fn what_has_come_is_passed_on_before_the_rest_and_counts_for_the_length() {
        let (sender, mut frames) = tokio::sync::mpsc::unbounded_channel::<Result<_, std::io::Error>>();
        let body = StreamBody::new(futures_util::stream::poll_fn(move |cx| frames.poll_recv(cx)));
        sender.send(Ok(Frame::data(Bytes::from_static(b"ab")))).unwrap();
        let Arrived::Part(mut body) = arrived(body).await else { panic!("more may come") };
        assert_eq!(body.size_hint().lower(), 2);
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "ab");
        sender.send(Ok(Frame::data(Bytes::from_static(b"c")))).unwrap();
        drop(sender);
        assert_eq!(body.collect().await.unwrap().to_bytes(), "c");
    }
}
