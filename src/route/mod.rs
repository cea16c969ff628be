//! What happens to a request: globs and scope, policy alone.

mod housekeeping;

pub use housekeeping::{HOUSEKEEPING_HOSTS, is_housekeeping};
