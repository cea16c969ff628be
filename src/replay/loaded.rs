//! One archive of a run as it was read, with what belongs to its entries while the run lasts.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::prepared::Prepared;
use crate::archive::{self, Archive, Stamp};
use crate::har::{Entry, StoredBody};

/// An archive that replayers share: one that has not changed is not read again when others have.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) archive: Archive,
    /// The archive's path as it was given.
    pub(super) name: String,
    pub(super) entries: Arc<Vec<Entry>>,
    pub(super) slots: Vec<Slot>,
    /// The state of its file before it was read.
    pub(super) stamp: Option<Stamp>,
}

/// What belongs to one entry while a run lasts.
#[derive(Debug, Default)]
pub(super) struct Slot {
    pub(super) prepared: OnceLock<Box<Prepared>>,
    /// Whether its answer may go out as it lies in memory.
    pub(super) ready: OnceLock<bool>,
    pub(super) served: AtomicU64,
}

impl Loaded {
    /// Reads an archive. Blocks.
    pub(super) fn read(path: &Path) -> Result<Self, archive::Error> {
        let stamp = Stamp::of(path);
        let mut archive = Archive::open(path)?;
        let mut entries = archive.take_entries();
        if archive.is_outgoing() {
            // These requests are to be sent; an answer to one of them is nobody's to give.
            entries = Vec::new();
        }
        let entries = Arc::new(entries);
        let slots = entries.iter().map(|_| Slot::default()).collect();
        Ok(Self { name: path.display().to_string(), archive, entries, slots, stamp })
    }

    pub(super) fn path(&self) -> &Path {
        self.archive.path()
    }

    /// Takes over how often entries were served: of each method and URL the first from the first, and so on.
    pub(super) fn carry_counts(&self, before: &Self) {
        let mut counts: HashMap<_, Vec<u64>> = HashMap::new();
        // From the end, so that the first is taken first.
        for (entry, slot) in before.entries.iter().zip(&before.slots).rev() {
            counts.entry(key(entry)).or_default().push(slot.served.load(Ordering::Relaxed));
        }
        for (entry, slot) in self.entries.iter().zip(&self.slots) {
            if let Some(count) = counts.get_mut(&key(entry)).and_then(Vec::pop) {
                slot.served.store(count, Ordering::Relaxed);
            }
        }
    }

    /// The files of recorded request payloads: what is known of them goes into the index.
    pub(super) fn request_payload_files(&self) -> impl Iterator<Item = PathBuf> {
        let folder = self.path().parent();
        self.entries.iter().filter_map(move |entry| match entry.request.payload.stored() {
            Some(StoredBody::File(name)) => Some(folder?.join(&**name)),
            _ => None,
        })
    }

    /// Whether bodies are in the text of the archive itself.
    pub(super) fn has_embedded_bodies(&self) -> bool {
        self.entries.iter().any(|entry| entry.bodies().any(|body| matches!(body, StoredBody::Embedded { .. })))
    }
}

fn key(entry: &Entry) -> (&str, &str) {
    (&entry.request.method, entry.request.url.as_str())
}
