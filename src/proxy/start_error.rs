//! Why a proxy did not start.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::keys::KeyFileError;
use crate::ca;
use crate::matching::RuleError;
use crate::record;
use crate::replay::OpenError;
use crate::route::{GlobError, MountError};
use crate::templates::VariablesError;
use crate::upstream::SetupError;

/// Why a proxy did not start. Each is one line that says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The archives.
    #[error(transparent)]
    Archives(#[from] OpenError),
    /// The certificate authority.
    #[error(transparent)]
    Authority(#[from] ca::Error),
    /// A glob.
    #[error(transparent)]
    Glob(#[from] GlobError),
    /// The file of keys says what it may not.
    #[error("{}: {source}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        source: KeyFileError,
    },
    /// The file of keys cannot be read.
    #[error("the keys in {} cannot be read: {source}; name another file with --api-key-file", path.display())]
    KeyFileUnreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}{}", listen_hint(source))]
    Listen {
        /// What was asked for.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// Two origins at one place.
    #[error(transparent)]
    Mounts(#[from] MountError),
    /// A file of keys that holds none would leave everybody out, or let everybody in.
    #[error("{} holds no key; add a line such as the one that `printf %s KEY | sha256sum` makes, after `sha256:`", .0.display())]
    NoKey(PathBuf),
    /// An address that others can reach, without leave.
    #[error(
        "{0} can be reached from other machines; ask for a key with --api-key, add --public to let everybody in, or listen on 127.0.0.1"
    )]
    NotLoopback(SocketAddr),
    /// The archive to write.
    #[error(transparent)]
    Record(#[from] record::Error),
    /// What a killed recording left of an archive.
    #[error(transparent)]
    Unfinished(#[from] record::ReadableError),
    /// A rule.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// The system's random numbers.
    #[error("the system gives no random numbers for the token of the control API; name one with --token")]
    Random,
    /// The trace.
    #[error("the trace {} cannot be written: {source}; name another file with --trace", path.display())]
    Trace {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The way to the upstream.
    #[error(transparent)]
    Upstream(#[from] SetupError),
    /// The variables that templates can read.
    #[error(transparent)]
    Variables(#[from] VariablesError),
}

fn listen_hint(source: &io::Error) -> &'static str {
    if source.kind() == io::ErrorKind::AddrInUse { "; end what listens there, or choose another --listen" } else { "" }
}
