//! Writing an archive: entries arrive one by one, and only `finish` makes anything visible.
//!
//! Until then everything is in `.harmock/` beside the archive: composed entries in one file, each payload in one of its
//! own. In memory there is, per entry, what sorts it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::BodyStorage;
use super::body_placement::{Incoming, Side};
use super::carry_over::{CarryOver, folder_of};
use super::entry_spool::EntrySpool;
use super::folder_writer::{OnOther, Placement};
use super::orphans::{previous_payloads, remove_orphans};
use super::payload_store::PayloadStore;
use super::raw_log::LogFrame;
use super::sort_key::SortKey;
use super::workspace::Workspace;
use super::write_error::WriteError;
use super::zip_writer::{HAR_NAME, ZipArchiveWriter};
use crate::har::compose::compose_entry;
use crate::har::{Detail, NewAnswer, NewBody, NewEntry};

/// How an archive is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
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
    /// Payloads in the archive, carried ones included.
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
    frame: Option<LogFrame>,
    entries: EntrySpool,
    payloads: PayloadStore,
    workspace: Workspace,
}

impl ArchiveWriter {
    /// Prepares an archive at `target`: a zip if the name ends in `.zip`, else a `.har` with payloads beside it. The
    /// folder is made where it is missing.
    ///
    /// # Errors
    /// The target is no regular file (a link is refused: what it points to is not for an archive to replace), or its
    /// folder cannot be written.
    pub fn create(target: &Path, options: WriterOptions) -> Result<Self, WriteError> {
        refuse_odd_target(target)?;
        let folder = folder_of(target);
        let workspace = Workspace::open(folder)?;
        let entries = EntrySpool::create(workspace.join("entries"))?;
        let spool = workspace.join("payloads");
        fs::create_dir(&spool).map_err(WriteError::io("create", &spool))?;
        let payloads = PayloadStore::new(spool, folder.to_path_buf(), entries.permissions()?);
        Ok(Self { target: target.to_path_buf(), options, frame: None, entries, payloads, workspace })
    }

    /// Takes all entries of an existing archive, as they are, in front of the new ones, with their payloads and what
    /// its log has beside them, and gives the number of entries.
    ///
    /// # Errors
    /// The archive cannot be read, or has a payload that another carried archive has with other content.
    pub fn carry_over(&mut self, existing: &Path) -> Result<usize, WriteError> {
        let before = self.entries.len();
        let folder = (!is_zip(&self.target)).then(|| folder_of(&self.target));
        let mut carry = CarryOver { entries: &mut self.entries, payloads: &mut self.payloads, folder };
        let frame = carry.take(existing)?;
        self.frame.get_or_insert(frame);
        Ok(self.entries.len() - before)
    }

    /// Adds one exchange.
    ///
    /// # Errors
    /// The disk is full, or a body's file cannot be read. The entry is not in the archive then; others still can be.
    pub fn entry(&mut self, entry: &NewEntry<'_>) -> Result<(), WriteError> {
        self.add(None, entry)
    }

    /// Adds one exchange in the place that `key` gives it, whatever the entry says.
    pub(crate) fn entry_at(&mut self, key: SortKey, entry: &NewEntry<'_>) -> Result<(), WriteError> {
        self.add(Some(key), entry)
    }

    fn add(&mut self, key: Option<SortKey>, entry: &NewEntry<'_>) -> Result<(), WriteError> {
        let request = Incoming::new(Side::Request, entry.request.fields, &entry.request.body)?;
        let response = match &entry.answer {
            NewAnswer::Answered(response) => Incoming::new(Side::Response, response.fields, &response.body)?,
            NewAnswer::Failed { .. } => Incoming::new(Side::Response, &[], &NewBody::None)?,
        };
        let key = key.unwrap_or_else(|| SortKey {
            url: entry.request.url.as_str().into(),
            method: entry.request.method.into(),
            payload: request.hash(),
            started: entry.times.map(|times| times.started),
        });
        let WriterOptions { storage, detail, .. } = self.options;
        let mut request = request.store(storage, &mut self.payloads)?;
        let mut response = response.store(storage, &mut self.payloads)?;
        self.entries.add(key, |out| compose_entry(out, entry, detail, request.placed(), response.placed()).map(drop))
    }

    /// [`Self::finish_after`], with nothing to do before.
    ///
    /// # Errors
    /// Something could not be written; then everything is as it was before.
    pub fn finish(self) -> Result<Written, WriteError> {
        self.finish_after(|_finished| Ok(()))
    }

    /// Puts the archive in its place, also one without entries; whoever wants to keep the old one then drops this.
    /// Payload files come first, then the HAR takes the old one's place at once. A payload file of the right name and
    /// content is not touched; one that was edited since gives way to what was recorded. `before` sees the finished and
    /// synced file just before it takes the old one's place.
    ///
    /// # Errors
    /// Something could not be written, or `before` failed; then everything is as it was before.
    pub fn finish_after(mut self, before: impl FnOnce(&Path) -> io::Result<()>) -> Result<Written, WriteError> {
        let (entries, payloads) = (self.entries.len(), self.payloads.len());
        let har = self.workspace.join(HAR_NAME);
        let frame = complete(self.frame.take());
        let bytes = self.entries.assemble(&frame, self.options.detail, &har)?;
        if is_zip(&self.target) {
            let zip = self.workspace.join("archive.zip");
            let bytes = write_zip(&zip, &har, &self.payloads)?;
            before(&zip).map_err(WriteError::io("note the end of", &self.target))?;
            replace(&zip, &self.target)?;
            return Ok(Written { entries, payloads, removed_payloads: 0, bytes });
        }
        let previous = if self.options.keep_payloads { Default::default() } else { previous_payloads(&self.target) };
        let (spool, folder) = (self.workspace.join("payloads"), folder_of(&self.target));
        let placement = Placement::put(&self.payloads, &spool, folder, OnOther::ReplacePayloads)?;
        before(&har).map_err(WriteError::io("note the end of", &self.target))?;
        replace(&har, &self.target)?;
        placement.commit();
        let removed_payloads = remove_orphans(previous, folder);
        Ok(Written { entries, payloads, removed_payloads, bytes })
    }
}

/// The log of a new archive, or the carried one with `pages`, which Firefox's import cannot do without.
fn complete(carried: Option<LogFrame>) -> LogFrame {
    let creator =
        format!("{{\n      \"name\": \"harmock\",\n      \"version\": \"{}\"\n    }}", env!("CARGO_PKG_VERSION"));
    let mut frame = carried.unwrap_or_default();
    for (name, value) in [("version", "\"1.2\""), ("creator", creator.as_str()), ("pages", "[]")] {
        let there = frame.log.iter().any(|(known, value)| known == name && value.get() != "null");
        if !there {
            frame.log.retain(|(known, _)| known != name);
            frame.log.extend(
                serde_json::value::RawValue::from_string(value.to_owned()).ok().map(|raw| (name.to_owned(), raw)),
            );
        }
    }
    frame
}

fn write_zip(path: &Path, har: &Path, payloads: &PayloadStore) -> Result<u64, WriteError> {
    let file = File::create_new(path).map_err(WriteError::io("create", path))?;
    let mut zip = ZipArchiveWriter::new(file, path);
    zip.add_file(HAR_NAME, har)?;
    for (name, spooled, _) in payloads.spooled() {
        zip.add_file(name, spooled)?;
    }
    zip.finish()
}

/// Puts a finished and synced file in the place of the old one, with the permissions that the old one had.
pub(crate) fn replace(finished: &Path, target: &Path) -> Result<(), WriteError> {
    if let Ok(old) = fs::metadata(target) {
        fs::set_permissions(finished, old.permissions()).map_err(WriteError::io("write", finished))?;
    }
    fs::rename(finished, target).map_err(WriteError::io("write", target))?;
    // The rename itself survives a power loss only once the folder is on the disk; where folders cannot be synced
    // there is nothing more to do.
    #[cfg(unix)]
    if let Ok(folder) = File::open(folder_of(target)) {
        let _ = folder.sync_all();
    }
    Ok(())
}

pub(crate) fn is_zip(target: &Path) -> bool {
    target.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip"))
}

pub(crate) fn refuse_odd_target(target: &Path) -> Result<(), WriteError> {
    let refuse = |what| Err(WriteError::NotAFile { path: target.to_path_buf(), what });
    match fs::symlink_metadata(target) {
        Ok(there) if there.is_symlink() => refuse("a symbolic link"),
        Ok(there) if there.is_dir() => refuse("a folder"),
        Ok(there) if !there.is_file() => refuse("not a regular file"),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(WriteError::io("read", target)(error)),
    }
}
