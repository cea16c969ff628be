//! The HAR 1.2 format: tolerant reading, exact writing.

pub mod entry;

pub use entry::{Answer, BodyText, End, Entry, Failure, Field, Outcome, RecordedPayload, RecordedRequest, StoredBody};

pub use crate::message::FailureCause;
