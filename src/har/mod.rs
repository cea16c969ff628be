//! The HAR 1.2 format: tolerant reading, exact writing.

pub(crate) mod compose;
pub(crate) mod content_type;
mod cookies;
pub mod cuts;
pub mod entry;
pub(crate) mod fields;
pub mod fingerprint;
pub(crate) mod instant;
pub(crate) mod json;
pub(crate) mod json_text;
mod lists;
pub(crate) mod log;
#[cfg(feature = "cli")]
pub(crate) mod new_body;
mod own_fields;
mod plain_items;
pub(crate) mod post_data;
pub(crate) mod raw;
pub mod read;
mod repeats;
pub(crate) mod scan;
pub mod streams;
mod timings;
pub mod volatile;
pub(crate) mod windowed;
pub mod write;

pub use entry::{
    Answer, BodyText, Callback, Chunk, End, Entry, Failure, FailureCause, Field, Outcome, RecordedPayload,
    RecordedRequest, StoredBody,
};
pub use read::{LeftOut, Warning};
pub use volatile::Volatile;
pub use write::{Detail, HttpVersion, NewAnswer, NewBody, NewEntry, NewRequest, NewResponse, Times, WireSize};
