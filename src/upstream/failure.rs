//! What a request towards an origin fails of, said in one sentence.

use std::fmt;

use crate::message::FailureCause;

/// A request that got no response head, a connection that did not come about, a tunnel that could not be opened.
///
/// `Display` is one sentence without a full stop that names the cause and the destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The cause that the archive records, and that decides between 502 and 504.
    pub cause: FailureCause,
    /// The request body broke off before it was whole: the client is to blame, not the upstream.
    pub by_client: bool,
    sentence: Box<str>,
}

impl Failure {
    pub(crate) fn new(cause: FailureCause, sentence: impl Into<Box<str>>) -> Self {
        Self { cause, by_client: false, sentence: sentence.into() }
    }

    /// The sentence that `Display` prints.
    pub fn sentence(&self) -> &str {
        &self.sentence
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Failure {}
