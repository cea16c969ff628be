//! What a run did, counted while it lasts and told when it ends.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::matching::EntryRef;
use crate::record::Recorded;
use crate::redact::shown_text;
use crate::report::{Applied, Miss, Unused};

/// Different misses that are told one by one; further ones are counted.
const TOLD: usize = 1_000;
/// Sessions that are counted apart.
const SESSIONS: usize = 10_000;

/// What a run did.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Summary {
    /// Requests answered from an archive.
    pub served: u64,
    /// Requests in scope without an entry, counted one by one.
    pub missed: u64,
    /// The different misses.
    pub misses: Vec<Miss>,
    /// What went wrong: payloads that could not be read.
    pub errors: Vec<String>,
    /// Requests that the upstream answered although this is a replay, by host.
    pub passed: BTreeMap<String, u64>,
    /// Connections passed on unopened, by host.
    pub tunnelled: BTreeMap<String, u64>,
    /// Requests that were seen, by host, whether kept or not.
    pub seen: BTreeMap<String, u64>,
    /// Requests for favicons, browsers' housekeeping and ignored globs.
    pub ignored: u64,
    /// Responses of the 1xx kind that were not passed on.
    pub informational: u64,
    /// Entries that can be served.
    pub entries: usize,
    /// Entries that nothing asked for, in order.
    pub unused: Vec<Unused>,
    /// What rules and settings did to answers, beside finding them.
    pub applied: Vec<Applied>,
    /// The part of each session that was named, by name.
    pub sessions: Vec<SessionSummary>,
    /// What was recorded; `None` where nothing was to be.
    pub recorded: Option<Recorded>,
}

/// What became of the requests of one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSummary {
    /// How clients call it.
    pub name: String,
    /// Requests answered from an archive.
    pub served: u64,
    /// Requests in scope without an entry, counted one by one.
    pub missed: u64,
    /// The different misses.
    pub misses: Vec<Miss>,
    /// Entries that nothing in this session asked for, in order.
    pub unused: Vec<Unused>,
}

/// Counts while a run lasts.
#[derive(Debug, Default)]
pub(super) struct Tally {
    served: AtomicU64,
    ignored: AtomicU64,
    informational: AtomicU64,
    rest: Mutex<Summary>,
    sessions: Mutex<BTreeMap<Box<str>, SessionTally>>,
}

/// Counts of one session.
#[derive(Debug, Default)]
pub(super) struct SessionTally {
    pub(super) served: u64,
    missed: u64,
    misses: Vec<Miss>,
    used: HashSet<EntryRef>,
}

impl SessionTally {
    /// What has been counted; `unused` are the entries that it has not used.
    pub(super) fn summary(&self, name: &str, unused: impl Fn(&HashSet<EntryRef>) -> Vec<Unused>) -> SessionSummary {
        let Self { served, missed, misses, used } = self;
        let (name, misses) = (name.to_owned(), misses.clone());
        SessionSummary { name, served: *served, missed: *missed, misses, unused: unused(used) }
    }
}

/// Counts one more of a miss that is known, and says whether it is, or can no more be told.
fn again(misses: &mut [Miss], method: &str, url: &str) -> bool {
    match misses.iter_mut().find(|miss| miss.method == method && miss.url == url) {
        Some(miss) => {
            miss.count += 1;
            true
        }
        None => misses.len() >= TOLD,
    }
}

/// Adds a miss that is not known yet.
fn add(misses: &mut Vec<Miss>, miss: &Miss) {
    let known = misses.iter().any(|known| known.method == miss.method && known.url == miss.url);
    if !known && misses.len() < TOLD {
        misses.push(miss.clone());
    }
}

impl Tally {
    pub(super) fn served(&self) {
        self.served.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn ignored(&self) {
        self.ignored.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn informational(&self, count: u64) {
        self.informational.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn passed(&self, host: &str) {
        *self.rest().passed.entry(host.to_owned()).or_default() += 1;
    }

    pub(super) fn tunnelled(&self, host: &str) {
        *self.rest().tunnelled.entry(host.to_owned()).or_default() += 1;
    }

    pub(super) fn seen(&self, host: &str) {
        let mut rest = self.rest();
        // Most requests go to a host that is there already, and need no copy of its name.
        match rest.seen.get_mut(host) {
            Some(count) => *count += 1,
            None => drop(rest.seen.insert(host.to_owned(), 1)),
        }
    }

    pub(super) fn error(&self, what: String) {
        let what = shown_text(&what).into_owned();
        let mut rest = self.rest();
        if !rest.errors.contains(&what) && rest.errors.len() < TOLD {
            rest.errors.push(what);
        }
    }

    /// Whether this miss has been explained already, in its session too, and then only counts.
    pub(super) fn missed_again(&self, session: Option<&str>, method: &str, url: &str) -> bool {
        let known_there = session.is_none_or(|session| {
            self.in_session(session, |tally| {
                tally.missed += 1;
                again(&mut tally.misses, method, url)
            })
            .unwrap_or(true)
        });
        let mut rest = self.rest();
        rest.missed += 1;
        again(&mut rest.misses, method, url) && known_there
    }

    pub(super) fn explained(&self, session: Option<&str>, miss: Miss) {
        if let Some(session) = session {
            self.in_session(session, |tally| add(&mut tally.misses, &miss));
        }
        add(&mut self.rest().misses, &miss);
    }

    /// Something was applied to an answer, beyond the recording.
    pub(super) fn applied(&self, applied: Applied) {
        let all = &mut self.rest().applied;
        let same =
            |known: &Applied| known.what == applied.what && known.method == applied.method && known.url == applied.url;
        if let Some(known) = all.iter().position(same) {
            all[known].count += applied.count;
        } else if all.len() < TOLD {
            all.push(applied);
        }
    }

    /// A request of a session was answered with these entries.
    pub(super) fn served_in(&self, session: &str, entries: impl Iterator<Item = EntryRef>) {
        self.in_session(session, |tally| {
            tally.served += 1;
            tally.used.extend(entries);
        });
    }

    fn in_session<T>(&self, name: &str, count: impl FnOnce(&mut SessionTally) -> T) -> Option<T> {
        let mut sessions = self.sessions();
        if let Some(tally) = sessions.get_mut(name) {
            return Some(count(tally));
        }
        let room = sessions.len() < SESSIONS;
        room.then(|| count(sessions.entry(name.into()).or_default()))
    }

    /// The counts of each session that was named, by name.
    pub(super) fn sessions(&self) -> MutexGuard<'_, BTreeMap<Box<str>, SessionTally>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// After a reload: the entries that sessions have used have other places now.
    pub(super) fn follow(&self, places: &HashMap<EntryRef, EntryRef>) {
        for tally in self.sessions().values_mut() {
            tally.used = tally.used.iter().filter_map(|entry| places.get(entry).copied()).collect();
        }
    }

    /// All requests and tunnels, whatever became of them.
    pub(super) fn requests(&self) -> u64 {
        let rest = self.rest();
        let counted = [&self.served, &self.ignored].map(|count| count.load(Ordering::Relaxed));
        let by_host = [&rest.seen, &rest.passed, &rest.tunnelled].map(|hosts| hosts.values().sum());
        counted.into_iter().chain(by_host).sum::<u64>() + rest.missed
    }

    /// The counts in a few words.
    pub(super) fn progress(&self) -> String {
        let rest = self.rest();
        let seen: u64 = rest.seen.values().sum();
        let served = self.served.load(Ordering::Relaxed);
        if seen > 0 { format!("{seen} requests seen") } else { format!("{served} served, {} missed", rest.missed) }
    }

    /// What has been counted so far.
    pub(super) fn so_far(&self) -> Summary {
        let mut summary = self.rest().clone();
        summary.served = self.served.load(Ordering::Relaxed);
        summary.ignored = self.ignored.load(Ordering::Relaxed);
        summary.informational = self.informational.load(Ordering::Relaxed);
        summary
    }

    fn rest(&self) -> MutexGuard<'_, Summary> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
