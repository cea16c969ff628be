//! The container on disk: a `.har` with payload files beside it, or one `.zip`.

mod arrangement;
mod body_file;
mod body_placement;
mod body_scan;
mod carry_over;
pub mod check;
mod discover;
mod embedded;
mod embedded_stream;
mod entry_spool;
pub mod error;
mod fetch;
mod folder;
mod folder_writer;
mod garbage;
pub mod limits;
mod media_types;
mod merge;
mod orphans;
pub mod payload_path;
mod payload_store;
mod previous;
mod raw_log;
mod read;
mod renaming;
mod repack;
mod rewrite;
mod sort_key;
mod source;
mod stamp;
mod summary;
mod workspace;
pub mod write_error;
pub mod writer;
mod zip_reader;
mod zip_source;
mod zip_writer;

pub use arrangement::KeptEdit;
pub use body_file::BodyFile;
pub(crate) use body_placement::payload_hash;
pub use check::{Finding, Severity, check};
pub use discover::discover;
pub(crate) use discover::{Searched, discover_noting};
pub use error::{Error, PayloadError};
pub use fetch::Fetched;
pub use garbage::{Garbage, collect_garbage};
pub use limits::Limits;
#[cfg(feature = "cli")]
pub(crate) use media_types::{extension, media_type_of};
pub use merge::{Merged, merge};
pub use payload_path::{PayloadPath, PayloadPathError};
pub use read::Archive;
pub use repack::{Repacked, pack, unpack, unpack_target};
pub use rewrite::{Payloads, rewrite};
pub(crate) use sort_key::SortKey;
pub use stamp::Stamp;
pub use summary::EntrySummary;
pub(crate) use workspace::{GIT_IGNORE, create_private};
pub use workspace::{private_folder, remove_killed_writers};
pub use write_error::WriteError;
pub use writer::{ArchiveWriter, WriterOptions, Written};

use serde::{Deserialize, Serialize};

/// Where bodies go (Playwright's `content`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BodyStorage {
    /// Files named by their hash.
    #[default]
    Attach,
    /// Inside the HAR text.
    Embed,
    /// Nowhere.
    Omit,
}

/// What a recording does with the entries that its archive holds already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Update {
    /// The new recording takes the place of the old one.
    #[default]
    Replace,
    /// Exchange all entries of each method, URL and payload that the run saw, and keep the others.
    Merge,
    /// Keep all and add.
    Append,
}
