//! Keeping what passed: the tee, the spool, the journal, the finished archive.
//!
//! Both bodies of an exchange are copied frame by frame ([`tee`]) into a bounded buffer and written by one thread
//! (`spool`). A finished exchange is appended to the [`journal`], and only then does the client get the last frame
//! of the response: what a client saw whole is on disk. When the run ends the journal is turned into the archive
//! ([`finish()`]), which takes the place of the previous one at once or not at all.

mod body_spool;
mod copying;
pub mod example;
pub mod exchange;
pub mod finish;
mod inbox;
pub mod journal;
mod journal_reader;
mod large_body;
mod lock;
mod losses;
mod progress;
mod recorder;
mod recording;
mod redaction;
mod restored;
mod run;
mod run_settings;
mod spool;
mod stream_cuts;
mod sync;
pub mod tee;
mod ties;
mod unfinished;
mod verdicts;

pub use example::Example;
pub use exchange::{ExchangeFacts, ResponseFacts};
pub use finish::{Finished, finish, finish_killed};
pub use lock::{Held, hold, hold_all, hold_existing};
pub use losses::Tell;
pub use progress::Progress;
pub use recorder::{Recorded, Recorder};
pub use recording::{Fate, Recording};
pub use run_settings::RunSettings;
pub use spool::Spooled;
pub use unfinished::{Readable, ReadableError, Unfinished, killed_in, readable, recording_in};
pub use verdicts::Verdict;

use std::io;
use std::path::PathBuf;

/// Why a recording could not start, go on, or be finished.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder of the archive or its `.harmock` cannot be used.
    #[error("cannot write {}: {source}; make its folder writable, or choose another archive", path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// `.harmock` beside the archive is not what it has to be.
    #[error(transparent)]
    Workspace(crate::archive::WriteError),
    /// Another run records into the same archive.
    #[error("{} is being recorded by another harmock (process {holder}); end it, or choose another archive", path.display())]
    Locked {
        /// The archive.
        path: PathBuf,
        /// The process that holds it.
        holder: String,
    },
    /// A run that was killed, or could not finish, has left exchanges that are not in the archive.
    #[error("the recording of {0} was left unfinished; `harmock har recover {0}` writes the archive", path.display())]
    Unfinished {
        /// The archive.
        path: PathBuf,
    },
    /// The journal is not one, or not of this version.
    #[error("{} is not a journal that this version reads: {detail}; move it away to record again", path.display())]
    Journal {
        /// The journal.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The archive could not be written; the journal is kept.
    #[error("cannot write {}: {source}; what was recorded is kept in {} and finished by the next `harmock record` on this archive", path.display(), journal.display())]
    Write {
        /// The archive.
        path: PathBuf,
        /// The journal that still holds everything.
        journal: PathBuf,
        /// Why.
        source: crate::archive::WriteError,
    },
    /// A body that is to be decoded finds no room.
    #[error("cannot decode a body into {}: {source}; what was recorded is kept beside the archive and finished by the next `harmock record` on it", path.display())]
    Decode {
        /// The folder in which it is decoded.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A journal or spool file could not be read back.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}
