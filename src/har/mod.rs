//! The HAR 1.2 format: tolerant reading, exact writing.

pub mod entry;
pub(crate) mod fields;
pub(crate) mod json;
pub(crate) mod log;
pub(crate) mod post_data;
pub(crate) mod raw;
pub mod read;

pub use entry::{
    Answer, BodyText, End, Entry, Failure, FailureCause, Field, Outcome, RecordedPayload, RecordedRequest, StoredBody,
};
pub use read::{LeftOut, Warning};
