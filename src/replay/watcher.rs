//! Archives that change on disk while they are replayed: what has changed is read anew, what is broken is not taken.
//!
//! Looking is asking for the state of each archive and folder. That finds an edit on every file system, also where
//! the system tells nothing of one (shared folders of containers and virtual machines, network drives), and hundreds of
//! archives cost less than a millisecond.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::loaded::Loaded;
use super::replayer::Replayer;
use super::treatments::Fault;
use crate::archive::{self, Archive, Limits, Searched, Stamp};
use crate::har::Warning;

/// A folder that changed this recently is listed again: some file systems count in steps of two seconds.
const RECENT: Duration = Duration::from_secs(3);
/// Looks in a row that have to see the same before it is taken: an editor may be writing.
const STEADY: u32 = 2;
/// The same for an archive that is gone: some editors remove a file before they write the new one.
const STEADY_GONE: u32 = 4;
/// Bytes of texts of which copies are kept.
const COPIED_MOST: u64 = 64 << 20;

/// A request that begins this long after an edit is answered from it. Reading a large archive takes its time beside, and
/// so does looking at thousands of them.
pub const EDIT_SEEN_AFTER: Duration = Duration::from_millis(250);

/// Watches the archives of a run.
#[derive(Debug)]
pub struct Watcher {
    paths: Vec<PathBuf>,
    strict: bool,
    replayer: Arc<Replayer>,
    known: HashMap<PathBuf, Known>,
    listing: Listing,
    /// What the last looks saw that is to be dealt with.
    pending: Option<Pending>,
}

/// An archive, and the state on disk that was dealt with last, whether it was taken or not.
#[derive(Debug)]
struct Known {
    /// None where it has been broken ever since it came.
    loaded: Option<Arc<Loaded>>,
    payload_files: Vec<PathBuf>,
    state: State,
    /// Why that state was not taken.
    broken: Option<String>,
}

/// The state of an archive on disk: of its file, and of the request payloads that it names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct State {
    file: Option<Stamp>,
    payloads: Vec<Option<Stamp>>,
}

/// What is to be dealt with, once enough looks have seen it.
#[derive(Debug)]
struct Pending {
    found: Arc<Vec<PathBuf>>,
    states: Vec<State>,
    looks: u32,
}

/// What a look has led to.
#[derive(Debug, Default)]
pub struct Look {
    /// Answers from now on, where that has changed.
    pub replayer: Option<Arc<Replayer>>,
    /// What was read anew, is new, is odd or is gone, a sentence each.
    pub changes: Vec<String>,
    /// What is broken, and where, a sentence each; the state before it goes on to answer.
    pub broken: Vec<String>,
    /// Something is changing, and is to be looked at again soon.
    pub unsettled: bool,
}

impl Look {
    /// Nothing has changed and nothing was read.
    pub fn is_quiet(&self) -> bool {
        self.changes.is_empty() && self.broken.is_empty() && !self.unsettled
    }

    fn unsettled() -> Self {
        Self { unsettled: true, ..Self::default() }
    }
}

/// Why an archive that changed is not taken.
enum Refused {
    /// It is being written.
    Changing,
    /// It is wrong, and where.
    Broken(String),
}

impl Watcher {
    /// Looks after which whatever has changed is dealt with.
    pub const LOOKS_MOST: u32 = STEADY_GONE;

    /// Watches what [`Replayer::open`] was given. Blocks.
    pub fn new(replayer: Arc<Replayer>, paths: Vec<PathBuf>, strict: bool) -> Self {
        let known = replayer.archives.iter().map(|loaded| (loaded.path().to_owned(), Known::of(loaded))).collect();
        Self { paths, strict, replayer, known, listing: Listing::default(), pending: None }
    }

    /// Copies the texts of archives with embedded bodies, the first ones up to 64 MiB in all: they answer also while
    /// somebody writes into the archive, and when what was written is broken. Blocks.
    pub fn keep_texts(&self) {
        let mut left = COPIED_MOST;
        for loaded in self.replayer.archives.iter().filter(|loaded| loaded.has_embedded_bodies()) {
            // Without a copy, a change in place is an error for whoever asks before the archive has been read anew.
            left = left.saturating_sub(loaded.archive.keep_text(left).unwrap_or(0));
        }
    }

    /// Looks once. Blocks; what has changed is read here.
    pub fn look(&mut self) -> Look {
        let found = match self.listing.archives(&self.paths) {
            Listed::Archives(found) => found,
            Listed::Nothing(broken) => return Look { broken, ..Look::default() },
            Listed::NotYet => return Look::unsettled(),
        };
        let states: Vec<_> = found.iter().map(|path| self.state(path)).collect();
        let same = |(path, state): (&PathBuf, &State)| self.known.get(path).is_some_and(|known| known.state == *state);
        let none_gone = || self.known.len() <= found.iter().collect::<HashSet<_>>().len();
        if found.iter().zip(&states).all(same) && none_gone() {
            self.pending = None;
            return Look::default();
        }
        let looks = match self.pending.take() {
            Some(pending) if pending.found == found && pending.states == states => pending.looks + 1,
            _ => 1,
        };
        let enough = if none_gone() && states.iter().all(|state| state.file.is_some()) { STEADY } else { STEADY_GONE };
        if looks < enough {
            self.pending = Some(Pending { found, states, looks });
            return Look::unsettled();
        }
        self.take(&found, states)
    }

    /// What is broken on disk and not taken, a sentence each.
    pub fn broken(&self) -> impl Iterator<Item = &str> {
        self.known.values().filter_map(|known| known.broken.as_deref()).chain(self.listing.told.as_deref())
    }

    fn state(&self, path: &Path) -> State {
        let files = self.known.get(path).map(|known| &*known.payload_files).unwrap_or_default();
        State { file: Stamp::of(path), payloads: stamps(files) }
    }

    /// Reads what has changed, and answers from it where it is whole.
    fn take(&mut self, found: &[PathBuf], states: Vec<State>) -> Look {
        let mut look = Look::default();
        let mut known = HashMap::new();
        for (path, state) in found.iter().zip(states) {
            if known.contains_key(path) {
                continue;
            }
            let before = self.known.get(path);
            let loaded = before.and_then(|before| before.loaded.clone());
            let now = match before {
                Some(before) if before.state == state => {
                    let (payload_files, broken) = (before.payload_files.clone(), before.broken.clone());
                    Known { loaded, payload_files, state, broken }
                }
                _ => match self.read(path, loaded.as_deref(), &mut look) {
                    Ok(new) => Known { state: State { file: state.file, ..State::of(&new) }, ..Known::of(&new) },
                    // Nothing is dealt with: the next looks see all of it again.
                    Err(Refused::Changing) => return Look::unsettled(),
                    Err(Refused::Broken(sentence)) => {
                        let after =
                            if loaded.is_some() { "what was read before still answers" } else { "it is left out" };
                        let sentence = format!("{sentence}; {after}");
                        look.broken.push(sentence.clone());
                        let payload_files = before.map(|before| before.payload_files.clone()).unwrap_or_default();
                        Known { loaded, payload_files, state, broken: Some(sentence) }
                    }
                },
            };
            known.insert(path.clone(), now);
        }
        let gone = self.known.keys().filter(|path| !known.contains_key(*path));
        look.changes.extend(gone.map(|path| format!("{}: is gone", path.display())));
        self.known = known;
        if !look.changes.is_empty() {
            let archives = found.iter().filter_map(|path| self.known.get(path)?.loaded.clone()).collect();
            self.replayer = Arc::new(self.replayer.with(archives));
            look.replayer = Some(Arc::clone(&self.replayer));
        }
        look
    }

    /// Reads an archive, and says so, unless it is broken.
    fn read(&self, path: &Path, before: Option<&Loaded>, look: &mut Look) -> Result<Arc<Loaded>, Refused> {
        let loaded = Arc::new(Loaded::read(path).map_err(|error| Refused::of(path, &error))?);
        let is_known = |warning: &Warning| {
            let mut warnings = before.into_iter().flat_map(|before| before.archive.warnings());
            warnings.any(|known| (&known.field, &known.message) == (&warning.field, &warning.message))
        };
        let odd: Vec<_> = loaded.archive.warnings().iter().filter(|warning| !is_known(warning)).collect();
        // An odd entry of a new archive is skipped, as at the start; an edit that makes one odd is a mistake.
        let is_mistake = |warning: &&&Warning| self.strict || (warning.skipped && before.is_some());
        if let Some(warning) = odd.iter().find(is_mistake) {
            let Warning { entry, field, message, .. } = warning;
            let line = loaded.archive.line_of(*entry);
            return Err(Refused::Broken(format!("{}: entry {entry}: {field}: {message}", place(path, line))));
        }
        if let Some(Fault { ordinal, trouble }) = self.replayer.template_fault(&loaded) {
            let sentence = format!("entry {ordinal}: {} {}", trouble.part, trouble.error);
            return Err(Refused::Broken(format!("{}: {sentence}", place(path, loaded.archive.line_of(ordinal)))));
        }
        let how = if before.is_some() { "read anew" } else { "is new" };
        look.changes.push(format!("{}: {how}, {}", path.display(), entries(loaded.entries.len())));
        look.changes.extend(odd.iter().map(|warning| format!("{}: {warning}", path.display())));
        if let Some(before) = before {
            loaded.carry_counts(before);
        }
        Ok(loaded)
    }
}

impl Refused {
    fn of(path: &Path, error: &archive::Error) -> Self {
        let entry = match error {
            archive::Error::ChangedWhileLoading { .. } => return Self::Changing,
            archive::Error::PayloadPath { entry, .. } | archive::Error::RefusedPayload { entry, .. } => Some(*entry),
            _ => None,
        };
        let sentence = error.to_string();
        let archive = entry.and_then(|_| Archive::open_unchecked(path, &Limits::default()).ok());
        let line = archive.zip(entry).and_then(|(archive, entry)| archive.line_of(entry));
        match sentence.strip_prefix(&*path.to_string_lossy()) {
            Some(rest) if line.is_some() => Self::Broken(format!("{}{rest}", place(path, line))),
            _ => Self::Broken(sentence),
        }
    }
}

impl Known {
    fn of(loaded: &Arc<Loaded>) -> Self {
        let payload_files = loaded.request_payload_files().collect();
        Self { loaded: Some(Arc::clone(loaded)), payload_files, state: State::of(loaded), broken: None }
    }
}

impl State {
    fn of(loaded: &Loaded) -> Self {
        let files: Vec<_> = loaded.request_payload_files().collect();
        Self { file: loaded.stamp, payloads: stamps(&files) }
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Option<Stamp>> {
    files.iter().map(|file| Stamp::of(file)).collect()
}

/// The archives that the paths mean, looked for again when a folder has changed.
#[derive(Debug, Default)]
struct Listing {
    archives: Option<Arc<Vec<PathBuf>>>,
    folders: Vec<Searched>,
    /// Looks in a row that found nothing.
    failed: u32,
    /// Why, once it has been told.
    told: Option<String>,
}

enum Listed {
    Archives(Arc<Vec<PathBuf>>),
    /// Nothing is found: why, when it is to be told.
    Nothing(Vec<String>),
    NotYet,
}

impl Listing {
    fn archives(&mut self, paths: &[PathBuf]) -> Listed {
        let steady = |(folder, stamp): &Searched| {
            stamp.is_some_and(|stamp| !stamp.is_younger_than(RECENT)) && Stamp::of(folder) == *stamp
        };
        if let Some(archives) = &self.archives
            && self.folders.iter().all(steady)
        {
            return Listed::Archives(Arc::clone(archives));
        }
        self.folders.clear();
        match archive::discover_noting(paths, &mut self.folders) {
            Ok(found) => {
                (self.failed, self.told) = (0, None);
                Listed::Archives(Arc::clone(self.archives.insert(Arc::new(found))))
            }
            Err(error) => {
                self.archives = None;
                self.failed = self.failed.saturating_add(1);
                match self.failed {
                    ..STEADY_GONE => Listed::NotYet,
                    STEADY_GONE => {
                        let sentence = format!("{error}; what was read before still answers");
                        self.told = Some(sentence.clone());
                        Listed::Nothing(vec![sentence])
                    }
                    _ => Listed::Nothing(Vec::new()),
                }
            }
        }
    }
}

/// A file, with the line where that is known.
fn place(path: &Path, line: Option<usize>) -> String {
    line.map_or_else(|| path.display().to_string(), |line| format!("{}:{line}", path.display()))
}

fn entries(count: usize) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") }
}
