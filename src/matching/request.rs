//! What a lookup is asked with: the live request, and where recorded payloads come from.

use bytes::Bytes;
use http::HeaderMap;
use http::header::{ACCEPT, UPGRADE_INSECURE_REQUESTS};

use super::index::EntryRef;

/// A request as the matcher sees it.
#[derive(Debug, Clone, Copy)]
pub struct LiveRequest<'a> {
    /// As sent; compared with case.
    pub method: &'a str,
    /// [`crate::message::CanonicalUrl`]'s text.
    pub url: &'a str,
    /// Its header fields, without those that a proxy adds.
    pub fields: &'a HeaderMap,
    /// The decoded body; empty means that it has none.
    pub payload: &'a [u8],
    /// Follow recorded redirects inside the archive, or answer with the first 3xx.
    pub follow_redirects: bool,
}

/// Supplies recorded request payloads. The matcher asks when a payload decides, and keeps digests.
pub trait PayloadSource {
    /// The bytes of an entry's [`crate::har::RecordedPayload::Stored`] payload.
    fn request_payload(&self, entry: EntryRef) -> Result<Bytes, PayloadFailure>;
}

/// Why a recorded payload could not be read: one line that names file and remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PayloadFailure(pub String);

/// Whether a request is a browser's navigation, whose redirects the browser itself must see.
///
/// `Sec-Fetch-Mode: navigate` says so. A client that sends no `Sec-Fetch-*` field at all is taken for a navigation by
/// `Upgrade-Insecure-Requests: 1`, or an `Accept` that starts with `text/html`.
pub fn is_navigation(fields: &HeaderMap) -> bool {
    if let Some(mode) = fields.get("sec-fetch-mode") {
        return mode == "navigate";
    }
    if fields.keys().any(|name| name.as_str().starts_with("sec-fetch-")) {
        return false;
    }
    fields.get(UPGRADE_INSECURE_REQUESTS).is_some_and(|value| value == "1")
        || fields.get(ACCEPT).is_some_and(|value| {
            value.as_bytes().get(..9).is_some_and(|start| start.eq_ignore_ascii_case(b"text/html"))
        })
}
