//! The authority on disk: two files in a folder, made once however many processes start at the same time.
//!
//! `ca-key.pem` appears before `ca.pem`, each by rename, and both under a lock. So a certificate always has its key;
//! a key without certificate is a first run that was cut short, and the next one makes the certificate for it.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::Error;
use super::root::{self, Facts, Root};

/// The certificate, which clients are told to trust.
pub(super) const CERT_FILE: &str = "ca.pem";
/// The private key, which nothing but this module reads.
pub(super) const KEY_FILE: &str = "ca-key.pem";
const LOCK_FILE: &str = "ca.lock";
/// No certificate or key is longer; a file that is was put there by mistake.
const MAX_FILE: u64 = 64 << 10;

/// The certificate file of a folder.
pub(super) fn cert_path(dir: &Path) -> PathBuf {
    dir.join(CERT_FILE)
}

/// Reads the authority of a folder, or makes it. A folder that holds one may be read-only.
pub(super) fn load_or_create(dir: &Path) -> Result<Root, Error> {
    if let Some(root) = load(dir)? {
        return Ok(root);
    }
    make_dir(dir)?;
    let _lock = lock(&dir.join(LOCK_FILE))?;
    // Another process may have made it while this one waited for the lock.
    if let Some(root) = load(dir)? {
        return Ok(root);
    }
    create(dir)?;
    load(dir)?.ok_or_else(|| io_error("read", &cert_path(dir))(io::ErrorKind::NotFound.into()))
}

/// What the certificate of a folder says, whatever became of its key, and the certificate as one PEM block.
pub(super) fn read_certificate(dir: &Path) -> Result<Option<(Facts, String)>, Error> {
    let path = cert_path(dir);
    read(&path)?.map(|cert| root::read_certificate(&cert, &path)).transpose()
}

fn load(dir: &Path) -> Result<Option<Root>, Error> {
    let (cert_path, key_path) = (cert_path(dir), dir.join(KEY_FILE));
    let Some(cert) = read(&cert_path)? else { return Ok(None) };
    let key = read_key(&key_path)?.ok_or_else(|| Error::KeyMissing { path: key_path.clone() })?;
    Root::from_pem(&cert, &cert_path, &key, &key_path).map(Some)
}

fn create(dir: &Path) -> Result<(), Error> {
    let (cert_path, key_path) = (cert_path(dir), dir.join(KEY_FILE));
    let key = match read_key(&key_path)? {
        Some(key) => key,
        None => {
            let key = root::new_key()?;
            write_new(dir, &key_path, key.as_bytes(), 0o600)?;
            key
        }
    };
    let cert = root::new_certificate(&key, &key_path)?;
    write_new(dir, &cert_path, cert.as_bytes(), 0o644)
}

fn read_key(path: &Path) -> Result<Option<String>, Error> {
    let Some(bytes) = read(path)? else { return Ok(None) };
    refuse_exposed(path)?;
    let text = String::from_utf8(bytes);
    text.map(Some).map_err(|_| Error::Key { path: path.to_owned(), reason: "it is not text".to_owned() })
}

/// A file's bytes, `None` when there is none; never waits on a pipe, never swallows a disk.
fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error("read", path)(error)),
    };
    if !metadata.is_file() {
        return Err(io_error("read", path)(io::Error::other("it is not a regular file")));
    }
    if metadata.len() > MAX_FILE {
        return Err(io_error("read", path)(io::Error::other("it is too long to be a certificate or a key")));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(io_error("read", path))?;
    file.take(MAX_FILE).read_to_end(&mut bytes).map_err(io_error("read", path))?;
    Ok(Some(bytes))
}

#[cfg(unix)]
fn refuse_exposed(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::MetadataExt;
    let mode = fs::metadata(path).map_err(io_error("read", path))?.mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(Error::KeyExposed { path: path.to_owned(), mode }) }
}

/// Elsewhere the user's data folder is private by the system's own access lists.
#[cfg(not(unix))]
fn refuse_exposed(_path: &Path) -> Result<(), Error> {
    Ok(())
}

fn make_dir(dir: &Path) -> Result<(), Error> {
    if let Some(parent) = dir.parent() {
        fs::create_dir_all(parent).map_err(io_error("create", parent))?;
    }
    match private_dir().create(dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        other => other.map_err(io_error("create", dir)),
    }
}

#[cfg(unix)]
fn private_dir() -> fs::DirBuilder {
    let mut builder = fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

#[cfg(not(unix))]
fn private_dir() -> fs::DirBuilder {
    fs::DirBuilder::new()
}

/// Held until the file is dropped; the file itself stays, since removing it would let two holders in.
fn lock(path: &Path) -> Result<File, Error> {
    let file = File::options().create(true).truncate(false).write(true).open(path);
    let file = file.map_err(io_error("write", path))?;
    file.lock().map_err(io_error("lock", path))?;
    Ok(file)
}

/// Writes a file that must not exist yet so that it appears whole, with its mode from the start.
fn write_new(dir: &Path, path: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".harmock-ca-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = builder.tempfile_in(dir).map_err(io_error("write in", dir))?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(io_error("write", path))?;
    file.persist_noclobber(path).map_err(|error| io_error("write", path)(error.error))?;
    Ok(())
}

fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error + use<> {
    let path = path.to_owned();
    move |cause| Error::Io { doing, path, cause }
}
