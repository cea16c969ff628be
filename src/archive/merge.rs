//! Several archives into one.

use std::fs;
use std::path::{Path, PathBuf};

use super::arrangement::Piece;
use super::carry_over::{CarryOver, Once, folder_of};
use super::entry_spool::EntrySpool;
use super::folder_writer::{OnOther, Placement};
use super::payload_store::PayloadStore;
use super::workspace::Workspace;
use super::write_error::WriteError;
use super::writer::{complete, is_zip, refuse_odd_target, replace, write_zip};
use super::zip_writer::HAR_NAME;

/// What several archives became.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Merged {
    /// Entries of the new archive.
    pub entries: usize,
    /// Its payloads.
    pub payloads: usize,
    /// Entries that came more than once, and are there once.
    pub repeated: usize,
}

/// Writes the entries of all `sources`, in this order, into the archive `out`, with copies of their payloads; entries
/// that are equal come once. What a log has beside its entries is that of the first source. A payload whose name is
/// taken by other content gets a new one, in the entries that name it, too.
///
/// # Errors
/// A source cannot be read, `out` is there and `force` is not given, or it cannot be written; then nothing has changed.
pub fn merge(sources: &[PathBuf], out: &Path, force: bool) -> Result<Merged, WriteError> {
    refuse_odd_target(out)?;
    if !force && out.exists() {
        return Err(WriteError::Exists { path: out.to_path_buf() });
    }
    let folder = folder_of(out);
    fs::create_dir_all(folder).map_err(WriteError::io("create", folder))?;
    let workspace = Workspace::hidden(folder)?;
    let mut entries = EntrySpool::create(workspace.join("entries"))?;
    let spool = workspace.join("payloads");
    fs::create_dir(&spool).map_err(WriteError::io("create", &spool))?;
    let mut payloads = PayloadStore::new(spool.clone(), folder.to_path_buf(), entries.permissions()?);
    let mut once = Once::default();
    let mut carry = CarryOver {
        entries: &mut entries,
        payloads: &mut payloads,
        folder: (!is_zip(out)).then_some(folder),
        overwrite_edits: false,
        once: Some(&mut once),
    };
    let mut frame = None;
    for source in sources {
        let taken = carry.take(source)?;
        frame.get_or_insert(taken);
    }
    entries.end()?;
    let pieces: Vec<Piece> = (0..entries.carried()).map(Piece::Carried).collect();
    let har = workspace.join(HAR_NAME);
    entries.assemble(&complete(frame), &pieces, None, &har)?;
    let merged = Merged { entries: pieces.len(), payloads: payloads.len(), repeated: once.repeated };
    if is_zip(out) {
        let zip = workspace.join("archive.zip");
        write_zip(&zip, &har, &payloads)?;
        replace(&zip, out)?;
        return Ok(merged);
    }
    let placement = Placement::put(&payloads, &spool, folder, OnOther::Refuse)?;
    replace(&har, out)?;
    drop(placement.commit());
    Ok(merged)
}
