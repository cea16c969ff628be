//! Archives to replay, the same bytes on every machine.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// The host of all recorded URLs.
pub(crate) const HOST: &str = "bench.test";

/// Response fields of every entry, as a JSON API sends them; the reference sends the same.
pub(crate) const FIELDS: [(&str, &str); 6] = [
    ("content-type", "application/json; charset=utf-8"),
    ("cache-control", "no-cache, private"),
    ("date", "Thu, 01 Jan 2026 00:00:00 GMT"),
    ("etag", "W/\"4f1-6d8b7e2c90a1\""),
    ("x-request-id", "7f3a1c52-0f6e-4b8e-9a55-2c1e0d9b7a41"),
    ("vary", "Accept-Encoding"),
];

/// Where bodies are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Storage {
    Embedded,
    Attached,
    ZipStored,
    ZipDeflated,
}

impl Storage {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Attached => "attached",
            Self::ZipStored => "zip, stored",
            Self::ZipDeflated => "zip, deflated",
        }
    }
}

/// What tells the entries of an archive apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A URL of its own for each.
    Get,
    /// POSTs, each with a URL of its own and a payload.
    Post,
    /// POSTs to one URL, told apart by their payload.
    GraphQl,
    /// 100 entries of one URL, told apart by a header, for each of `entries / 100` URLs.
    Headers,
}

/// An archive to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) scheme: &'static str,
    pub(crate) kind: Kind,
    pub(crate) entries: usize,
    /// Bytes of each response body.
    pub(crate) body: usize,
    pub(crate) storage: Storage,
}

/// How many entries share a URL in [`Kind::Headers`].
const CANDIDATES: usize = 100;

impl Plan {
    pub(crate) fn gets(scheme: &'static str, entries: usize, storage: Storage) -> Self {
        Self { scheme, kind: Kind::Get, entries, body: 1024, storage }
    }

    /// Method, path, payload and a further header line of the request that entry `n` answers.
    pub(crate) fn request(&self, n: usize) -> Asked {
        let asked = |method, path, payload, field| Asked { method, path, payload, field };
        match self.kind {
            Kind::Get => asked("GET", format!("/api/v1/items/{n}?expand=owner&page=1"), String::new(), None),
            Kind::Post => {
                asked("POST", format!("/api/v1/items/{n}"), format!(r#"{{"id":{n},"name":"item {n}"}}"#), None)
            }
            Kind::GraphQl => asked("POST", "/graphql".to_owned(), graphql(n), None),
            Kind::Headers => {
                let path = format!("/api/v1/lists/{}", n / CANDIDATES);
                asked("GET", path, String::new(), Some(("x-tenant", format!("tenant-{}", n % CANDIDATES))))
            }
        }
    }

    /// Makes the archive in a folder of its own, unless it is there already.
    pub(crate) fn make(&self, work: &Path) -> Result<PathBuf> {
        let Self { scheme, kind, entries, body, storage } = self;
        let folder = work.join(format!("{scheme}-{kind:?}-{entries}x{body}-{storage:?}"));
        let zipped = matches!(storage, Storage::ZipStored | Storage::ZipDeflated);
        let path = folder.join(if zipped { "bench.zip" } else { "bench.har" });
        if path.exists() {
            return Ok(path);
        }
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        let unfinished = path.with_extension("unfinished");
        match storage {
            Storage::Embedded | Storage::Attached => {
                let mut out = BufWriter::new(File::create(&unfinished)?);
                self.write_log(&mut out)?;
                out.flush()?;
                if *storage == Storage::Attached {
                    self.payloads(|name, bytes| Ok(fs::write(folder.join(name), bytes)?))?;
                }
            }
            Storage::ZipStored | Storage::ZipDeflated => {
                let method = if *storage == Storage::ZipStored {
                    CompressionMethod::Stored
                } else {
                    CompressionMethod::Deflated
                };
                let options = SimpleFileOptions::default().compression_method(method);
                let mut zip = ZipWriter::new(BufWriter::new(File::create(&unfinished)?));
                zip.start_file("har.har", options.compression_method(CompressionMethod::Deflated))?;
                self.write_log(&mut zip)?;
                self.payloads(|name, bytes| {
                    zip.start_file(name, options)?;
                    Ok(zip.write_all(bytes)?)
                })?;
                zip.finish()?.flush()?;
            }
        }
        fs::rename(unfinished, &path)?;
        Ok(path)
    }

    fn write_log(&self, out: &mut impl Write) -> Result<()> {
        out.write_all(b"{\n  \"log\": {\n    \"version\": \"1.2\",\n    \"creator\": { \"name\": \"bench\", \"version\": \"1\" },\n    \"entries\": [")?;
        let mut entry = String::new();
        for n in 0..self.entries {
            entry.clear();
            self.write_entry(&mut entry, n)?;
            out.write_all(if n == 0 { b"\n" } else { b",\n" })?;
            out.write_all(entry.as_bytes())?;
        }
        Ok(out.write_all(b"\n    ]\n  }\n}\n")?)
    }

    fn write_entry(&self, out: &mut String, n: usize) -> Result<()> {
        let Asked { method, path, payload, field } = self.request(n);
        let attached = self.storage != Storage::Embedded;
        let mut request = vec![("accept", "application/json".to_owned()), ("user-agent", "bench/1.0".to_owned())];
        request.extend(field);
        write!(
            out,
            "      {{\n        \"startedDateTime\": \"1970-01-01T00:00:00.000Z\",\n        \"time\": -1,\n        \"request\": {{\n"
        )?;
        write!(
            out,
            "          \"method\": \"{method}\",\n          \"url\": \"{}://{HOST}{path}\",\n          \"httpVersion\": \"HTTP/1.1\",\n          \"cookies\": [],\n",
            self.scheme
        )?;
        write_fields(out, request.iter().map(|(name, value)| (*name, value.as_str())))?;
        write!(out, "          \"queryString\": [],\n")?;
        if !payload.is_empty() {
            write!(
                out,
                "          \"postData\": {{\n            \"mimeType\": \"application/json\",\n            \"params\": [],\n"
            )?;
            if attached {
                write!(out, "            \"_file\": \"{}\"\n          }},\n", file_name(payload.as_bytes()))?;
            } else {
                write!(out, "            \"text\": {}\n          }},\n", serde_json::to_string(&payload)?)?;
            }
        }
        write!(
            out,
            "          \"headersSize\": -1,\n          \"bodySize\": -1\n        }},\n        \"response\": {{\n          \"status\": 200,\n          \"statusText\": \"OK\",\n          \"httpVersion\": \"HTTP/1.1\",\n          \"cookies\": [],\n"
        )?;
        let body = body(n, self.body);
        let length = body.len().to_string();
        write_fields(out, FIELDS.into_iter().chain([("content-length", length.as_str())]))?;
        write!(
            out,
            "          \"content\": {{\n            \"size\": -1,\n            \"mimeType\": \"application/json; charset=utf-8\",\n"
        )?;
        if attached {
            write!(out, "            \"_file\": \"{}\"\n          }},\n", file_name(body.as_bytes()))?;
        } else {
            write!(out, "            \"text\": {}\n          }},\n", serde_json::to_string(&body)?)?;
        }
        write!(
            out,
            "          \"headersSize\": -1,\n          \"bodySize\": -1,\n          \"redirectURL\": \"\"\n        }},\n        \"cache\": {{}},\n        \"timings\": {{ \"send\": -1, \"wait\": -1, \"receive\": -1 }}\n      }}"
        )?;
        Ok(())
    }

    fn payloads(&self, mut store: impl FnMut(&str, &[u8]) -> Result<()>) -> Result<()> {
        for n in 0..self.entries {
            let body = body(n, self.body);
            store(&file_name(body.as_bytes()), body.as_bytes())?;
            let payload = self.request(n).payload;
            if !payload.is_empty() {
                store(&file_name(payload.as_bytes()), payload.as_bytes())?;
            }
        }
        Ok(())
    }
}

/// What one request asks for.
pub(crate) struct Asked {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) payload: String,
    pub(crate) field: Option<(&'static str, String)>,
}

fn write_fields<'a>(out: &mut String, fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<()> {
    out.push_str("          \"headers\": [");
    for (at, (name, value)) in fields.into_iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        write!(out, "{comma}\n            {{ \"name\": \"{name}\", \"value\": {} }}", serde_json::to_string(value)?)?;
    }
    out.push_str("\n          ],\n");
    Ok(())
}

/// A JSON body of exactly `length` bytes that no other entry has.
pub(crate) fn body(n: usize, length: usize) -> String {
    let mut body = format!(r#"{{"id":{n:08},"owner":{{"name":"somebody","verified":true}},"lines":[""#);
    let tail = r#""]}"#;
    let words = ["alpha ", "beta ", "gamma ", "delta ", "epsilon "];
    let mut seed = n as u64 | 1;
    while body.len() + tail.len() < length {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        body.push_str(words[(seed >> 33) as usize % words.len()]);
    }
    body.truncate(length - tail.len());
    body.push_str(tail);
    body
}

fn graphql(n: usize) -> String {
    format!(
        r#"{{"operationName":"Item","variables":{{"id":"{n}"}},"query":"query Item($id: ID!) {{ item(id: $id) {{ id name price owner {{ id name }} }} }}"}}"#
    )
}

fn file_name(bytes: &[u8]) -> String {
    let mut name = String::with_capacity(70);
    for byte in Sha256::digest(bytes) {
        // Writing to a string cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name + ".json"
}
