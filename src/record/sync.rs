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
    journal: bool,
    bodies: BTreeSet<u64>,
    stopped: bool,
}

impl Unsynced {
    /// The journal has new records.
    pub(super) fn journal(&self) {
        self.state().journal = true;
    }

    /// This spool file has new bytes.
    pub(super) fn body(&self, number: u64) {
        self.state().bodies.insert(number);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is new a second from now; `None` when the run ends first.
    fn next(&self) -> Option<(bool, BTreeSet<u64>)> {
        let waited = self.0.stopped.wait_timeout_while(self.state(), EACH, |state| !state.stopped);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let new = (std::mem::take(&mut state.journal), std::mem::take(&mut state.bodies));
        (!state.stopped).then_some(new)
    }
}

/// The thread. What is left when it stops is synced as part of the archive.
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
            while let Some((records, bodies)) = new.next() {
                if let Err(error) = sync(&folder, &journal, records, &bodies)
                    && first.is_none()
                {
                    let failed = format!("cannot sync {}: {error}", folder.display());
                    tell.line(&format!("{failed}; a power loss may lose more than a second"));
                    first = Some(failed);
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

/// Bodies come first: a record names those that it needs.
fn sync(folder: &Path, journal: &File, records: bool, bodies: &BTreeSet<u64>) -> io::Result<()> {
    for number in bodies {
        // Opened for each round, so that bodies that have ended hold no descriptor.
        match File::options().append(true).open(spool_path(folder, *number)) {
            Ok(file) => file.sync_data()?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    // Names of new files survive with their folder; where folders cannot be synced there is nothing more to do.
    #[cfg(unix)]
    if !bodies.is_empty() {
        File::open(folder)?.sync_all()?;
    }
    if records { journal.sync_data() } else { Ok(()) }
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
        let (records, bodies) = unsynced.next().unwrap();
        assert_eq!((records, &bodies), (true, &BTreeSet::from([1, 2])));
        sync(folder.path(), &journal, records, &bodies).unwrap();
        unsynced.state().stopped = true;
        assert!(unsynced.next().is_none());
    }
}
