//! Answers of harmock's own: what went wrong, said so that a person and a program can read it.

use std::borrow::Cow;

use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{Response, StatusCode};
use serde::Serialize;

use crate::message::{Body, FailureCause};
use crate::replay::TemplateTrouble;

/// A client's mistake: what it sent cannot be served.
pub(super) fn bad_request(what: &str) -> Response<Body> {
    plain(StatusCode::BAD_REQUEST, what)
}

/// The upstream could not answer: 502, or 504 where a time limit passed; one sentence names the cause.
pub(super) fn upstream_failed(cause: FailureCause, sentence: &str) -> Response<Body> {
    let status = StatusCode::from_u16(cause.status()).unwrap_or(StatusCode::BAD_GATEWAY);
    plain(status, sentence)
}

/// One sentence as text.
pub(super) fn plain(status: StatusCode, sentence: &str) -> Response<Body> {
    own(status, "text/plain; charset=utf-8", format!("harmock: {sentence}\n"))
}

/// Problem details (RFC 9457), with further members behind the usual ones.
#[derive(Debug, Serialize)]
pub(super) struct Problem<'a, M> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: Cow<'a, str>,
    #[serde(flatten)]
    more: M,
}

/// No further members.
#[derive(Debug, Serialize)]
pub(super) struct NoMore {}

impl<'a> Problem<'a, NoMore> {
    /// What the status says, and a sentence.
    pub(super) fn of(status: StatusCode, detail: &'a str) -> Self {
        let title = status.canonical_reason().unwrap_or_default();
        Self { kind: "about:blank", title, status: status.as_u16(), detail: detail.into(), more: NoMore {} }
    }
}

impl<M> Problem<'static, M> {
    /// A request that no entry answers.
    pub(super) fn of_miss(detail: String, more: M) -> Self {
        let title = "No recorded entry matches this request";
        let status = StatusCode::BAD_GATEWAY.as_u16();
        Self { kind: "urn:harmock:miss", title, status, detail: detail.into(), more }
    }
}

/// Where a template is that cannot be rendered.
#[derive(Debug, Serialize)]
pub(super) struct InTemplate<'a> {
    entry: &'a str,
    place: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
}

impl<'a> Problem<'static, InTemplate<'a>> {
    /// A template that cannot be rendered.
    pub(super) fn of_template(detail: String, trouble: &'a TemplateTrouble) -> Self {
        let title = "A template cannot be rendered";
        let status = StatusCode::INTERNAL_SERVER_ERROR.as_u16();
        let TemplateTrouble { entry, part, error } = trouble;
        let more = InTemplate { entry, place: format!("{part} {}", error.place), line: error.line };
        Self { kind: "urn:harmock:template", title, status, detail: detail.into(), more }
    }
}

/// A problem as an answer.
pub(super) fn problem(status: StatusCode, details: &impl Serialize) -> Response<Body> {
    let mut text = serde_json::to_string_pretty(details).unwrap_or_default();
    text.push('\n');
    own(status, "application/problem+json", text)
}

/// A page for people: a whole document, and the policy that it is shown under.
pub(super) fn page(status: StatusCode, (document, policy): (String, String)) -> Response<Body> {
    let mut response = own(status, "text/html; charset=utf-8", document);
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn own(status: StatusCode, media_type: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Body::full(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
