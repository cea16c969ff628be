//! Changing the text of an archive and some of its payloads in one step; everything else stays byte for byte.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use super::body_scan::{hash_reader, scan};
use super::carry_over::{folder_of, same_folder, starts_as_zip};
use super::error::PayloadError;
use super::folder::{PayloadFolder, Report};
use super::folder_writer::{OnOther, Placement};
use super::orphans::remove_replaced;
use super::payload_path::PayloadPath;
use super::payload_store::PayloadStore;
use super::raw_log::{payload_names, read_log};
use super::workspace::Workspace;
use super::write_error::WriteError;
use super::writer::{is_zip, refuse_odd_target, replace, write_zip};
use super::zip_source::ZipSource;
use super::zip_writer::HAR_NAME;
use crate::har::NewBody;

/// The payloads of an archive that is being changed.
pub struct Payloads<'a> {
    archive: &'a Path,
    source: Source<'a>,
    store: Option<PayloadStore>,
    /// Hashes of the payloads that are new, by name.
    kept: BTreeMap<String, [u8; 32]>,
    /// The payloads whose place they take.
    replaced: BTreeSet<PayloadPath>,
}

enum Source<'a> {
    Folder(PayloadFolder),
    Zip(ZipSource<'a>),
}

impl<'a> Payloads<'a> {
    /// Opens an archive, a `.har` or a `.zip`, and gives its text beside its payloads.
    ///
    /// # Errors
    /// It cannot be read, or is not text.
    pub fn open(archive: &'a Path) -> Result<(String, Self), WriteError> {
        let metadata = fs::metadata(archive).map_err(WriteError::io("read", archive))?;
        if !metadata.is_file() {
            return Err(WriteError::NotAFile { path: archive.to_path_buf(), what: "not a regular file" });
        }
        let mut file = File::open(archive).map_err(WriteError::io("read", archive))?;
        let mut text = String::new();
        let source = if starts_as_zip(&mut file).map_err(WriteError::io("read", archive))? {
            let mut zip = ZipSource::open(archive)?;
            zip.har()?.read_to_string(&mut text).map_err(WriteError::io("read", archive))?;
            Source::Zip(zip)
        } else {
            file.read_to_string(&mut text).map_err(WriteError::io("read", archive))?;
            Source::Folder(PayloadFolder::of_archive(archive).map_err(WriteError::io("read", archive))?)
        };
        Ok((text, Self { archive, source, store: None, kept: BTreeMap::new(), replaced: BTreeSet::new() }))
    }

    /// The content of a payload; none where it is missing, larger than `most` bytes, or has a path that leads elsewhere.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&mut self, name: &str, most: u64) -> Result<Option<Vec<u8>>, WriteError> {
        let mut content = Vec::new();
        let archive = self.archive;
        let Ok(path) = PayloadPath::parse(name) else { return Ok(None) };
        let Some(payload) = self.payload(&path)? else { return Ok(None) };
        payload.take(most + 1).read_to_end(&mut content).map_err(WriteError::io("read", archive))?;
        Ok((content.len() as u64 <= most).then_some(content))
    }

    /// The SHA-256 of a payload; none where it is missing.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn hash(&mut self, name: &str) -> Result<Option<[u8; 32]>, WriteError> {
        if let Some(hash) = self.kept.get(name) {
            return Ok(Some(*hash));
        }
        let archive = self.archive;
        let Ok(path) = PayloadPath::parse(name) else { return Ok(None) };
        let Some(payload) = self.payload(&path)? else { return Ok(None) };
        hash_reader(payload).map(Some).map_err(WriteError::io("read", archive))
    }

    /// Keeps a payload that takes the place of `name`, and gives its name: its hash with the old extension.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn keep(&mut self, name: &str, content: &[u8]) -> Result<String, WriteError> {
        let Some(store) = &mut self.store else { return Ok(name.to_owned()) };
        let body = NewBody::Bytes(content);
        let scanned = scan(&body).map_err(WriteError::io("read", self.archive))?;
        let extension = Path::new(name).extension().and_then(|extension| extension.to_str()).unwrap_or("dat");
        self.replaced.extend(PayloadPath::parse(name));
        let name = store.add(&body, &scanned, extension)?.into_string();
        self.kept.insert(name.clone(), scanned.hash);
        Ok(name)
    }

    fn payload<'s>(&'s mut self, path: &'s PayloadPath) -> Result<Option<Box<dyn Read + 's>>, WriteError> {
        Ok(match &mut self.source {
            Source::Zip(zip) => zip.payload(path)?.map(|payload| Box::new(payload) as Box<dyn Read + 's>),
            Source::Folder(folder) => match folder.open(&Report { archive: self.archive, path }) {
                Ok(file) => Some(Box::new(file)),
                Err(PayloadError::Missing { .. }) => None,
                Err(error) => return Err(error.into()),
            },
        })
    }
}

/// Puts what `edit` makes of the text of `source` into `target`, which may be the same archive, with the payloads that
/// it names. A payload file that gave way to another is removed, unless another archive in the folder names it.
///
/// # Errors
/// Something cannot be read or written; then everything is as it was before.
pub fn rewrite<T>(
    source: &Path,
    target: &Path,
    edit: impl FnOnce(&str, &mut Payloads<'_>) -> Result<(String, T), WriteError>,
) -> Result<T, WriteError> {
    refuse_odd_target(target)?;
    let folder = folder_of(target);
    fs::create_dir_all(folder).map_err(WriteError::io("create", folder))?;
    let workspace = Workspace::hidden(folder)?;
    let spool = workspace.join("payloads");
    fs::create_dir(&spool).map_err(WriteError::io("create", &spool))?;
    let har = workspace.join(HAR_NAME);
    let permissions = {
        let file = File::create_new(&har).map_err(WriteError::io("create", &har))?;
        file.metadata().map_err(WriteError::io("read", &har))?.permissions()
    };
    let (text, mut payloads) = Payloads::open(source)?;
    payloads.store = Some(PayloadStore::new(spool.clone(), folder.to_path_buf(), permissions));
    let (new, outcome) = edit(&text, &mut payloads)?;
    if new == text && source == target {
        return Ok(outcome);
    }
    fs::write(&har, &new).map_err(WriteError::io("write", &har))?;
    File::open(&har).and_then(|file| file.sync_all()).map_err(WriteError::io("write", &har))?;
    let in_place =
        !is_zip(target) && matches!(payloads.source, Source::Folder(_)) && same_folder(folder_of(source), folder);
    let replaced = if in_place { std::mem::take(&mut payloads.replaced) } else { BTreeSet::new() };
    let Some(store) = payloads.store.take() else { return Ok(outcome) };
    let store = carry(&har, payloads, store, in_place)?;
    if is_zip(target) {
        let zip = workspace.join("archive.zip");
        write_zip(&zip, &har, &store)?;
        replace(&zip, target)?;
        return Ok(outcome);
    }
    let placement = Placement::put(&store, &spool, folder, OnOther::ReplacePayloads)?;
    replace(&har, target)?;
    let _held = placement.commit();
    remove_replaced(replaced, folder);
    Ok(outcome)
}

/// The payloads that the new text names: those that are new, and where they do not stay in place the others too.
fn carry(
    har: &Path,
    mut payloads: Payloads<'_>,
    mut store: PayloadStore,
    in_place: bool,
) -> Result<PayloadStore, WriteError> {
    let mut names = BTreeSet::new();
    let text = File::open(har).map_err(WriteError::io("read", har))?;
    read_log(har, text, &mut |entry| {
        names.extend(payload_names(entry));
        Ok(())
    })?;
    names.retain(|name| !in_place && !payloads.kept.contains_key(name));
    for name in names.iter().filter_map(|name| PayloadPath::parse(name).ok()) {
        if let Some(mut payload) = payloads.payload(&name)? {
            // The names of one archive do not collide, so that each keeps its own.
            store.carry(name.as_str(), &mut payload, false)?;
        }
    }
    Ok(store)
}
