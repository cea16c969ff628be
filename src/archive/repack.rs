//! From folder to zip and back: the HAR text and every payload byte for byte.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Seek};
use std::path::{Path, PathBuf};

use super::carry_over::{folder_of, starts_as_zip};
use super::folder::{PayloadFolder, Report};
use super::folder_writer::{OnOther, Placement};
use super::payload_path::PayloadPath;
use super::payload_store::PayloadStore;
use super::raw_log::{payload_names, read_log};
use super::workspace::Workspace;
use super::write_error::WriteError;
use super::writer::{is_zip, refuse_odd_target, replace};
use super::zip_source::ZipSource;
use super::zip_writer::{HAR_NAME, ZipArchiveWriter};

/// What was packed or unpacked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repacked {
    /// The `.har` or `.zip` that was written.
    pub path: PathBuf,
    /// Entries in it.
    pub entries: usize,
    /// Payloads that came along.
    pub payloads: usize,
    /// Payloads that entries name and the zip does not hold.
    pub missing: Vec<String>,
    /// Files of the zip that no entry names; they stayed there.
    pub left: usize,
}

/// Packs a `.har`, or the only `.har` of a folder, and the payloads that it names into the zip `out`.
///
/// # Errors
/// A payload is missing or outside the folder, `out` is there and `force` is not given, or it cannot be written; then
/// nothing has changed.
pub fn pack(source: &Path, out: &Path, force: bool) -> Result<Repacked, WriteError> {
    let har = har_in(source)?;
    refuse_existing(out, force)?;
    let mut file = File::open(&har).map_err(WriteError::io("read", &har))?;
    if starts_as_zip(&mut file).map_err(WriteError::io("read", &har))? {
        return Err(WriteError::Existing { path: har, reason: "it is a zip already".to_owned() });
    }
    let (entries, names) = named_payloads(&har, &file)?;
    let folder = PayloadFolder::of_archive(&har).map_err(WriteError::io("read", &har))?;
    let target_folder = folder_of(out);
    fs::create_dir_all(target_folder).map_err(WriteError::io("create", target_folder))?;
    let workspace = Workspace::hidden(target_folder)?;
    let path = workspace.join("archive.zip");
    let mut zip = ZipArchiveWriter::new(File::create_new(&path).map_err(WriteError::io("create", &path))?, &path);
    file.rewind().map_err(WriteError::io("read", &har))?;
    let length = file.metadata().map_err(WriteError::io("read", &har))?.len();
    zip.add(HAR_NAME, length, &mut file)?;
    for name in &names {
        let mut payload = folder.open(&Report { archive: &har, path: name })?;
        let length = payload.metadata().map_err(WriteError::io("read", &har))?.len();
        zip.add(name.as_str(), length, &mut payload)?;
    }
    zip.finish()?;
    replace(&path, out)?;
    Ok(Repacked { path: out.to_path_buf(), entries, payloads: names.len(), ..Repacked::default() })
}

/// Unpacks a zip to `out`: a name that ends in `.har`, or a folder, in which the HAR is called as the zip is. Payloads
/// go beside it; of other files in the zip nothing is unpacked.
///
/// # Errors
/// A payload's path leaves the folder, a file is there with other content and `force` is not given, or something
/// cannot be written; then nothing has changed.
pub fn unpack(zip: &Path, out: &Path, force: bool) -> Result<Repacked, WriteError> {
    let target = unpack_target(zip, out);
    refuse_existing(&target, force)?;
    let folder = folder_of(&target);
    let is_new = !folder.exists();
    let unpacked = unpack_to(zip, &target, folder, force);
    if unpacked.is_err() && is_new {
        // Only an empty folder goes; if it is not, it is somebody else's by now.
        let _ = fs::remove_dir(folder);
    }
    unpacked
}

fn unpack_to(zip: &Path, target: &Path, folder: &Path, force: bool) -> Result<Repacked, WriteError> {
    let mut source = ZipSource::open(zip)?;
    fs::create_dir_all(folder).map_err(WriteError::io("create", folder))?;
    let workspace = Workspace::hidden(folder)?;
    let har = workspace.join(HAR_NAME);
    let mut staged = File::create_new(&har).map_err(WriteError::io("create", &har))?;
    io::copy(&mut source.har()?, &mut staged).and_then(|_| staged.sync_all()).map_err(WriteError::io("unpack", zip))?;
    let text = File::open(&har).map_err(WriteError::io("read", &har))?;
    let (entries, names) = named_payloads(zip, &text)?;
    let spool = workspace.join("payloads");
    fs::create_dir(&spool).map_err(WriteError::io("create", &spool))?;
    let permissions = staged.metadata().map_err(WriteError::io("read", &har))?.permissions();
    let mut payloads = PayloadStore::new(spool.clone(), folder.to_path_buf(), permissions);
    let mut missing = Vec::new();
    for name in &names {
        match source.payload(name)? {
            Some(mut payload) => {
                payloads.carry(name.as_str(), &mut payload, false)?;
            }
            None => missing.push(name.as_str().to_owned()),
        }
    }
    let on_other = if force { OnOther::Replace } else { OnOther::Refuse };
    let placement = Placement::put(&payloads, &spool, folder, on_other)?;
    replace(&har, target)?;
    drop(placement.commit());
    let left = source.files().saturating_sub(payloads.len() + 1);
    Ok(Repacked { path: target.to_path_buf(), entries, payloads: payloads.len(), missing, left })
}

/// The number of entries and the payloads that they name, none of which may leave the folder.
fn named_payloads(path: &Path, text: &File) -> Result<(usize, BTreeSet<PayloadPath>), WriteError> {
    let (mut entries, mut names) = (0, BTreeSet::new());
    read_log(path, text, &mut |entry| {
        for name in payload_names(entry) {
            let name = PayloadPath::parse(&name).map_err(|error| WriteError::Existing {
                path: path.to_path_buf(),
                reason: format!("entry {entries}: {error}"),
            })?;
            names.insert(name);
        }
        entries += 1;
        Ok(())
    })?;
    Ok((entries, names))
}

/// The `.har` itself, or the only one in a folder.
fn har_in(source: &Path) -> Result<PathBuf, WriteError> {
    let metadata = fs::metadata(source).map_err(WriteError::io("read", source))?;
    if metadata.is_file() {
        return Ok(source.to_path_buf());
    }
    if !metadata.is_dir() {
        return Err(WriteError::NotAFile { path: source.to_path_buf(), what: "not a regular file" });
    }
    let mut found = Vec::new();
    for item in fs::read_dir(source).map_err(WriteError::io("read", source))? {
        let path = item.map_err(WriteError::io("read", source))?.path();
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("har")) && path.is_file() {
            found.push(path);
        }
    }
    let count = found.len();
    found.pop().filter(|_| count == 1).ok_or_else(|| WriteError::Existing {
        path: source.to_path_buf(),
        reason: format!("the folder holds {count} .har files; name one"),
    })
}

/// What [`unpack`] writes: `out` itself if it ends in `.har`, else a file in it that is called as the zip is.
pub fn unpack_target(zip: &Path, out: &Path) -> PathBuf {
    if out.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("har")) {
        return out.to_path_buf();
    }
    let stem = zip.file_stem().map(PathBuf::from).unwrap_or_else(|| PathBuf::from("har"));
    let named = if is_zip(zip) { stem } else { PathBuf::from(zip.file_name().unwrap_or_default()) };
    let is_har = named.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("har"));
    out.join(if is_har { named } else { PathBuf::from(format!("{}.har", named.display())) })
}

fn refuse_existing(target: &Path, force: bool) -> Result<(), WriteError> {
    refuse_odd_target(target)?;
    if !force && target.exists() {
        return Err(WriteError::Exists { path: target.to_path_buf() });
    }
    Ok(())
}
