//! What a command sends: data that is joined by `&`, JSON, or the parts of a form.

use percent_encoding::utf8_percent_encode;

use super::files;
use crate::examples::parts::{Part, UNRESERVED, multipart};

/// One option that says what is sent.
#[derive(Debug, Clone)]
pub(super) enum Given {
    /// `-d`: a file's line ends go.
    Data(Vec<u8>),
    /// `--data-binary`.
    Binary(Vec<u8>),
    /// `--data-raw`: an `@` is an `@`.
    Raw(Vec<u8>),
    /// `--data-urlencode`.
    Urlencode(String),
    /// `--json`.
    Json(Vec<u8>),
    /// `-F`.
    Part(String),
    /// `--form-string`.
    PartString(String),
}

/// Why nothing can be sent.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file that the text names.
    #[error("{name:?}: {why}")]
    File {
        /// As the text names it.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// A part of a form.
    #[error("-F {0:?} is not NAME=VALUE, NAME=@FILE or NAME=<FILE")]
    Part(String),
    /// `-F` beside `-d`.
    #[error("the text sends a form (-F) and data (-d), and a request has one payload")]
    Both,
}

/// All that is to be sent.
#[derive(Debug, Default)]
pub(super) struct Data {
    bytes: Vec<u8>,
    parts: Vec<Part>,
    is_data: bool,
    is_json: bool,
}

/// The payload of a request.
#[derive(Debug, Default)]
pub(super) struct Payload {
    pub(super) bytes: Vec<u8>,
    /// What it is, unless a field says otherwise; none where nothing is sent.
    pub(super) media_type: Option<String>,
    pub(super) is_json: bool,
}

impl Data {
    /// Reads the options in order, and the files that they name.
    pub(super) fn of(given: &[Given]) -> Result<Self, DataError> {
        let mut data = Self::default();
        for given in given {
            match given {
                Given::Data(value) => data.join(&content(value, true)?),
                Given::Binary(value) => data.join(&content(value, false)?),
                Given::Raw(value) => data.join(value),
                Given::Urlencode(text) => data.join(&urlencoded(text)?),
                Given::Json(value) => {
                    // Several are joined as they are.
                    data.bytes.extend(content(value, false)?);
                    (data.is_data, data.is_json) = (true, true);
                }
                Given::Part(text) => data.parts.push(part(text)?),
                Given::PartString(text) => {
                    let (name, value) = text.split_once('=').ok_or_else(|| DataError::Part(text.clone()))?;
                    data.parts.push(Part::field(name, value));
                }
            }
        }
        if data.is_data && !data.parts.is_empty() { Err(DataError::Both) } else { Ok(data) }
    }

    fn join(&mut self, bytes: &[u8]) {
        if self.is_data {
            self.bytes.push(b'&');
        }
        self.bytes.extend_from_slice(bytes);
        self.is_data = true;
    }

    /// As `-G` has it.
    pub(super) fn as_query(&self) -> Option<String> {
        self.is_data.then(|| String::from_utf8_lossy(&self.bytes).into_owned())
    }

    pub(super) fn into_payload(self) -> Payload {
        if !self.parts.is_empty() {
            let (bytes, media_type) = multipart(&self.parts);
            return Payload { bytes, media_type: Some(media_type), is_json: false };
        }
        let media_type = if self.is_json { "application/json" } else { "application/x-www-form-urlencoded" };
        let media_type = self.is_data.then(|| media_type.to_owned());
        Payload { bytes: self.bytes, media_type, is_json: self.is_json }
    }
}

/// The value itself, or the file behind an `@`.
fn content(value: &[u8], in_one_line: bool) -> Result<Vec<u8>, DataError> {
    let Some(name) = value.strip_prefix(b"@") else { return Ok(value.to_vec()) };
    let mut content = files::read(&String::from_utf8_lossy(name))?;
    if in_one_line {
        content.retain(|byte| !matches!(byte, b'\r' | b'\n' | 0));
    }
    Ok(content)
}

/// `content`, `=content`, `name=content`, `@file` or `name@file`.
fn urlencoded(text: &str) -> Result<Vec<u8>, DataError> {
    let (name, content) = match text.find(['=', '@']) {
        Some(at) if text[at..].starts_with('=') => (&text[..at], text[at + 1..].to_owned()),
        Some(at) => (&text[..at], String::from_utf8_lossy(&files::read(&text[at + 1..])?).into_owned()),
        None => ("", text.to_owned()),
    };
    let content = utf8_percent_encode(&content, UNRESERVED).to_string();
    Ok((if name.is_empty() { content } else { format!("{name}={content}") }).into_bytes())
}

/// `name=value`, `name=@file`, `name=<file`, each with `;type=…` and `;filename=…` behind it.
fn part(text: &str) -> Result<Part, DataError> {
    let (name, value) = text.split_once('=').ok_or_else(|| DataError::Part(text.to_owned()))?;
    let mut attributes = value.split(';');
    let mut content = attributes.next().unwrap_or_default().to_owned();
    let (mut media_type, mut file_name) = (None, None);
    for attribute in attributes {
        let trimmed = attribute.trim();
        if let Some(given) = trimmed.strip_prefix("type=") {
            media_type = Some(given.to_owned());
        } else if let Some(given) = trimmed.strip_prefix("filename=") {
            file_name = Some(unquoted(given).to_owned());
        } else if trimmed.contains('=') && media_type.is_some() {
            // A parameter of the media type: `charset=…`.
            media_type = media_type.map(|media_type| format!("{media_type};{trimmed}"));
        } else {
            content = format!("{content};{attribute}");
        }
    }
    let content = unquoted(&content);
    if let Some(file) = content.strip_prefix('@') {
        let (file, bytes) = (unquoted(file), files::read(unquoted(file))?);
        let called = file_name.unwrap_or_else(|| file.rsplit(['/', '\\']).next().unwrap_or(file).to_owned());
        let media_type = media_type.or_else(|| Some("application/octet-stream".to_owned()));
        return Ok(Part { name: name.to_owned(), file_name: Some(called), media_type, content: bytes });
    }
    let content = match content.strip_prefix('<') {
        Some(file) => files::read(unquoted(file))?,
        None => content.as_bytes().to_vec(),
    };
    Ok(Part { name: name.to_owned(), file_name, media_type, content })
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}
