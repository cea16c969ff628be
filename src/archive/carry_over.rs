//! Taking the entries and payloads of an existing archive along, unchanged.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use serde_json::value::RawValue;
use zip::ZipArchive;

use super::entry_spool::EntrySpool;
use super::limits::{Bounded, Limits};
use super::payload_path::PayloadPath;
use super::payload_store::PayloadStore;
use super::raw_log::{LogFrame, payload_names, read_log};
use super::write_error::WriteError;

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
        let dir = Dir::open_ambient_dir(parent, ambient_authority()).map_err(WriteError::io("open", parent))?;
        for name in &names {
            if let Some(mut payload) =
                open_payload(&dir, name).map_err(WriteError::io("read", &parent.join(name.to_path())))?
            {
                self.payloads.carry(name.as_str(), &mut payload, existing)?;
            }
        }
        Ok(frame)
    }

    fn take_zip(&mut self, existing: &Path) -> Result<LogFrame, WriteError> {
        let file = File::open(existing).map_err(WriteError::io("read", existing))?;
        let unusable = |reason: String| WriteError::Existing { path: existing.to_path_buf(), reason };
        let mut zip = ZipArchive::new(BufReader::new(file)).map_err(|error| unusable(error.to_string()))?;
        let har = zip.file_names().position(|name| name.is_ok_and(|name| name.ends_with(".har")));
        let har = har.ok_or_else(|| unusable("the zip holds no .har file".to_owned()))?;
        let (frame, names) = {
            let limits = Limits::default();
            let text = zip.by_index(har).map_err(|error| unusable(error.to_string()))?;
            let compressed = text.compressed_size();
            self.take_entries(existing, Bounded::new(text, compressed, limits.text, &limits))?
        };
        for name in &names {
            let Some(at) = zip.index_for_name(name.as_str()) else { continue };
            let limits = Limits::default();
            let payload = zip.by_index(at).map_err(|error| unusable(format!("{name}: {error}")))?;
            let compressed = payload.compressed_size();
            let mut payload = Bounded::new(payload, compressed, u64::MAX, &limits);
            self.payloads.carry(name.as_str(), &mut payload, existing)?;
        }
        Ok(frame)
    }

    /// Payloads that are named but cannot be read by that name are no reason to refuse: their entries stay as they are.
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

/// Opens a payload below `dir` without leaving it; none if there is no regular file of that name.
pub(crate) fn open_payload(dir: &Dir, name: &PayloadPath) -> io::Result<Option<cap_std::fs::File>> {
    let path = name.to_path();
    match dir.metadata(&path) {
        Ok(metadata) if metadata.is_file() => dir.open(&path).map(Some),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The folder that a file is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn same_folder(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
