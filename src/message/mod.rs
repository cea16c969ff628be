//! Words of HTTP that every stage shares: URLs, fields, bodies, codings.

pub mod body;
pub mod failure;
pub mod url;

pub use body::{Body, BodyError};
pub use failure::FailureCause;
pub use url::{CanonicalUrl, Destination, Scheme};
