//! Tolerant reading: the text of a HAR becomes the entries that replay can use, and a word about each odd one.

mod body;
mod callback;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::har::entry::{
    Answer, Chunk, End, Entry, Failure, FailureCause, Field, Outcome, RecordedPayload, RecordedRequest,
};
use crate::har::fields::{Seen, is_token, read_fields};
use crate::har::json::{Json, span_in};
use crate::har::log::{Log, LogError};
use crate::har::post_data::{TextContext, read_payload};
use crate::har::raw::{RawChunk, RawEntry, RawRequest};
use crate::har::timings;
use crate::message::CanonicalUrl;

/// Something odd in one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Place in `log.entries`, from zero.
    pub entry: usize,
    /// The HAR field, such as `request.url`.
    pub field: String,
    /// What is odd about it.
    pub message: String,
    /// The entry cannot be used at all; else it is used without what is odd.
    pub skipped: bool,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let skipped = if self.skipped { "; the entry is skipped" } else { "" };
        write!(f, "entry {}: {}: {}{skipped}", self.entry, self.field, self.message)
    }
}

/// Entries that are fine but that HTTP replay has no use for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// WebSocket conversations.
    pub websocket: usize,
    /// URLs that never reach a proxy: `data:`, `blob:`, `about:`, `chrome-extension:`.
    pub other_scheme: usize,
}

/// Everything that one HAR text holds for replay; it keeps no part of the text.
#[derive(Debug, Default)]
pub(crate) struct HarLog {
    /// Usable entries, in order.
    pub(crate) entries: Vec<Entry>,
    /// Where each item of `log.entries` lies in the file, usable or not.
    pub(crate) spans: Vec<Range<u64>>,
    /// What was odd.
    pub(crate) warnings: Vec<Warning>,
    /// What was passed over.
    pub(crate) left_out: LeftOut,
    /// `log.creator.name`.
    pub(crate) creator: String,
    /// The length of a body's text had a say in what kind of text it is.
    pub(crate) told_by_length: bool,
    /// `log._harmock.kind` is `outgoing`: the requests are to be sent, and not to be answered.
    pub(crate) is_outgoing: bool,
}

impl HarLog {
    /// Reads a HAR text that begins at byte `base` of its file.
    pub(crate) fn read(text: &str, base: u64) -> Result<Self, LogError> {
        let log = Log::parse(text)?;
        let mut reader = LogReader::default();
        reader.set_creator(log.creator);
        reader.set_kind(&log.kind);
        let context = TextContext { text, base, binary_strings: reader.binary_strings() };
        for raw in log.entries {
            let span = span_in(text, base, raw.get());
            match serde_json::from_str::<RawEntry<'_>>(raw.get()) {
                Ok(entry) if raw.get().starts_with('{') => reader.add(&entry, span, context),
                Ok(_) => reader.skip(span, "is not an object".to_owned()),
                Err(error) => reader.skip(span, format!("cannot be read: {error}")),
            }
        }
        Ok(reader.finish())
    }
}

/// Room is made for so many entries before there is anything to go by.
const FEW: usize = 32;
/// And for so many at most, until there are as many: a first entry that is much shorter than the others says little.
const MANY: usize = 1 << 16;

/// Takes entries one by one.
#[derive(Debug, Default)]
pub(crate) struct LogReader {
    har: HarLog,
    seen: Seen,
    /// Where in the file the text ends; 0 where that is not known.
    end: u64,
}

impl LogReader {
    /// For a text that ends at this byte of its file.
    pub(crate) fn ending_at(end: u64) -> Self {
        Self { end, ..Self::default() }
    }

    /// Room for the entries to come, as many as the rest of the text holds if they stay as long as those before: a list
    /// that grows by doubling leaves about as much memory behind as the entries take.
    fn make_room(&mut self, read: u64) {
        let count = self.har.spans.len();
        if count < self.har.spans.capacity() {
            return;
        }
        let rest = self.end.saturating_sub(read).saturating_mul(count as u64) / read.max(1);
        // At least an eighth, or a long list would be moved again and again.
        let more = usize::try_from(rest).unwrap_or(usize::MAX).clamp(FEW.max(count / 8), MANY.max(count));
        self.har.spans.reserve_exact(more + more / 16);
        self.har.entries.reserve_exact(more + more / 16);
    }

    /// `log.creator.name`, which has to be known before the entries.
    pub(crate) fn set_creator(&mut self, name: String) {
        self.har.creator = name;
    }

    /// `log._harmock.kind`, which may come after the entries.
    pub(crate) fn set_kind(&mut self, kind: &str) {
        self.har.is_outgoing = kind == "outgoing";
    }

    /// Whether this creator keeps bytes as code points.
    pub(crate) fn binary_strings(&self) -> bool {
        self.har.creator.eq_ignore_ascii_case("firefox")
    }

    /// The next item of `log.entries`, which lies at `span` of the file.
    pub(crate) fn add(&mut self, entry: &RawEntry<'_>, span: Range<u64>, context: TextContext<'_>) {
        self.make_room(span.start);
        let har = &mut self.har;
        let ordinal = har.spans.len();
        har.spans.push(span);
        match (EntryReader {
            ordinal,
            context,
            seen: &mut self.seen,
            warnings: &mut har.warnings,
            told_by_length: &mut har.told_by_length,
        })
        .read(entry)
        {
            Verdict::Usable(entry) => har.entries.push(*entry),
            Verdict::WebSocket => har.left_out.websocket += 1,
            Verdict::OtherScheme => har.left_out.other_scheme += 1,
            Verdict::Odd => {}
        }
    }

    /// The next item, of which no entry can be made.
    fn skip(&mut self, span: Range<u64>, message: String) {
        let entry = self.har.spans.len();
        self.har.spans.push(span);
        self.har.warnings.push(Warning { entry, field: format!("log.entries[{entry}]"), message, skipped: true });
    }

    /// All that was taken.
    pub(crate) fn finish(mut self) -> HarLog {
        self.har.entries.shrink_to_fit();
        self.har.spans.shrink_to_fit();
        self.har
    }
}

/// What an item of `log.entries` is good for.
enum Verdict {
    Usable(Box<Entry>),
    WebSocket,
    OtherScheme,
    Odd,
}

/// A field that makes its entry unusable.
struct Unusable {
    field: &'static str,
    message: String,
}

struct EntryReader<'a> {
    ordinal: usize,
    context: TextContext<'a>,
    seen: &'a mut Seen,
    warnings: &'a mut Vec<Warning>,
    told_by_length: &'a mut bool,
}

impl EntryReader<'_> {
    fn read(mut self, entry: &RawEntry<'_>) -> Verdict {
        let url = match recorded_url(&entry.request) {
            Ok(url) => url,
            Err(unusable) => return self.skip(unusable.field, unusable.message),
        };
        if is_websocket(entry, &url) {
            return Verdict::WebSocket;
        }
        if !url.as_str().starts_with("http:") && !url.as_str().starts_with("https:") {
            return Verdict::OtherScheme;
        }
        let method = entry.request.method.text().unwrap_or_default();
        if !is_token(&method) {
            let message =
                if method.is_empty() { "is missing".to_owned() } else { format!("{method:?} is not a method") };
            return self.skip("request.method", message);
        }
        let outcome = match self.outcome(entry) {
            Ok(outcome) => outcome,
            Err(unusable) => return self.skip(unusable.field, unusable.message),
        };
        let fields = self.fields("request.headers", entry.request.headers);
        let mut payload = read_payload(&entry.request, &self.context);
        if payload == RecordedPayload::Damaged {
            self.warn(
                "request.postData.text",
                "the bytes were lost when it was recorded (U+FFFD); any payload matches".to_owned(),
            );
        }
        // Recorded without bodies: that there was one is known, what it was is not.
        if payload == RecordedPayload::Absent && entry.harmock.payload.text().as_deref() == Some("omitted") {
            payload = RecordedPayload::Damaged;
        }
        let delay = timings::delay(entry.harmock.delay).unwrap_or_else(|reason| {
            self.warn("_harmock.delay", format!("{reason}; the answer does not wait"));
            None
        });
        let template = entry.harmock.template.source().and_then(|json| serde_json::from_str(json).ok());
        if entry.harmock.template.is_there() && template.is_none() {
            self.warn("_harmock.template", "is neither true nor false, and counts for nothing".to_owned());
        }
        let callback = self.callback(entry.harmock.callback);
        let request = RecordedRequest { method: method.into(), url, fields, payload };
        Verdict::Usable(Box::new(Entry {
            ordinal: self.ordinal,
            request,
            outcome,
            recorded_by_harmock: entry.harmock.hash.is_there() && !entry.harmock.example.is_true(),
            is_example: entry.harmock.example.is_true(),
            callback,
            took: timings::took(entry),
            delay,
            template,
            name: entry.harmock.name.non_empty().or_else(|| entry.comment.non_empty()).map(Into::into),
            redacted: entry.harmock.redacted.items().iter().filter_map(|place| Some(place.text()?.into())).collect(),
        }))
    }

    fn outcome(&mut self, entry: &RawEntry<'_>) -> Result<Outcome, Unusable> {
        let response = &entry.response;
        let status = match response.status.number() {
            None if response.status.is_there() => {
                return Err(Unusable { field: "response.status", message: "is not a number".to_owned() });
            }
            None => return Ok(Outcome::Failed(failure(entry))),
            Some(status) if status <= 0.0 => return Ok(Outcome::Failed(failure(entry))),
            Some(status) if (100.0..1000.0).contains(&status) && status.fract() == 0.0 => status as u16,
            Some(status) => {
                return Err(Unusable { field: "response.status", message: format!("{status} is no HTTP status") });
            }
        };
        let fields = self.fields("response.headers", response.headers);
        let body = self.body(response);
        let reason = response.status_text.text().unwrap_or_default();
        let end = match entry.harmock.end.text().as_deref() {
            Some("client") => End::Client,
            Some("upstream") => End::Upstream,
            _ => End::Complete,
        };
        let trailers = self.fields("_harmock.trailers", entry.harmock.trailers);
        let chunks = self.chunks(entry.harmock.chunks);
        let mut answer = Answer { status, reason: reason.into(), fields, body, encoded: false, trailers, end, chunks };
        answer.encoded = entry.harmock.encoded.is_true() || body::is_still_encoded(&answer, response);
        Ok(Outcome::Answered(answer))
    }

    fn fields(&mut self, path: &str, headers: Json<'_>) -> Arc<[Field]> {
        let ordinal = self.ordinal;
        let warnings = &mut *self.warnings;
        read_fields(headers, self.seen, |index, message| {
            let field = format!("{path}[{index}]");
            warnings.push(Warning { entry: ordinal, field, message: message + "; it is left out", skipped: false });
        })
    }

    /// The pieces of a stream. One that is no piece would move all that come after it: then there are none.
    fn chunks(&mut self, chunks: Json<'_>) -> Box<[Chunk]> {
        let piece = |item: Json<'_>| {
            let chunk: RawChunk<'_> = item.object();
            let length = chunk.length.number().filter(|length| *length >= 0.0 && length.fract() == 0.0)?;
            Some(Chunk { length: length as u64, offset: chunk.offset.number().filter(|offset| *offset >= 0.0) })
        };
        let items = chunks.items();
        let pieces: Option<Box<[Chunk]>> = items.into_iter().map(piece).collect();
        pieces.unwrap_or_else(|| {
            let message = "has an item without a length in bytes; the stream is served in one piece".to_owned();
            self.warn("_harmock.chunks", message);
            Box::default()
        })
    }

    fn warn(&mut self, field: &str, message: String) {
        self.warnings.push(Warning { entry: self.ordinal, field: field.to_owned(), message, skipped: false });
    }

    fn skip(mut self, field: &str, message: String) -> Verdict {
        self.warn(field, message);
        if let Some(warning) = self.warnings.last_mut() {
            warning.skipped = true;
        }
        Verdict::Odd
    }
}

fn recorded_url(request: &RawRequest<'_>) -> Result<CanonicalUrl, Unusable> {
    let unusable = |message| Unusable { field: "request.url", message };
    let text = request.url.non_empty().ok_or_else(|| unusable("is missing".to_owned()))?;
    CanonicalUrl::parse(&text).ok_or_else(|| unusable(format!("{text:?} is not an absolute URL")))
}

fn is_websocket(entry: &RawEntry<'_>, url: &CanonicalUrl) -> bool {
    url.as_str().starts_with("ws:")
        || url.as_str().starts_with("wss:")
        || entry.response.status.number() == Some(101.0)
        || entry.resource_type.text().as_deref() == Some("websocket")
}

fn failure(entry: &RawEntry<'_>) -> Failure {
    let response = &entry.response;
    let details = [response.error, response.failure_text, entry.error, entry.failure_text];
    Failure {
        cause: entry.harmock.failure.cause.text().and_then(|word| FailureCause::parse(&word)),
        detail: details.into_iter().find_map(Json::non_empty).unwrap_or_default().into(),
    }
}

#[cfg(test)]
mod tests;
