//! The HAR 1.2 format: tolerant reading, exact writing.

pub(crate) mod compose;
pub(crate) mod content_type;
mod cookies;
pub mod entry;
pub mod fingerprint;
mod instant;
mod json_text;
mod lists;
mod own_fields;
pub mod write;

pub use entry::{
    Answer, BodyText, End, Entry, Failure, FailureCause, Field, Outcome, RecordedPayload, RecordedRequest, StoredBody,
};
pub use write::{Detail, HttpVersion, NewAnswer, NewBody, NewEntry, NewRequest, NewResponse, Times, WireSize};
