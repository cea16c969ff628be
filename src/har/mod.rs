//! The HAR 1.2 format: tolerant reading, exact writing.

pub mod entry;
pub mod write;

pub use entry::{Answer, BodyText, End, Entry, Failure, Field, Outcome, RecordedPayload, RecordedRequest, StoredBody};
pub use write::{Detail, HttpVersion, NewAnswer, NewBody, NewEntry, NewRequest, NewResponse, Times, WireSize};

pub use crate::message::FailureCause;
