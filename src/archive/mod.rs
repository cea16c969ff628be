//! The container on disk: a `.har` with payload files beside it, or one `.zip`.

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
pub mod limits;
mod media_types;
mod orphans;
pub mod payload_path;
mod payload_store;
mod raw_log;
mod read;
mod repack;
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

pub use body_file::BodyFile;
pub(crate) use body_placement::payload_hash;
pub use check::{Finding, Severity, check};
pub use discover::discover;
pub(crate) use discover::{Searched, discover_noting};
pub use error::{Error, PayloadError};
pub use fetch::Fetched;
pub use limits::Limits;
pub use payload_path::{PayloadPath, PayloadPathError};
pub use read::Archive;
pub use repack::{Repacked, pack, unpack};
pub(crate) use sort_key::SortKey;
pub use stamp::Stamp;
pub use summary::EntrySummary;
pub use workspace::private_folder;
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
