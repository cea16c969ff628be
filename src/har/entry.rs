//! One recorded exchange as replay needs it: what was asked, what came back, where the bodies are.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::message::CanonicalUrl;
pub use crate::message::FailureCause;
use crate::treatment::{Delay, Took};

/// One entry of an archive that replay can use.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its place in `log.entries`, from zero.
    pub ordinal: usize,
    /// What was asked.
    pub request: RecordedRequest,
    /// What came back, or why nothing did.
    pub outcome: Outcome,
    /// `_harmock.hash` is there: harmock recorded this entry and saw every byte on the wire.
    pub recorded_by_harmock: bool,
    /// `_harmock.example`: somebody put the entry there, and no traffic did.
    pub is_example: bool,
    /// `_harmock.callback`: a request that is to be sent once the entry has answered.
    pub callback: Option<Box<Callback>>,
    /// `_harmock.redacted`: the places whose values were replaced, such as `header:authorization`. Where there are
    /// any, what looks as [`crate::message::redacted`] says stands for a value that is not known.
    pub redacted: Box<[Box<str>]>,
    /// What people call it: `_harmock.name`, or else the entry's `comment`.
    pub name: Option<Box<str>>,
    /// How long it took, where the recording tells.
    pub took: Option<Took>,
    /// How long its answer is to wait (`_harmock.delay`).
    pub delay: Option<Box<Delay>>,
    /// Whether its answer, and what it has sent, are templates (`_harmock.template`).
    pub template: Option<bool>,
}

impl Entry {
    /// The stored bodies of request and response.
    pub(crate) fn bodies(&self) -> impl Iterator<Item = &StoredBody> {
        let answer = match &self.outcome {
            Outcome::Answered(answer) => answer.body.as_ref(),
            Outcome::Failed(_) => None,
        };
        self.request.payload.stored().into_iter().chain(answer)
    }

    /// The payload files that the entry names: its ordinal, the HAR field, the path as written.
    pub(crate) fn payload_files(&self) -> impl Iterator<Item = (usize, &'static str, &str)> {
        let answer = match &self.outcome {
            Outcome::Answered(Answer { body: Some(StoredBody::File(name)), .. }) => {
                Some((self.ordinal, "response.content._file", &**name))
            }
            _ => None,
        };
        let request = match &self.request.payload {
            RecordedPayload::Stored(StoredBody::File(name)) => Some((self.ordinal, "request.postData._file", &**name)),
            _ => None,
        };
        request.into_iter().chain(answer)
    }
}

/// A request that an entry asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    /// `POST` where the entry names none.
    pub method: Box<str>,
    /// Where it goes.
    pub url: CanonicalUrl,
    /// Its fields.
    pub fields: Vec<Field>,
    /// Its payload: the text, or the JSON that stands in the entry, without white space between its tokens.
    pub body: Bytes,
    /// Fields that are computed for it, `NAME: VALUE` with `hmac(…)` in the value.
    pub sign: Box<[Box<str>]>,
}

/// A header field as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The name, lower case, never a pseudo-header (`:authority` and its like are left out when reading).
    pub name: Arc<str>,
    /// The exact bytes. Equal ones of one archive are mostly the same allocation: fields repeat from entry to entry.
    pub value: Arc<[u8]>,
}

/// HAR `request`.
#[derive(Debug, Clone)]
pub struct RecordedRequest {
    /// As recorded; upper case in all that browsers write.
    pub method: Box<str>,
    /// WHATWG serialisation, no fragment.
    pub url: CanonicalUrl,
    /// In recorded order, repeats apart. Entries with equal lists mostly share one.
    pub fields: Arc<[Field]>,
    /// HAR `postData`.
    pub payload: RecordedPayload,
}

/// HAR `postData`, in the forms that producers give it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordedPayload {
    /// No `postData`, or an empty one.
    Absent,
    /// Bytes that can be compared.
    Stored(StoredBody),
    /// Only `params`: names and values, decoded, in order; a file part carries its content as value.
    Params(Vec<(String, String)>),
    /// The bytes are lost (U+FFFD in the text) or were left out (`_harmock.payload`): matches any payload.
    Damaged,
}

impl RecordedPayload {
    /// The bytes that can be compared, where there are such.
    pub(crate) fn stored(&self) -> Option<&StoredBody> {
        match self {
            Self::Stored(body) => Some(body),
            Self::Absent | Self::Params(_) | Self::Damaged => None,
        }
    }
}

/// Where the bytes of a body are. Read with [`crate::archive::Archive::read`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredBody {
    /// A JSON string literal inside the HAR text: its byte range without the quotes, and how its text becomes bytes.
    Embedded {
        /// Bytes of the HAR text between the quotes.
        span: Range<u64>,
        /// How the unescaped text becomes bytes.
        text: BodyText,
    },
    /// `_file`: a payload file relative to the archive's folder, or an entry of the zip.
    File(Box<str>),
}

/// How the text of an embedded body becomes bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyText {
    /// As UTF-8.
    Utf8,
    /// `encoding: base64`.
    Base64,
    /// One code point up to U+00FF per byte (Firefox's binary strings).
    Latin1,
}

/// HAR `response`, answered or not.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// A status came back.
    Answered(Answer),
    /// Status 0 or -1: no answer, and why.
    Failed(Failure),
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// 100 to 999.
    pub status: u16,
    /// The reason phrase, empty where HTTP/2 had none.
    pub reason: Box<str>,
    /// In recorded order, repeats apart. Entries with equal lists mostly share one.
    pub fields: Arc<[Field]>,
    /// The body, decoded; none where the archive holds none.
    pub body: Option<StoredBody>,
    /// The stored body is still under its `content-encoding`: the field has to be served with it. Producers that
    /// could not decode a body keep it as it came.
    pub encoded: bool,
    /// Fields after the body (`_harmock.trailers`), in recorded order.
    pub trailers: Arc<[Field]>,
    /// How the body ended.
    pub end: End,
    /// Where the body was cut as it was streamed (`_harmock.chunks`); empty for one that was not.
    pub chunks: Box<[Chunk]>,
}

/// A piece of a streamed body.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chunk {
    /// In bytes of the stored body.
    pub length: u64,
    /// Milliseconds from the response's head until the piece was there; none where the time was not kept.
    pub offset: Option<f64>,
}

impl Answer {
    /// The first field of this lower-case name.
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        self.fields.iter().find(|field| &*field.name == name).map(|field| &*field.value)
    }

    /// The first `Content-Type`, as text; empty where there is none.
    pub fn content_type(&self) -> Cow<'_, str> {
        self.field("content-type").map(String::from_utf8_lossy).unwrap_or_default()
    }
}

/// How a recorded body ended (`_harmock.end`; absent means complete).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The whole body is there.
    Complete,
    /// `"client"`: the client went away, the body may be cut.
    Client,
    /// `"upstream"`: the upstream broke off, the body is cut.
    Upstream,
}

/// Why no answer came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// `_harmock.failure.cause`, where harmock recorded it; foreign archives have none.
    pub cause: Option<FailureCause>,
    /// `_error` or `_failureText`, empty where neither is there.
    pub detail: Box<str>,
}
