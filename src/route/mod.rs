//! What happens to a request: globs, scope and base URLs, policy alone.

mod base_url;
pub mod glob_list;
mod glob_pattern;
mod glob_reach;
mod glob_resolve;
mod glob_warning;
mod housekeeping;
mod mounts;
pub mod scope;

pub use base_url::{BaseUrl, BaseUrlError};
pub use glob_list::GlobList;
pub use glob_pattern::GlobError;
pub use housekeeping::{HOUSEKEEPING_HOSTS, HOUSEKEEPING_PATHS, is_housekeeping};
pub use mounts::{Mount, MountError, MountPoint, Mounted, Mounts, check_mounts};
pub use scope::Scope;

#[cfg(test)]
mod tests;
