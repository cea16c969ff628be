//! One value that is a secret, and putting something else in its place.

use std::ops::Range;

use crate::message::redacted;

/// A value that is a secret, in the text of a URL, a field or a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The bytes of the text that are replaced.
    pub span: Range<usize>,
    /// What the place is called: a field, cookie, parameter or key.
    pub name: String,
    /// Where it is, as `_harmock.redacted` says it: `header:authorization`.
    pub label: String,
    /// The value itself, freed of the escapes of its place, so that equal secrets are known as such.
    pub secret: Vec<u8>,
    /// What stands around the replacement: quotes where a number in JSON becomes a string.
    pub quote: String,
}

impl Place {
    /// The replacement that stands here already.
    pub fn already(&self) -> Option<redacted::Redacted> {
        redacted::whole(&self.secret)
    }
}

/// A body in which values were replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditedBody {
    /// The new text.
    pub bytes: Vec<u8>,
    /// The bytes of the old text that were replaced, in order, and how many took their place.
    pub edits: Vec<(Range<usize>, usize)>,
}

impl EditedBody {
    /// Where bytes of the old text are now, asked in order; inside a replaced value, the end of what replaced it.
    pub fn moves(&self) -> impl FnMut(usize) -> usize + '_ {
        let mut edits = self.edits.iter().peekable();
        let (mut before, mut after) = (0, 0);
        move |offset| {
            while let Some((span, length)) = edits.next_if(|(span, _)| span.end <= offset) {
                before += span.len();
                after += length;
            }
            match edits.peek() {
                Some((span, length)) if span.start < offset => span.start - before + after + length,
                _ => offset - before + after,
            }
        }
    }
}

/// The text with the places, which are in order and do not overlap, replaced by what `with` says.
pub(super) fn replace(text: &[u8], places: &[Place], with: &mut dyn FnMut(&Place) -> String) -> EditedBody {
    let mut edited = EditedBody { bytes: Vec::with_capacity(text.len()), edits: Vec::with_capacity(places.len()) };
    let mut kept = 0;
    for place in places {
        let replacement = format!("{quote}{}{quote}", with(place), quote = place.quote);
        edited.bytes.extend_from_slice(&text[kept..place.span.start]);
        edited.bytes.extend_from_slice(replacement.as_bytes());
        edited.edits.push((place.span.clone(), replacement.len()));
        kept = place.span.end;
    }
    edited.bytes.extend_from_slice(&text[kept..]);
    edited
}
