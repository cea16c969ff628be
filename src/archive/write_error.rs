//! What can go wrong while an archive is written.

use std::io;
use std::path::{Path, PathBuf};

use super::error::PayloadError;

/// Why an archive could not be written. The archive that was there before is untouched.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A file or folder could not be read or written.
    #[error("cannot {doing} {}; {}", path.display(), advice(doing))]
    Io {
        /// What was tried, as the words after "cannot".
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The target is a symbolic link, a folder or a device.
    #[error("{} is {what}; name a regular file for the archive", path.display())]
    NotAFile {
        /// The target.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// `.harmock` beside the archive cannot hold its temporary files.
    #[error("{} is not a folder of its own; remove it so that harmock can keep its temporary files there", path.display())]
    Workspace {
        /// The path of `.harmock`.
        path: PathBuf,
    },
    /// Something is there that is not to be overwritten.
    #[error("{} is there already; choose another name, or --force to overwrite it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The archive that is to be carried over, packed or unpacked cannot be used.
    #[error("{} cannot be used: {reason}; see `harmock har check`", path.display())]
    Existing {
        /// The archive.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Two archives have different payloads of one name.
    #[error("a file {name} with other content is in {} already; give the archive a folder of its own", path.display())]
    PayloadConflict {
        /// The archive or folder that has the other one.
        path: PathBuf,
        /// The payload's name.
        name: String,
    },
    /// A payload that is to come along cannot be read.
    #[error(transparent)]
    Payload(Box<PayloadError>),
    /// The zip container could not be written.
    #[error("cannot write the zip {}; check that the folder is writable and the disk not full", path.display())]
    Zip {
        /// The archive.
        path: PathBuf,
        /// What the container format said.
        source: zip::result::ZipError,
    },
}

impl From<PayloadError> for WriteError {
    fn from(error: PayloadError) -> Self {
        Self::Payload(Box::new(error))
    }
}

impl WriteError {
    /// Wraps an IO error: `.map_err(WriteError::io("read", path))`.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { doing, path, source }
    }
}

fn advice(doing: &str) -> &'static str {
    if ["read", "open", "unpack"].iter().any(|reading| doing.starts_with(reading)) {
        "check that it is there and may be read"
    } else {
        "check that the folder is writable and the disk not full"
    }
}
