//! Entries in an order in which neighbours resemble each other.

/// Placeholder.
#[derive(Debug)]
pub(super) struct Nearby;
