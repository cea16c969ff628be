//! Answers for an archive that no traffic has: written by hand, asked for once, taken from a history, or imported from
//! the documents of other tools.
//!
//! Everything here becomes [`Example`]s, which the recorder keeps as it keeps what passes: under the archive's lock,
//! with its secrets replaced, at once or not at all.

pub mod call;
pub mod curl;
mod document;
pub mod history;
mod import;
pub mod openapi;
mod parts;
pub mod postman;

pub use document::{Document, DocumentError};
pub use import::{Import, ImportError, Imported, import};
pub use parts::{example_of, text_fields};

pub use crate::record::Example;
