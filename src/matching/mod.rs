//! Which recorded entry answers a request: policy alone, no input or output.

mod candidates;
pub mod difference;
mod digest;
mod header_ranking;
pub mod index;
pub mod lookup;
pub mod memory;
mod multipart;
pub mod near_miss;
mod nearby;
mod payload_table;
pub mod request;
#[cfg(test)]
mod tests;

pub use difference::{Difference, DifferenceKind};
pub use index::{EntryRef, Index};
pub use lookup::{Hit, Lookup, Miss, MissReason, PayloadUnreadable};
pub use memory::Memory;
pub use near_miss::NearMiss;
pub use request::{LiveRequest, PayloadFailure, PayloadSource, is_navigation};
