//! Starting a client that already uses and trusts the proxy.
//!
//! [`TrustFiles`] writes what clients read to trust the certificate authority, [`ProxyFacts`] says where everything
//! is, [`variables`] turns that into environment variables, and `child` and `browser` start something with them.

#[cfg(feature = "cli")]
pub mod browser;
#[cfg(feature = "cli")]
pub mod child;
mod error;
mod pkcs12;
mod ready_file;
mod trust_files;
mod variables;

#[cfg(test)]
#[cfg(feature = "cli")]
mod tests;

pub use error::Error;
pub use ready_file::{ReadyFile, ReadyListener, ReadyOrigin};
pub use trust_files::TrustFiles;
#[cfg(feature = "cli")]
pub(crate) use trust_files::write_atomically;
pub use variables::{Action, ProxyFacts, Variable, root_variables, variables};
