//! What the journal says of one exchange beside its bodies.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::cuts::Cuts;
use crate::har::{End, FailureCause};

/// One exchange without its bodies, as the proxy saw it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExchangeFacts {
    /// In the order of start, from zero.
    pub number: u64,
    /// The method as sent.
    pub method: String,
    /// The canonical URL.
    pub url: String,
    /// `HTTP/1.0`, `HTTP/1.1` or `HTTP/2.0`: what the client spoke.
    pub http_version: String,
    /// Lower-case names; values as Latin-1, one code point per byte, so that every byte survives.
    pub fields: Vec<(String, String)>,
    /// Microseconds since 1970 at the start of the request.
    pub started: i64,
    /// What came back.
    pub response: ResponseFacts,
    /// Phases in milliseconds; `None` where a phase did not happen on this exchange.
    pub times: PhaseTimes,
    /// The upstream's address.
    pub server: Option<(IpAddr, u16)>,
    /// Names the upstream connection within this run.
    pub connection: Option<u64>,
    /// The frames of a streamed response body as they came over the wire, in a full recording.
    #[serde(default)]
    pub frames: Cuts,
    /// Somebody puts the exchange into the archive as an example, of this name, which may be empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
}

/// What came back, or why nothing did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum ResponseFacts {
    /// A response head arrived.
    Answered {
        /// The status.
        status: u16,
        /// The reason phrase; empty on HTTP/2.
        reason: String,
        /// What the upstream spoke.
        http_version: String,
        /// As in the request.
        fields: Vec<(String, String)>,
        /// Fields after the body.
        trailers: Vec<(String, String)>,
        /// How the body ended.
        #[serde(with = "end_word")]
        end: End,
    },
    /// The client got a 502 or 504 of harmock's own.
    Failed {
        /// [`FailureCause::as_str`].
        cause: String,
        /// The sentence that the client read.
        detail: String,
    },
}

impl ResponseFacts {
    /// A failed exchange.
    pub fn failed(cause: FailureCause, detail: impl Into<String>) -> Self {
        Self::Failed { cause: cause.as_str().to_owned(), detail: detail.into() }
    }
}

/// How long each phase took, in milliseconds (HAR `timings`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct PhaseTimes {
    /// Name resolution.
    pub dns: Option<f64>,
    /// TCP and TLS together, as HAR wants it.
    pub connect: Option<f64>,
    /// TLS alone.
    pub ssl: Option<f64>,
    /// From the request to the response head.
    pub wait: f64,
    /// From the head to the end of the body.
    pub receive: f64,
}

/// The fields of a message, in order, repeats apart, each byte of a value one code point.
pub fn latin1_fields(fields: &http::HeaderMap) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| (name.as_str().to_owned(), latin1(value.as_bytes()))).collect()
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// The bytes behind a Latin-1 string; code points above U+00FF do not occur in a journal and are dropped.
pub fn latin1_bytes(text: &str) -> Vec<u8> {
    text.chars().filter_map(|c| u8::try_from(u32::from(c)).ok()).collect()
}

/// [`End`] by the words of the archive.
mod end_word {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::har::End;

    pub(super) fn serialize<S: Serializer>(end: &End, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match end {
            End::Complete => "complete",
            End::Client => "client",
            End::Upstream => "upstream",
        })
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<End, D::Error> {
        Ok(match String::deserialize(deserializer)?.as_str() {
            "client" => End::Client,
            "upstream" => End::Upstream,
            _ => End::Complete,
        })
    }
}
