//! Telling whether a file has changed since it was read.

use std::fs::Metadata;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::Archive;
use crate::har::StoredBody;

/// A file that was written this recently may be half of what somebody is about to write.
const SETTLED: Duration = Duration::from_millis(30);

/// The state of a file: two different contents have two different stamps, as far as the file system tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    /// Which file it is: one that replaced another may have its length and its time.
    inode: u64,
}

impl Stamp {
    /// The state of the file or folder at a path; none where there is no such thing.
    pub fn of(path: &Path) -> Option<Self> {
        let state = std::fs::metadata(path).ok()?;
        Some(Self { modified: state.modified().ok(), length: state.len(), inode: inode(&state) })
    }

    /// Whether the file was written so recently that more may follow.
    pub fn is_settling(&self) -> bool {
        self.is_younger_than(SETTLED)
    }

    /// Whether the last change is less than this long ago. A time in the future is that of another clock.
    pub(crate) fn is_younger_than(&self, age: Duration) -> bool {
        self.modified.and_then(|modified| modified.elapsed().ok()).is_some_and(|elapsed| elapsed < age)
    }
}

impl Archive {
    /// The state of the file behind a body, or `None` where there is no such file: embedded bodies and those in a zip
    /// change only when the archive is loaded anew.
    pub fn stamp(&self, body: &StoredBody) -> Option<Stamp> {
        let StoredBody::File(name) = body else { return None };
        Stamp::of(&self.path().parent()?.join(&**name))
    }
}

#[cfg(unix)]
fn inode(state: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(state)
}

#[cfg(not(unix))]
fn inode(_state: &Metadata) -> u64 {
    0
}
