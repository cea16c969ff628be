//! What a replay would answer to a request, without a proxy.

use std::sync::Arc;

use http::HeaderMap;

use super::config::{RedirectPolicy, ReplayConfig};
use super::engine::covers;
use super::explained::Explained;
use super::hidden::shown_url;
use super::rendering;
use super::start_error::StartError;
use crate::har::Outcome;
use crate::matching::{Hit, LiveRequest, Lookup, OriginMap, Rules, is_navigation};
use crate::message::CanonicalUrl;
use crate::redact::also_hide;
use crate::replay::{Replayer, Session};
use crate::route::{GlobList, Scope};
use crate::treatment::Treatment;

/// A request that is asked about.
#[derive(Debug, Clone)]
pub struct Question {
    /// The method.
    pub method: String,
    /// The URL.
    pub url: CanonicalUrl,
    /// Its header fields.
    pub fields: HeaderMap,
    /// Its body.
    pub payload: Vec<u8>,
}

/// What a replay would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// An entry answers.
    pub answered: bool,
    /// Which, or why none does: for people, line by line.
    pub lines: Vec<String>,
}

/// Asks the archives and rules of a replay. Reads archives, so it blocks.
///
/// # Errors
///
/// When archives, globs or rules cannot be used.
pub fn explain(config: &ReplayConfig, question: &Question) -> Result<Explanation, StartError> {
    also_hide(&config.redact);
    let scope = Scope { include: GlobList::compile(&config.glob)?, exclude: GlobList::compile(&config.exclude)? };
    let Question { method, url, fields, payload } = question;
    let origins = OriginMap::new(config.map.clone());
    if !covers(&scope, &origins, url.as_str()) {
        let line = format!("{method} {} is out of scope: no archive is asked", shown_url(url.as_str()));
        return Ok(Explanation { answered: false, lines: vec![line] });
    }
    let rules = Arc::new(Rules::compile(config.rules.clone(), config.treatment.clone())?.across(origins));
    let templates = rendering::settings(config)?;
    let opened = Replayer::open(&config.archives, config.cache_size, config.strict_archives, rules, templates)?;
    let replayer = opened.replayer;
    let follow_redirects = config.redirects == RedirectPolicy::Follow && !is_navigation(fields);
    let asked = LiveRequest { method, url: url.as_str(), fields, payload, follow_redirects };
    Ok(match replayer.lookup(&asked, &Session::new("explain")) {
        Lookup::Hit(hit) => Explanation { answered: true, lines: told(&replayer, &hit, &asked) },
        Lookup::Miss(miss) => {
            let lines = Explained::find(&replayer, &asked, &miss.reason).lines(method, url.as_str());
            Explanation { answered: false, lines }
        }
        Lookup::Error(unreadable) => Explanation { answered: false, lines: vec![unreadable.failure.to_string()] },
    })
}

fn told(replayer: &Replayer, hit: &Hit, asked: &LiveRequest<'_>) -> Vec<String> {
    let entry = replayer.entry(hit.entry);
    let outcome = match &entry.outcome {
        Outcome::Answered(answer) => format!("status {}", answer.status),
        Outcome::Failed(_) => "a failure".to_owned(),
    };
    let (name, recorded) = (replayer.name(hit.entry), &entry.request);
    let mut lines = vec![format!(
        "{} {} would be answered by {name} {} {}: {outcome}",
        asked.method,
        shown_url(asked.url),
        recorded.method,
        shown_url(recorded.url.as_str())
    )];
    lines.extend(hit.hops.iter().map(|hop| {
        let url = shown_url(replayer.entry(*hop).request.url.as_str());
        format!("  after the redirect of {} {url}", replayer.name(*hop))
    }));
    let treatment = replayer.treatment(hit.entry).into_iter().flat_map(Treatment::lines);
    lines.extend(treatment.map(|line| format!("  {line}")));
    lines.extend(super::explained::relaxed(hit).iter().map(|relaxed| format!("  {relaxed}")));
    lines
}
