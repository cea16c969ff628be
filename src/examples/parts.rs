//! What all sources of examples need: an answer's usual fields, and the payloads of forms.

use bytes::Bytes;
use http::StatusCode;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use sha2::{Digest, Sha256};

use super::Example;
use crate::har::Field;
use crate::har::fingerprint::hex;
use crate::message::CanonicalUrl;
use crate::message::fields::is_framing;

/// What stays as it is in a segment of a path and in a query (RFC 3986 section 2.3).
pub(super) const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An example that is nothing but its request line and its status yet.
pub fn example_of(method: &str, url: CanonicalUrl, status: u16) -> Example {
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default();
    Example {
        name: String::new(),
        method: method.to_owned(),
        url,
        request_fields: Vec::new(),
        payload: Bytes::new(),
        status,
        reason: reason.to_owned(),
        fields: Vec::new(),
        body: Bytes::new(),
    }
}

/// The fields that an answer can have which nobody sent: what told of framing and coding on a connection is left out.
pub(super) fn without_framing(fields: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    let lower = fields.map(|(name, value)| (name.to_ascii_lowercase(), value));
    lower.filter(|(name, _)| !is_framing(name)).collect()
}

/// Fields with values that are text.
pub fn text_fields(fields: Vec<(String, String)>) -> Vec<Field> {
    let field = |(name, value): (String, String)| Field { name: name.into(), value: value.into_bytes().into() };
    fields.into_iter().map(field).collect()
}

/// Adds a field unless one of its name is there.
pub(super) fn add_missing(fields: &mut Vec<(String, String)>, name: &str, value: &str) {
    if !fields.iter().any(|(there, _)| there == name) {
        fields.push((name.to_owned(), value.to_owned()));
    }
}

/// A part of a form.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) file_name: Option<String>,
    pub(super) media_type: Option<String>,
    pub(super) content: Vec<u8>,
}

impl Part {
    /// A field with a text.
    pub(super) fn field(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), file_name: None, media_type: None, content: value.as_bytes().to_vec() }
    }
}

/// The payload of a form with its media type, spelled as clients spell it: replay compares bytes. The boundary follows from the parts: equal forms are equal bytes.
pub(super) fn multipart(parts: &[Part]) -> (Vec<u8>, String) {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.name.as_bytes());
        hash.update([0]);
        hash.update(&part.content);
        hash.update([0]);
    }
    let boundary = format!("harmock-{}", &hex(&hash.finalize())[..32]);
    let mut bytes = Vec::new();
    for part in parts {
        let mut head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"", in_quotes(&part.name));
        if let Some(file_name) = &part.file_name {
            head.push_str(&format!("; filename=\"{}\"", in_quotes(file_name)));
        }
        if let Some(media_type) = &part.media_type {
            head.push_str(&format!("\r\nContent-Type: {media_type}"));
        }
        bytes.extend_from_slice(head.as_bytes());
        bytes.extend_from_slice(b"\r\n\r\n");
        bytes.extend_from_slice(&part.content);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (bytes, format!("multipart/form-data; boundary={boundary}"))
}

/// As browsers write names into a part's head.
fn in_quotes(text: &str) -> String {
    text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}
