//! The archives of a run, the index over them, and the bodies that have been read.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::cache::{Age, Cached, PayloadCache};
use super::large::{self, FileBody};
use super::loaded::{Loaded, Slot};
use super::own_files::{COPIED, OwnFiles};
use super::prepared::Prepared;
use super::ready::together;
use super::session::Session;
use super::treatments::Treatments;
use crate::archive::{self, Archive, BodyFile, Fetched, PayloadError, Stamp};
use crate::har::{Answer, Entry, Outcome, RecordedPayload, StoredBody, Warning};
use crate::matching::rules::Terms;
use crate::matching::{
    Choice, EntryRef, Index, LiveRequest, Lookup, NearMiss, OriginMap, PayloadFailure, PayloadSource, Rules,
};
use crate::message::Body;
use crate::treatment::Treatment;

/// Answers requests from archives. Shared by all connections.
#[derive(Debug)]
pub struct Replayer {
    pub(super) archives: Vec<Arc<Loaded>>,
    index: Index,
    treatments: Treatments,
    cache_size: u64,
    cache: PayloadCache,
    pub(super) own_files: OwnFiles,
    looks: Looks,
}

/// The body of an answer.
#[derive(Debug)]
pub(super) enum Stored {
    Whole(Arc<Cached>),
    /// Too large to be held.
    File(BodyFile),
    /// Made of a recorded one for this answer.
    Made(Bytes),
}

impl Stored {
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Whole(cached) => cached.len() as u64,
            Self::File(file) => file.length(),
            Self::Made(bytes) => bytes.len() as u64,
        }
    }

    pub(super) fn into_body(self) -> Body {
        match self {
            Self::Whole(cached) => Body::full(cached.body()),
            Self::File(file) => Body::boxed(FileBody::new(file)),
            Self::Made(bytes) => Body::full(bytes),
        }
    }

    /// These bytes of it, which it must have.
    pub(super) fn into_part(self, bytes: Range<u64>) -> Body {
        let body = match self {
            Self::Whole(cached) => cached.body(),
            Self::Made(body) => body,
            Self::File(file) => return Body::boxed(FileBody::part(file, bytes)),
        };
        let position = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(body.len());
        Body::full(body.slice(position(bytes.start)..position(bytes.end)))
    }

    /// Its bytes, unless it is large.
    pub(super) fn bytes(&self) -> Option<Bytes> {
        match self {
            Self::Whole(cached) => Some(cached.body()),
            Self::Made(bytes) => Some(bytes.clone()),
            Self::File(_) => None,
        }
    }
}

/// Payload files that are to be looked at, off the threads that serve.
#[derive(Debug, Default)]
struct Looks {
    due: Mutex<Vec<EntryRef>>,
    running: AtomicBool,
}

/// A body of up to this many bytes is decoded by the thread that serves, if it is in memory: passing it to another one
/// costs more.
const AT_ONCE: u64 = 64 << 10;

/// Looks are gathered for this long: many files are then looked at by one run of another thread.
const GATHERED: Duration = Duration::from_millis(5);

/// An opened replayer, and what was odd in its archives.
#[derive(Debug)]
pub struct Opened {
    /// Ready to answer.
    pub replayer: Replayer,
    /// By archive.
    pub warnings: Vec<(PathBuf, Warning)>,
    /// Entries that replay has no use for: WebSocket conversations and URLs that never reach a proxy.
    pub left_out: usize,
    /// Archives of requests that are to be sent, none of whose entries is served.
    pub outgoing: Vec<PathBuf>,
}

/// Why archives could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// One of them.
    #[error(transparent)]
    Archive(#[from] archive::Error),
    /// Recorded times are asked for where there are none.
    #[error(
        "{entry}: {by} asks for recorded times, and this entry tells none; record with --mode full, or give a duration"
    )]
    NoTimes {
        /// `ARCHIVE#ENTRY`.
        entry: String,
        /// What asks.
        by: String,
    },
    /// An odd entry, where none is allowed.
    #[error("{}: {warning} (--strict-archives)", path.display())]
    Odd {
        /// The archive.
        path: PathBuf,
        /// What is odd.
        warning: Warning,
    },
}

/// An entry by the names that people know: its archive and its place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryName<'a> {
    /// The archive's path as it was given.
    pub archive: &'a str,
    /// Its place in `log.entries`, from zero.
    pub ordinal: usize,
}

impl std::fmt::Display for EntryName<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}#{}", self.archive, self.ordinal)
    }
}

/// A recorded body that cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("{entry}: {source}")]
pub struct PayloadTrouble {
    /// `ARCHIVE#ENTRY`.
    pub entry: String,
    /// Why.
    pub source: PayloadError,
}

impl Replayer {
    /// Opens archives, and folders of archives, in the order given, under these rules. `strict` refuses odd entries. Blocks.
    ///
    /// # Errors
    ///
    /// When one cannot be opened, is no HAR, or is odd where that is refused.
    pub fn open(paths: &[PathBuf], cache_size: u64, strict: bool, rules: Arc<Rules>) -> Result<Opened, OpenError> {
        let mut archives = Vec::new();
        let mut warnings = Vec::new();
        let mut left_out = 0;
        let mut outgoing = Vec::new();
        for path in archive::discover(paths)? {
            let loaded = Loaded::read(&path)?;
            let archive = &loaded.archive;
            warnings.extend(archive.warnings().iter().map(|warning| (path.clone(), warning.clone())));
            left_out += archive.left_out().websocket + archive.left_out().other_scheme;
            if archive.is_outgoing() {
                outgoing.push(path);
            }
            archives.push(Arc::new(loaded));
        }
        if strict && let Some((path, warning)) = warnings.first() {
            return Err(OpenError::Odd { path: path.clone(), warning: warning.clone() });
        }
        let replayer = Self::of(archives, cache_size, rules);
        replayer.treatments.check(&replayer.archives)?;
        Ok(Opened { replayer, warnings, left_out, outgoing })
    }

    /// Answers from these archives.
    fn of(archives: Vec<Arc<Loaded>>, cache_size: u64, rules: Arc<Rules>) -> Self {
        let index = Index::with_rules(archives.iter().map(|loaded| Arc::clone(&loaded.entries)).collect(), rules);
        let treatments = Treatments::build(&archives, &index.rules());
        let (cache, own_files) = (PayloadCache::new(cache_size), OwnFiles::new());
        Self { archives, index, treatments, cache_size, cache, own_files, looks: Looks::default() }
    }

    /// The same with other archives.
    pub(super) fn with(&self, archives: Vec<Arc<Loaded>>) -> Self {
        Self::of(archives, self.cache_size, self.index.rules())
    }

    /// Where the entries of another replayer of the same archives are in this one: of each archive, method and URL the
    /// first where the first was, and so on.
    pub fn places_since(&self, before: &Self) -> HashMap<EntryRef, EntryRef> {
        let mut old: HashMap<_, VecDeque<_>> = HashMap::new();
        for (key, place) in before.placed() {
            old.entry(key).or_default().push_back(place);
        }
        self.placed().filter_map(|(key, place)| Some((old.get_mut(&key)?.pop_front()?, place))).collect()
    }

    fn placed(&self) -> impl Iterator<Item = ((&str, &str, &str), EntryRef)> {
        (0..).zip(&self.archives).flat_map(|(archive, loaded)| {
            (0..).zip(loaded.entries.iter()).map(move |(entry, recorded)| {
                let request = &recorded.request;
                ((&*loaded.name, &*request.method, request.url.as_str()), EntryRef { archive, entry })
            })
        })
    }

    /// Whether [`Self::lookup`] may read recorded payloads from disk for this request.
    pub fn may_block(&self, request: &LiveRequest<'_>) -> bool {
        self.index.may_read_payloads(request)
    }

    /// The entry that answers every request of this method and URL that has no payload, where there is such a one.
    pub fn only_answer(&self, method: &str, url: &str) -> Option<EntryRef> {
        self.index.only_answer(method, url)
    }

    /// Which entry answers a request of a session. Reads recorded payloads where they decide, so it may block for a request with a payload.
    pub fn lookup(&self, request: &LiveRequest<'_>, session: &Session) -> Lookup {
        self.index.lookup(request, self, session.memory())
    }

    /// The entry that is what a request chose, or all of its method and path.
    ///
    /// # Errors
    ///
    /// When none is what was chosen.
    pub fn choose(&self, request: &LiveRequest<'_>, choice: &Choice) -> Result<EntryRef, &[EntryRef]> {
        self.index.choose(request, choice)
    }

    /// The entries that came closest to a request that missed, the nearest first. May block.
    pub fn nearest(&self, request: &LiveRequest<'_>, most: usize) -> Vec<NearMiss> {
        self.index.nearest(request, self, most)
    }

    /// Has the nearest entries found faster from now on: the first miss would wait for it otherwise. Takes a while.
    pub fn prepare_nearest(&self) {
        self.index.prepare_nearest();
    }

    /// What is done to the answers of an entry beside what was recorded, if anything.
    pub fn treatment(&self, entry: EntryRef) -> Option<&Treatment> {
        self.treatments.find(entry)
    }

    /// The rules under which it answers.
    pub fn rules(&self) -> Arc<Rules> {
        self.index.rules()
    }

    /// What rules say about a URL.
    pub fn terms(&self, url: &str) -> Option<Arc<Terms>> {
        self.index.terms(url)
    }

    /// The origins that stand for each other.
    pub fn origins(&self) -> &OriginMap {
        self.index.origins()
    }

    /// The entry behind a reference.
    pub fn entry(&self, entry: EntryRef) -> &Entry {
        self.index.entry(entry)
    }

    /// The entry's names.
    pub fn name(&self, entry: EntryRef) -> EntryName<'_> {
        let archive = self.archives.get(entry.archive as usize).map_or("", |loaded| &*loaded.name);
        EntryName { archive, ordinal: self.entry(entry).ordinal }
    }

    /// Calls an archive that is read from `path` by another path: what is read stands in for that. Before anybody asks.
    pub fn call(&mut self, path: &Path, name: &Path) {
        let stand_in = self.archives.iter_mut().find(|loaded| loaded.path() == path);
        if let Some(loaded) = stand_in.and_then(Arc::get_mut) {
            loaded.name = name.display().to_string();
        }
    }

    /// What the archives are called, in order.
    pub fn archive_names(&self) -> impl Iterator<Item = &str> {
        self.archives.iter().map(|loaded| &*loaded.name)
    }

    /// How many entries can be served.
    pub fn entry_count(&self) -> usize {
        self.archives.iter().map(|loaded| loaded.slots.len()).sum()
    }

    /// Counts an entry as served.
    pub fn count(&self, entry: EntryRef) {
        if let Some(slot) = self.slot(entry) {
            slot.served.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Every entry that can be served, in order.
    pub fn entries(&self) -> impl Iterator<Item = EntryRef> + '_ {
        (0..)
            .zip(&self.archives)
            .flat_map(|(archive, loaded)| (0..).zip(&loaded.slots).map(move |(entry, _)| EntryRef { archive, entry }))
    }

    /// How often an entry was served.
    pub fn served(&self, entry: EntryRef) -> u64 {
        self.slot(entry).map_or(0, |slot| slot.served.load(Ordering::Relaxed))
    }

    /// Entries that no request has asked for, in order.
    pub fn unused(&self) -> Vec<EntryRef> {
        let mut unused = Vec::new();
        for (archive, loaded) in (0..).zip(&self.archives) {
            let idle = (0..).zip(&loaded.slots).filter(|(_, slot)| slot.served.load(Ordering::Relaxed) == 0);
            unused.extend(idle.map(|(entry, _)| EntryRef { archive, entry }));
        }
        unused
    }

    /// The part of an answer that never changes.
    pub(super) fn prepared(&self, entry: EntryRef, answer: &Answer) -> Option<&Prepared> {
        self.slot(entry).map(|slot| &**slot.prepared.get_or_init(|| Box::new(Prepared::of(answer))))
    }

    /// The body of an answer, from the cache or the disk; none where it has none.
    pub(super) async fn stored(
        self: &Arc<Self>,
        entry: EntryRef,
        answer: &Answer,
    ) -> Result<Option<Stored>, PayloadTrouble> {
        let Some(body) = &answer.body else { return Ok(None) };
        if let Some(stored) = self.stored_now(entry, body) {
            return Ok(Some(stored));
        }
        let (replayer, body) = (Arc::clone(self), body.clone());
        match tokio::task::spawn_blocking(move || replayer.read_body(entry, &body)).await {
            Ok(read) => read.map(Some),
            // The runtime is going away, and the client with it.
            Err(_cancelled) => Ok(None),
        }
    }

    /// The same, where nothing has to be waited for.
    pub(super) fn stored_now(self: &Arc<Self>, entry: EntryRef, body: &StoredBody) -> Option<Stored> {
        let Some(cached) = self.cache.find(entry) else { return self.had_now(entry, body) };
        match self.cache.age(&cached) {
            Age::Fresh => {}
            Age::Ageing => self.look_soon(entry),
            Age::Stale => return None,
        }
        Some(Stored::Whole(cached))
    }

    /// A body that is in no cache and needs no waiting all the same.
    fn had_now(&self, entry: EntryRef, body: &StoredBody) -> Option<Stored> {
        match self.archive_of(entry)?.read_now(body, AT_ONCE) {
            Some(bytes) => Some(Stored::Whole(self.keep(entry, bytes, None))),
            None => self.own_files.unpacked(entry).map(Stored::File),
        }
    }

    /// Reads the body of an answer, unless its file is as it was. Blocks.
    fn read_body(&self, entry: EntryRef, body: &StoredBody) -> Result<Stored, PayloadTrouble> {
        let trouble = |source| PayloadTrouble { entry: self.name(entry).to_string(), source };
        let Some(archive) = self.archive_of(entry) else {
            return Ok(Stored::Whole(self.cache.keep(entry, Bytes::new(), 0, None)));
        };
        // Where there is no room for a temporary file, memory has to do. What else is wrong is told by the reading below.
        if archive.unpacks(body, large::WHOLE)
            && let Ok(file) = self.own_files.or_unpack(entry, || archive.unpack(body, COPIED))
        {
            return Ok(Stored::File(file));
        }
        let stamp = archive.stamp(body);
        if let Some(copy) = stamp.and_then(|stamp| self.own_files.copy(entry, stamp)) {
            return Ok(Stored::File(copy));
        }
        if let Some(cached) = self.cache.find(entry).filter(|cached| cached.stamp.is_some()) {
            if stamp == cached.stamp {
                self.cache.unchanged(&cached);
                return Ok(Stored::Whole(cached));
            }
            // Editors write in two steps: what they have not finished is not served.
            if self.cache.may_still_serve(&cached, stamp) {
                return Ok(Stored::Whole(cached));
            }
        }
        Ok(match archive.fetch(body, large::WHOLE).map_err(trouble)? {
            Fetched::Whole(bytes) => Stored::Whole(self.keep(entry, bytes, stamp)),
            // Opened for each request: people edit these files.
            Fetched::Large(file) => Stored::File(file),
        })
    }

    fn keep(&self, entry: EntryRef, body: Bytes, stamp: Option<Stamp>) -> Arc<Cached> {
        let prepared = answered(self.entry(entry)).and_then(|answer| self.prepared(entry, answer));
        let (message, head) = match prepared {
            Some(prepared) => together(prepared, body),
            None => (body, 0),
        };
        self.cache.keep(entry, message, head, stamp)
    }

    /// Has the file of a cached body looked at while the body is still served.
    fn look_soon(self: &Arc<Self>, entry: EntryRef) {
        self.due().push(entry);
        if self.looks.running.swap(true, Ordering::AcqRel) {
            return;
        }
        let replayer = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            std::thread::sleep(GATHERED);
            // Before the list is taken: who adds to it afterwards starts the next run.
            replayer.looks.running.store(false, Ordering::Release);
            // Let go before the files are looked at: whoever serves would wait for all of them.
            let due = std::mem::take(&mut *replayer.due());
            for entry in due {
                if let Some(stored) = body_of(replayer.entry(entry)) {
                    // What is wrong with a file is told to the request that needs it.
                    let _ = replayer.read_body(entry, stored);
                }
            }
        });
    }

    fn due(&self) -> std::sync::MutexGuard<'_, Vec<EntryRef>> {
        self.looks.due.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn archive_of(&self, entry: EntryRef) -> Option<&Archive> {
        Some(&self.archives.get(entry.archive as usize)?.archive)
    }

    pub(super) fn slot(&self, entry: EntryRef) -> Option<&Slot> {
        self.archives.get(entry.archive as usize)?.slots.get(entry.entry as usize)
    }
}

impl PayloadSource for Replayer {
    fn request_payload(&self, entry: EntryRef) -> Result<Bytes, PayloadFailure> {
        let RecordedPayload::Stored(body) = &self.entry(entry).request.payload else { return Ok(Bytes::new()) };
        let Some(loaded) = self.archives.get(entry.archive as usize) else { return Ok(Bytes::new()) };
        loaded.archive.read(body).map_err(|error| PayloadFailure(format!("{}: {error}", self.name(entry))))
    }
}

/// The recorded body of an entry's answer.
pub(super) fn body_of(entry: &Entry) -> Option<&StoredBody> {
    answered(entry)?.body.as_ref()
}

/// The recorded answer of an entry; `None` for a failed one.
pub(super) fn answered(entry: &Entry) -> Option<&Answer> {
    match &entry.outcome {
        Outcome::Answered(answer) => Some(answer),
        Outcome::Failed(_) => None,
    }
}
