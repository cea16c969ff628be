//! What can go wrong between the proxy and the client that it starts.

use std::io;
use std::path::PathBuf;

/// Why a client could not be given what it needs, or not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file for clients, or the folder for it, could not be written.
    #[error("cannot write {}: {source}; check the folder's permissions or choose another with --ca-dir", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The ready file could not be written.
    #[error("cannot write the ready file {}: {source}; name a file in a folder that can be written", path.display())]
    WriteReadyFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The text that should be the authority's certificate holds none.
    #[error("the CA certificate that clients should trust cannot be read: {reason}")]
    CaCertificate {
        /// What is wrong with it.
        reason: String,
    },
    /// A ready file is there and cannot be read.
    #[error("cannot read the ready file {}: {source}", path.display())]
    ReadReadyFile {
        /// The ready file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A ready file is there and is not what a proxy writes.
    #[error("{} is not a ready file of harmock: {source}; pass the file that --ready-file named", path.display())]
    ParseReadyFile {
        /// The ready file.
        path: PathBuf,
        /// Where the JSON is wrong.
        source: serde_json::Error,
    },
    /// No file of the command's name is on `PATH`, or not at its path.
    #[error("cannot start `{program}`: no such command; check its spelling and PATH")]
    CommandNotFound {
        /// The command as given.
        program: String,
    },
    /// The command is a script whose interpreter, or a program whose loader, does not exist.
    #[error("cannot start `{program}`: the file is there, but the interpreter of its first line is not")]
    InterpreterNotFound {
        /// The command as given.
        program: String,
    },
    /// The command exists and the system would not run it.
    #[error("cannot start `{program}`: {source}; is it an executable file?")]
    CommandNotExecutable {
        /// The command as given.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// The command ran and its end could not be learned.
    #[error("lost sight of `{program}`: {source}")]
    Wait {
        /// The command as given.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// No browser of the Chromium family is installed where one is looked for.
    #[error(
        "found no Chromium, Chrome, Edge or Brave; install one, or name its file with --browser PATH or HARMOCK_BROWSER"
    )]
    BrowserNotFound,
    /// The browser that was named is not there.
    #[error("no browser at {}; name the program's own file with --browser PATH or HARMOCK_BROWSER", path.display())]
    NoBrowserAt {
        /// The path as given.
        path: PathBuf,
    },
}

impl Error {
    /// The exit code that a shell would give: 127 for a command that is not there, 126 for one that does not run,
    /// 1 for everything else.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::CommandNotFound { .. } | Self::InterpreterNotFound { .. } => 127,
            Self::CommandNotExecutable { .. } => 126,
            _ => 1,
        }
    }
}
