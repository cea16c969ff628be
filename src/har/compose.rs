//! Composes one HAR 1.2 entry: every field that the strictest readers want, no `null`, in a fixed order.
//!
//! Readers that decide the shape: Chrome's and Firefox's import (`pages`, `cache`, numbers), har-validator (integer
//! sizes, bare addresses), HTTP Toolkit (`httpVersion`), mitmproxy (`postData.text`), har-to-k6 (`params` with form
//! types alone), Playwright (`_file`, `postData.encoding`).

use std::borrow::Cow;
use std::io::{self, Read, Write};
use std::time::SystemTime;

use super::cookies;
use super::entry::{FailureCause, Field};
use super::instant;
use super::json_text::JsonText;
use super::lists::{values, write_cookies, write_fields, write_pairs};
use super::own_fields::OwnFields;
use super::write::{Detail, HttpVersion, NewAnswer, NewEntry, NewRequest, NewResponse, Times, WireSize};

/// How deep an entry is inside the log, in levels of indentation.
pub(crate) const ENTRY_DEPTH: usize = 3;

/// A body and where its bytes are to be.
pub(crate) struct PlacedBody<'a> {
    /// Bytes of the decoded body.
    pub(crate) size: u64,
    /// Where they are.
    pub(crate) place: Place<'a>,
    /// The bytes once more, when they are a form whose fields are to be listed.
    pub(crate) form: Option<Cow<'a, [u8]>>,
}

/// Where the bytes of a body are to be.
pub(crate) enum Place<'a> {
    /// There is no body, or an empty one.
    Nothing,
    /// In a file of this name and SHA-256.
    File { name: &'a str, hash: [u8; 32] },
    /// In the entry, as they are.
    Text(&'a mut dyn Read),
    /// In the entry, as base64.
    Base64(&'a mut dyn Read),
    /// Nowhere: the archive is to have no bodies, or nobody knows this one.
    Omitted,
}

impl Place<'_> {
    fn hash(&self) -> Option<[u8; 32]> {
        if let Self::File { hash, .. } = self { Some(*hash) } else { None }
    }
}

/// Writes one entry; the line that it starts on is indented already.
pub(crate) fn compose_entry<W: Write>(
    out: W,
    entry: &NewEntry<'_>,
    detail: Detail,
    mut request_body: PlacedBody<'_>,
    mut response_body: PlacedBody<'_>,
) -> io::Result<W> {
    let times = entry.times.filter(|_| detail == Detail::Full);
    let started = times.map_or(SystemTime::UNIX_EPOCH, |times| times.started);
    let mut composer = Composer { json: JsonText::new(out, ENTRY_DEPTH), detail, started };
    composer.json.begin_object()?;
    composer.json.string_field("startedDateTime", &instant::iso(started))?;
    composer.json.number_field("time", times.as_ref().map_or(0.0, total))?;
    composer.request(&entry.request, &mut request_body)?;
    match &entry.answer {
        NewAnswer::Answered(response) => composer.response(response, &mut response_body)?,
        NewAnswer::Failed { cause, detail } => composer.failure(entry.request.version, *cause, detail)?,
    }
    composer.json.key("cache")?;
    composer.json.begin_object()?;
    composer.json.end()?;
    composer.timings(times.as_ref())?;
    if detail == Detail::Full {
        composer.connection(entry)?;
    }
    let payloads: Vec<_> = request_body.place.hash().into_iter().chain(response_body.place.hash()).collect();
    let payload_omitted = matches!(request_body.place, Place::Omitted);
    let NewEntry { answer, redacted, example, .. } = entry;
    let own = OwnFields { answer, payload_omitted, redacted, example: *example, detail };
    own.write(&mut composer.json, &payloads)?;
    composer.json.end()?;
    Ok(composer.json.into_inner())
}

struct Composer<W> {
    json: JsonText<W>,
    detail: Detail,
    started: SystemTime,
}

impl<W: Write> Composer<W> {
    fn request(&mut self, request: &NewRequest<'_>, body: &mut PlacedBody<'_>) -> io::Result<()> {
        self.json.key("request")?;
        self.json.begin_object()?;
        self.json.string_field("method", request.method)?;
        self.json.string_field("url", request.url.as_str())?;
        self.json.string_field("httpVersion", request.version.as_str())?;
        let cookies = values(request.fields, "cookie").filter(|_| self.detail == Detail::Full);
        let cookies: Vec<_> = cookies.flat_map(|value| cookies::sent(&value).collect::<Vec<_>>()).collect();
        write_cookies(&mut self.json, &cookies)?;
        write_fields(&mut self.json, "headers", request.fields)?;
        let query = request.url.as_str().split_once('?').map_or("", |(_, query)| query);
        write_pairs(&mut self.json, "queryString", query.as_bytes())?;
        if !matches!(body.place, Place::Nothing | Place::Omitted) {
            self.post_data(request.fields, body)?;
        }
        self.sizes(request.size)?;
        self.json.end()
    }

    fn post_data(&mut self, fields: &[Field], body: &mut PlacedBody<'_>) -> io::Result<()> {
        self.json.key("postData")?;
        self.json.begin_object()?;
        let media_type = values(fields, "content-type").next();
        self.json.string_field("mimeType", media_type.as_deref().unwrap_or("application/octet-stream"))?;
        self.body(&mut body.place)?;
        if let Place::File { .. } = body.place {
            self.json.string_field("text", "")?;
        }
        if let Some(form) = &body.form {
            write_pairs(&mut self.json, "params", form)?;
        }
        self.json.end()
    }

    fn response(&mut self, response: &NewResponse<'_>, body: &mut PlacedBody<'_>) -> io::Result<()> {
        self.json.key("response")?;
        self.json.begin_object()?;
        self.json.number_field("status", response.status)?;
        self.json.string_field("statusText", response.reason)?;
        self.json.string_field("httpVersion", response.version.as_str())?;
        let cookies = values(response.fields, "set-cookie").filter(|_| self.detail == Detail::Full);
        let cookies: Vec<_> = cookies.map(|value| cookies::received(&value, self.started)).collect();
        write_cookies(&mut self.json, &cookies)?;
        write_fields(&mut self.json, "headers", response.fields)?;
        self.content(response, body)?;
        self.json.string_field("redirectURL", &values(response.fields, "location").next().unwrap_or_default())?;
        self.sizes(response.size)?;
        if let (Detail::Full, WireSize { headers: Some(headers), body: Some(body) }) = (self.detail, response.size) {
            self.json.number_field("_transferSize", headers.saturating_add(body))?;
        }
        self.json.end()
    }

    fn content(&mut self, response: &NewResponse<'_>, body: &mut PlacedBody<'_>) -> io::Result<()> {
        self.json.key("content")?;
        self.json.begin_object()?;
        self.json.number_field("size", body.size)?;
        let saved = response.size.body.and_then(|wire| body.size.checked_sub(wire));
        if let (Detail::Full, Some(saved)) = (self.detail, saved) {
            self.json.number_field("compression", saved)?;
        }
        let media_type = values(response.fields, "content-type").next();
        self.json.string_field("mimeType", media_type.as_deref().unwrap_or("x-unknown"))?;
        self.body(&mut body.place)?;
        self.json.end()
    }

    fn body(&mut self, place: &mut Place<'_>) -> io::Result<()> {
        match place {
            Place::Nothing => self.json.string_field("text", ""),
            Place::Omitted => Ok(()),
            Place::File { name, .. } => self.json.string_field("_file", name),
            Place::Text(source) => {
                self.json.key("text")?;
                self.json.string_from(source)
            }
            Place::Base64(source) => {
                self.json.string_field("encoding", "base64")?;
                self.json.key("text")?;
                self.json.base64_from(source)
            }
        }
    }

    fn failure(&mut self, version: HttpVersion, cause: FailureCause, detail: &str) -> io::Result<()> {
        self.json.key("response")?;
        self.json.begin_object()?;
        self.json.number_field("status", 0)?;
        self.json.string_field("statusText", "")?;
        self.json.string_field("httpVersion", version.as_str())?;
        write_cookies(&mut self.json, &[])?;
        write_fields(&mut self.json, "headers", &[])?;
        self.json.key("content")?;
        self.json.begin_object()?;
        self.json.number_field("size", 0)?;
        self.json.string_field("mimeType", "x-unknown")?;
        self.json.end()?;
        self.json.string_field("redirectURL", "")?;
        self.sizes(WireSize::default())?;
        self.json.string_field("_error", if detail.is_empty() { cause.as_str() } else { detail })?;
        self.json.end()
    }

    fn sizes(&mut self, size: WireSize) -> io::Result<()> {
        let known = |bytes: Option<u64>| bytes.filter(|_| self.detail == Detail::Full).map_or(-1, i128::from);
        let (headers, body) = (known(size.headers), known(size.body));
        self.json.number_field("headersSize", headers)?;
        self.json.number_field("bodySize", body)
    }

    fn timings(&mut self, times: Option<&Times>) -> io::Result<()> {
        self.json.key("timings")?;
        self.json.begin_object()?;
        if let Some(times) = times {
            let optional =
                [("blocked", times.blocked), ("dns", times.dns), ("connect", times.connect), ("ssl", times.ssl)];
            for (name, phase) in optional {
                self.json.number_field(name, milliseconds(phase).unwrap_or(-1.0))?;
            }
        }
        let required = times.map_or([None; 3], |times| [times.send, times.wait, times.receive]);
        for (name, phase) in ["send", "wait", "receive"].into_iter().zip(required) {
            self.json.number_field(name, milliseconds(phase).unwrap_or(0.0))?;
        }
        self.json.end()
    }

    fn connection(&mut self, entry: &NewEntry<'_>) -> io::Result<()> {
        if let Some(ip) = entry.server_ip {
            self.json.string_field("serverIPAddress", &ip.to_canonical().to_string())?;
        }
        if let Some(port) = entry.server_port {
            self.json.number_field("_serverPort", port)?;
        }
        if let Some(connection) = entry.connection.filter(|id| !id.is_empty()) {
            self.json.string_field("connection", connection)?;
        }
        Ok(())
    }
}

/// The whole time of an exchange: all phases but `ssl`, which is part of `connect`.
fn total(times: &Times) -> f64 {
    let phases = [times.blocked, times.dns, times.connect, times.send, times.wait, times.receive];
    rounded(phases.into_iter().filter_map(milliseconds).sum())
}

/// A phase as a number that JSON and every reader take.
fn milliseconds(phase: Option<f64>) -> Option<f64> {
    phase.filter(|time| time.is_finite() && *time >= 0.0).map(rounded)
}

/// To a microsecond, which is what clocks and readers agree on.
pub(super) fn rounded(milliseconds: f64) -> f64 {
    (milliseconds * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::super::fingerprint;
    use super::super::write::NewBody;
    use super::*;
    use crate::message::CanonicalUrl;

    /// What an entry looks like is what people review and edit: a change here is a change for every user's diffs.
    const MINIMAL: &str = r#"{
        "startedDateTime": "1970-01-01T00:00:00.000Z",
        "time": 0,
        "request": {
          "method": "POST",
          "url": "http://a.test/x?q=1",
          "httpVersion": "HTTP/1.1",
          "cookies": [],
          "headers": [
            { "name": "content-type", "value": "text/plain" },
            { "name": "cookie", "value": "a=1" }
          ],
          "queryString": [
            { "name": "q", "value": "1" }
          ],
          "postData": {
            "mimeType": "text/plain",
            "_file": "aa.txt",
            "text": ""
          },
          "headersSize": -1,
          "bodySize": -1
        },
        "response": {
          "status": 200,
          "statusText": "OK",
          "httpVersion": "HTTP/2.0",
          "cookies": [],
          "headers": [
            { "name": "content-type", "value": "text/plain" },
            { "name": "cookie", "value": "a=1" }
          ],
          "content": {
            "size": 3,
            "mimeType": "text/plain",
            "text": "a\"b"
          },
          "redirectURL": "",
          "headersSize": -1,
          "bodySize": -1
        },
        "cache": {},
        "timings": {
          "send": 0,
          "wait": 0,
          "receive": 0
        },
        "_harmock": {
          "hash": "HASH"
        }
      }"#;

    fn composed(answer: Option<FailureCause>, detail: Detail) -> String {
        composed_with(answer, detail, &[])
    }

    fn composed_with(answer: Option<FailureCause>, detail: Detail, redacted: &[String]) -> String {
        let fields = [("content-type", "text/plain"), ("cookie", "a=1")]
            .map(|(name, value)| Field { name: name.into(), value: value.as_bytes().into() });
        let url = CanonicalUrl::parse("http://a.test/x?q=1").unwrap();
        let size = WireSize { headers: Some(10), body: Some(3) };
        let request = NewRequest {
            method: "POST",
            url: &url,
            version: HttpVersion::Http11,
            fields: &fields,
            body: NewBody::None,
            size,
        };
        let response = NewResponse {
            status: 200,
            reason: "OK",
            version: HttpVersion::Http2,
            fields: &fields,
            body: NewBody::None,
            encoded: false,
            trailers: &[],
            end: super::super::entry::End::Complete,
            chunks: &[],
            size,
        };
        let answer = match answer {
            Some(cause) => NewAnswer::Failed { cause, detail: "" },
            None => NewAnswer::Answered(response),
        };
        let entry = NewEntry {
            request,
            answer,
            times: None,
            server_ip: None,
            server_port: None,
            connection: Some(""),
            redacted,
            example: None,
        };
        let file = Place::File { name: "aa.txt", hash: [0; 32] };
        let mut text: &[u8] = b"a\"b";
        let request = PlacedBody { size: 3, place: file, form: None };
        let response = PlacedBody { size: 3, place: Place::Text(&mut text), form: None };
        String::from_utf8(compose_entry(Vec::new(), &entry, detail, request, response).unwrap()).unwrap()
    }

    #[test]
    fn a_minimal_entry_has_the_fields_that_the_strictest_readers_want() {
        let entry = composed(None, Detail::Minimal);
        let hash = fingerprint::written_hash(&entry).unwrap();
        assert_eq!(entry, MINIMAL.replace("HASH", &hash));
        assert_eq!(fingerprint::entry_hash(&entry, &[[0; 32]]), Some(hash));
    }

    #[test]
    fn redacted_places_are_listed_are_part_of_the_hash_and_are_read_back() {
        let places = ["header:authorization".to_owned(), "query:q".to_owned()];
        let entry = composed_with(None, Detail::Minimal, &places);
        assert!(entry.contains("\"redacted\": [\n            \"header:authorization\","), "{entry}");
        let edited = entry.replace("query:q", "query:r");
        assert_eq!(fingerprint::entry_hash(&entry, &[[0; 32]]), fingerprint::written_hash(&entry));
        assert_ne!(fingerprint::entry_hash(&edited, &[[0; 32]]), fingerprint::written_hash(&edited));
        let log = format!("{{\"log\":{{\"entries\":[{entry}]}}}}");
        let read = super::super::read::HarLog::read(&log, 0).unwrap();
        assert_eq!(read.entries[0].redacted.iter().map(|place| &**place).collect::<Vec<_>>(), places);
    }

    #[test]
    fn a_failed_entry_has_status_0_and_says_why() {
        let entry: serde_json::Value =
            serde_json::from_str(&composed(Some(FailureCause::Refused), Detail::Full)).unwrap();
        assert_eq!(entry["response"]["status"], 0);
        assert_eq!(entry["response"]["_error"], "refused");
        assert_eq!(entry["response"]["content"], serde_json::json!({ "size": 0, "mimeType": "x-unknown" }));
        assert_eq!(entry["_harmock"]["failure"]["cause"], "refused");
        assert!(entry.get("connection").is_none() && entry.get("serverIPAddress").is_none());
    }
}
