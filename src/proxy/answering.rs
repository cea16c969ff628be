//! Replay: a request answered from the archive, or not.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body as _, Incoming};

use super::config::{Cors, NotFound, OutOfScope, RedirectPolicy};
use super::connection::Reset;
use super::engine::{EngineMode, ReplayState};
use super::exchange::{By, Exchange};
use super::explained::{self, Explained};
use super::forward::{self, Passing};
use super::miss;
use super::mock_headers::{self, Wishes};
use super::observed;
use super::rescue;
use super::treated::Plan;
use crate::har::Failure;
use crate::matching::rules::Key;
use crate::matching::{Hit, LiveRequest, Lookup, MissReason, Relaxed, is_navigation};
use crate::message::Body;
use crate::message::fields::{is_upgrade, strip_own};
use crate::redact::shown_text;
use crate::replay::{Delivery, EntryName, ReplayedAnswer, Replayer, Session, TemplateTrouble, cors};
use crate::route::is_housekeeping;
use crate::templates;

/// A larger request payload is not compared: no recording of an API holds one.
const PAYLOAD_MOST: usize = 256 << 20;

/// A request in replay mode.
pub(super) async fn answer(exchange: Exchange, request: Request<Incoming>) -> Result<Response<Body>, Reset> {
    let engine = Arc::clone(&exchange.engine);
    let EngineMode::Replay(state) = &engine.mode else {
        return Ok(rescue::plain(StatusCode::INTERNAL_SERVER_ERROR, "this run does not replay"));
    };
    let (mut parts, body) = request.into_parts();
    let mut wishes = match Wishes::take(&engine, &mut parts.headers) {
        Ok(wishes) => wishes,
        Err(what) => return Ok(mock_headers::refused(&exchange, state, &parts, &what)),
    };
    // What is rare is boxed: a future is as large as its largest part, and is moved for each request.
    if !state.covers(exchange.asked.url.as_str()) {
        return Box::pin(out_of_scope(exchange, state, parts, body)).await;
    }
    if is_upgrade(&parts.headers) {
        return Box::pin(upgrade(exchange, state, parts, body)).await;
    }
    let session = match &exchange.session {
        None => Arc::clone(state.sessions.unnamed()),
        Some(name) => state.sessions.get(name),
    };
    // A reload meanwhile concerns later requests.
    let replayer = state.replayer.load_full();
    if let Some(choice) = wishes.choice.take() {
        let asked = (&parts, body);
        return Box::pin(mock_headers::answer(exchange, state, &replayer, asked, choice, wishes)).await;
    }
    if body.is_end_stream()
        && let Some(entry) = replayer.only_answer(parts.method.as_str(), exchange.asked.url.as_str())
    {
        let asked = (&parts, &Bytes::new());
        return serve(exchange, state, &replayer, asked, Hit::strict(entry), wishes).await;
    }
    let payload = match Box::pin(payload(body)).await {
        Ok(payload) => payload,
        Err(refusal) => return Ok(*refusal),
    };
    strip_own(&mut parts.headers);
    let follow = state.redirects == RedirectPolicy::Follow && !is_navigation(&parts.headers);
    let request = Arc::new(Live { parts, payload, url: exchange.asked.url.as_str().into(), follow, session });
    match find(&replayer, &request).await {
        Lookup::Hit(hit) => serve(exchange, state, &replayer, (&request.parts, &request.payload), hit, wishes).await,
        Lookup::Miss(missed) => Box::pin(miss(exchange, state, replayer, request, missed.reason)).await,
        Lookup::Error(unreadable) => {
            let sentence = unreadable.failure.to_string();
            Ok(trouble(&exchange, state, &request.parts, &sentence))
        }
    }
}

/// A request as lookups on other threads see it.
pub(super) struct Live {
    pub(super) parts: Parts,
    pub(super) payload: Bytes,
    url: Box<str>,
    follow: bool,
    /// Whose place in repeated requests counts.
    session: Arc<Session>,
}

impl Live {
    pub(super) fn request(&self) -> LiveRequest<'_> {
        LiveRequest {
            method: self.parts.method.as_str(),
            url: &self.url,
            fields: &self.parts.headers,
            payload: &self.payload,
            follow_redirects: self.follow,
        }
    }
}

/// The whole payload of a request, or why it cannot be had.
pub(super) async fn payload(body: Incoming) -> Result<Bytes, Box<Response<Body>>> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    match Limited::new(body, PAYLOAD_MOST).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            let sentence = format!("a payload of more than {} MiB is not compared", PAYLOAD_MOST >> 20);
            Err(Box::new(rescue::plain(StatusCode::PAYLOAD_TOO_LARGE, &sentence)))
        }
        Err(error) => Err(Box::new(rescue::bad_request(&format!("the request body broke off: {error}")))),
    }
}

/// A lookup that reads nothing from disk stays on this thread.
async fn find(replayer: &Arc<Replayer>, request: &Arc<Live>) -> Lookup {
    if !replayer.may_block(&request.request()) {
        return replayer.lookup(&request.request(), &request.session);
    }
    let (replayer, request) = (Arc::clone(replayer), Arc::clone(request));
    let found = tokio::task::spawn_blocking(move || replayer.lookup(&request.request(), &request.session)).await;
    found
        .unwrap_or_else(|_ending| Lookup::Miss(crate::matching::Miss { reason: MissReason::NoEntry, hops: Vec::new() }))
}

/// Answers with the entry of a hit.
pub(super) async fn serve(
    mut exchange: Exchange,
    state: &ReplayState,
    replayer: &Arc<Replayer>,
    (request, payload): (&Parts, &Bytes),
    hit: Hit,
    wishes: Wishes,
) -> Result<Response<Body>, Reset> {
    let plan = Plan::of(replayer, hit.entry, &wishes, || {
        let (method, url) = (request.method.as_str(), exchange.asked.url.as_str());
        templates::Request::new(method, url, request.headers.clone(), payload.clone())
    });
    let relaxed = explained::relaxed(&hit);
    tell_closest(&exchange, replayer.name(hit.entry), &relaxed);
    let mut notes = wishes.notes;
    notes.extend(relaxed.iter().map(ToString::to_string));
    let mut rendered = None;
    if let Some(plan) = &plan {
        if let Some(instead) = Box::pin(plan.before(&exchange, state, request, &hit, &mut notes)).await {
            return instead;
        }
        rendered = match Box::pin(plan.render(&exchange, &mut notes)).await {
            Ok(rendered) => rendered,
            Err(trouble) => {
                replayer.count(hit.entry);
                return Ok(unrendered(&exchange, state, request, &trouble));
            }
        };
    }
    let unconditional = plan.as_ref().and_then(|plan| plan.without_conditions(&request.headers));
    let fields = unconditional.as_ref().unwrap_or(&request.headers);
    let delivery = state.delivery(&exchange);
    let answer = match replayer.answer(&hit, &exchange.method, fields, delivery, rendered.as_deref()).await {
        Ok(answer) => answer,
        Err(error) => {
            // It was asked for: what is wrong with it is told already.
            replayer.count(hit.entry);
            return Ok(trouble(&exchange, state, request, &error.to_string()));
        }
    };
    count(&exchange, replayer, &hit);
    if exchange.told.is_some() {
        exchange.rules = observed::rules(&relaxed);
    }
    let by = By::Entry(replayer.name(hit.entry));
    let (mut response, mut size) = match answer {
        ReplayedAnswer::Response(response, size) => (response, size),
        ReplayedAnswer::Failed(failure) => return failed(&exchange, state, request, by, failure),
    };
    if let Some(plan) = &plan {
        (response, size) = Box::pin(plan.shape(&exchange, response, size, &mut notes)).await;
    }
    exchange.log(Some(response.status().as_u16()), size, by, in_brackets(&notes).as_deref());
    Ok(called_back(&exchange, state, replayer, &hit, plan.as_ref(), response))
}

impl ReplayState {
    /// How the answer to an exchange is delivered.
    pub(super) fn delivery<'a>(&self, exchange: &'a Exchange) -> Delivery<'a> {
        Delivery {
            fit_cors: self.cors == Cors::Auto,
            move_text: self.move_text,
            speed: self.stream_speed,
            ending: &exchange.engine.ending,
        }
    }
}

/// The entry of a hit, and those that led to it, have answered.
fn count(exchange: &Exchange, replayer: &Replayer, hit: &Hit) {
    hit.hops.iter().chain([&hit.entry]).for_each(|entry| replayer.count(*entry));
    exchange.engine.tally.served();
    if let Some(session) = &exchange.session {
        exchange.engine.tally.served_in(session, hit.hops.iter().copied().chain([hit.entry]));
    }
}

/// The answer, after which the entry's callback is sent, where it has one.
fn called_back(
    exchange: &Exchange,
    state: &ReplayState,
    replayer: &Replayer,
    hit: &Hit,
    plan: Option<&Plan<'_>>,
    response: Response<Body>,
) -> Response<Body> {
    match (&state.callbacks, &replayer.entry(hit.entry).callback) {
        (Some(callbacks), Some(callback)) => {
            let rendered = plan.map_or(Ok(None), Plan::callback);
            callbacks.after(&exchange.engine, callback, rendered, response)
        }
        _ => response,
    }
}

/// What failed when it was recorded fails again.
fn failed(
    exchange: &Exchange,
    state: &ReplayState,
    request: &Parts,
    by: By<'_>,
    failure: &Failure,
) -> Result<Response<Body>, Reset> {
    let Some(cause) = failure.cause else {
        exchange.log(None, 0, by, Some(&failure.detail));
        return Err(Reset::Abrupt);
    };
    let answer = rescue::upstream_failed(cause, &failure.detail);
    let size = answer.body().known_length();
    exchange.log(Some(cause.status()), size, by, Some(&failure.detail));
    Ok(readable(state, request, answer))
}

/// What is told beside an answer.
pub(super) fn in_brackets(notes: &[String]) -> Option<String> {
    (!notes.is_empty()).then(|| format!("[{}]", notes.join("; ")))
}

/// What an entry was let pass because it is the closest one, for the report.
fn tell_closest(exchange: &Exchange, entry: EntryName<'_>, relaxed: &[Relaxed]) {
    if let Some(rule) = relaxed.iter().find(|relaxed| relaxed.key == Key::Match).and_then(|closest| closest.rule) {
        let detail = relaxed.iter().map(Relaxed::told).collect();
        exchange.applied(&format!("rule {rule} match"), Some(entry), detail);
    }
}

/// An upgrade of the connection (WebSocket, most of the time) is in no archive.
async fn upgrade(
    exchange: Exchange,
    state: &ReplayState,
    parts: Parts,
    body: Incoming,
) -> Result<Response<Body>, Reset> {
    if let Some(answer) = excused(&exchange, state, &parts) {
        return Ok(answer);
    }
    if !falls_back(&exchange, state) {
        let reason = "an upgrade of the connection (WebSocket) is not replayed";
        return miss::counted(&exchange, state, &parts, Explained::because(reason));
    }
    exchange.engine.tally.passed(&exchange.asked.authority);
    Ok(forward::upgrade(exchange, Request::from_parts(parts, body), true).await)
}

/// Whether a miss is for the upstream to answer; under `--offline` there is none.
fn falls_back(exchange: &Exchange, state: &ReplayState) -> bool {
    matches!(state.not_found, NotFound::Fallback | NotFound::Record) && exchange.engine.upstream.is_some()
}

async fn miss(
    exchange: Exchange,
    state: &ReplayState,
    replayer: Arc<Replayer>,
    request: Arc<Live>,
    reason: MissReason,
) -> Result<Response<Body>, Reset> {
    let parts = &request.parts;
    if let Some(answer) = excused(&exchange, state, parts) {
        return Ok(answer);
    }
    if !falls_back(&exchange, state) {
        let explained = miss::explain(&replayer, &request, &reason).await;
        return miss::counted(&exchange, state, parts, explained);
    }
    if !miss::known(&exchange) {
        miss::told(&exchange, &miss::explain(&replayer, &request, &reason).await);
    }
    let passing = match &state.recorder {
        Some(recorder) => Passing::into(recorder, exchange.session.as_ref()),
        None => Passing::on(),
    };
    exchange.engine.tally.passed(&exchange.asked.authority);
    let parts = parts.clone();
    let body = Body::full(request.payload.clone());
    Ok(forward::pass(exchange, parts, body, passing).await)
}

async fn out_of_scope(
    exchange: Exchange,
    state: &ReplayState,
    parts: Parts,
    body: Incoming,
) -> Result<Response<Body>, Reset> {
    if state.out_of_scope == OutOfScope::Fail || exchange.engine.upstream.is_none() {
        if let Some(answer) = excused(&exchange, state, &parts) {
            return Ok(answer);
        }
        return miss::counted(&exchange, state, &parts, Explained::because("the URL is out of scope"));
    }
    exchange.engine.tally.passed(&exchange.asked.authority);
    if is_upgrade(&parts.headers) {
        return Ok(forward::upgrade(exchange, Request::from_parts(parts, body), true).await);
    }
    Ok(forward::pass(exchange, parts, body.into(), Passing::on()).await)
}

/// A recorded body that cannot be had: the run ends with an error.
fn trouble(exchange: &Exchange, state: &ReplayState, request: &Parts, sentence: &str) -> Response<Body> {
    exchange.engine.tally.error(sentence.to_owned());
    let answer = rescue::plain(StatusCode::BAD_GATEWAY, sentence);
    exchange.log(Some(502), answer.body().known_length(), By::Error, Some(sentence));
    readable(state, request, answer)
}

/// 500: the template of an entry cannot be rendered for this request. The run ends with an error.
pub(super) fn unrendered(
    exchange: &Exchange,
    state: &ReplayState,
    request: &Parts,
    trouble: &TemplateTrouble,
) -> Response<Body> {
    let sentence = shown_text(&trouble.to_string()).into_owned();
    exchange.engine.tally.error(sentence.clone());
    let problem = rescue::Problem::of_template(format!("harmock: {sentence}"), trouble);
    let answer = rescue::problem(StatusCode::INTERNAL_SERVER_ERROR, &problem);
    exchange.log(Some(500), answer.body().known_length(), By::Error, Some(&sentence));
    readable(state, request, answer)
}

/// Lets the page that asked read an answer of harmock's own.
pub(super) fn readable(state: &ReplayState, request: &Parts, mut response: Response<Body>) -> Response<Body> {
    if state.cors == Cors::Auto {
        cors::allow_origin(response.headers_mut(), &request.headers);
    }
    response
}

/// The answer to what need not be recorded: preflights, browsers' housekeeping, globs that the user ignores.
fn excused(exchange: &Exchange, state: &ReplayState, request: &Parts) -> Option<Response<Body>> {
    if state.cors == Cors::Auto && cors::is_preflight(&request.method, &request.headers) {
        exchange.log(Some(204), 0, By::Own, Some("preflight"));
        return Some(cors::preflight_answer(&request.headers));
    }
    if is_ignored(exchange, state) {
        exchange.engine.tally.ignored();
        exchange.log(Some(404), 0, By::Own, Some("ignored"));
        return Some(rescue::plain(StatusCode::NOT_FOUND, "not recorded, and not counted as a miss"));
    }
    None
}

fn is_ignored(exchange: &Exchange, state: &ReplayState) -> bool {
    let url = exchange.asked.url.as_str();
    let whole = url.split(['?', '#']).next().unwrap_or(url);
    // What comes after the two slashes of the scheme and the authority.
    let path = whole.match_indices('/').nth(2).map_or("/", |(start, _)| &whole[start..]);
    path.ends_with("/favicon.ico") || is_housekeeping(&exchange.asked.to.host, path) || state.ignore.matches(url)
}
