//! Putting a finished `.har` and its payload files in place: all of it or, after an error, nothing.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};

use super::body_scan::hash_reader;
use super::orphans::named_hash;
use super::payload_store::PayloadStore;
use super::write_error::WriteError;
use crate::har::fingerprint::hex;

/// Payload files that are in their place already; dropped before [`Placement::commit`], it takes them back.
///
/// One at a time has a folder: a payload that another archive has there already is left as it is, and whoever removes
/// what that archive has no use for any more would take it from this one, which does not name it yet.
pub(crate) struct Placement {
    held: Option<File>,
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
            held: lock(folder),
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
        placement.sync().map_err(WriteError::io("write the payloads in", folder))?;
        Ok(placement)
    }

    /// Leaves everything where it is now. The folder is another's once what this gives is dropped.
    #[must_use]
    pub(crate) fn commit(mut self) -> Option<File> {
        self.done.clear();
        self.held.take()
    }

    /// Waits for the disk: what is recorded has no other place soon. Of very many files each would take its time, and the
    /// system syncs all that it has faster.
    fn sync(&self) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        const EACH_MOST: usize = 16;
        // The folder as cap-std has it is a place to start from, and nothing that could be synced.
        #[cfg(target_os = "linux")]
        if self.done.len() > EACH_MOST
            && let Ok(folder) = File::open(&self.folder_path)
        {
            return Ok(rustix::fs::syncfs(folder)?);
        }
        let mut options = OpenOptions::new();
        // Windows syncs what may be written alone.
        options.read(true).write(cfg!(windows));
        self.done.iter().try_for_each(|step| self.folder.open_with(&step.name, &options)?.sync_data())
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

/// Waits for the lock of an archives' folder; none where folders cannot be locked.
pub(crate) fn lock(folder: &Path) -> Option<File> {
    let folder = if cfg!(unix) { File::open(folder).ok()? } else { return None };
    folder.lock().ok().map(|()| folder)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::body_scan::scan;
    use crate::har::NewBody;

    #[cfg(unix)]
    #[test]
    fn a_folder_is_one_archives_own_until_what_the_others_may_remove_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let spool = folder.path().join("spool");
        std::fs::create_dir(&spool).unwrap();
        let permissions = std::fs::metadata(&spool).unwrap().permissions();
        let mut store = PayloadStore::new(spool.clone(), folder.path().to_owned(), permissions);
        let body = NewBody::Bytes(b"a body");
        let name = store.add(&body, &scan(&body).unwrap(), "txt").unwrap();
        let placement = Placement::put(&store, &spool, folder.path(), OnOther::Refuse).unwrap();
        let is_free = || File::open(folder.path()).unwrap().try_lock().is_ok();
        assert!(folder.path().join(&*name).is_file() && !is_free());
        let held = placement.commit();
        assert!(!is_free());
        drop(held);
        assert!(is_free());
    }

    #[test]
    fn very_many_payloads_are_on_the_disk_as_few_are() {
        let folder = tempfile::tempdir().unwrap();
        let spool = folder.path().join("spool");
        std::fs::create_dir(&spool).unwrap();
        let permissions = std::fs::metadata(folder.path()).unwrap().permissions();
        let mut store = PayloadStore::new(spool.clone(), folder.path().to_owned(), permissions);
        for number in 0..40 {
            store.carry(&format!("{number}.txt"), &mut number.to_string().as_bytes(), false).unwrap();
        }
        drop(Placement::put(&store, &spool, folder.path(), OnOther::Refuse).unwrap().commit());
        assert!((0..40).all(|number| folder.path().join(format!("{number}.txt")).is_file()));
    }
}
