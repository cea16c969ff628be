//! Taking the entries and payloads of an existing archive along, unchanged.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use serde_json::value::RawValue;

use super::entry_spool::EntrySpool;
use super::error::PayloadError;
use super::folder::{PayloadFolder, Report};
use super::payload_path::PayloadPath;
use super::payload_store::PayloadStore;
use super::raw_log::{LogFrame, payload_names, read_log};
use super::write_error::WriteError;
use super::zip_source::ZipSource;

/// Where carried entries and payloads go.
pub(crate) struct CarryOver<'a> {
    pub(crate) entries: &'a mut EntrySpool,
    pub(crate) payloads: &'a mut PayloadStore,
    /// The folder in which payload files can stay where they are; none if the new archive is a zip.
    pub(crate) folder: Option<&'a Path>,
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
            self.take_zip(existing)
        } else {
            self.take_har(existing, file)
        }
    }

    fn take_har(&mut self, existing: &Path, file: File) -> Result<LogFrame, WriteError> {
        let (frame, names) = self.take_entries(existing, file)?;
        let parent = folder_of(existing);
        if self.folder.is_some_and(|folder| same_folder(folder, parent)) {
            for name in &names {
                self.payloads.keep_in_place(name.as_str())?;
            }
            return Ok(frame);
        }
        let folder = PayloadFolder::of_archive(existing).map_err(WriteError::io("read", existing))?;
        for name in &names {
            match folder.open(&Report { archive: existing, path: name }) {
                Ok(mut payload) => self.payloads.carry(name.as_str(), &mut payload, existing)?,
                Err(PayloadError::Missing { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(frame)
    }

    fn take_zip(&mut self, existing: &Path) -> Result<LogFrame, WriteError> {
        let mut zip = ZipSource::open(existing)?;
        let (frame, names) = self.take_entries(existing, zip.har()?)?;
        for name in &names {
            if let Some(mut payload) = zip.payload(name)? {
                self.payloads.carry(name.as_str(), &mut payload, existing)?;
            }
        }
        Ok(frame)
    }

    /// An entry whose payload has an unacceptable path, or none at all, is carried as it is: it was no better before.
    fn take_entries(
        &mut self,
        existing: &Path,
        text: impl Read,
    ) -> Result<(LogFrame, BTreeSet<PayloadPath>), WriteError> {
        let mut names = BTreeSet::new();
        let frame = read_log(existing, text, &mut |entry: &RawValue| {
            names.extend(payload_names(entry).iter().filter_map(|name| PayloadPath::parse(name).ok()));
            self.entries.carry(entry.get())
        })?;
        Ok((frame, names))
    }
}

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
