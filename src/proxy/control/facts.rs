//! The shapes of the control API's answers. They are documented in `docs/control-api.md`, and stay as they are.

use serde::Serialize;

use super::super::engine::{Engine, EngineMode};
use super::super::hidden::shown_url;
use super::super::observed::Recent;
use super::super::summary::{SessionSummary, Summary};
use crate::har::Outcome;
use crate::record::Verdict;
use crate::replay;
use crate::report::{self, Traced};

/// Items of one answer, unless the request says otherwise.
const PAGE: usize = 1_000;

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    offset: usize,
    limit: usize,
}

impl Page {
    /// `offset` and `limit` of a query.
    pub(super) fn of(query: &str) -> Self {
        let number = |name: &str, default| value(query, name).and_then(|text| text.parse().ok()).unwrap_or(default);
        Self { offset: number("offset", 0), limit: number("limit", PAGE) }
    }
}

fn value(query: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

#[derive(Debug, Serialize)]
pub(super) struct Ready {
    ready: bool,
    mode: &'static str,
    url: String,
    entries: usize,
}

impl Ready {
    pub(super) fn of(engine: &Engine) -> Self {
        let (mode, entries) = match &engine.mode {
            EngineMode::Record(_) => ("record", 0),
            EngineMode::Replay(state) => ("replay", state.replayer.load().entry_count()),
        };
        Self { ready: true, mode, url: format!("http://{}", engine.listen), entries }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Entries {
    total: usize,
    offset: usize,
    entries: Vec<Entry>,
}

#[derive(Debug, Serialize)]
struct Entry {
    archive: String,
    entry: usize,
    method: String,
    url: String,
    /// `None`: it failed when it was recorded.
    status: Option<u16>,
    served: u64,
}

impl Entries {
    pub(super) fn of(engine: &Engine, page: Page) -> Self {
        let EngineMode::Replay(state) = &engine.mode else {
            return Self { total: 0, offset: page.offset, entries: Vec::new() };
        };
        let replayer = state.replayer.load_full();
        let entries = replayer.entries().skip(page.offset).take(page.limit).map(|place| {
            let (name, recorded) = (replayer.name(place), replayer.entry(place));
            Entry {
                archive: name.archive.to_owned(),
                entry: name.ordinal,
                method: recorded.request.method.to_string(),
                url: shown_url(recorded.request.url.as_str()),
                status: match &recorded.outcome {
                    Outcome::Answered(answer) => Some(answer.status),
                    Outcome::Failed(_) => None,
                },
                served: replayer.served(place),
            }
        });
        Self { total: replayer.entry_count(), offset: page.offset, entries: entries.collect() }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Exchanges {
    /// How many are kept; 0: none, `--exchanges` switches it on.
    kept: usize,
    exchanges: Vec<Exchange>,
}

#[derive(Debug, Serialize)]
struct Exchange {
    started: String,
    ms: f64,
    method: String,
    url: String,
    status: Option<u16>,
    size: Option<u64>,
    by: &'static str,
    entry: Option<String>,
    note: Option<String>,
}

impl Exchanges {
    pub(super) fn of(engine: &Engine, page: Page) -> Self {
        let recent = engine.observers.recent.as_ref();
        let exchanges = recent.map(|recent| recent.last(page.limit)).unwrap_or_default();
        Self { kept: recent.map_or(0, Recent::most), exchanges: exchanges.into_iter().map(Exchange::of).collect() }
    }
}

impl Exchange {
    fn of(traced: Traced) -> Self {
        Self {
            started: crate::har::instant::iso(traced.started),
            ms: traced.time.as_micros() as f64 / 1000.0,
            method: traced.method,
            url: traced.url,
            status: traced.status,
            size: traced.size,
            by: traced.by,
            entry: traced.entry,
            note: traced.note,
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Misses {
    missed: u64,
    misses: Vec<report::Miss>,
}

impl Misses {
    pub(super) fn of(engine: &Engine, query: &str) -> Self {
        Self::told(part(engine, query))
    }

    fn told(summary: Summary) -> Self {
        Self { missed: summary.missed, misses: summary.misses }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Unused {
    entries: usize,
    unused: Vec<report::Unused>,
}

impl Unused {
    pub(super) fn of(engine: &Engine, query: &str) -> Self {
        let summary = part(engine, query);
        Self { entries: summary.entries, unused: summary.unused }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Sessions {
    sessions: Vec<Session>,
}

/// What became of the requests of one session so far.
#[derive(Debug, Serialize)]
pub(super) struct Session {
    name: String,
    served: u64,
    missed: u64,
    unused: usize,
}

impl Sessions {
    pub(super) fn of(engine: &Engine) -> Self {
        let EngineMode::Replay(state) = &engine.mode else { return Self { sessions: Vec::new() } };
        let summary = engine.summary();
        let sessions = state.sessions.all();
        Self { sessions: sessions.iter().map(|session| Session::of(session.name(), &summary)).collect() }
    }
}

impl Session {
    /// The session that requests without a name share has what no other has.
    pub(super) fn of(name: &str, summary: &Summary) -> Self {
        let (served, missed, unused) = match summary.sessions.iter().find(|session| session.name == name) {
            Some(session) => (session.served, session.missed, session.unused.len()),
            None if name != replay::Session::DEFAULT => (0, 0, summary.entries),
            None => {
                let named = |count: fn(&SessionSummary) -> u64| summary.sessions.iter().map(count).sum::<u64>();
                let (served, missed) = (named(|session| session.served), named(|session| session.missed));
                (summary.served.saturating_sub(served), summary.missed.saturating_sub(missed), summary.unused.len())
            }
        };
        Self { name: name.to_owned(), served, missed, unused }
    }
}

/// What a session has decided about what was recorded for it.
#[derive(Debug, Serialize)]
pub(super) struct Decided<'a> {
    name: &'a str,
    outcome: &'static str,
    exchanges: u64,
}

impl<'a> Decided<'a> {
    pub(super) fn of(name: &'a str, verdict: Verdict, exchanges: u64) -> Self {
        let outcome = match verdict {
            Verdict::Commit => "kept",
            Verdict::Rollback => "dropped",
        };
        Self { name, outcome, exchanges }
    }
}

/// The whole run, or the part of the session that `session=NAME` in the query names.
fn part(engine: &Engine, query: &str) -> Summary {
    let mut summary = engine.summary();
    if let Some(name) = value(query, "session") {
        let session = summary.sessions.iter().find(|session| session.name == name).cloned();
        let (served, missed, misses, unused) = match session {
            Some(session) => (session.served, session.missed, session.misses, session.unused),
            // A session that has asked for nothing has missed nothing.
            None => (0, 0, Vec::new(), summary.unused),
        };
        summary = Summary { served, missed, misses, unused, ..summary };
    }
    summary
}

/// Whether the run is as it should be, so far.
#[derive(Debug, Serialize)]
pub(super) struct Asserted {
    pub(super) ok: bool,
    served: u64,
    missed: u64,
    misses: Vec<report::Miss>,
    errors: Vec<String>,
    unused: Vec<report::Unused>,
}

impl Asserted {
    /// `max-misses=N` in the query allows misses, `unused=fail` forbids entries that nothing asked for.
    pub(super) fn of(engine: &Engine, query: &str) -> Self {
        let most = value(query, "max-misses").and_then(|most| most.parse().ok()).unwrap_or(0);
        let all_used = value(query, "unused").as_deref() == Some("fail");
        let summary = part(engine, query);
        let well_used = !all_used || summary.unused.is_empty();
        let ok = summary.missed <= most && summary.errors.is_empty() && well_used;
        let (served, missed, errors) = (summary.served, summary.missed, summary.errors.clone());
        let misses = summary.misses;
        let unused = if all_used { summary.unused } else { Vec::new() };
        Self { ok, served, missed, misses, errors, unused }
    }
}
