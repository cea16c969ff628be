//! HTTP/1.1: requests as text, answers by the length that their head names.

use anyhow::{Context, Result, bail};
use memchr::memmem;

use super::{Prepared, Protocol};
use crate::archive::{Asked, HOST};

/// The request that entry `n` answers.
pub(super) fn request(protocol: Protocol, asked: &Asked) -> Prepared {
    let Asked { method, path, payload, field } = asked;
    let origin = if protocol == Protocol::Plain { format!("http://{HOST}") } else { String::new() };
    let mut text = format!(
        "{method} {origin}{path} HTTP/1.1\r\nhost: {HOST}\r\naccept: application/json\r\nuser-agent: bench/1.0\r\n"
    );
    if let Some((name, value)) = field {
        text += &format!("{name}: {value}\r\n");
    }
    if !payload.is_empty() {
        text += &format!("content-type: application/json\r\ncontent-length: {}\r\n", payload.len());
    }
    text += "\r\n";
    text += payload;
    Prepared { bytes: text.into_bytes(), stream_ids: Vec::new() }
}

/// Where in an answer a connection is.
#[derive(Default)]
pub(super) struct Http1 {
    /// Of a body.
    rest: usize,
    /// A head that has not come whole.
    part: Vec<u8>,
    /// The head before, and what length it named: most answers repeat it.
    known: (Vec<u8>, usize),
}

impl Http1 {
    pub(super) fn take(&mut self, mut bytes: &[u8]) -> Result<u64> {
        let mut answers = 0;
        while !bytes.is_empty() {
            if self.rest > 0 {
                let body = self.rest.min(bytes.len());
                self.rest -= body;
                bytes = &bytes[body..];
                answers += u64::from(self.rest == 0);
                continue;
            }
            if self.part.is_empty() && bytes.starts_with(&self.known.0) && !self.known.0.is_empty() {
                self.rest = self.known.1;
                bytes = &bytes[self.known.0.len()..];
            } else {
                let before = self.part.len();
                self.part.extend_from_slice(bytes);
                let Some(end) = memmem::find(&self.part, b"\r\n\r\n") else { break };
                let head = self.part[..end + 4].to_vec();
                self.part.clear();
                bytes = &bytes[head.len() - before..];
                self.rest = content_length(&head)?;
                self.known = (head, self.rest);
            }
            answers += u64::from(self.rest == 0);
        }
        Ok(answers)
    }
}

/// The body's length, of an answer that is a 200.
pub(super) fn content_length(head: &[u8]) -> Result<usize> {
    let text = String::from_utf8_lossy(head);
    if !text.starts_with("HTTP/1.1 200") {
        bail!("not a 200: {text}");
    }
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok()).flatten()
    });
    length.with_context(|| format!("no length in {text}"))
}
