//! Which recorded entry answers a request: policy alone, no input or output.

pub mod index;
pub mod near_miss;
pub mod request;

pub use index::{EntryRef, Hit, Index, Lookup, Miss, MissReason, PayloadUnreadable};
pub use near_miss::{Difference, DifferenceKind, NearMiss};
pub use request::{LiveRequest, PayloadFailure, PayloadSource, is_navigation};
