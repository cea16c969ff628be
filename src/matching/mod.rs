//! Which recorded entry answers a request: policy alone, no input or output.

mod candidates;
mod digest;
mod header_ranking;
pub mod index;
pub mod lookup;
mod multipart;
pub mod near_miss;
mod nearby;
pub mod request;

mod payload_table;

pub use index::{EntryRef, Index};
pub use lookup::{Hit, Lookup, Miss, MissReason, PayloadUnreadable};
pub use near_miss::{Difference, DifferenceKind, NearMiss};
pub use request::{LiveRequest, PayloadFailure, PayloadSource, is_navigation};
