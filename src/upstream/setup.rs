//! Settings that cannot work, found before anything is opened.

use std::path::PathBuf;

/// A setting towards the upstream that cannot work.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A PEM file of trusted certificates that cannot be read.
    #[error("cannot read the upstream CA {}: {source}", path.display())]
    CaUnreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of trusted certificates that is not PEM, or holds no certificate.
    #[error("the upstream CA {} is not usable: {detail}; give a PEM file with BEGIN CERTIFICATE", path.display())]
    CaInvalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The further proxy's URL is not `http://[user:password@]host:port`.
    #[error("the upstream proxy {url:?} is not usable: {detail}; write http://[user:password@]host:port")]
    ProxyInvalid {
        /// As given, without a password.
        url: String,
        /// What is wrong with it.
        detail: &'static str,
    },
    /// The further proxy is this proxy.
    #[error("the upstream proxy {url:?} is this proxy itself; name another one or listen elsewhere")]
    ProxyIsSelf {
        /// As given, without a password.
        url: String,
    },
    /// TLS cannot be set up.
    #[error("TLS towards the upstream cannot be set up: {0}")]
    Tls(String),
}
