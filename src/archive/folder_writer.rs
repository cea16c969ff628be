//! Putting a finished `.har` and its payload files in place: all of it or, after an error, nothing.

use std::io;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::body_scan::hash_reader;
use super::orphans::named_hash;
use super::payload_store::PayloadStore;
use super::write_error::WriteError;
use crate::har::fingerprint::hex;

/// Payload files that are in their place already; dropped before [`Placement::commit`], it takes them back.
pub(crate) struct Placement {
    folder: Dir,
    folder_path: PathBuf,
    spool: Dir,
    on_other: OnOther,
    done: Vec<Step>,
}

/// What becomes of a file that has a payload's name and other content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnOther {
    /// It stays, and nothing is written.
    Refuse,
    /// It gives way if its name is a hash: it is a payload that was edited. Else it stays, and nothing is written.
    ReplacePayloads,
    /// It gives way.
    Replace,
}

/// One file that was put in its place.
struct Step {
    name: String,
    /// The file of the same name that was there before, in the spool.
    before: Option<String>,
}

impl Placement {
    /// Moves all spooled payloads into the archive's folder. A file of the same name and content is left as it is.
    pub(crate) fn put(
        store: &PayloadStore,
        spool: &Path,
        folder: &Path,
        on_other: OnOther,
    ) -> Result<Self, WriteError> {
        let open = |path: &Path| Dir::open_ambient_dir(path, ambient_authority());
        let mut placement = Self {
            folder: open(folder).map_err(WriteError::io("open", folder))?,
            folder_path: folder.to_path_buf(),
            spool: open(spool).map_err(WriteError::io("open", spool))?,
            on_other,
            done: Vec::new(),
        };
        for (name, spooled, hash) in store.spooled() {
            let spooled = spooled.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            placement.put_one(name, spooled, hash)?;
        }
        Ok(placement)
    }

    /// Leaves everything where it is now.
    pub(crate) fn commit(mut self) {
        self.done.clear();
    }

    fn put_one(&mut self, name: &str, spooled: &str, hash: Option<[u8; 32]>) -> Result<(), WriteError> {
        let path = self.folder_path.join(name);
        let mut before = None;
        match self.folder.symlink_metadata(name) {
            Ok(there) if there.is_file() && self.hash_of(name).ok() == hash => return Ok(()),
            Ok(there) if there.is_dir() || !self.may_replace(name) => {
                return Err(WriteError::PayloadConflict { path: self.folder_path.clone(), name: name.to_owned() });
            }
            Ok(_) => {
                let aside = format!("before-{}", self.done.len());
                self.folder.rename(name, &self.spool, &aside).map_err(WriteError::io("replace", &path))?;
                before = Some(aside);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if let Some((parent, _)) = name.rsplit_once('/') {
                    self.folder.create_dir_all(parent).map_err(WriteError::io("create the folder of", &path))?;
                }
            }
            Err(error) => return Err(WriteError::io("read", &path)(error)),
        }
        self.done.push(Step { name: name.to_owned(), before });
        self.spool.rename(spooled, &self.folder, name).map_err(WriteError::io("write", &path))
    }

    fn may_replace(&self, name: &str) -> bool {
        match self.on_other {
            OnOther::Refuse => false,
            OnOther::ReplacePayloads => named_hash(name).is_some(),
            OnOther::Replace => true,
        }
    }

    fn hash_of(&self, name: &str) -> io::Result<[u8; 32]> {
        hash(&self.folder, name)
    }
}

impl Drop for Placement {
    fn drop(&mut self) {
        for step in self.done.iter().rev() {
            // What cannot be taken back stays: a payload that no archive names harms nobody.
            let _ = match &step.before {
                Some(before) => self.spool.rename(before, &self.folder, &step.name),
                None => self.folder.remove_file(&step.name),
            };
        }
    }
}

/// SHA-256 of a file in `folder`; links that lead out of it are an error.
pub(crate) fn hash(folder: &Dir, name: &str) -> io::Result<[u8; 32]> {
    hash_reader(folder.open(name)?)
}

/// Whether the content of a payload file still has the hash that is its name.
pub(crate) fn has_its_hash(folder: &Dir, name: &str) -> bool {
    let regular = folder.symlink_metadata(name).is_ok_and(|metadata| metadata.is_file());
    regular && hash(folder, name).is_ok_and(|hash| Some(hex(&hash).as_str()) == named_hash(name))
}
