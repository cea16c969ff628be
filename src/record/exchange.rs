//! What the journal says of one exchange beside its bodies.

use std::borrow::Cow;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::har::cuts::Cuts;
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
    pub http_version: Cow<'static, str>,
    /// Those of the request, but for fields of one hop.
    pub fields: WireFields,
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
    /// The session that has to commit it; none: it is kept in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The frames of a streamed response body as they came over the wire, in a full recording.
    #[serde(default)]
    pub frames: Cuts,
    /// Somebody puts the exchange into the archive as an example, of this name, which may be empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
    /// The request body did not pass to its end: what the client had to send is not known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub payload_cut: bool,
}

/// What came back, or why nothing did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum ResponseFacts {
    /// A response head arrived.
    Answered {
        /// The status.
        status: u16,
        /// The reason phrase; empty on HTTP/2.
        reason: Cow<'static, str>,
        /// What the upstream spoke.
        http_version: Cow<'static, str>,
        /// As in the request.
        fields: WireFields,
        /// Fields after the body.
        trailers: WireFields,
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

/// The fields of a message, in order, repeats apart: lower-case names, and values of which each byte is one code point,
/// so that every byte survives.
///
/// One text for all of them, because a string for each would be most of what keeping an exchange costs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WireFields(String);

/// Ends each name and each value, and occurs in neither (RFC 9110 section 5.5).
const FIELD_END: char = '\n';

impl WireFields {
    /// The names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut texts = self.0.split_terminator(FIELD_END);
        std::iter::from_fn(move || Some((texts.next()?, texts.next()?)))
    }

    /// The first value of a field.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }
}

impl From<&http::HeaderMap> for WireFields {
    fn from(fields: &http::HeaderMap) -> Self {
        let length = |(name, value): (&http::HeaderName, &http::HeaderValue)| name.as_str().len() + value.len() + 2;
        let mut text = String::with_capacity(fields.iter().map(length).sum());
        for (name, value) in fields {
            text.push_str(name.as_str());
            text.push(FIELD_END);
            match value.to_str() {
                Ok(value) => text.push_str(value),
                Err(_) => text.extend(value.as_bytes().iter().map(|byte| char::from(*byte))),
            }
            text.push(FIELD_END);
        }
        Self(text)
    }
}

impl<'a> FromIterator<(&'a str, &'a [u8])> for WireFields {
    fn from_iter<T: IntoIterator<Item = (&'a str, &'a [u8])>>(fields: T) -> Self {
        let mut text = String::new();
        for (name, value) in fields {
            text.push_str(name);
            text.push(FIELD_END);
            text.extend(value.iter().map(|byte| char::from(*byte)));
            text.push(FIELD_END);
        }
        Self(text)
    }
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

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn fields_come_back_in_order_with_each_byte_of_their_values() {
        let mut map = HeaderMap::new();
        for (name, value) in [("a", &b"1\t2"[..]), ("b", b""), ("a", b"\xe9\xff"), ("c", b"x")] {
            map.append(HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap());
        }
        let fields = WireFields::from(&map);
        let pairs = [("a", "1\t2"), ("a", "\u{e9}\u{ff}"), ("b", ""), ("c", "x")];
        assert_eq!(fields.iter().collect::<Vec<_>>(), pairs);
        assert_eq!((fields.value("a"), fields.value("d")), (Some("1\t2"), None));
        let read: WireFields = serde_json::from_str(&serde_json::to_string(&fields).unwrap()).unwrap();
        assert_eq!(read, fields);
    }
}
