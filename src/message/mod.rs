//! Words of HTTP that every stage shares: URLs, fields, bodies, codings.

pub mod body;
pub mod coding;
pub mod failure;
pub mod fields;
pub mod url;

pub use body::{Body, BodyError};
pub use failure::FailureCause;
pub use url::{CanonicalUrl, Destination, Scheme};
