//! An entry in one line: what it says about itself, usable or not.

use crate::archive::{Archive, PayloadError};
use crate::har::fields::scalar;
use crate::har::json::{Json, lenient_object};
use crate::har::raw::{RawContent, RawEntry};

/// What one item of `log.entries` says about itself. Nothing here is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntrySummary {
    /// Place in `log.entries`, from zero.
    pub ordinal: usize,
    /// HAR `request.method`, empty where it is missing.
    pub method: String,
    /// HAR `request.url` as written, empty where it is missing.
    pub url: String,
    /// HAR `response.status`; none where there is no response.
    pub status: Option<i64>,
    /// Bytes of the decoded body: HAR `content.size`, or what the stored text comes to; none where neither is there.
    pub size: Option<u64>,
    /// HAR `content.mimeType`.
    pub mime_type: String,
    /// `content._file`, where the body is a payload of its own.
    pub payload: Option<String>,
    /// Replay can use it; else it is odd, a WebSocket, or of a scheme that no proxy sees.
    pub usable: bool,
}

impl Archive {
    /// What one item of `log.entries` says about itself; none behind the last.
    ///
    /// # Errors
    ///
    /// The HAR changed on disk or cannot be read.
    pub fn summary(&self, ordinal: usize) -> Result<Option<EntrySummary>, PayloadError> {
        let Some(json) = self.entry_json(ordinal)? else { return Ok(None) };
        let raw: RawEntry<'_> = serde_json::from_str(&json).unwrap_or_default();
        let content = &raw.response.content;
        let text = |value: Json<'_>| scalar(value).into_owned();
        Ok(Some(EntrySummary {
            ordinal,
            method: text(raw.request.method),
            url: text(raw.request.url),
            status: raw.response.status.number().map(|status| status as i64),
            size: size(content),
            mime_type: text(content.mime_type),
            payload: content.file.non_empty().map(String::from),
            usable: self.entry(ordinal).is_some(),
        }))
    }
}

impl Archive {
    /// What an entry is called: `_harmock.name`, else HAR `comment`; none where it has neither.
    ///
    /// # Errors
    ///
    /// The HAR changed on disk or cannot be read.
    pub fn entry_name(&self, ordinal: usize) -> Result<Option<String>, PayloadError> {
        let json = self.entry_json(ordinal)?.unwrap_or_default();
        let raw: RawNamed<'_> = serde_json::from_str(&json).unwrap_or_default();
        Ok(raw.harmock.name.non_empty().or_else(|| raw.comment.non_empty()).map(String::from))
    }
}

lenient_object! {
    /// An entry for its name alone.
    RawNamed<'a> {
        harmock: RawName<'a> = "_harmock",
        comment: Json<'a> = "comment",
    }
}

lenient_object! {
    /// `_harmock` of an entry for its name alone.
    RawName<'a> {
        name: Json<'a> = "name",
    }
}

fn size(content: &RawContent<'_>) -> Option<u64> {
    let said = content.size.number().filter(|size| *size > 0.0 || (*size == 0.0 && !content.text.is_there()));
    said.map(|size| size as u64).or_else(|| {
        let text = content.text.text()?;
        let base64 = crate::har::post_data::is_base64(content.encoding);
        Some(if base64 { text.trim_end_matches('=').len() as u64 * 3 / 4 } else { text.len() as u64 })
    })
}
