//! What happens to a request: globs and scope, policy alone.

pub mod glob_list;
mod glob_pattern;
mod glob_reach;
mod glob_resolve;
mod glob_warning;
mod housekeeping;
pub mod scope;

pub use glob_list::GlobList;
pub use glob_pattern::GlobError;
pub use housekeeping::{HOUSEKEEPING_HOSTS, HOUSEKEEPING_PATHS, is_housekeeping};
pub use scope::Scope;

#[cfg(test)]
mod tests;
