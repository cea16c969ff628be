//! The bodies of answers: from memory, from a file, and looked at for edits.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::cache::{Age, Cached};
use super::large::{self, FileBody};
use super::own_files::COPIED;
use super::ready::together;
use super::replayer::{Replayer, answered};
use crate::archive::{BodyFile, Fetched, PayloadError, Stamp};
use crate::har::{Answer, StoredBody};
use crate::matching::EntryRef;
use crate::message::Body;

/// A body of up to this many bytes is decoded by the thread that serves, if it is in memory: passing it to another one
/// costs more.
const AT_ONCE: u64 = 64 << 10;

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
    pub(super) fn stored_now(&self, entry: EntryRef, body: &StoredBody) -> Option<Stored> {
        let Some(cached) = self.cache.find(entry) else { return self.had_now(entry, body) };
        let may_serve = match self.cache.age(&cached) {
            Age::Fresh => true,
            Age::Due => {
                let archive = self.archive_of(entry)?;
                self.cache.is_unchanged(&cached, || archive.stamp(body))
            }
        };
        may_serve.then_some(Stored::Whole(cached))
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
}
