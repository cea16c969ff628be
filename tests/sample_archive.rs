//! Exchanges of every shape that an archive has to hold, for the tests that write archives.

use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;
use std::time::{Duration, SystemTime};

use harmock::archive::{ArchiveWriter, BodyStorage, WriterOptions, Written};
use harmock::har::{
    Detail, End, FailureCause, Field, HttpVersion, NewAnswer, NewBody, NewEntry, NewRequest, NewResponse, Times,
    WireSize,
};
use harmock::message::CanonicalUrl;

/// What a test says about one exchange; the rest is the same for all.
#[derive(Clone)]
pub(crate) struct Exchange {
    pub(crate) method: &'static str,
    pub(crate) url: String,
    pub(crate) request_fields: Vec<Field>,
    pub(crate) payload: Vec<u8>,
    pub(crate) status: u16,
    pub(crate) fields: Vec<Field>,
    pub(crate) body: Vec<u8>,
    pub(crate) failure: Option<FailureCause>,
    pub(crate) end: End,
    pub(crate) trailers: Vec<Field>,
    pub(crate) started: u64,
}

impl Exchange {
    pub(crate) fn get(path: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            method: "GET",
            url: format!("https://api.example.com{path}"),
            request_fields: fields(&[("accept", "*/*"), ("cookie", "a=1; b=x=y")]),
            payload: Vec::new(),
            status: 200,
            fields: fields(&[("content-type", content_type)]),
            body: body.into(),
            failure: None,
            end: End::Complete,
            trailers: Vec::new(),
            started: 0,
        }
    }

    pub(crate) fn post(path: &str, content_type: &str, payload: impl Into<Vec<u8>>, answer: &str) -> Self {
        let mut exchange = Self::get(path, "text/plain", answer);
        exchange.method = "POST";
        exchange.request_fields = fields(&[("content-type", content_type)]);
        exchange.payload = payload.into();
        exchange
    }

    pub(crate) fn started(mut self, milliseconds: u64) -> Self {
        self.started = milliseconds;
        self
    }

    pub(crate) fn write(&self, writer: &mut ArchiveWriter) {
        self.write_with(writer, NewBody::Bytes(&self.body));
    }

    /// Writes it with another response body.
    pub(crate) fn write_with(&self, writer: &mut ArchiveWriter, response_body: NewBody<'_>) {
        let url = CanonicalUrl::parse(&self.url).unwrap();
        let payload = if self.payload.is_empty() { NewBody::None } else { NewBody::Bytes(&self.payload) };
        let answer = match self.failure {
            Some(cause) => NewAnswer::Failed { cause, detail: "api.example.com does not resolve" },
            None => NewAnswer::Answered(NewResponse {
                status: self.status,
                reason: "OK",
                version: HttpVersion::Http2,
                fields: &self.fields,
                body: response_body,
                encoded: false,
                trailers: &self.trailers,
                end: self.end,
                chunks: &[],
                size: WireSize { headers: Some(120), body: Some(self.body.len() as u64 / 2) },
            }),
        };
        let entry = NewEntry {
            request: NewRequest {
                method: self.method,
                url: &url,
                version: HttpVersion::Http11,
                fields: &self.request_fields,
                body: payload,
                size: WireSize { headers: Some(80), body: Some(self.payload.len() as u64) },
            },
            answer,
            times: Some(self.times()),
            server_ip: Some(IpAddr::V6(Ipv6Addr::LOCALHOST)),
            server_port: Some(443),
            connection: Some("7"),
            redacted: &[],
            example: None,
        };
        writer.entry(&entry).unwrap();
    }

    fn times(&self) -> Times {
        Times {
            started: SystemTime::UNIX_EPOCH + Duration::from_millis(1_792_567_680_000 + self.started),
            blocked: Some(0.25),
            dns: None,
            connect: Some(12.5),
            ssl: Some(8.0),
            send: Some(0.1),
            wait: Some(30.0),
            receive: Some(f64::NAN),
        }
    }
}

pub(crate) fn fields(pairs: &[(&str, &str)]) -> Vec<Field> {
    pairs.iter().map(|(name, value)| field(name, value.as_bytes())).collect()
}

pub(crate) fn field(name: &str, value: &[u8]) -> Field {
    Field { name: name.into(), value: value.into() }
}

pub(crate) const MULTIPART: &str = "--XX\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n1\r\n--XX--\r\n";
pub(crate) const BINARY: &[u8] = b"\x89PNG\r\n\x1a\n\x00\xff\xfe";

/// One exchange of every shape, in an order that is not the sorted one.
pub(crate) fn all_shapes() -> Vec<Exchange> {
    let mut redirect = Exchange::get("/old", "text/html", "");
    redirect.status = 302;
    redirect.fields.push(field("location", b"/text"));
    let mut failed = Exchange::get("/down", "", "");
    failed.failure = Some(FailureCause::Dns);
    let mut cut = Exchange::get("/cut", "text/plain", "only half");
    cut.end = End::Upstream;
    let mut odd_fields = Exchange::get("/fields?q=a%20b&q=c+d&x", "text/plain", "fields");
    odd_fields.fields.extend([field("x-name", b"caf\xe9"), field("x-name", "café".as_bytes())]);
    odd_fields.fields.extend(fields(&[
        ("set-cookie", "id=7; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax"),
        ("set-cookie", "theme=dark; Expires=Wed, 21-Oct-2026 07:28:00 GMT; Domain=example.com"),
    ]));
    odd_fields.trailers = fields(&[("grpc-status", "0")]);
    let mut empty = Exchange::get("/empty", "text/plain", "");
    empty.status = 204;
    vec![
        Exchange::get("/text", "text/plain; charset=utf-8", "h\u{e9}llo \"world\"\n\u{1f600}"),
        Exchange::get("/json", "application/json", r#"{"a":[1,2,{"b":"\u00e9"}]}"#),
        Exchange::get("/image", "image/png", BINARY),
        Exchange::get("/latin1", "text/html; charset=iso-8859-1", b"caf\xe9".as_slice()),
        Exchange::get("/utf8-called-latin1", "text/html; charset=iso-8859-1", "café"),
        Exchange::get("/untyped", "", "untyped"),
        empty,
        redirect,
        failed,
        cut,
        odd_fields,
        Exchange::post("/submit", "application/json", r#"{"n":1}"#, "json answer"),
        Exchange::post("/submit", "application/x-www-form-urlencoded", "a=1&b=two+words", "form answer"),
        Exchange::post("/submit", "multipart/form-data; boundary=XX", MULTIPART, "multipart answer"),
        Exchange::post("/submit", "application/octet-stream", BINARY, "binary answer"),
        Exchange::post("/submit", "text/plain", "with \u{fffd} in it", "replacement answer"),
    ]
}

/// Writes an archive and gives what the writer says of it.
pub(crate) fn write(target: &Path, storage: BodyStorage, detail: Detail, exchanges: &[Exchange]) -> Written {
    let options = WriterOptions { storage, detail, ..WriterOptions::default() };
    let mut writer = ArchiveWriter::create(target, options).unwrap();
    exchanges.iter().for_each(|exchange| exchange.write(&mut writer));
    writer.finish().unwrap()
}
