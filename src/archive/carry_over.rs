//! Taking the entries and payloads of an existing archive along, unchanged.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::entry_spool::EntrySpool;
use super::error::PayloadError;
use super::folder::{PayloadFolder, Report};
use super::orphans::is_edited;
use super::payload_path::PayloadPath;
use super::payload_store::PayloadStore;
use super::raw_log::{LogFrame, payload_names, payloads_in, read_log};
use super::renaming::renamed;
use super::write_error::WriteError;
use super::zip_source::ZipSource;
use crate::har::fingerprint::update_compact;

/// Where carried entries and payloads go.
pub(crate) struct CarryOver<'a> {
    pub(crate) entries: &'a mut EntrySpool,
    pub(crate) payloads: &'a mut PayloadStore,
    /// The folder in which payload files can stay where they are; none if the new archive is a zip.
    pub(crate) folder: Option<&'a Path>,
    /// Payload files that were edited give way to recorded ones of their name.
    pub(crate) overwrite_edits: bool,
    /// Where each entry is to come once.
    pub(crate) once: Option<&'a mut Once>,
}

impl CarryOver<'_> {
    /// Takes everything of `existing` and gives what its log has beside the entries.
    pub(crate) fn take(&mut self, existing: &Path) -> Result<LogFrame, WriteError> {
        let metadata = fs::metadata(existing).map_err(WriteError::io("read", existing))?;
        if !metadata.is_file() {
            return Err(WriteError::NotAFile { path: existing.to_path_buf(), what: "not a regular file" });
        }
        let mut file = File::open(existing).map_err(WriteError::io("read", existing))?;
        if starts_as_zip(&mut file).map_err(WriteError::io("read", existing))? {
            let mut zip = ZipSource::open(existing)?;
            let names = payloads_in(existing, zip.har()?)?;
            let renames = self.take_zipped(&mut zip, &names)?;
            self.take_entries(existing, zip.har()?, &renames)
        } else {
            let names = payloads_in(existing, &file)?;
            let renames = self.take_files(existing, &names)?;
            let file = File::open(existing).map_err(WriteError::io("read", existing))?;
            self.take_entries(existing, file, &renames)
        }
    }

    fn take_files(&mut self, existing: &Path, names: &BTreeSet<PayloadPath>) -> Result<Renames, WriteError> {
        let in_place = self.folder.is_some_and(|folder| same_folder(folder, folder_of(existing)));
        let folder = PayloadFolder::of_archive(existing).map_err(WriteError::io("read", existing))?;
        let mut renames = Renames::new();
        for name in names {
            if in_place {
                if self.overwrite_edits && is_edited(folder_of(existing), name.as_str()) {
                    continue;
                }
                if self.payloads.keep_in_place(name.as_str())? {
                    continue;
                }
            }
            match folder.open(&Report { archive: existing, path: name }) {
                Ok(mut payload) => self.copy(name, &mut payload, &mut renames)?,
                Err(PayloadError::Missing { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(renames)
    }

    fn take_zipped(&mut self, zip: &mut ZipSource<'_>, names: &BTreeSet<PayloadPath>) -> Result<Renames, WriteError> {
        let mut renames = Renames::new();
        for name in names {
            if let Some(mut payload) = zip.payload(name)? {
                self.copy(name, &mut payload, &mut renames)?;
            }
        }
        Ok(renames)
    }

    fn copy(&mut self, name: &PayloadPath, payload: &mut dyn Read, renames: &mut Renames) -> Result<(), WriteError> {
        let new = self.payloads.carry(name.as_str(), payload, self.folder.is_some())?;
        if *new != *name.as_str() {
            renames.insert(name.as_str().to_owned(), new);
        }
        Ok(())
    }

    /// An entry whose payload has an unacceptable path, or none at all, is carried as it is: it was no better before.
    fn take_entries(&mut self, existing: &Path, text: impl Read, renames: &Renames) -> Result<LogFrame, WriteError> {
        read_log(existing, text, &mut |entry: &RawValue| {
            let mut names = payload_names(entry);
            if names.iter().all(|name| !renames.contains_key(name)) {
                return self.keep(entry.get(), names);
            }
            for name in &mut names {
                if let Some(new) = renames.get(name) {
                    *name = new.to_string();
                }
            }
            let mut hashes = Vec::new();
            for name in &names {
                hashes.extend(self.payloads.hash(name)?);
            }
            self.keep(&renamed(entry.get(), renames, &hashes), names)
        })
    }

    fn keep(&mut self, entry: &str, payloads: Vec<String>) -> Result<(), WriteError> {
        if let Some(once) = &mut self.once {
            let mut compact = Sha256::new();
            update_compact(&mut compact, entry);
            if !once.carried.insert(compact.finalize().into()) {
                once.repeated += 1;
                return Ok(());
            }
        }
        self.entries.carry(entry, payloads)
    }
}

/// The entries that were carried already, and how many came again.
#[derive(Debug, Default)]
pub(crate) struct Once {
    carried: HashSet<[u8; 32]>,
    pub(crate) repeated: usize,
}

/// Names that payloads have in their archive, and those that they get.
type Renames = BTreeMap<String, Box<str>>;

/// Whether a file begins as a zip does; leaves it at its start.
pub(crate) fn starts_as_zip(file: &mut File) -> io::Result<bool> {
    use io::Seek;
    let mut magic = [0; 4];
    let read = file.read(&mut magic)?;
    file.rewind()?;
    Ok(read == 4 && (magic == *b"PK\x03\x04" || magic == *b"PK\x05\x06"))
}

/// The folder that a file is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether two paths lead to one folder.
pub(crate) fn same_folder(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
