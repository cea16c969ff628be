//! A miss: what came nearest, what differs, and the settings that would have made it match.

use std::sync::Arc;

use http::request::Parts;
use http::{Response, StatusCode};
use serde::Serialize;
use serde_json::json;

use super::answering::{Live, readable};
use super::config::NotFound;
use super::connection::Reset;
use super::engine::ReplayState;
use super::exchange::{By, Exchange};
use super::rescue;
use super::summary::MissReport;
use crate::matching::{Difference, DifferenceKind, LiveRequest, MissReason, NearMiss};
use crate::message::Body;
use crate::replay::Replayer;

/// Why nothing matched, in words.
pub(super) struct Explained {
    reason: String,
    nearest: Option<Nearest>,
}

/// The entry that came closest, by the names that people know.
struct Nearest {
    archive: String,
    ordinal: usize,
    method: String,
    url: String,
    near_miss: NearMiss,
}

impl Explained {
    /// A miss that no entry could have been near to.
    pub(super) fn because(reason: &str) -> Self {
        Self { reason: reason.to_owned(), nearest: None }
    }
}

/// Looks for the nearest entry, away from the connection's thread: it may read payloads.
pub(super) async fn explain(replayer: &Arc<Replayer>, request: &Arc<Live>, reason: &MissReason) -> Explained {
    // What is missing behind a redirect is where it leads.
    let elsewhere = match reason {
        MissReason::RedirectTarget { url, method, .. } => Some((method.clone(), url.clone())),
        MissReason::NoEntry | MissReason::RedirectCycle { .. } => None,
    };
    let reason = in_words(replayer, reason);
    let found = tokio::task::spawn_blocking({
        let (replayer, request) = (Arc::clone(replayer), Arc::clone(request));
        let elsewhere = elsewhere.clone();
        move || {
            let asked = request.request();
            let asked = match &elsewhere {
                Some((method, url)) => LiveRequest { method, url, ..asked },
                None => asked,
            };
            replayer.nearest(&asked)
        }
    });
    let nearest = found.await.ok().flatten().map(|near_miss| {
        let name = replayer.name(near_miss.entry);
        let recorded = &replayer.entry(near_miss.entry).request;
        Nearest {
            archive: name.archive.to_owned(),
            ordinal: name.ordinal,
            method: recorded.method.to_string(),
            url: recorded.url.as_str().to_owned(),
            near_miss,
        }
    });
    Explained { reason, nearest }
}

fn in_words(replayer: &Replayer, reason: &MissReason) -> String {
    match reason {
        MissReason::NoEntry => "no recorded entry matches".to_owned(),
        MissReason::RedirectTarget { from, url, method } => {
            format!("the redirect of {} leads to {method} {url}, which is not recorded", replayer.name(*from))
        }
        MissReason::RedirectCycle { at } => format!("the redirects lead back to {}", replayer.name(*at)),
    }
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
        return Err(Reset);
    }
    let problem = rescue::problem(StatusCode::BAD_GATEWAY, &explained.problem(method, url));
    exchange.log(Some(502), problem.body().known_length(), By::Miss, Some(&note));
    Ok(readable(state, request, problem))
}

impl Explained {
    fn report(&self, method: &str, url: &str) -> MissReport {
        let nearest = self.nearest.as_ref();
        MissReport {
            method: method.to_owned(),
            url: url.to_owned(),
            reason: self.reason.clone(),
            nearest: nearest.map(Nearest::name),
            differences: nearest.map(|n| n.near_miss.differences.iter().map(sentence).collect()).unwrap_or_default(),
            count: 1,
        }
    }

    /// For the log: the nearest entry and the weightiest difference.
    fn line(&self) -> String {
        match &self.nearest {
            None => self.reason.clone(),
            Some(nearest) => {
                let first = nearest.near_miss.differences.first().map(sentence);
                let first = first.map(|first| format!(": {first}")).unwrap_or_default();
                format!("{}; nearest {}#{}{first}", self.reason, nearest.archive, nearest.ordinal)
            }
        }
    }

    fn problem<'a>(&'a self, method: &'a str, url: &'a str) -> Problem<'a> {
        Problem {
            kind: "urn:harmock:miss",
            title: "No recorded entry matches this request",
            status: 502,
            detail: format!("harmock: {method} {url}: {}", self.reason),
            method,
            url,
            nearest: self.nearest.as_ref().map(Nearest::told),
            remedy: self.nearest.as_ref().and_then(|n| remedy(url, &n.url, &n.near_miss.differences)),
        }
    }
}

/// RFC 9457 problem details of a miss, in the order in which a person reads them.
#[derive(Debug, Serialize)]
struct Problem<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    method: &'a str,
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    nearest: Option<NearestTold<'a>>,
    #[serde(rename = "harmock.toml", skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

#[derive(Debug, Serialize)]
struct NearestTold<'a> {
    archive: &'a str,
    entry: usize,
    method: &'a str,
    url: &'a str,
    differences: Vec<DifferenceTold<'a>>,
}

#[derive(Debug, Serialize)]
struct DifferenceTold<'a> {
    what: String,
    recorded: &'a str,
    live: &'a str,
}

impl Nearest {
    fn told(&self) -> NearestTold<'_> {
        let differences = &self.near_miss.differences;
        NearestTold {
            archive: &self.archive,
            entry: self.ordinal,
            method: &self.method,
            url: &self.url,
            differences: differences
                .iter()
                .map(|d| DifferenceTold { what: what(&d.what), recorded: &d.recorded, live: &d.live })
                .collect(),
        }
    }

    fn name(&self) -> String {
        format!("{}#{} {} {}", self.archive, self.ordinal, self.method, self.url)
    }
}

/// One difference for people.
fn sentence(difference: &Difference) -> String {
    if difference.recorded.is_empty() && difference.live.is_empty() {
        return format!("{} is there without a value on one side alone", what(&difference.what));
    }
    let shown = |value: &str| if value.is_empty() { "nothing".to_owned() } else { format!("{value:?}") };
    format!("{} was {}, now {}", what(&difference.what), shown(&difference.recorded), shown(&difference.live))
}

fn what(kind: &DifferenceKind) -> String {
    match kind {
        DifferenceKind::Method => "method".into(),
        DifferenceKind::Scheme => "scheme".into(),
        DifferenceKind::Authority => "host".into(),
        DifferenceKind::Path => "path".into(),
        DifferenceKind::QueryParameter(name) => format!("query parameter {name}"),
        DifferenceKind::QueryOrder => "order of the query".into(),
        DifferenceKind::JsonValue(path) => format!("payload {path}"),
        DifferenceKind::FormField(name) => format!("form field {name}"),
        DifferenceKind::Payload => "payload".into(),
    }
}

/// The lines of `harmock.toml` under which the request would have matched; `None` where no rule helps.
fn remedy(live: &str, recorded: &str, differences: &[Difference]) -> Option<String> {
    let (mut query, mut values, mut form) = (Vec::new(), Vec::new(), Vec::new());
    let mut rules = Vec::new();
    let mut other_origin = false;
    for difference in differences {
        match &difference.what {
            DifferenceKind::Method | DifferenceKind::Path => return None,
            DifferenceKind::Scheme | DifferenceKind::Authority => other_origin = true,
            DifferenceKind::QueryParameter(name) => query.push(name.clone()),
            DifferenceKind::QueryOrder => rules.push("query-order = \"any\"".to_owned()),
            DifferenceKind::JsonValue(path) => values.push(path.clone()),
            DifferenceKind::FormField(name) => form.push(name.clone()),
            DifferenceKind::Payload => rules.push("match-body = \"none\"".to_owned()),
        }
    }
    for (key, names) in [("ignore-query", &query), ("ignore-json", &values), ("ignore-form", &form)] {
        if !names.is_empty() {
            // A TOML array of basic strings is written as JSON writes it.
            rules.push(format!("{key} = {}", json!(names)));
        }
    }
    let mut text = String::new();
    if other_origin || !rules.is_empty() {
        text.push_str("# for a harmock that knows these settings; this one refuses them\n");
    }
    if other_origin {
        text.push_str(&format!("[map]\n{} = {}\n", json!(origin(live)?), json!(origin(recorded)?)));
    }
    if !rules.is_empty() {
        text.push_str(&format!("[[rules]]\nglob = {}\n{}\n", json!(glob_of(live)), rules.join("\n")));
    }
    (!text.is_empty()).then_some(text)
}

fn origin(url: &str) -> Option<String> {
    Some(url::Url::parse(url).ok()?.origin().ascii_serialization())
}

/// A glob for this URL with any query.
fn glob_of(url: &str) -> String {
    let path = url.split('?').next().unwrap_or(url);
    let mut glob = String::with_capacity(path.len() + 2);
    for c in path.chars() {
        if matches!(c, '*' | '{' | '}' | '\\') {
            glob.push('\\');
        }
        glob.push(c);
    }
    glob.push_str("**");
    glob
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(what: DifferenceKind) -> Difference {
        Difference { what, recorded: "1".into(), live: "2".into() }
    }

    #[test]
    fn the_remedy_names_what_differs() {
        let differences = [
            difference(DifferenceKind::QueryParameter("ts".into())),
            difference(DifferenceKind::JsonValue("$.id".into())),
        ];
        let lines = remedy("https://a.example/x?ts=2", "https://a.example/x?ts=1", &differences).unwrap();
        assert_eq!(
            lines,
            "# for a harmock that knows these settings; this one refuses them\n\
             [[rules]]\nglob = \"https://a.example/x**\"\nignore-query = [\"ts\"]\nignore-json = [\"$.id\"]\n"
        );
    }

    #[test]
    fn another_host_is_a_matter_of_the_map() {
        let lines = remedy("http://localhost:1/x", "https://a.example/x", &[difference(DifferenceKind::Authority)]);
        assert!(lines.unwrap().ends_with("[map]\n\"http://localhost:1\" = \"https://a.example\"\n"));
    }

    #[test]
    fn no_rule_turns_one_method_or_path_into_another() {
        assert_eq!(remedy("http://a/x", "http://a/y", &[difference(DifferenceKind::Path)]), None);
    }
}
