//! Secrets that were replaced in their places and stand elsewhere too: in pages, scripts and other text that nothing looks
//! into. They cannot be replaced there without breaking the text, so people are told where to look.

use std::path::Path;

use aho_corasick::AhoCorasick;

use super::Error;
use super::exchange::ResponseFacts;
use super::journal::Record;
use super::restored::Restored;
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

    /// Whether a secret stands in the response of a record whose spool files lie in `folder`.
    pub(super) fn stand_in(&self, record: &Record, folder: &Path) -> Result<bool, Error> {
        let ResponseFacts::Answered { fields, .. } = &record.facts.response else { return Ok(false) };
        if !is_other_text(fields.value("content-type").unwrap_or_default()) {
            return Ok(false);
        }
        let exchange = Restored::of(record, folder)?;
        let Some(body) = exchange.response.reader()? else { return Ok(false) };
        // Whoever writes the body into the archive meets what cannot be read, and says so.
        Ok(self.0.stream_find_iter(body).next().is_some_and(|found| found.is_ok()))
    }
}

/// Whether a body of this media type is text in which nothing is replaced.
fn is_other_text(media_type: &str) -> bool {
    let media_type = media_type.to_ascii_lowercase();
    let is_text = media_type.starts_with("text/") || ["xml", "javascript"].iter().any(|kind| media_type.contains(kind));
    is_text && !is_looked_into(&media_type, b"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_replaced_in_or_is_none_is_not_looked_through() {
        for media_type in
            ["text/html; charset=utf-8", "application/xml", "text/javascript", "image/svg+xml", "text/plain"]
        {
            assert!(is_other_text(media_type), "{media_type}");
        }
        for media_type in ["application/json", "text/event-stream", "image/png", "application/octet-stream", ""] {
            assert!(!is_other_text(media_type), "{media_type}");
        }
        assert!(Echoes::of([&b"short"[..]].into_iter()).is_none());
    }
}
