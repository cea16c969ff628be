//! `$ref`: a value that stands elsewhere in the document.

use percent_encoding::percent_decode_str;

use crate::examples::document::Document;

/// A chain of references is no longer than this in any document that a person wrote.
const LONGEST: usize = 32;

/// The whole document.
pub(super) struct Root<'a>(pub(super) &'a Document);

impl<'a> Root<'a> {
    /// The value that this one stands for; itself where it refers to none. An error says where it leads.
    pub(super) fn resolve(&self, value: &'a Document) -> Result<&'a Document, String> {
        let mut value = value;
        for _ in 0..LONGEST {
            let Some(reference) = value.get("$ref").text() else { return Ok(value) };
            let Some(pointer) = reference.strip_prefix('#') else {
                return Err(format!("{reference:?} is in another document, which is not read"));
            };
            value = self.at(pointer).ok_or_else(|| format!("{reference:?} leads nowhere"))?;
        }
        Err("its references lead in a circle".to_owned())
    }

    /// RFC 6901, percent-encoded as in a fragment.
    fn at(&self, pointer: &str) -> Option<&'a Document> {
        let mut value = self.0;
        for token in pointer.split('/').skip(1) {
            let token = percent_decode_str(token).decode_utf8().ok()?.replace("~1", "/").replace("~0", "~");
            value = match value {
                Document::List(items) => items.get(token.parse::<usize>().ok()?)?,
                Document::Object(_) => Some(value.get(&token)).filter(|value| value.is_there())?,
                _ => return None,
            };
        }
        Some(value)
    }
}
