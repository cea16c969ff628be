//! Words of HTTP that every stage shares: URLs, fields, bodies, codings.

pub mod arrived;
pub mod body;
pub mod coding;
pub mod duration;
pub mod escape;
pub mod failure;
pub mod fields;
pub mod late_break;
pub mod plain_url;
pub mod redacted;
pub mod rehome;
mod url;

pub use arrived::{Arrived, arrived};
pub use body::{Body, BodyError};
pub use failure::FailureCause;
pub use late_break::LateBreak;
pub use url::{CanonicalUrl, Destination, Scheme};
