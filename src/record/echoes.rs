//! Secrets that were replaced in their places and stand elsewhere too: in pages, scripts and other text that nothing looks
//! into, and in JSON under a name that no list has. They are not replaced there, for that could break the text, so people
//! are told where to look.

use aho_corasick::AhoCorasick;

use super::Error;
use super::exchange::ResponseFacts;
use super::journal::Record;
use super::redaction::Redaction;
use super::restored::{BodyFolders, Decoded, Restored};
use crate::redact::is_looked_into;

/// A shorter value stands in many a text by chance.
const SHORTEST: usize = 8;

/// Looks for all the secrets of a recording at once.
pub(super) struct Echoes(AhoCorasick);

impl Echoes {
    /// Of these secrets; none where there is none to look for.
    pub(super) fn of<'a>(secrets: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let secrets: Vec<_> = secrets.filter(|secret| secret.len() >= SHORTEST).collect();
        if secrets.is_empty() { None } else { AhoCorasick::new(secrets).ok().map(Self) }
    }

    /// Whether a secret is left in the response of a record, whose bodies are in these folders, after redaction.
    pub(super) fn stand_in(
        &self,
        record: &Record,
        folders: BodyFolders<'_>,
        redaction: &mut Redaction,
    ) -> Result<bool, Error> {
        let ResponseFacts::Answered { fields, .. } = &record.facts.response else { return Ok(false) };
        if !is_text(fields.value("content-type").unwrap_or_default()) {
            return Ok(false);
        }
        let mut exchange = Restored::of(record, folders)?;
        if !self.are_in(&exchange.response)? {
            return Ok(false);
        }
        redaction.replace(&mut exchange)?;
        self.are_in(&exchange.response)
    }

    fn are_in(&self, body: &Decoded) -> Result<bool, Error> {
        let Some(body) = body.reader()? else { return Ok(false) };
        // Whoever writes the body into the archive meets what cannot be read, and says so.
        Ok(self.0.stream_find_iter(body).next().is_some_and(|found| found.is_ok()))
    }
}

/// Whether a body of this media type is text that people read.
fn is_text(media_type: &str) -> bool {
    let media_type = media_type.to_ascii_lowercase();
    let is_text = media_type.starts_with("text/") || ["xml", "javascript"].iter().any(|kind| media_type.contains(kind));
    is_text || is_looked_into(&media_type, b"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_looked_through_and_what_is_none_is_not() {
        for media_type in
            ["text/html; charset=utf-8", "application/xml", "image/svg+xml", "text/plain", "application/json"]
        {
            assert!(is_text(media_type), "{media_type}");
        }
        for media_type in ["image/png", "application/octet-stream", ""] {
            assert!(!is_text(media_type), "{media_type}");
        }
        assert!(Echoes::of([&b"short"[..]].into_iter()).is_none());
    }
}
