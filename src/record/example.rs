//! Answers that somebody puts into an archive: they take the way of what is recorded, but nothing passed.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use http_body_util::BodyExt;

use super::exchange::{ExchangeFacts, PhaseTimes, ResponseFacts, WireFields};
use super::{Recorder, Recording};
use crate::har::cuts::Cuts;
use crate::har::{End, FailureCause, Field, HttpVersion};
use crate::message::{Body, CanonicalUrl};

/// Microseconds between the starts of two examples: they follow one another, whatever the clock says.
const APART: i64 = 1_000_000;

/// A request and the answer that it is to get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// What it is called; may be empty.
    pub name: String,
    /// The method.
    pub method: String,
    /// The whole URL.
    pub url: CanonicalUrl,
    /// Fields of the request.
    pub request_fields: Vec<Field>,
    /// The request's payload; an example without one answers any.
    pub payload: Bytes,
    /// 100 to 999.
    pub status: u16,
    /// The reason phrase.
    pub reason: String,
    /// Fields of the response.
    pub fields: Vec<Field>,
    /// The response's body, in the content coding that its fields name.
    pub body: Bytes,
}

impl Recorder {
    /// Keeps an example, behind those that were kept before.
    pub async fn keep(&self, example: &Example) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let facts = ExchangeFacts {
            number,
            method: example.method.clone(),
            url: example.url.as_str().to_owned(),
            http_version: HttpVersion::Http11.as_str().into(),
            fields: bytewise(&example.request_fields),
            started: i64::try_from(number).unwrap_or(i64::MAX).saturating_mul(APART),
            response: ResponseFacts::failed(FailureCause::Reset, ""),
            times: PhaseTimes::default(),
            server: None,
            connection: None,
            session: None,
            frames: Cuts::default(),
            example: Some(example.name.clone()),
            payload_cut: false,
        };
        let recording = Recording::start(facts, &self.run);
        drain(recording.request_body(Body::full(example.payload.clone()))).await;
        let answer = ResponseFacts::Answered {
            status: example.status,
            reason: example.reason.clone().into(),
            http_version: HttpVersion::Http11.as_str().into(),
            fields: bytewise(&example.fields),
            trailers: WireFields::default(),
            end: End::Complete,
        };
        recording.answered(answer, PhaseTimes::default(), None, 0);
        drain(recording.response_body(Body::full(example.body.clone()), false).await).await;
    }
}

/// Fields as the journal has them.
fn bytewise(fields: &[Field]) -> WireFields {
    fields.iter().map(|field| (&*field.name, &*field.value)).collect()
}

/// Lets a body pass to its end.
async fn drain(mut body: Body) {
    while let Some(Ok(_frame)) = body.frame().await {}
}
