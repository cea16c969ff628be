//! The request of an entry, ready to be sent again.

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, EXPECT, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::archive::{Archive, PayloadError};
use crate::har::{Entry, RecordedPayload};
use crate::message::CanonicalUrl;
use crate::message::fields::strip_hop_by_hop;

/// A request that is to be sent.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Its method.
    pub method: Method,
    /// The URL that it was recorded with.
    pub url: CanonicalUrl,
    /// Its fields, but for those of one connection.
    pub fields: HeaderMap,
    /// Its payload.
    pub payload: Bytes,
}

/// Why an entry cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum OutgoingError {
    /// Its payload is not whole.
    #[error("entry {0}: the bytes of its payload were not recorded")]
    Damaged(usize),
    /// Its payload cannot be read.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// Its method.
    #[error("entry {0}: its method cannot be sent")]
    Method(usize),
}

impl Outgoing {
    /// The request of an entry.
    ///
    /// # Errors
    ///
    /// The archive does not hold all of it.
    pub fn of(archive: &Archive, entry: &Entry) -> Result<Self, OutgoingError> {
        let request = &entry.request;
        let payload = match &request.payload {
            RecordedPayload::Absent => Bytes::new(),
            RecordedPayload::Stored(body) => archive.read(body)?,
            RecordedPayload::Params(pairs) => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                form.extend_pairs(pairs);
                form.finish().into()
            }
            RecordedPayload::Damaged => return Err(OutgoingError::Damaged(entry.ordinal)),
        };
        let mut fields = HeaderMap::new();
        for field in &*request.fields {
            let name = HeaderName::from_bytes(field.name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(&field.value)) {
                fields.append(name, value);
            }
        }
        strip_hop_by_hop(&mut fields);
        // What belongs to the connection that was, and to the reader of an answer that nobody reads.
        for name in [HOST, CONTENT_LENGTH, EXPECT, ACCEPT_ENCODING] {
            fields.remove(name);
        }
        let method = request.method.parse().map_err(|_| OutgoingError::Method(entry.ordinal))?;
        Ok(Self { method, url: request.url.clone(), fields, payload })
    }
}
