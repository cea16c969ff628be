//! What a run did, counted while it lasts and told when it ends.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::record::Recorded;

/// Different misses that are told one by one; further ones are counted.
const TOLD: usize = 1_000;

/// What a run did.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Summary {
    /// Requests answered from an archive.
    pub served: u64,
    /// Requests in scope without an entry, counted one by one.
    pub missed: u64,
    /// The different misses.
    pub misses: Vec<MissReport>,
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
    /// Entries that nothing asked for, as `ARCHIVE#ENTRY METHOD URL`.
    pub unused: Vec<String>,
    /// What was recorded; `None` where nothing was to be.
    pub recorded: Option<Recorded>,
}

/// One request without an entry, however often it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissReport {
    /// The method as sent.
    pub method: String,
    /// The canonical URL.
    pub url: String,
    /// Why nothing matched, in one sentence.
    pub reason: String,
    /// The entry that came closest, as `ARCHIVE#ENTRY METHOD URL`.
    pub nearest: Option<String>,
    /// What differs from it, with both values.
    pub differences: Vec<String>,
    /// How often.
    pub count: u64,
}

/// Counts while a run lasts.
#[derive(Debug, Default)]
pub(super) struct Tally {
    served: AtomicU64,
    ignored: AtomicU64,
    informational: AtomicU64,
    rest: Mutex<Summary>,
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
        let mut rest = self.rest();
        if !rest.errors.contains(&what) && rest.errors.len() < TOLD {
            rest.errors.push(what);
        }
    }

    /// Whether this miss has been explained already, and then only counts.
    pub(super) fn missed_again(&self, method: &str, url: &str) -> bool {
        let mut rest = self.rest();
        rest.missed += 1;
        match rest.misses.iter_mut().find(|miss| miss.method == method && miss.url == url) {
            Some(miss) => {
                miss.count += 1;
                true
            }
            None => rest.misses.len() >= TOLD,
        }
    }

    pub(super) fn explained(&self, miss: MissReport) {
        self.rest().misses.push(miss);
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
