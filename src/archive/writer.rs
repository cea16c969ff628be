//! Writing an archive: entries arrive one by one, and only `finish` makes anything visible.
//!
//! Until then everything is in `.harmock/` beside the archive: composed entries in one file, each payload in one of its
//! own. In memory there is, per entry, what sorts it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::arrangement::{Arranged, Arrangement, KeptEdit, Piece};
use super::body_placement::{Incoming, Side};
use super::carry_over::{CarryOver, folder_of};
use super::entry_spool::EntrySpool;
use super::folder_writer::{OnOther, Placement};
use super::orphans::{previous_payloads, remove_orphans};
use super::payload_store::PayloadStore;
use super::previous::Previous;
use super::raw_log::LogFrame;
use super::sort_key::{Asked, SortKey};
use super::stamp::Stamp;
use super::workspace::Workspace;
use super::write_error::WriteError;
use super::zip_writer::{HAR_NAME, ZipArchiveWriter};
use super::{BodyStorage, Update};
use crate::har::compose::compose_entry;
use crate::har::{Detail, NewAnswer, NewBody, NewEntry, Volatile};

/// How an archive is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct WriterOptions {
    /// Where bodies go; in a zip, too.
    pub storage: BodyStorage,
    /// Which fields entries have, and their order.
    pub detail: Detail,
    /// Leave payload files that the previous version named and no archive names any more.
    pub keep_payloads: bool,
    /// What becomes of the entries that the archive holds already.
    pub update: Update,
    /// [`Update::Merge`] exchanges also what somebody edited by hand.
    pub overwrite_edits: bool,
    /// The requests are to be sent, and not to be answered: the log is marked so (`_harmock.kind`).
    pub outgoing: bool,
    /// Names of fields that are volatile beside [`VOLATILE`](crate::har::volatile::VOLATILE).
    pub volatile: Vec<String>,
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
    /// Entries that kept the bytes that they had, for nothing but volatile fields had changed.
    pub unchanged: usize,
    /// What somebody had edited by hand and a merge left as it is.
    pub kept_edits: Vec<KeptEdit>,
    /// Bytes of the `.har` or `.zip` file.
    pub bytes: u64,
}

/// An archive in the making. Dropping it leaves everything as it was.
#[derive(Debug)]
pub struct ArchiveWriter {
    target: PathBuf,
    options: WriterOptions,
    previous: Option<Previous>,
    /// The version whose entries are carried over, as it was then.
    carried: Option<(PathBuf, Option<Stamp>)>,
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
    /// The target is no regular file (a link is refused: what it points to is not for an archive to replace), its
    /// folder cannot be written, or it is to be added to and cannot be read.
    pub fn create(target: &Path, options: WriterOptions) -> Result<Self, WriteError> {
        Self::following(target, target, options)
    }

    /// The same for a version that does not go where the one before it is.
    pub(crate) fn following(target: &Path, previous: &Path, options: WriterOptions) -> Result<Self, WriteError> {
        refuse_odd_target(target)?;
        let folder = folder_of(target);
        let workspace = Workspace::open(folder)?;
        let entries = EntrySpool::create(workspace.join("entries"))?;
        let spool = workspace.join("payloads");
        fs::create_dir(&spool).map_err(WriteError::io("create", &spool))?;
        let mut payloads = PayloadStore::new(spool, folder.to_path_buf(), entries.permissions()?);
        if !is_zip(target) {
            payloads = payloads.beside(target);
        }
        let target = target.to_path_buf();
        let mut writer =
            Self { target, options, previous: None, carried: None, frame: None, entries, payloads, workspace };
        if previous.is_file() {
            writer.follow(previous)?;
        }
        Ok(writer)
    }

    fn follow(&mut self, previous: &Path) -> Result<(), WriteError> {
        if self.options.update != Update::Replace {
            self.carried = Some((previous.to_path_buf(), Stamp::of(previous)));
        }
        match self.options.update {
            Update::Append => self.carry_over(previous).map(drop),
            Update::Merge => {
                let carried = self.carry_over(previous)?;
                let previous_version = Previous::open(previous)?;
                if previous_version.len() != carried {
                    let reason = "it changed while it was read".to_owned();
                    return Err(WriteError::Existing { path: previous.to_path_buf(), reason });
                }
                self.previous = Some(previous_version);
                Ok(())
            }
            Update::Replace => {
                // What cannot be read has no bytes to keep, and gives way like any other.
                let compares = self.options.detail == Detail::Minimal;
                self.previous = compares.then(|| Previous::open(previous).ok()).flatten();
                Ok(())
            }
        }
    }

    /// Takes all entries of an existing archive, as they are, in front of the new ones, with their payloads and what
    /// its log has beside them, and gives the number of entries. A payload whose name another carried one has with
    /// other content gets a new name.
    ///
    /// # Errors
    /// The archive cannot be read.
    pub fn carry_over(&mut self, existing: &Path) -> Result<usize, WriteError> {
        let before = self.entries.carried();
        let folder = (!is_zip(&self.target)).then(|| folder_of(&self.target));
        let mut carry = CarryOver {
            entries: &mut self.entries,
            payloads: &mut self.payloads,
            folder,
            overwrite_edits: self.options.overwrite_edits && self.options.update == Update::Merge,
            once: None,
        };
        let frame = carry.take(existing)?;
        self.frame.get_or_insert(frame);
        Ok(self.entries.carried() - before)
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
        let asked = Asked {
            url: entry.request.url.as_str().into(),
            method: entry.request.method.into(),
            payload: request.hash(),
        };
        let key = key.unwrap_or_else(|| SortKey::of(&asked, entry.times.map(|times| times.started)));
        let WriterOptions { storage, detail, .. } = self.options;
        let mut request = request.store(storage, &mut self.payloads)?;
        let mut response = response.store(storage, &mut self.payloads)?;
        let names = [request.payload(), response.payload()].into_iter().flatten().map(Into::into).collect();
        self.entries.add(key, asked, names, |out| {
            compose_entry(out, entry, detail, request.placed(), response.placed()).map(drop)
        })
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
        self.entries.end()?;
        self.entries.sort(self.options.detail);
        let arrangement = Arrangement {
            spool: &self.entries,
            previous: self.previous.as_ref(),
            options: &self.options,
            volatile: Volatile::with(&self.options.volatile),
        };
        let Arranged { pieces, kept_edits } = arrangement.arrange()?;
        self.payloads.retain(&pieces.iter().flat_map(|piece| self.entries.payloads(*piece)).collect());
        let har = self.workspace.join(HAR_NAME);
        let mut frame = complete(self.frame.take());
        if self.options.outgoing {
            frame.mark_outgoing();
        }
        let bytes = self.entries.assemble(&frame, &pieces, self.previous.as_ref(), &har)?;
        let mut written = Written {
            entries: pieces.len(),
            payloads: self.payloads.len(),
            removed_payloads: 0,
            unchanged: pieces.iter().filter(|piece| matches!(piece, Piece::Unchanged { .. })).count(),
            kept_edits,
            bytes,
        };
        if is_zip(&self.target) {
            let zip = self.workspace.join("archive.zip");
            written.bytes = write_zip(&zip, &har, &self.payloads)?;
            self.refuse_changed()?;
            before(&zip).map_err(WriteError::io("note the end of", &self.target))?;
            replace(&zip, &self.target)?;
            return Ok(written);
        }
        let previous = if self.options.keep_payloads { Default::default() } else { previous_payloads(&self.target) };
        let (spool, folder) = (self.workspace.join("payloads"), folder_of(&self.target));
        let placement = Placement::put(&self.payloads, &spool, folder, OnOther::ReplacePayloads)?;
        self.refuse_changed()?;
        before(&har).map_err(WriteError::io("note the end of", &self.target))?;
        replace(&har, &self.target)?;
        let _held = placement.commit();
        written.removed_payloads = remove_orphans(previous, folder);
        Ok(written)
    }
}

impl ArchiveWriter {
    /// What somebody has written into the previous version since it was read would be lost.
    fn refuse_changed(&self) -> Result<(), WriteError> {
        match &self.carried {
            Some((path, stamp)) if Stamp::of(path) != *stamp => Err(WriteError::Existing {
                path: path.clone(),
                reason: "it changed while its new version was written".to_owned(),
            }),
            _ => Ok(()),
        }
    }
}

/// The log of a new archive, or the carried one with `pages`, which Firefox's import cannot do without.
pub(crate) fn complete(carried: Option<LogFrame>) -> LogFrame {
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

/// Writes a zip of a finished HAR text and all spooled payloads, and gives its size.
pub(crate) fn write_zip(path: &Path, har: &Path, payloads: &PayloadStore) -> Result<u64, WriteError> {
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
