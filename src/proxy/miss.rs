//! A miss: counted, told once, and answered.

use std::sync::Arc;
use std::time::Duration;

use http::header::ACCEPT;
use http::request::Parts;
use http::{HeaderMap, Response, StatusCode};

use super::answering::{Live, readable};
use super::config::NotFound;
use super::connection::Reset;
use super::engine::{Engine, ReplayState};
use super::exchange::{By, Exchange};
use super::explained::Explained;
use super::rescue;
use crate::log::{ExchangeLine, Source};
use crate::matching::MissReason;
use crate::message::Body;
use crate::replay::Replayer;

/// Looks for the nearest entries, away from the connection's thread: it may read payloads.
pub(super) async fn explain(replayer: &Arc<Replayer>, request: &Arc<Live>, reason: &MissReason) -> Explained {
    let (replayer, request, reason) = (Arc::clone(replayer), Arc::clone(request), reason.clone());
    let found = tokio::task::spawn_blocking(move || Explained::find(&replayer, &request.request(), &reason));
    found.await.unwrap_or_else(|_ending| Explained::because("no recorded entry matches"))
}

/// Counts a miss, and says whether the same one has been explained already.
pub(super) fn known(exchange: &Exchange) -> bool {
    let session = exchange.session.as_deref();
    exchange.engine.tally.missed_again(session, exchange.method.as_str(), exchange.asked.url.as_str())
}

/// Notes a miss for the summary.
pub(super) fn told(exchange: &Exchange, explained: &Explained) {
    let (method, url) = (exchange.method.as_str(), exchange.asked.url.as_str());
    exchange.engine.tally.explained(exchange.session.as_deref(), explained.report(method, url));
}

/// Counts a miss and answers it: with the explanation, or with a reset.
pub(super) fn counted(
    exchange: &Exchange,
    state: &ReplayState,
    request: &Parts,
    explained: Explained,
) -> Result<Response<Body>, Reset> {
    let (method, url) = (exchange.method.as_str(), exchange.asked.url.as_str());
    if !known(exchange) {
        told(exchange, &explained);
    }
    let note = explained.line();
    if state.not_found == NotFound::Abort {
        exchange.log(None, 0, By::Miss, Some(&note));
        return Err(Reset::Abrupt);
    }
    let answer = if prefers_html(&request.headers) {
        rescue::page(StatusCode::BAD_GATEWAY, explained.page(method, url))
    } else {
        rescue::problem(StatusCode::BAD_GATEWAY, &explained.problem(method, url))
    };
    exchange.log(Some(502), answer.body().known_length(), By::Miss, Some(&note));
    Ok(readable(state, request, answer))
}

/// A request that never became an exchange, because what it asks for is nowhere.
pub(super) struct Unanswered<'a> {
    pub(super) method: &'a str,
    pub(super) url: &'a str,
    pub(super) status: StatusCode,
    pub(super) reason: &'a str,
}

impl Unanswered<'_> {
    /// Counts it as a miss, and writes its line.
    pub(super) fn count(&self, engine: &Engine, session: Option<&str>) {
        if !engine.tally.missed_again(session, self.method, self.url) {
            engine.tally.explained(session, Explained::because(self.reason).report(self.method, self.url));
        }
        engine.log.exchange(&ExchangeLine {
            method: self.method,
            url: self.url,
            status: Some(self.status.as_u16()),
            size: 0,
            time: Duration::ZERO,
            source: Source::Miss,
            note: Some(self.reason),
        });
    }
}

/// Whether a client would rather have a page than JSON: it names HTML, and JSON not before it.
fn prefers_html(fields: &HeaderMap) -> bool {
    let accepted =
        fields.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','));
    let (mut html, mut json) = (0.0_f32, 0.0_f32);
    for range in accepted {
        let mut parts = range.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
        let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(Ok(1.0), str::parse).unwrap_or(0.0);
        match media_type.as_str() {
            "text/html" => html = html.max(quality),
            "application/json" | "application/problem+json" | "application/*" | "*/*" => json = json.max(quality),
            _ => {}
        }
    }
    html > 0.0 && html >= json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_for_those_who_ask_for_one() {
        let prefers = |accept: &str| prefers_html(&HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]));
        assert!(prefers("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"));
        assert!(prefers("text/html"));
        for accept in ["*/*", "application/json, text/plain, */*", "text/html;q=0.5, application/json", "text/html;q=0"]
        {
            assert!(!prefers(accept), "{accept}");
        }
        assert!(!prefers_html(&HeaderMap::new()));
    }
}
