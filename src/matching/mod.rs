//! Which recorded entry answers a request: policy alone, no input or output.

mod bindings;
mod candidates;
mod canonical_json;
mod chosen;
mod closest;
pub mod difference;
mod digest;
mod graphql;
mod header_ranking;
pub mod index;
mod judged;
mod kin;
pub mod lookup;
pub mod memory;
mod multipart;
pub mod near_miss;
pub mod nearby;
mod origins;
mod payload_table;
mod query_fit;
mod redacted;
mod reduced_payload;
mod reduced_url;
pub mod relaxed;
pub mod remedy;
pub mod request;
mod required_headers;
pub mod rules;
mod similarity;
#[cfg(test)]
mod tests;

pub use chosen::Choice;
#[cfg(feature = "cli")]
pub(crate) use difference::member as json_member;
pub use difference::{Difference, DifferenceKind};
pub use index::{EntryRef, Index};
pub use lookup::{Hit, Lookup, Miss, MissReason, PayloadUnreadable};
pub use memory::Memory;
pub(crate) use multipart::form_pairs;
pub use near_miss::{NearMiss, Verdict};
pub use origins::{Crossing, OriginMap, OriginPair};
pub use relaxed::Relaxed;
pub use request::{LiveRequest, PayloadFailure, PayloadSource, is_navigation};
pub use rules::{Rule, RuleError, Rules};
