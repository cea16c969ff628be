//! The HAR 1.2 format: tolerant reading, exact writing.

pub mod entry;

pub use entry::{
    Answer, BodyText, End, Entry, Failure, FailureCause, Field, Outcome, RecordedPayload, RecordedRequest, StoredBody,
};
