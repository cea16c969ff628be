//! What of an answer is the same for every request, made once per entry.

use http::header::{CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use hyper::ext::ReasonPhrase;

use crate::har::{Answer, Field};
use crate::message::fields::is_framing;

/// Status, reason and fields of an entry, ready to be sent.
#[derive(Debug)]
pub(super) struct Prepared {
    status: StatusCode,
    reason: Option<ReasonPhrase>,
    fields: HeaderMap,
    /// The recorded `Content-Length`, where it still tells the truth of an answer without a body.
    length: Option<HeaderValue>,
}

impl Prepared {
    /// Leaves out what HTTP cannot carry and what no longer holds: fields of one hop, lengths, undone codings.
    pub(super) fn of(answer: &Answer) -> Self {
        let fields = header_map(
            answer.fields.iter().filter(|f| !is_framing(&f.name) || (answer.encoded && *f.name == *"content-encoding")),
        );
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
        let coded = answer.field(CONTENT_ENCODING.as_str()).is_some();
        let length = answer.field("content-length").filter(|_| !coded);
        Self {
            status,
            reason: reason(answer, status),
            fields,
            length: length.and_then(|value| HeaderValue::from_bytes(value).ok()),
        }
    }

    /// A response with these fields; the body's framing is left to hyper.
    pub(super) fn response<B>(&self, body: B) -> Response<B> {
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.fields.clone();
        if let Some(reason) = &self.reason {
            response.extensions_mut().insert(reason.clone());
        }
        response
    }

    /// The head of an answer over HTTP/1.1, as hyper would write it for this length.
    pub(super) fn head(&self, length: u64) -> Vec<u8> {
        let reason = match &self.reason {
            Some(reason) => reason.as_bytes(),
            None => self.status.canonical_reason().unwrap_or("<none>").as_bytes(),
        };
        let mut head = Vec::with_capacity(256);
        for part in [b"HTTP/1.1 ", self.status.as_str().as_bytes(), b" ", reason, b"\r\n"] {
            head.extend_from_slice(part);
        }
        for (name, value) in &self.fields {
            for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                head.extend_from_slice(part);
            }
        }
        head.extend_from_slice(format!("content-length: {length}\r\n\r\n").as_bytes());
        head
    }

    pub(super) fn recorded_length(&self) -> Option<&HeaderValue> {
        self.length.as_ref()
    }
}

/// Recorded fields as HTTP carries them; what it cannot carry is left out.
pub(super) fn header_map<'a>(fields: impl IntoIterator<Item = &'a Field>) -> HeaderMap {
    // With room for the `content-length` that is added to copies of it.
    let fields = fields.into_iter();
    let room = fields.size_hint().1.unwrap_or_default() + 1;
    let mut map = HeaderMap::try_with_capacity(room).unwrap_or_default();
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(&field.value)) {
            // More than a map can hold no client would take.
            let _ = map.try_append(name, value);
        }
    }
    map
}

/// Only a phrase that is not the usual one has to be kept.
fn reason(answer: &Answer, status: StatusCode) -> Option<ReasonPhrase> {
    match status.canonical_reason() {
        // hyper would invent a phrase.
        None => Some(ReasonPhrase::try_from(answer.reason.as_bytes()).unwrap_or(ReasonPhrase::from_static(b""))),
        Some(usual) if answer.reason.is_empty() || *usual == *answer.reason => None,
        Some(_) => ReasonPhrase::try_from(answer.reason.as_bytes()).ok(),
    }
}
