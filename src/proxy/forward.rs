//! Passing a request on to the upstream, and keeping the exchange where that is wanted.

use std::sync::Arc;
use std::time::Duration;

use http::header::{
    ALT_SVC, CONNECTION, EXPECT, HOST, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE, TE,
};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, Uri, Version};
use hyper::body::Incoming;
use hyper::ext::ReasonPhrase;
use hyper_util::rt::TokioIo;

use super::engine::{EngineMode, RecordState};
use super::exchange::{By, Exchange};
use super::mock_headers::Wishes;
use super::rescue;
use crate::connect::tunnel::tunnel;
use crate::har::End;
use crate::har::write::HttpVersion;
use crate::message::coding::restrict_accept_encoding;
use crate::message::fields::{is_upgrade, strip_hop_by_hop, strip_own};
use crate::message::{Arrived, Body, LateBreak, Scheme, arrived};
use crate::record::exchange::{PhaseTimes, WireFields};
use crate::record::{Recorder, Recording, ResponseFacts};
use crate::replay::Session;
use crate::upstream::{ConnectionFacts, Failure, PriorKnowledge, Sent, limit_idle};

/// How a request is passed on.
pub(super) struct Passing {
    /// Keeps the exchange.
    recorder: Option<Arc<Recorder>>,
    /// Changes nothing but fields of one hop.
    raw: bool,
    /// Passes conditions on although the answer is kept.
    keep_conditional: bool,
    /// Keeps it only when this session commits.
    session: Option<Arc<str>>,
}

impl Passing {
    /// The answer is not kept, and nothing but fields of one hop changes.
    pub(super) fn on() -> Self {
        Self { recorder: None, raw: true, keep_conditional: true, session: None }
    }

    /// The exchange is kept; one of a session, when that commits.
    pub(super) fn into(recorder: &Arc<Recorder>, session: Option<&Arc<str>>) -> Self {
        let session = session.filter(|name| ***name != *Session::DEFAULT).cloned();
        Self { recorder: Some(Arc::clone(recorder)), raw: false, keep_conditional: false, session }
    }
}

/// Record mode: everything passes, and what is in scope is kept.
pub(super) async fn record(exchange: Exchange, request: Request<Incoming>) -> Response<Body> {
    let engine = Arc::clone(&exchange.engine);
    let EngineMode::Record(RecordState { recorder, scope, raw, keep_conditional, .. }) = &engine.mode else {
        return rescue::plain(StatusCode::INTERNAL_SERVER_ERROR, "this run does not record");
    };
    engine.tally.seen(&exchange.asked.authority);
    if is_upgrade(request.headers()) {
        return upgrade(exchange, request, *raw).await;
    }
    let keep = scope.contains(exchange.asked.url.as_str());
    let recorder = keep.then(|| Arc::clone(recorder));
    let passing = Passing { recorder, raw: *raw, keep_conditional: *keep_conditional, session: None };
    let (parts, body) = request.into_parts();
    pass(exchange, parts, body.into(), passing).await
}

/// Sends the request on and gives back what the upstream says, streaming both bodies.
pub(super) async fn pass(exchange: Exchange, mut parts: Parts, body: Body, passing: Passing) -> Response<Body> {
    let engine = Arc::clone(&exchange.engine);
    let Some(upstream) = &engine.upstream else {
        return rescue::plain(StatusCode::BAD_GATEWAY, "--offline forbids to ask the upstream");
    };
    strip_hop_by_hop(&mut parts.headers);
    Wishes::strip(&engine, &mut parts.headers);
    let recording = passing.recorder.as_ref().map(|recorder| {
        let version = HttpVersion::from(parts.version).as_str();
        let session = passing.session.as_deref();
        recorder.begin(&exchange.method, &exchange.asked.url, version, &parts.headers, session)
    });
    if !passing.raw {
        adapt_request(&mut parts.headers, recording.is_some() && !passing.keep_conditional);
    }
    let body = match &recording {
        Some(recording) => recording.request_body(body),
        None => body,
    };
    let asked = &exchange.asked;
    let sent = upstream.send(&asked.to, &asked.authority, outgoing(&exchange, parts, body)).await;
    match sent {
        Ok(sent) => answered(exchange, sent, recording, passing.raw).await,
        Err(failure) => failed(exchange, &failure, recording).await,
    }
}

/// Cuts what would make a recording unreadable or hollow: codings that cannot be undone, and conditions that turn the
/// content into a 304.
fn adapt_request(fields: &mut HeaderMap, unconditional: bool) {
    restrict_accept_encoding(fields);
    fields.remove("available-dictionary");
    if !unconditional {
        return;
    }
    for name in [IF_NONE_MATCH, IF_MODIFIED_SINCE] {
        fields.remove(name);
    }
    if fields.remove(IF_RANGE).is_some() {
        // Without its condition the client would join a part of one version to that of another.
        fields.remove(RANGE);
    }
}

/// The request as the upstream gets it, in origin form. The extensions carry the spelling of HTTP/1 field names.
fn outgoing(exchange: &Exchange, mut parts: Parts, body: Body) -> Request<Body> {
    // The client has its 100 from harmock, as soon as its body is asked for.
    parts.headers.remove(EXPECT);
    if let Ok(host) = HeaderValue::from_str(&exchange.asked.authority) {
        parts.headers.insert(HOST, host);
    }
    if parts.headers.contains_key(TE) {
        // RFC 9110 section 10.1.4: a sender of TE names it as a field of this hop. HTTP/2 leaves it out.
        parts.headers.insert(CONNECTION, HeaderValue::from_static("te"));
    }
    let path = parts.uri.path_and_query().cloned();
    parts.uri = path.map_or_else(|| Uri::from_static("/"), Uri::from);
    if parts.version == Version::HTTP_2 && exchange.asked.to.scheme == Scheme::Http {
        // Without TLS only a client that knows its server to speak HTTP/2 speaks it: gRPC, for instance.
        parts.extensions.insert(PriorKnowledge);
    }
    parts.version = Version::HTTP_11;
    Request::from_parts(parts, body)
}

async fn answered(mut exchange: Exchange, sent: Sent, recording: Option<Recording>, raw: bool) -> Response<Body> {
    exchange.engine.tally.informational(sent.connection.informational);
    let (mut parts, body) = sent.response.into_parts();
    let version = parts.version;
    strip_hop_by_hop(&mut parts.headers);
    if !raw {
        parts.headers.remove(ALT_SVC);
    }
    let bodiless =
        exchange.method == Method::HEAD || matches!(parts.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    // hyper may end such an answer by an empty frame, which HTTP/2 clients refuse after HEAD.
    let body = if bodiless { Body::Empty } else { arriving(body, exchange.engine.upstream_idle).await };
    let (body, by) = match recording {
        None => (body, By::Upstream),
        Some(recording) => {
            let facts = response_facts(&parts, version);
            let times = phases(&sent.connection);
            recording.answered(facts, times, sent.connection.remote, sent.connection.id);
            exchange.fate = Some(recording.fate());
            (recording.response_body(body, bodiless).await, By::Recorded)
        }
    };
    if parts.status.canonical_reason().is_none() && parts.extensions.get::<ReasonPhrase>().is_none() {
        // hyper would invent a phrase.
        parts.extensions.insert(ReasonPhrase::from_static(b""));
    }
    parts.version = Version::HTTP_11;
    let mut response = Response::from_parts(parts, body);
    let mut note = None;
    if let Some(patch) = exchange.engine.patch(exchange.asked.url.as_str()) {
        // What is kept is what the upstream sent: it has been copied before.
        let (patched, told) = Box::pin(patch.apply(response, &exchange.method)).await;
        response = patched;
        note = Some(format!("[{}]", exchange.patched(None, told)));
    }
    let (parts, body) = response.into_parts();
    let status = parts.status.as_u16();
    Response::from_parts(parts, exchange.log_at_end(status, by, note, body))
}

/// The body of an answer: whole where it came with its head, so that both go on in one piece; else as it comes.
async fn arriving(body: Incoming, idle: Duration) -> Body {
    match arrived(body).await {
        Arrived::Whole(bytes) => Body::full(bytes),
        Arrived::Part(body) => Body::boxed(LateBreak::new(limit_idle(body, idle))),
    }
}

async fn failed(exchange: Exchange, failure: &Failure, recording: Option<Recording>) -> Response<Body> {
    if failure.by_client {
        exchange.log(Some(400), 0, By::Error, Some(failure.sentence()));
        return rescue::bad_request(failure.sentence());
    }
    if let Some(recording) = recording {
        recording.failed(failure.cause, failure.sentence()).await;
    }
    let answer = rescue::upstream_failed(failure.cause, failure.sentence());
    exchange.log(Some(failure.cause.status()), answer.body().known_length(), By::Error, Some(failure.sentence()));
    answer
}

fn response_facts(parts: &http::response::Parts, version: Version) -> ResponseFacts {
    let reason = match parts.extensions.get::<ReasonPhrase>() {
        Some(phrase) => String::from_utf8_lossy(phrase.as_bytes()).into_owned().into(),
        None if version == Version::HTTP_2 => "".into(),
        None => parts.status.canonical_reason().unwrap_or_default().into(),
    };
    ResponseFacts::Answered {
        status: parts.status.as_u16(),
        reason,
        http_version: HttpVersion::from(version).as_str().into(),
        fields: (&parts.headers).into(),
        trailers: WireFields::default(),
        end: End::Complete,
    }
}

fn phases(connection: &ConnectionFacts) -> PhaseTimes {
    let milliseconds = |duration: Duration| duration.as_micros() as f64 / 1000.0;
    let tls = connection.tls.map(milliseconds);
    PhaseTimes {
        dns: connection.dns.map(milliseconds),
        connect: connection.connect.map(|connect| milliseconds(connect) + tls.unwrap_or_default()),
        ssl: tls,
        ..PhaseTimes::default()
    }
}

/// An upgrade of HTTP/1 (WebSocket, most of the time): passed on over a connection of its own, then bytes both ways.
pub(super) async fn upgrade(exchange: Exchange, mut request: Request<Incoming>, raw: bool) -> Response<Body> {
    let engine = Arc::clone(&exchange.engine);
    let Some(upstream) = &engine.upstream else {
        return rescue::plain(StatusCode::BAD_GATEWAY, "--offline forbids to ask the upstream");
    };
    let near = hyper::upgrade::on(&mut request);
    let (mut parts, body) = request.into_parts();
    strip_own(&mut parts.headers);
    if !raw {
        // Compressed frames could not be read.
        parts.headers.remove("sec-websocket-extensions");
    }
    let asked = &exchange.asked;
    let sent = upstream.send_upgrade(&asked.to, &asked.authority, outgoing(&exchange, parts, body.into())).await;
    let mut sent = match sent {
        Ok(sent) => sent,
        Err(failure) => return failed(exchange, &failure, None).await,
    };
    if sent.response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return answered(exchange, sent, None, raw).await;
    }
    let far = hyper::upgrade::on(&mut sent.response);
    engine.tasks.spawn({
        let ending = engine.ending.clone();
        async move {
            let (Ok(near), Ok(far)) = tokio::join!(near, far) else { return };
            let (mut near, mut far) = (TokioIo::new(near), TokioIo::new(far));
            tokio::select! {
                passed = tunnel(&mut near, &mut far) => {
                    exchange.log(Some(101), passed.received, By::Upstream, Some("upgraded"));
                }
                () = ending.cancelled() => {}
            }
        }
    });
    let (mut parts, _body) = sent.response.into_parts();
    strip_own(&mut parts.headers);
    Response::from_parts(parts, Body::Empty)
}
