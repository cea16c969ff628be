//! Payloads on their way: each content once, under the name that it will have, spooled until the archive is finished.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::body_scan::{BodyScan, hash_file};
use super::orphans::payloads_named_beside;
use super::payload_path::PayloadPath;
use super::write_error::WriteError;
use crate::har::NewBody;
use crate::har::fingerprint::hex;

/// All payloads of an archive in the making, by name.
#[derive(Debug)]
pub(crate) struct PayloadStore {
    /// Where spooled payloads are.
    spool: PathBuf,
    /// Where payloads are that are in their place already.
    folder: PathBuf,
    /// What a finished payload file may be read by.
    permissions: Permissions,
    payloads: BTreeMap<Box<str>, Payload>,
    spooled: usize,
    neighbours: Option<Neighbours>,
}

/// The archives that share the folder of the one that is written.
#[derive(Debug)]
struct Neighbours {
    /// The one that is written.
    target: PathBuf,
    /// What they name, once somebody had to know; none: one of them cannot be read and may name anything.
    named: Option<Option<BTreeSet<PayloadPath>>>,
}

impl Neighbours {
    fn may_name(&mut self, name: &str) -> bool {
        let named = self.named.get_or_insert_with(|| payloads_named_beside(&self.target).ok());
        named.as_ref().is_none_or(|named| PayloadPath::parse(name).is_ok_and(|name| named.contains(&name)))
    }
}

#[derive(Debug)]
struct Payload {
    /// SHA-256 of the content, where it was needed already.
    hash: Option<[u8; 32]>,
    /// The spooled file; none: it is in its place.
    spooled: Option<PathBuf>,
}

impl PayloadStore {
    /// An empty store that spools to the existing folder `spool`.
    pub(crate) fn new(spool: PathBuf, folder: PathBuf, permissions: Permissions) -> Self {
        Self { spool, folder, permissions, payloads: BTreeMap::new(), spooled: 0, neighbours: None }
    }

    /// The payloads of `target`, beside which other archives have theirs.
    pub(crate) fn beside(self, target: &Path) -> Self {
        Self { neighbours: Some(Neighbours { target: target.to_path_buf(), named: None }), ..self }
    }

    /// Keeps a recorded body and gives its name: its hash, and `-2`, `-3` after it if a payload of that name, carried or
    /// of another archive, has been edited to another content.
    pub(crate) fn add(&mut self, body: &NewBody<'_>, scan: &BodyScan, extension: &str) -> Result<Box<str>, WriteError> {
        let name = format!("{}.{extension}", hex(&scan.hash));
        let (name, there) = self.name_for(&name, scan.hash, false)?;
        if there {
            return Ok(name.into());
        }
        let spooled = self.next_path();
        self.spool_body(body, &spooled)?;
        let payload = Payload { hash: Some(scan.hash), spooled: Some(spooled) };
        self.payloads.insert(name.as_str().into(), payload);
        Ok(name.into())
    }

    /// Leaves a payload where it is, in the archive's folder; `false`: another payload has its name already.
    pub(crate) fn keep_in_place(&mut self, name: &str) -> Result<bool, WriteError> {
        let Some(hash) = self.hash_of(name)? else {
            self.payloads.insert(name.into(), Payload { hash: None, spooled: None });
            return Ok(true);
        };
        Ok(self.hash_in_place(name)?.is_none_or(|other| other == hash))
    }

    /// Copies a payload of another archive and gives its name: the one that it has there, or with `-2`, `-3` behind its
    /// stem if another payload has that; `beside`: or another file in the archive's folder.
    pub(crate) fn carry(&mut self, name: &str, content: &mut dyn Read, beside: bool) -> Result<Box<str>, WriteError> {
        let spooled = self.next_path();
        let hash = copy_hashed(content, &spooled).map_err(WriteError::io("copy a payload to", &spooled))?;
        let (name, there) = self.name_for(name, hash, beside)?;
        if there {
            fs::remove_file(&spooled).map_err(WriteError::io("remove", &spooled))?;
        } else {
            self.payloads.insert(name.as_str().into(), Payload { hash: Some(hash), spooled: Some(spooled) });
        }
        Ok(name.into())
    }

    /// The first name like this one that no other content has, and whether a payload with this content has it.
    fn name_for(&mut self, name: &str, hash: [u8; 32], beside: bool) -> Result<(String, bool), WriteError> {
        let (folder, file) = name.split_at(name.rfind('/').map_or(0, |slash| slash + 1));
        let (stem, extension) = file.split_at(file.find('.').unwrap_or(file.len()));
        let mut name = name.to_owned();
        let mut next = 2_u64;
        loop {
            match self.hash_of(&name)? {
                Some(same) if same == hash => return Ok((name, true)),
                None if !self.has_file(&name, beside)
                    || self.hash_in_place(&name)?.is_none_or(|there| there == hash) =>
                {
                    return Ok((name, false));
                }
                _ => {}
            }
            name = format!("{folder}{stem}-{next}{extension}");
            next += 1;
        }
    }

    /// Whether a file of this name has to stay as it is: any that is `beside` the archive, or one that another archive
    /// needs.
    fn has_file(&mut self, name: &str, beside: bool) -> bool {
        let is_there = |folder: &Path| fs::symlink_metadata(folder.join(name)).is_ok_and(|there| there.is_file());
        beside || self.neighbours.as_mut().is_some_and(|neighbours| is_there(&self.folder) && neighbours.may_name(name))
    }

    /// SHA-256 of a payload that is here.
    pub(crate) fn hash(&mut self, name: &str) -> Result<Option<[u8; 32]>, WriteError> {
        self.hash_of(name)
    }

    /// Forgets the payloads that are in none of these names.
    pub(crate) fn retain(&mut self, named: &BTreeSet<&str>) {
        self.payloads.retain(|name, _| named.contains(&**name));
    }

    /// The number of payloads.
    pub(crate) fn len(&self) -> usize {
        self.payloads.len()
    }

    /// Name, spooled file and hash of the payloads that are not in their place, by name.
    pub(crate) fn spooled(&self) -> impl Iterator<Item = (&str, &Path, Option<[u8; 32]>)> {
        self.payloads.iter().filter_map(|(name, payload)| Some((&**name, payload.spooled.as_deref()?, payload.hash)))
    }

    /// The hash of the content that has this name; none if nothing has it, or the file that had it is gone.
    fn hash_of(&mut self, name: &str) -> Result<Option<[u8; 32]>, WriteError> {
        let Some(payload) = self.payloads.get(name) else { return Ok(None) };
        if payload.hash.is_some() {
            return Ok(payload.hash);
        }
        let hash = self.hash_in_place(name)?;
        if let Some(payload) = self.payloads.get_mut(name) {
            payload.hash = hash;
        }
        Ok(hash)
    }

    /// The hash of the file that has this name in the archive's folder.
    fn hash_in_place(&self, name: &str) -> Result<Option<[u8; 32]>, WriteError> {
        let path = self.folder.join(name);
        match hash_file(&path) {
            Ok(hash) => Ok(Some(hash)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(WriteError::io("read", &path)(error)),
        }
    }

    fn next_path(&mut self) -> PathBuf {
        self.spooled += 1;
        self.spool.join(self.spooled.to_string())
    }

    fn spool_body(&self, body: &NewBody<'_>, spooled: &Path) -> Result<(), WriteError> {
        match body {
            NewBody::None | NewBody::Omitted => fs::write(spooled, b""),
            NewBody::Bytes(bytes) => fs::write(spooled, bytes),
            // A link costs nothing, however large the body is; it takes the permissions of a temporary file along.
            NewBody::File(path) => fs::hard_link(path, spooled)
                .or_else(|_| fs::copy(path, spooled).map(drop))
                .and_then(|()| fs::set_permissions(spooled, self.permissions.clone())),
        }
        .map_err(WriteError::io("keep a payload in", spooled))
    }
}

fn copy_hashed(source: &mut dyn Read, target: &Path) -> io::Result<[u8; 32]> {
    let mut file = File::create_new(target)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                hash.update(&buffer[..read]);
                file.write_all(&buffer[..read])?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(hash.finalize().into())
}
