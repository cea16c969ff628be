//! Temporary files of large bodies: what had to be unpacked, and copies of payload files that are asked for again.
//!
//! Nobody else can write into them, so the system may send from them by itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::task::spawn_blocking;

use super::replayer::{Replayer, body_of};
use crate::archive::{BodyFile, Stamp};
use crate::matching::EntryRef;

/// Bytes of temporary files that are kept. A body for which there is no room is unpacked for each request.
const KEPT: u64 = 1 << 30;
/// A longer body that lies in a file as it is served is sent from there: one of these would drive out all others.
pub(super) const COPIED: u64 = KEPT / 4;
/// Who has just written into a file may go on, without its time becoming another.
const AT_REST: Duration = Duration::from_secs(1);

/// Temporary files of large bodies, which nobody else can write into.
#[derive(Debug)]
pub(super) struct OwnFiles {
    files: Cache<EntryRef, OwnFile, ByLength>,
    /// How often a payload file was asked for as it is.
    asked: Mutex<HashMap<EntryRef, (Stamp, u32)>>,
}

#[derive(Debug, Clone)]
struct OwnFile {
    body: BodyFile,
    /// The state of the payload file of which it is a copy; none for a body that had to be unpacked.
    copy_of: Option<Stamp>,
}

impl OwnFiles {
    pub(super) fn new() -> Self {
        // Few enough for one shard, which then has all the room.
        Self { files: Cache::with_weighter(32, KEPT, ByLength), asked: Mutex::default() }
    }

    /// A body that was unpacked.
    pub(super) fn unpacked(&self, entry: EntryRef) -> Option<BodyFile> {
        self.files.get(&entry).filter(|file| file.copy_of.is_none()).map(|file| file.body)
    }

    /// Who asks for the same body meanwhile waits for this one.
    pub(super) fn or_unpack<E>(
        &self,
        entry: EntryRef,
        unpack: impl FnOnce() -> Result<BodyFile, E>,
    ) -> Result<BodyFile, E> {
        let unpack = || unpack().map(|body| OwnFile { body, copy_of: None });
        self.files.get_or_insert_with(&entry, unpack).map(|file| file.body)
    }

    /// A copy of a payload file in this state.
    pub(super) fn copy(&self, entry: EntryRef, stamp: Stamp) -> Option<BodyFile> {
        self.files.get(&entry).filter(|file| file.copy_of == Some(stamp)).map(|file| file.body)
    }

    /// A payload file in this state is asked for. Whether it is to be copied, which is so once: the second time, for what
    /// is asked for twice will be asked for again.
    fn is_worth_a_copy(&self, entry: EntryRef, stamp: Stamp) -> bool {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, times) = asked.entry(entry).or_insert((stamp, 0));
        if *known != stamp {
            (*known, *times) = (stamp, 0);
        }
        *times = times.saturating_add(1);
        *times == 2
    }

    fn keep_copy(&self, entry: EntryRef, stamp: Stamp, body: BodyFile) {
        self.files.insert(entry, OwnFile { body, copy_of: Some(stamp) });
    }
}

#[derive(Debug, Clone)]
struct ByLength;

impl Weighter<EntryRef, OwnFile> for ByLength {
    fn weight(&self, _entry: &EntryRef, file: &OwnFile) -> u64 {
        file.body.length().max(1)
    }
}

impl Replayer {
    /// A payload file goes to a client that the system could send it to by itself if nobody could write into it. Has it
    /// copied, beside, when that happens again.
    pub fn copy_if_asked_again(self: &Arc<Self>, entry: EntryRef, file: &BodyFile) {
        if file.length() > COPIED {
            return;
        }
        let (replayer, file) = (Arc::clone(self), file.clone());
        spawn_blocking(move || {
            let state = || replayer.archive_of(entry)?.stamp(body_of(replayer.entry(entry))?);
            let Some(stamp) = state().filter(|stamp| !stamp.is_younger_than(AT_REST)) else { return };
            if !replayer.own_files.is_worth_a_copy(entry, stamp) {
                return;
            }
            // Without a copy the file itself goes on to be sent.
            let Ok(copy) = file.copied() else { return };
            if state() == Some(stamp) {
                replayer.own_files.keep_copy(entry, stamp, copy);
            }
        });
    }
}
