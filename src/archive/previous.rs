//! The version of an archive that is there before a new one takes its place.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use serde_json::value::RawValue;

use super::limits::Limits;
use super::orphans::named_hash;
use super::raw_log::payload_names;
use super::read::Archive;
use super::sort_key::Asked;
use super::write_error::WriteError;
use crate::har::fingerprint::{entry_hash, unhex, written_hash};
use crate::har::{RecordedPayload, StoredBody, Volatile};

/// Longer entries are not compared: they hold bodies, and comparing takes both texts into memory.
const COMPARED: u64 = 16 << 20;

/// What the archive holds now, as far as a new version has to know.
#[derive(Debug)]
pub(crate) struct Previous {
    archive: Archive,
    /// What each entry was asked with; `None` for one that is no HTTP exchange or cannot be read.
    asked: Vec<Option<Asked>>,
    turns: HashMap<Asked, Vec<usize>>,
    examples: HashSet<usize>,
}

/// How an entry stands to its `_harmock.hash`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// harmock wrote it as it is.
    Recorded,
    /// harmock wrote it, and somebody changed it or these payload files since.
    Edited(Vec<String>),
    /// Somebody put it there beside what was recorded.
    Example,
    /// Another tool wrote it.
    Foreign,
}

impl Previous {
    /// Reads what is at `path`.
    pub(crate) fn open(path: &Path) -> Result<Self, WriteError> {
        let unusable =
            |reason: &dyn ToString| WriteError::Existing { path: path.to_path_buf(), reason: reason.to_string() };
        let mut archive = Archive::open_unchecked(path, &Limits::default()).map_err(|error| unusable(&error))?;
        let mut asked: Vec<Option<Asked>> = (0..archive.entry_count()).map(|_| None).collect();
        let mut examples = HashSet::new();
        for entry in archive.take_entries() {
            if entry.is_example {
                examples.insert(entry.ordinal);
            }
            let payload = match &entry.request.payload {
                RecordedPayload::Absent => None,
                // A payload that cannot be read equals none that is recorded.
                RecordedPayload::Stored(body) => Some(archive.hash(body).unwrap_or(Asked::UNKNOWN)),
                RecordedPayload::Params(_) | RecordedPayload::Damaged => Some(Asked::UNKNOWN),
            };
            if let Some(place) = asked.get_mut(entry.ordinal) {
                *place = Some(Asked { url: entry.request.url.as_str().into(), method: entry.request.method, payload });
            }
        }
        let mut turns: HashMap<Asked, Vec<usize>> = HashMap::new();
        for (ordinal, asked) in asked.iter().enumerate() {
            if let Some(asked) = asked {
                turns.entry(asked.clone()).or_default().push(ordinal);
            }
        }
        Ok(Self { archive, asked, turns, examples })
    }

    /// The number of entries.
    pub(crate) fn len(&self) -> usize {
        self.asked.len()
    }

    /// What an entry was asked with.
    pub(crate) fn asked(&self, ordinal: usize) -> Option<&Asked> {
        self.asked.get(ordinal)?.as_ref()
    }

    /// The `turn`-th entry that was asked with this.
    pub(crate) fn nth(&self, asked: &Asked, turn: usize) -> Option<usize> {
        self.turns.get(asked)?.get(turn).copied()
    }

    /// What sorts an entry that is no HTTP exchange, as far as it says.
    pub(crate) fn said(&self, ordinal: usize) -> Asked {
        let summary = self.archive.summary(ordinal).ok().flatten();
        let (url, method) = summary.map(|summary| (summary.url, summary.method)).unwrap_or_default();
        Asked { url: url.into(), method: method.into(), payload: None }
    }

    /// An entry's text.
    pub(crate) fn text(&self, ordinal: usize) -> Result<String, WriteError> {
        Ok(self.archive.entry_json(ordinal)?.unwrap_or_default())
    }

    /// The steady hash of an entry that is short enough to be compared.
    pub(crate) fn steady_hash(&self, ordinal: usize, volatile: &Volatile) -> Result<Option<[u8; 32]>, WriteError> {
        if !Self::compares(self.archive.entry_length(ordinal)) {
            return Ok(None);
        }
        Ok(volatile.steady_hash(&self.text(ordinal)?))
    }

    /// Whether an entry of this many bytes is compared.
    pub(crate) fn compares(length: u64) -> bool {
        length <= COMPARED
    }

    /// Who wrote an entry as it is now.
    pub(crate) fn origin(&self, ordinal: usize) -> Result<Origin, WriteError> {
        if self.examples.contains(&ordinal) {
            return Ok(Origin::Example);
        }
        let text = self.text(ordinal)?;
        let Some(written) = written_hash(&text) else { return Ok(Origin::Foreign) };
        let names = serde_json::from_str::<&RawValue>(&text).map(payload_names).unwrap_or_default();
        let (mut hashes, mut edited) = (Vec::new(), Vec::new());
        for name in names {
            let named = named_hash(&name).and_then(unhex);
            // Nobody's work is in a file that is gone; the recording brings it back.
            let Some(hash) = self.archive.hash(&StoredBody::File((*name).into())).ok().or(named) else { continue };
            if named.is_some_and(|named| named != hash) {
                edited.push(name);
            }
            hashes.push(hash);
        }
        let same = entry_hash(&text, &hashes).is_some_and(|now| now == written);
        Ok(if same { Origin::Recorded } else { Origin::Edited(edited) })
    }
}
