//! Answers that lie ready: over HTTP/1.1 bytes that were put together once, in one piece.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::answer::stays_open;
use super::large;
use super::prepared::Prepared;
use super::replayer::{Replayer, answered};
use super::stored::Stored;
use crate::archive::BodyFile;
use crate::har::{Answer, End};
use crate::matching::EntryRef;
use crate::message::Body;

/// A body up to this many bytes is kept together with its head, and both are sent by one call.
const TOGETHER: usize = 64 << 10;

/// An answer that is ready to be sent.
#[derive(Debug)]
pub struct Ready {
    /// The status in the head.
    pub status: u16,
    /// Bytes of the body.
    pub size: u64,
    /// Head and body, or the head alone.
    pub first: Bytes,
    rest: Rest,
}

/// The body, where it does not follow in [`Ready::first`].
#[derive(Debug)]
enum Rest {
    None,
    Bytes(Bytes),
    File(Box<BodyFile>),
}

impl Ready {
    /// The file of a large body.
    pub fn file(&self) -> Option<&BodyFile> {
        match &self.rest {
            Rest::File(file) => Some(file),
            Rest::None | Rest::Bytes(_) => None,
        }
    }

    /// Writes the answer to a stream.
    ///
    /// # Errors
    ///
    /// The stream takes no more, or the file of a large body cannot be read to its end: what came so far is not whole.
    pub async fn write(&self, stream: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        stream.write_all(&self.first).await?;
        match &self.rest {
            Rest::None => {}
            Rest::Bytes(bytes) => stream.write_all(bytes).await?,
            // Boxed: it would make the future of every answer as large as its own.
            Rest::File(file) => Box::pin(large::write(file, stream)).await?,
        }
        stream.flush().await
    }
}

impl Replayer {
    /// The entry that answers every GET of this URL without a payload by nothing but its fields and its body.
    ///
    /// `allowed` is asked once for an entry, with its URL.
    pub fn ready_entry(&self, url: &str, allowed: impl FnOnce(&str) -> bool) -> Option<EntryRef> {
        let entry = self.only_answer("GET", url)?;
        let is_ready = || {
            let recorded = self.entry(entry);
            let whole = |answer: &Answer| {
                answer.trailers.is_empty()
                    && answer.chunks.is_empty()
                    && !stays_open(answer)
                    && (200..1000).contains(&answer.status)
                    && !matches!(answer.status, 204 | 304)
                    && answer.end != End::Upstream
            };
            self.treatment(entry).is_none()
                && recorded.callback.is_none()
                && answered(recorded).is_some_and(whole)
                && allowed(recorded.request.url.as_str())
        };
        self.slot(entry)?.ready.get_or_init(is_ready).then_some(entry)
    }

    /// The answer of an entry that [`Self::ready_entry`] named; none where its body cannot be had.
    pub async fn ready(self: &Arc<Self>, entry: EntryRef) -> Option<Ready> {
        let answer = answered(self.entry(entry))?;
        let status = answer.status;
        let (rest, size) = match self.stored(entry, answer).await.ok()? {
            Some(Stored::Whole(cached)) => {
                let size = cached.len() as u64;
                if let Some(first) = cached.message() {
                    return Some(Ready { status, size, first, rest: Rest::None });
                }
                (Rest::Bytes(cached.body()), size)
            }
            Some(Stored::File(file)) => {
                let size = file.length();
                (Rest::File(Box::new(file)), size)
            }
            Some(Stored::Made(bytes)) => {
                let size = bytes.len() as u64;
                (Rest::Bytes(bytes), size)
            }
            None => (Rest::None, 0),
        };
        let head = self.prepared(entry, answer)?.head(size);
        Some(Ready { status, size, first: head.into(), rest })
    }
}

impl Replayer {
    /// The answer of an entry that [`Self::ready_entry`] named as HTTP/2 wants it, and the length of its body; none
    /// where that has to be waited for.
    pub fn ready_response(self: &Arc<Self>, entry: EntryRef) -> Option<(Response<Body>, u64)> {
        let answer = answered(self.entry(entry))?;
        let (body, size) = match &answer.body {
            None => (Body::Empty, 0),
            Some(body) => {
                let stored = self.stored_now(entry, body)?;
                let size = stored.length();
                (stored.into_body(), size)
            }
        };
        Some((self.prepared(entry, answer)?.response(body), size))
    }
}

/// The body with its head before it, and the head's length; a large body stays as it is.
pub(super) fn together(prepared: &Prepared, body: Bytes) -> (Bytes, usize) {
    if body.len() > TOGETHER {
        return (body, 0);
    }
    let mut message = prepared.head(body.len() as u64);
    let head = message.len();
    message.extend_from_slice(&body);
    (message.into(), head)
}
