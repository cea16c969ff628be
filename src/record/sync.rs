//! The thread that puts on the disk, once a second, what the writing thread has handed to the system.
//!
//! It shares nothing with the clients' way but a list of what is new: no client waits for it. After a power loss the
//! archive lacks at most what came after its last round; a kill alone loses nothing that was written.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::journal::spool_path;
use super::losses::Tell;

/// Between two rounds.
const EACH: Duration = Duration::from_secs(1);

/// What has been written since the last round.
#[derive(Debug, Clone, Default)]
pub(super) struct Unsynced(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    stopped: Condvar,
}

#[derive(Debug, Default)]
struct State {
    new: New,
    stopped: bool,
}

/// What a round has to sync.
#[derive(Debug, Default, PartialEq, Eq)]
struct New {
    journal: bool,
    bodies: BTreeSet<u64>,
}

impl Unsynced {
    /// The journal has new records.
    pub(super) fn journal(&self) {
        self.state().new.journal = true;
    }

    /// This spool file has new bytes.
    pub(super) fn body(&self, number: u64) {
        self.state().new.bodies.insert(number);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is new a second from now, or when the run ends, and whether it has.
    fn next(&self) -> (New, bool) {
        let waited = self.0.stopped.wait_timeout_while(self.state(), EACH, |state| !state.stopped);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        (std::mem::take(&mut state.new), state.stopped)
    }
}

/// The thread. What is left when it stops is synced, too: writing the archive may take long, or fail.
#[derive(Debug)]
pub(super) struct SyncThread {
    unsynced: Unsynced,
    /// Gives what could not be synced first.
    thread: JoinHandle<Option<String>>,
}

impl SyncThread {
    /// Starts syncing this journal, and the spool files in its folder.
    pub(super) fn start(folder: PathBuf, journal: File, tell: Tell) -> io::Result<Self> {
        let unsynced = Unsynced::default();
        let new = unsynced.clone();
        let thread = std::thread::Builder::new().name("harmock-sync".into()).spawn(move || {
            let mut first = None;
            let mut note = |outcome: io::Result<()>| {
                if let Err(error) = outcome
                    && first.is_none()
                {
                    let failed = format!("cannot sync {}: {error}", folder.display());
                    tell.line(&format!("{failed}; a power loss may lose more than a second"));
                    first = Some(failed);
                }
            };
            note(sync_names(&folder));
            loop {
                let (new, last) = new.next();
                note(sync(&folder, &journal, &new));
                if last {
                    break;
                }
            }
            first
        })?;
        Ok(Self { unsynced, thread })
    }

    pub(super) fn unsynced(&self) -> Unsynced {
        self.unsynced.clone()
    }

    /// Ends the thread; gives the first failure that it met.
    pub(super) fn stop(self) -> Option<String> {
        self.unsynced.state().stopped = true;
        self.unsynced.0.stopped.notify_all();
        self.thread.join().unwrap_or_else(|_panic| Some("the syncing thread ended early".to_owned()))
    }
}

/// Bodies come first: a record names those that it needs. What cannot be synced keeps nothing else from it; gives the first
/// failure.
fn sync(folder: &Path, journal: &File, new: &New) -> io::Result<()> {
    let bodies = new.bodies.iter().map(|number| sync_body(folder, *number));
    let mut outcome = bodies.fold(Ok(()), io::Result::and);
    if !new.bodies.is_empty() {
        outcome = outcome.and(sync_folder(folder));
    }
    if new.journal { outcome.and(journal.sync_data()) } else { outcome }
}

/// Opened for each round, so that bodies that have ended hold no descriptor.
fn sync_body(folder: &Path, number: u64) -> io::Result<()> {
    match File::options().append(true).open(spool_path(folder, number)) {
        Ok(file) => file.sync_data(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// The names of the journal and of the folders that lead to it. Those outside `.harmock` were there before, most of the time,
/// and may be closed to this user.
fn sync_names(folder: &Path) -> io::Result<()> {
    let own = folder.parent().unwrap_or(folder);
    for outer in own.ancestors().skip(1).take(2) {
        let _ = sync_folder(if outer.as_os_str().is_empty() { Path::new(".") } else { outer });
    }
    sync_folder(own).and(sync_folder(folder))
}

/// Names of new files survive with their folder; where folders cannot be synced there is nothing more to do.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_is_synced_once_and_a_body_that_is_gone_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let journal = File::create(folder.path().join("journal")).unwrap();
        std::fs::write(spool_path(folder.path(), 1), "x").unwrap();
        let unsynced = Unsynced::default();
        unsynced.journal();
        [1, 1, 2].into_iter().for_each(|number| unsynced.body(number));
        let (new, last) = unsynced.next();
        assert_eq!((&new, last), (&New { journal: true, bodies: BTreeSet::from([1, 2]) }, false));
        sync(folder.path(), &journal, &new).unwrap();
        sync_names(folder.path()).unwrap();
        unsynced.journal();
        unsynced.state().stopped = true;
        assert_eq!(unsynced.next(), (New { journal: true, ..New::default() }, true), "what comes last is synced, too");
    }

    #[cfg(unix)]
    #[test]
    fn what_cannot_be_synced_is_told_and_hinders_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/null", spool_path(folder.path(), 0)).unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&told);
        let tell = Tell::new(move |line| sink.lock().unwrap().push(line.to_owned()));
        let journal = File::create(folder.path().join("journal")).unwrap();
        let thread = SyncThread::start(folder.path().to_owned(), journal, tell).unwrap();
        thread.unsynced().body(0);
        assert!(thread.stop().unwrap().starts_with("cannot sync"));
        assert_eq!(told.lock().unwrap().len(), 1);
    }
}
