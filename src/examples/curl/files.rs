//! Files that a copied command names: regular ones, in the current folder or below it.

use std::io::Read;
use std::path::Path;

use cap_fs_ext::OpenOptionsSyncExt;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};

use super::DataError;

/// No example needs more.
const LARGEST: u64 = 256 << 20;

/// The content of `name`, which a stranger may have written into the text.
pub(super) fn read(name: &str) -> Result<Vec<u8>, DataError> {
    let refused = |why: String| DataError::File { name: name.to_owned(), why };
    if name == "-" {
        return Err(refused("standard input is not read; name a file".to_owned()));
    }
    let outside = || refused("only files in the current folder and in those below it are read".to_owned());
    let here = Dir::open_ambient_dir(".", ambient_authority()).map_err(|error| refused(error.to_string()))?;
    let path = Path::new(name);
    let path = if path.is_absolute() {
        let current = std::env::current_dir().map_err(|error| refused(error.to_string()))?;
        path.strip_prefix(current).map(Path::to_owned).map_err(|_| outside())?
    } else {
        path.to_owned()
    };
    let mut options = OpenOptions::new();
    // A FIFO would otherwise hold the reader until somebody writes to it.
    options.read(true).nonblock(cfg!(unix));
    let file = here.open_with(&path, &options).map_err(|error| match error.raw_os_error() {
        None if error.kind() == std::io::ErrorKind::PermissionDenied => outside(),
        _ => refused(error.to_string()),
    })?;
    let metadata = file.metadata().map_err(|error| refused(error.to_string()))?;
    if !metadata.is_file() {
        return Err(refused("it is no regular file".to_owned()));
    }
    let mut content = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut content).map_err(|error| refused(error.to_string()))?;
    if content.len() as u64 > LARGEST {
        return Err(refused(format!("it is larger than {} MiB", LARGEST >> 20)));
    }
    Ok(content)
}
