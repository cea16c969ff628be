//! Fields by which a request says what its answer is to be: `x-mock-response-code`, `x-mock-response-name`, `x-mock-delay`.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName};
use http::request::Parts;
use http::{Response, StatusCode};
use hyper::body::Incoming;
use serde::Serialize;

use super::answering::{self, readable};
use super::connection::Reset;
use super::engine::{Engine, ReplayState};
use super::exchange::{self, Exchange};
use super::explained::Explained;
use super::hidden::shown_url;
use super::{miss, rescue};
use crate::har::Outcome;
use crate::matching::{Choice, EntryRef, Hit, LiveRequest};
use crate::message::Body;
use crate::replay::Replayer;
use crate::treatment::{By, Delay, Delaying};

const STATUS: HeaderName = HeaderName::from_static("x-mock-response-code");
const NAME: HeaderName = HeaderName::from_static("x-mock-response-name");
const DELAY: HeaderName = HeaderName::from_static("x-mock-delay");
/// How many entries are told where none is what was chosen.
const TOLD: usize = 50;

/// What a request wants of its answer.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    /// Which entry it is to be.
    pub(super) choice: Option<Choice>,
    /// How long it is to wait.
    pub(super) delay: Option<Delaying>,
    /// What the log says of it.
    pub(super) notes: Vec<String>,
}

impl Wishes {
    /// Takes the fields out of a request: they go no further, and nothing is matched by them. The error says which is no
    /// good, and what it should have been.
    pub(super) fn take(engine: &Engine, fields: &mut HeaderMap) -> Result<Self, String> {
        if !engine.mock_headers {
            return Ok(Self::default());
        }
        let text = |name: HeaderName, fields: &mut HeaderMap| {
            let value = fields.remove(name)?;
            Some(String::from_utf8_lossy(value.as_bytes()).trim().to_owned())
        };
        let (status, name, delay) = (text(STATUS, fields), text(NAME, fields), text(DELAY, fields));
        let status = status.map(|text| match text.parse() {
            Ok(status @ 100..1000) => Ok(status),
            _ => Err(format!("{STATUS}: {text:?} is no status; expected a number from 100 to 999")),
        });
        let choice = Choice { status: status.transpose()?, name };
        let delay = delay.map(|text| Delay::parse(&text).map_err(|reason| format!("{DELAY}: {text:?}: {reason}")));
        let delay = delay.transpose()?.map(|delay| Delaying::new(By::Request, delay, &engine.chance));
        Ok(Self { choice: Some(choice).filter(|choice| *choice != Choice::default()), delay, notes: Vec::new() })
    }

    /// Removes the fields of a request that is passed on.
    pub(super) fn strip(engine: &Engine, fields: &mut HeaderMap) {
        if engine.mock_headers {
            [STATUS, NAME, DELAY].into_iter().for_each(|name| drop(fields.remove(name)));
        }
    }
}

/// Answers with the entry that was chosen, as it was recorded: a redirect too is served as it is.
pub(super) async fn answer(
    exchange: Exchange,
    state: &ReplayState,
    replayer: &Arc<Replayer>,
    (parts, body): (&Parts, Incoming),
    choice: Choice,
    mut wishes: Wishes,
) -> Result<Response<Body>, Reset> {
    let (method, url) = (parts.method.as_str(), exchange.asked.url.as_str());
    let asked = LiveRequest { method, url, fields: &parts.headers, payload: &[], follow_redirects: false };
    match replayer.choose(&asked, &choice) {
        Ok(entry) => {
            let what = in_words(&choice);
            exchange.applied(&what, Some(replayer.name(entry)), Vec::new());
            wishes.notes.push(what);
            // Nothing is matched by it; a template may read it.
            let payload = match replayer.has_templates(entry) {
                true => answering::payload(body).await,
                false => Ok(Bytes::new()),
            };
            match payload {
                Ok(payload) => {
                    answering::serve(exchange, state, replayer, (parts, &payload), Hit::strict(entry), wishes).await
                }
                Err(refusal) => Ok(*refusal),
            }
        }
        Err(there) => Ok(none(&exchange, state, replayer, parts, &choice, there)),
    }
}

/// `x-mock-response-code 404, x-mock-response-name gone`
fn in_words(choice: &Choice) -> String {
    let status = choice.status.map(|status| format!("{STATUS} {status}"));
    let name = choice.name.as_ref().map(|name| format!("{NAME} {name}"));
    status.into_iter().chain(name).collect::<Vec<_>>().join(", ")
}

/// RFC 9457 problem details of a choice that nothing fits.
#[derive(Debug, Serialize)]
struct Problem<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    method: &'a str,
    url: String,
    available: Vec<Available>,
}

#[derive(Debug, Serialize)]
struct Available {
    /// None: a recorded failure.
    code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    entry: String,
    url: String,
}

impl Available {
    fn of(replayer: &Replayer, entry: EntryRef) -> Self {
        let recorded = replayer.entry(entry);
        let code = match &recorded.outcome {
            Outcome::Answered(answer) => Some(answer.status),
            Outcome::Failed(_) => None,
        };
        let name = recorded.name.as_deref().map(str::to_owned);
        Self { code, name, entry: replayer.name(entry).to_string(), url: shown_url(recorded.request.url.as_str()) }
    }
}

/// 400: the choice is the client's mistake. It counts as a miss, so that the run fails too.
fn none(
    exchange: &Exchange,
    state: &ReplayState,
    replayer: &Replayer,
    parts: &Parts,
    choice: &Choice,
    there: &[EntryRef],
) -> Response<Body> {
    let available: Vec<_> = there.iter().take(TOLD).map(|&entry| Available::of(replayer, entry)).collect();
    let what: Vec<_> = available.iter().map(told).collect();
    let what = if what.is_empty() { "nothing".to_owned() } else { what.join(", ") };
    let more = if there.len() > TOLD { format!(" and {} more", there.len() - TOLD) } else { String::new() };
    let reason = format!("no entry of this method and path is {}; there is {what}{more}", in_words(choice));
    if !miss::known(exchange) {
        miss::told(exchange, &Explained::because(&reason));
    }
    let (method, url) = (exchange.method.as_str(), shown_url(exchange.asked.url.as_str()));
    let problem = Problem {
        kind: "urn:harmock:no-such-answer",
        title: "No recorded entry is the one that was chosen",
        status: 400,
        detail: format!("harmock: {method} {url}: {reason}"),
        method,
        url,
        available,
    };
    let answer = rescue::problem(StatusCode::BAD_REQUEST, &problem);
    exchange.log(Some(400), answer.body().known_length(), exchange::By::Miss, Some(&reason));
    readable(state, parts, answer)
}

/// `404 "gone" (hars/api.har#3)`
fn told(available: &Available) -> String {
    let code = available.code.map_or_else(|| "a failure".to_owned(), |code| code.to_string());
    let name = available.name.as_ref().map(|name| format!(" {name:?}")).unwrap_or_default();
    format!("{code}{name} ({})", available.entry)
}

/// A field that is no good is told to the client alone.
pub(super) fn refused(exchange: &Exchange, state: &ReplayState, parts: &Parts, what: &str) -> Response<Body> {
    let answer = rescue::bad_request(what);
    exchange.log(Some(400), answer.body().known_length(), exchange::By::Own, Some(what));
    readable(state, parts, answer)
}
