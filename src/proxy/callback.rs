//! Requests that entries ask for (`_harmock.callback`): sent once the answer is out, where the user allows it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::engine::Engine;
use super::hidden::shown_url;
use crate::har::Callback;
use crate::message::fields::strip_hop_by_hop;
use crate::message::{Body, BodyError};
use crate::replay::TemplateTrouble;
use crate::route::GlobList;
use crate::templates::Variables;
use crate::upstream::Upstream;
use crate::webhooks::{Outgoing, Sender, Signature, SignatureError};

/// Callbacks that are under way at a time; further ones are not sent.
const TOGETHER: usize = 64;

/// What may be sent, and the way there. It is a way of its own: no request of a client can take it.
pub(super) struct Callbacks {
    allowed: GlobList,
    upstream: Upstream,
    idle: Duration,
    /// The keys of signatures.
    variables: Arc<Variables>,
    room: Arc<Semaphore>,
}

impl Callbacks {
    /// To the URLs of these globs.
    pub(super) fn new(allowed: GlobList, upstream: Upstream, idle: Duration, variables: Arc<Variables>) -> Self {
        Self { allowed, upstream, idle, variables, room: Arc::new(Semaphore::new(TOGETHER)) }
    }

    /// Has a callback sent when this answer is out, or its client gone: as it was rendered, or else as it stands.
    pub(super) fn after(
        &self,
        engine: &Arc<Engine>,
        callback: &Callback,
        rendered: Result<Option<Callback>, TemplateTrouble>,
        response: Response<Body>,
    ) -> Response<Body> {
        let refused = |line: String| {
            engine.log.alert(&line);
            engine.tally.error(line);
        };
        let rendered = match rendered {
            Ok(rendered) => rendered,
            Err(trouble) => {
                refused(format!("{trouble}; it is not sent"));
                return response;
            }
        };
        let callback = rendered.as_ref().unwrap_or(callback);
        let called = format!("callback {} {}", callback.method, shown_url(callback.url.as_str()));
        if !self.allowed.matches(callback.url.as_str()) {
            engine.log.alert(&format!("{called}: no --allow-callbacks covers it; it is not sent"));
            return response;
        }
        let sender = match self.sender(callback) {
            Ok(sender) => sender,
            Err(error) => {
                refused(format!("{called}: {error}; it is not sent"));
                return response;
            }
        };
        let outgoing = outgoing(callback);
        let (Some(outgoing), Ok(permit)) = (outgoing, Arc::clone(&self.room).try_acquire_owned()) else {
            engine.tally.error(format!("{called}: {TOGETHER} others are under way; it is not sent"));
            return response;
        };
        let due = Due { engine: Arc::clone(engine), sender, outgoing, called, permit };
        response.map(|inner| Body::boxed(AnsweredBody { inner, due: Some(due) }))
    }

    /// Goes where the callback says, and nowhere else: an answer that redirects is an answer.
    fn sender(&self, callback: &Callback) -> Result<Sender, SignatureError> {
        let variable = |name: &str| self.variables.value(name).map(str::to_owned);
        let signatures = callback.sign.iter().map(|text| Signature::parse(text, &variable));
        Ok(Sender {
            upstream: self.upstream.clone(),
            to: callback.url.clone(),
            fields: Vec::new(),
            signatures: signatures.collect::<Result<_, _>>()?,
            retry: 0,
            backoff: Duration::ZERO,
            idle: self.idle,
        })
    }
}

/// The request of a callback; none where it cannot be sent.
fn outgoing(callback: &Callback) -> Option<Outgoing> {
    let mut fields = HeaderMap::new();
    for field in &callback.fields {
        let name = HeaderName::from_bytes(field.name.as_bytes()).ok()?;
        fields.append(name, HeaderValue::from_bytes(&field.value).ok()?);
    }
    strip_hop_by_hop(&mut fields);
    let method = callback.method.parse().ok()?;
    Some(Outgoing { method, url: callback.url.clone(), fields, payload: callback.body.clone() })
}

/// A callback that waits for its answer to be out.
struct Due {
    engine: Arc<Engine>,
    sender: Sender,
    outgoing: Outgoing,
    called: String,
    permit: OwnedSemaphorePermit,
}

impl Due {
    fn send(self) {
        let Self { engine, sender, outgoing, called, permit } = self;
        let told = Arc::clone(&engine);
        engine.tasks.spawn(async move {
            let _permit = permit;
            let delivery = sender.deliver(&outgoing).await;
            let line = format!("{called}: {}", delivery.outcome);
            match delivery.is_accepted() {
                true => told.log.notice(&line),
                false => {
                    told.log.alert(&line);
                    told.tally.error(line);
                }
            }
        });
    }
}

/// Passes a body on; its drop is the end of the answer.
struct AnsweredBody {
    inner: Body,
    due: Option<Due>,
}

impl Drop for AnsweredBody {
    fn drop(&mut self) {
        // Without a runtime the run is over.
        if let (Some(due), Ok(_)) = (self.due.take(), tokio::runtime::Handle::try_current()) {
            due.send();
        }
    }
}

impl HttpBody for AnsweredBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
