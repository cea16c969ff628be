//! How the real servers are reached.

use std::path::PathBuf;
use std::time::Duration;

/// Trust, further proxies and time limits towards the origin.
#[derive(Debug, Clone)]
pub struct UpstreamConfig {
    /// PEM files of certificates that are trusted beside the platform's roots.
    pub ca: Vec<PathBuf>,
    /// Accept any certificate.
    pub insecure: bool,
    /// The further proxy on the way.
    pub proxy: UpstreamProxy,
    /// TCP connection, including DNS.
    pub connect: Duration,
    /// TLS handshake.
    pub tls: Duration,
    /// From the end of the request head to the response head.
    pub first_byte: Duration,
    /// An idle pooled connection is closed after this; a body without a frame for this long is broken off.
    pub idle: Duration,
}

impl Default for UpstreamConfig {
    fn default() -> Self {
        Self {
            ca: Vec::new(),
            insecure: false,
            proxy: UpstreamProxy::Environment,
            connect: Duration::from_secs(10),
            tls: Duration::from_secs(10),
            first_byte: Duration::from_secs(120),
            idle: Duration::from_secs(600),
        }
    }
}

/// The further proxy on the way to the origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpstreamProxy {
    /// What `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` say.
    Environment,
    /// None, whatever the environment says.
    None,
    /// This one: `http://[user:password@]host:port`.
    Url(String),
}
