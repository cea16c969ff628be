//! Exact writing: the facts of one exchange, as the recorder hands them over, before they become a HAR entry.

use std::net::IpAddr;
use std::path::Path;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::entry::{Chunk, End, Field};
use crate::message::{CanonicalUrl, FailureCause};

/// Which fields a recorded entry has (Playwright's `mode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Detail {
    /// What replay needs, byte-equal for equal traffic.
    #[default]
    Minimal,
    /// Times, sizes, cookies and addresses too, in the order of start.
    Full,
}

/// One exchange that is to become an entry. Everything is borrowed: nothing here is kept after the entry is written.
#[derive(Debug, Clone, Copy)]
pub struct NewEntry<'a> {
    /// HAR `request`.
    pub request: NewRequest<'a>,
    /// HAR `response`, or why there is none.
    pub answer: NewAnswer<'a>,
    /// When it happened and how long each phase took; [`Detail::Minimal`] only takes the order from it.
    pub times: Option<Times>,
    /// The address that answered; written in [`Detail::Full`].
    pub server_ip: Option<IpAddr>,
    /// The port that answered (`_serverPort`); written in [`Detail::Full`].
    pub server_port: Option<u16>,
    /// Any id that exchanges on one connection share (HAR `connection`); written in [`Detail::Full`].
    pub connection: Option<&'a str>,
    /// The places whose values were replaced, such as `header:authorization` (`_harmock.redacted`).
    pub redacted: &'a [String],
    /// Somebody put the entry there, and no traffic did (`_harmock.example`): its name, which may be empty
    /// (`_harmock.name`).
    pub example: Option<&'a str>,
}

/// What was asked.
#[derive(Debug, Clone, Copy)]
pub struct NewRequest<'a> {
    /// As sent.
    pub method: &'a str,
    /// The whole URL.
    pub url: &'a CanonicalUrl,
    /// What the upstream was asked with.
    pub version: HttpVersion,
    /// Lower-case names, exact bytes, in order, repeats apart.
    pub fields: &'a [Field],
    /// Decoded.
    pub body: NewBody<'a>,
    /// Bytes on the wire; written in [`Detail::Full`].
    pub size: WireSize,
}

/// What came back.
#[derive(Debug, Clone, Copy)]
pub enum NewAnswer<'a> {
    /// A status came back.
    Answered(NewResponse<'a>),
    /// Nothing came back: the entry gets status 0 and `_error`, as Chrome writes it.
    Failed {
        /// The kind of failure.
        cause: FailureCause,
        /// One sentence for people, in `_error`; empty: the cause's word.
        detail: &'a str,
    },
}

/// A response.
#[derive(Debug, Clone, Copy)]
pub struct NewResponse<'a> {
    /// 100 to 999.
    pub status: u16,
    /// The reason phrase, empty where HTTP/2 had none.
    pub reason: &'a str,
    /// What the upstream answered with.
    pub version: HttpVersion,
    /// Lower-case names, exact bytes, in order, repeats apart.
    pub fields: &'a [Field],
    /// Decoded; empty and none are the same.
    pub body: NewBody<'a>,
    /// The body could not be decoded and is as it came, in the coding that `content-encoding` names
    /// (`_harmock.encoded`).
    pub encoded: bool,
    /// Fields after the body (`_harmock.trailers`).
    pub trailers: &'a [Field],
    /// How the body ended (`_harmock.end`, left out when complete).
    pub end: End,
    /// Where a streamed body was cut (`_harmock.chunks`); offsets are written in [`Detail::Full`].
    pub chunks: &'a [Chunk],
    /// Bytes on the wire; written in [`Detail::Full`].
    pub size: WireSize,
}

/// A body without its content coding.
#[derive(Debug, Clone, Copy, Default)]
pub enum NewBody<'a> {
    /// No body.
    #[default]
    None,
    /// A body that the archive cannot hold; of a request: any payload matches.
    Omitted,
    /// A body in memory.
    Bytes(&'a [u8]),
    /// A body on disk, of any size: streamed, never read whole. The writer may keep a hard link to it, so the file
    /// may be removed afterwards but not written to again.
    File(&'a Path),
}

/// Sizes of one message as it was sent, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct WireSize {
    /// Start line, fields and the empty line after them (HAR `headersSize`).
    pub headers: Option<u64>,
    /// The body with its content coding (HAR `bodySize`).
    pub body: Option<u64>,
}

/// The phases of one exchange in milliseconds; a phase that did not happen is `None`.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// When the request's first byte was there (`startedDateTime`).
    pub started: SystemTime,
    /// Waiting for a connection.
    pub blocked: Option<f64>,
    /// Resolving the name.
    pub dns: Option<f64>,
    /// Connecting, TLS included.
    pub connect: Option<f64>,
    /// The TLS handshake alone, which is part of `connect`.
    pub ssl: Option<f64>,
    /// Sending the request.
    pub send: Option<f64>,
    /// Until the first byte of the response.
    pub wait: Option<f64>,
    /// Receiving the response.
    pub receive: Option<f64>,
}

/// The protocol of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpVersion {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
    /// HTTP/2.
    Http2,
}

impl HttpVersion {
    /// HAR `httpVersion`, in the spelling that Playwright and Firefox write.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
            Self::Http2 => "HTTP/2.0",
        }
    }
}

impl From<http::Version> for HttpVersion {
    fn from(version: http::Version) -> Self {
        match version {
            http::Version::HTTP_09 | http::Version::HTTP_10 => Self::Http10,
            http::Version::HTTP_2 => Self::Http2,
            _ => Self::Http11,
        }
    }
}
