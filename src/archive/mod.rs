//! The container on disk: a `.har` with payload files beside it, or one `.zip`.

mod discover;
mod embedded;
pub mod error;
mod folder;
pub mod limits;
pub mod payload_path;
mod read;
mod source;
mod zip_reader;

pub use discover::discover;
pub use error::{Error, PayloadError};
pub use limits::Limits;
pub use payload_path::{PayloadPath, PayloadPathError};
pub use read::Archive;

/// Where bodies go (Playwright's `content`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BodyStorage {
    /// Files named by their hash.
    #[default]
    Attach,
    /// Inside the HAR text.
    Embed,
    /// Nowhere.
    Omit,
}
