//! The archives of a run, and the index over them.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::cache::PayloadCache;
use super::loaded::{Loaded, Slot};
use super::own_files::OwnFiles;
use super::prepared::Prepared;
use super::session::Session;
use super::templated::{TemplateSettings, TemplateTrouble, Templated};
use super::treatments::{Fault, Treatments};
use crate::archive::{self, Archive};
use crate::har::{Answer, Entry, Outcome, RecordedPayload, StoredBody, Warning};
use crate::matching::rules::Terms;
use crate::matching::{
    Choice, EntryRef, Index, LiveRequest, Lookup, NearMiss, OriginMap, PayloadFailure, PayloadSource, Rules,
};
use crate::treatment::Treatment;

/// Answers requests from archives. Shared by all connections.
#[derive(Debug)]
pub struct Replayer {
    pub(super) archives: Vec<Arc<Loaded>>,
    index: Index,
    treatments: Treatments,
    templates: Arc<TemplateSettings>,
    cache_size: u64,
    pub(super) cache: PayloadCache,
    pub(super) own_files: OwnFiles,
}

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
    /// What is to be a template is none.
    #[error("{0}; correct it, or take the entry out of what is rendered (template = false)")]
    Template(TemplateTrouble),
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

impl Replayer {
    /// Opens archives, and folders of archives, in the order given, under these rules. `strict` refuses odd entries. Blocks.
    ///
    /// # Errors
    ///
    /// When one cannot be opened, is no HAR, or is odd where that is refused.
    pub fn open(
        paths: &[PathBuf],
        cache_size: u64,
        strict: bool,
        rules: Arc<Rules>,
        templates: TemplateSettings,
    ) -> Result<Opened, OpenError> {
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
        let mut replayer = Self::of(archives, cache_size, rules, Arc::new(templates));
        replayer.treatments.check(&replayer.archives)?;
        Ok(Opened { replayer, warnings, left_out, outgoing })
    }

    /// Answers from these archives.
    fn of(archives: Vec<Arc<Loaded>>, cache_size: u64, rules: Arc<Rules>, templates: Arc<TemplateSettings>) -> Self {
        let index = Index::with_rules(archives.iter().map(|loaded| Arc::clone(&loaded.entries)).collect(), rules);
        let treatments = Treatments::build(&archives, &index.rules(), &templates);
        let (cache, own_files) = (PayloadCache::new(cache_size), OwnFiles::new());
        Self { archives, index, treatments, templates, cache_size, cache, own_files }
    }

    /// The same with other archives.
    pub(super) fn with(&self, archives: Vec<Arc<Loaded>>) -> Self {
        Self::of(archives, self.cache_size, self.index.rules(), Arc::clone(&self.templates))
    }

    /// The first text of an archive that is to be a template and is none.
    pub(super) fn template_fault(&self, loaded: &Arc<Loaded>) -> Option<Fault> {
        Treatments::build(std::slice::from_ref(loaded), &self.index.rules(), &self.templates).into_fault()
    }

    /// The templates of an entry, if it has any.
    pub(super) fn templated(&self, entry: EntryRef) -> Option<&Templated> {
        self.treatments.templated(entry)
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
