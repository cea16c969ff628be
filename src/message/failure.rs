//! Why no answer came from the upstream: the words that the archive, the proxy and the upstream side share.

/// What went wrong on the way to the upstream (`_harmock.failure.cause`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureCause {
    /// The name did not resolve: 502.
    Dns,
    /// Nothing listens there, or no route: 502.
    Refused,
    /// The handshake or the certificate failed: 502.
    Tls,
    /// The connection broke before the response head: 502.
    Reset,
    /// A time limit passed: 504.
    Timeout,
    /// Not HTTP, or a head that cannot be passed on: 502.
    Protocol,
}

impl FailureCause {
    /// The word in the archive.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Refused => "refused",
            Self::Tls => "tls",
            Self::Reset => "reset",
            Self::Timeout => "timeout",
            Self::Protocol => "protocol",
        }
    }

    /// Reads the word in the archive.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Dns, Self::Refused, Self::Tls, Self::Reset, Self::Timeout, Self::Protocol]
            .into_iter()
            .find(|cause| cause.as_str() == word)
    }

    /// The status that the client gets: 504 for a time limit, else 502.
    pub fn status(self) -> u16 {
        if self == Self::Timeout { 504 } else { 502 }
    }
}
