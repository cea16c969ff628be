//! What was served, as a HAR that DevTools opens: which entry answered which request, and that nothing left the machine.
//!
//! Each exchange goes to disk as it ends, so that a long run takes no more memory than a short one. Whoever adds one has
//! taken its secrets out.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use tempfile::NamedTempFile;

/// One exchange, as the client saw it.
#[derive(Debug, Clone)]
pub struct Traced {
    /// When the request head had come.
    pub started: SystemTime,
    /// Until the response head was ready.
    pub time: Duration,
    /// The method as sent.
    pub method: String,
    /// The canonical URL.
    pub url: String,
    /// `HTTP/1.1`, `HTTP/2.0`, as HAR spells them.
    pub version: &'static str,
    /// Fields of the request in order.
    pub request_fields: Vec<(String, String)>,
    /// Length of the request's payload, where it was told ahead.
    pub request_size: Option<u64>,
    /// `None`: the client got a reset.
    pub status: Option<u16>,
    /// Fields of the response in order.
    pub response_fields: Vec<(String, String)>,
    /// Length of the body, where it is known.
    pub size: Option<u64>,
    /// Who answered: `entry`, `miss`, `own`, `upstream`, `recorded` or `error`.
    pub by: &'static str,
    /// The entry that answered, as `ARCHIVE#ENTRY`.
    pub entry: Option<String>,
    /// What people should know beside.
    pub note: Option<String>,
    /// The body as the client got it.
    pub body: TracedBody,
}

/// A body in a trace, without content coding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum TracedBody {
    /// There was none, or nobody has looked.
    #[default]
    None,
    /// All of it.
    Shown(Vec<u8>),
    /// It is not shown, and why.
    LeftOut(&'static str),
}

/// Writes exchanges one by one into a file that takes its name when the trace is whole.
#[derive(Debug)]
pub struct TraceWriter {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    out: Option<BufWriter<NamedTempFile>>,
    any: bool,
    failed: Option<io::Error>,
}

impl TraceWriter {
    /// Begins a trace; its folder is made where there is none.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written.
    pub fn create(path: &Path) -> io::Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let file = tempfile::Builder::new().prefix(".harmock-trace-").tempfile_in(folder)?;
        let mut out = BufWriter::with_capacity(64 << 10, file);
        let version = env!("CARGO_PKG_VERSION");
        write!(
            out,
            "{{\"log\":{{\"version\":\"1.2\",\"creator\":{{\"name\":\"harmock\",\"version\":\"{version}\"}},\
             \"entries\":["
        )?;
        let state = State { out: Some(out), any: false, failed: None };
        Ok(Self { path: path.to_owned(), state: Mutex::new(state) })
    }

    /// The file that the trace becomes.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds an exchange. An error is told by [`TraceWriter::finish`].
    pub fn add(&self, exchange: &Traced) {
        let mut state = self.state();
        let State { out: Some(out), any, failed: failed @ None } = &mut *state else { return };
        let separator: &[u8] = if std::mem::replace(any, true) { b",\n" } else { b"\n" };
        let entry = TraceEntry::of(exchange);
        let written = out.write_all(separator);
        let written = written.and_then(|()| serde_json::to_writer(&mut *out, &entry).map_err(io::Error::from));
        *failed = written.err();
    }

    /// Ends the trace and gives the file its name; later exchanges are not added.
    ///
    /// # Errors
    ///
    /// When something could not be written; no file appears then.
    pub fn finish(&self) -> io::Result<()> {
        let mut state = self.state();
        if let Some(error) = state.failed.take() {
            state.out = None;
            return Err(error);
        }
        let Some(mut out) = state.out.take() else { return Ok(()) };
        out.write_all(b"\n]}}\n")?;
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        readable_by_all(file.as_file())?;
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A temporary file is its owner's alone; what a CI job collects may be read by another user.
fn readable_by_all(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    let _ = file;
    Ok(())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TraceEntry<'a> {
    started_date_time: String,
    time: f64,
    request: Request<'a>,
    response: Response<'a>,
    cache: Empty,
    timings: Timings,
    /// As Playwright marks what a route handler answered.
    #[serde(rename = "_wasFulfilled", skip_serializing_if = "Option::is_none")]
    was_fulfilled: Option<bool>,
    #[serde(rename = "_wasAborted", skip_serializing_if = "Option::is_none")]
    was_aborted: Option<bool>,
    #[serde(rename = "_harmock")]
    harmock: Mark<'a>,
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    method: &'a str,
    url: &'a str,
    http_version: &'a str,
    cookies: [Empty; 0],
    headers: Vec<Named<'a>>,
    query_string: Vec<Pair>,
    headers_size: i64,
    body_size: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    status: u16,
    status_text: &'a str,
    http_version: &'a str,
    cookies: [Empty; 0],
    headers: Vec<Named<'a>>,
    content: Content<'a>,
    #[serde(rename = "redirectURL")]
    redirect_url: &'a str,
    headers_size: i64,
    body_size: i64,
    /// Bytes that came over the network.
    #[serde(rename = "_transferSize", skip_serializing_if = "Option::is_none")]
    transfer_size: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Content<'a> {
    size: i64,
    mime_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'static str>,
}

impl<'a> Content<'a> {
    fn of(body: &'a TracedBody, size: i64, mime_type: &'a str) -> Self {
        let (text, encoding, comment) = match body {
            TracedBody::None => (None, None, None),
            TracedBody::LeftOut(reason) => (None, None, Some(*reason)),
            TracedBody::Shown(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => (Some(text.into()), None, None),
                Err(_) => (Some(STANDARD.encode(bytes).into()), Some("base64"), None),
            },
        };
        Self { size, mime_type, text, encoding, comment }
    }
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
struct Pair {
    name: String,
    value: String,
}

#[derive(Serialize)]
struct Timings {
    send: f64,
    wait: f64,
    receive: f64,
}

#[derive(Serialize)]
struct Mark<'a> {
    by: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

impl<'a> TraceEntry<'a> {
    fn of(exchange: &'a Traced) -> Self {
        let milliseconds = exchange.time.as_micros() as f64 / 1000.0;
        let from_network = matches!(exchange.by, "upstream" | "recorded");
        let size = exchange.size.and_then(|size| i64::try_from(size).ok());
        let status = exchange.status.and_then(|status| http::StatusCode::from_u16(status).ok());
        let field = |wanted: &str| {
            let fields = &exchange.response_fields;
            fields.iter().find(|(name, _)| name == wanted).map_or("", |(_, value)| value.as_str())
        };
        Self {
            started_date_time: crate::har::instant::iso(exchange.started),
            time: milliseconds,
            request: Request {
                method: &exchange.method,
                url: &exchange.url,
                http_version: exchange.version,
                cookies: [],
                headers: named(&exchange.request_fields),
                query_string: query(&exchange.url),
                headers_size: -1,
                body_size: exchange.request_size.and_then(|size| i64::try_from(size).ok()).unwrap_or(-1),
            },
            response: Response {
                status: exchange.status.unwrap_or(0),
                status_text: status.and_then(|status| status.canonical_reason()).unwrap_or(""),
                http_version: exchange.version,
                cookies: [],
                headers: named(&exchange.response_fields),
                content: Content::of(&exchange.body, size.unwrap_or(-1), field("content-type")),
                redirect_url: field("location"),
                headers_size: -1,
                body_size: size.unwrap_or(-1),
                transfer_size: (!from_network).then_some(0),
            },
            cache: Empty {},
            timings: Timings { send: 0.0, wait: milliseconds, receive: 0.0 },
            was_fulfilled: (!from_network && exchange.status.is_some()).then_some(true),
            was_aborted: exchange.status.is_none().then_some(true),
            harmock: Mark { by: exchange.by, entry: exchange.entry.as_deref(), note: exchange.note.as_deref() },
        }
    }
}

fn named(fields: &[(String, String)]) -> Vec<Named<'_>> {
    fields.iter().map(|(name, value)| Named { name, value }).collect()
}

fn query(url: &str) -> Vec<Pair> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let pairs = form_urlencoded::parse(query.as_bytes());
    pairs.map(|(name, value)| Pair { name: name.into_owned(), value: value.into_owned() }).collect()
}
