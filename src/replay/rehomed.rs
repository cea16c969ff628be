//! An answer that was recorded of another origin than the one asked for.

use http::header::{ACCEPT_RANGES, CONTENT_LENGTH, HeaderMap, HeaderName};
use http::{Method, Response};

use super::answer::Delivery;
use super::cors;
use super::stored::Stored;
use crate::har::{Answer, End};
use crate::matching::{Crossing, OriginMap};
use crate::message::Body;
use crate::message::rehome::{Rehome, RehomedBody, TextMover, is_text};

/// What makes it fit.
pub(super) struct Rehomed {
    rehome: Rehome,
    /// Where the body is to name the origin asked for.
    text: Option<TextMover>,
}

impl Rehomed {
    pub(super) fn new(origins: &OriginMap, crossing: &Crossing, answer: &Answer, delivery: Delivery<'_>) -> Self {
        let rehome = origins.rehome(crossing);
        // What could not be decoded cannot be read, and what broke off is as long as it was.
        let whole = !answer.encoded && answer.end != End::Upstream;
        let text = (delivery.move_text && whole && is_text(&answer.content_type())).then(|| rehome.text()).flatten();
        Self { rehome, text }
    }

    /// Whether the body becomes another one: ranges of it would be those of the recorded one.
    pub(super) fn moves_text(&self) -> bool {
        self.text.is_some()
    }

    /// The body, where it is held whole; [`Self::response`] does the same to one that is not.
    pub(super) fn stored(&self, stored: Stored) -> Stored {
        match (self.text.clone(), stored.bytes()) {
            (Some(mut mover), Some(bytes)) => Stored::Made(mover.push(bytes, true)),
            _ => stored,
        }
    }

    /// The answer for the client: its fields, and the body of one that streams.
    pub(super) fn response(&self, response: Response<Body>, method: &Method, streams: bool) -> Response<Body> {
        let (mut parts, mut body) = response.into_parts();
        self.rehome.fields(&mut parts.headers);
        let Some(mover) = &self.text else { return Response::from_parts(parts, body) };
        for name in [ACCEPT_RANGES].into_iter().chain(DIGESTS.map(HeaderName::from_static)) {
            parts.headers.remove(name);
        }
        if *method == Method::HEAD {
            // Nobody has read the body that a GET would get.
            parts.headers.remove(CONTENT_LENGTH);
        }
        if streams && !matches!(body, Body::Empty) {
            body = Body::boxed(RehomedBody::new(body, mover.clone()));
        }
        Response::from_parts(parts, body)
    }

    /// Lets the live origin read it, as [`cors::fit`] does for what was recorded where it is asked for.
    pub(super) fn readable(
        &self,
        mut response: Response<Body>,
        request: &HeaderMap,
        recorded_origin: Option<&[u8]>,
    ) -> Response<Body> {
        // The field names the new origin by now: so has the recorded one to be read.
        let text = recorded_origin.and_then(|origin| std::str::from_utf8(origin).ok());
        let moved = text.and_then(|origin| self.rehome.reference(origin)).map(String::into_bytes);
        cors::fit(response.headers_mut(), request, || moved.as_deref().or(recorded_origin));
        response
    }
}

/// Fields that say what the bytes of a body are.
const DIGESTS: [&str; 4] = ["content-md5", "digest", "content-digest", "repr-digest"];
