//! Giving the payloads of an entry other names, in its text as it stands.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::har::fingerprint::{entry_hash, hash_span, written_hash};
use crate::har::json::span_in;
use crate::har::json_text::quoted;
use crate::har::raw::RawEntry;

/// The text of an entry with these names of payload files in the place of others. `hashes` are those of its payloads:
/// an entry that harmock wrote as it is goes on being one.
pub(crate) fn renamed(entry: &str, names: &BTreeMap<String, Box<str>>, hashes: &[[u8; 32]]) -> String {
    let raw: RawEntry<'_> = serde_json::from_str(entry).unwrap_or_default();
    let mut changes: Vec<(Range<usize>, String)> = [raw.request.post_data.file, raw.response.content.file]
        .into_iter()
        .filter_map(|file| {
            let new = names.get(&*file.text()?)?;
            let span = span_in(entry, 0, file.source()?);
            Some((usize::try_from(span.start).ok()?..usize::try_from(span.end).ok()?, quoted(new)))
        })
        .collect();
    changes.sort_by_key(|(span, _)| span.start);
    let mut text = entry.to_owned();
    for (span, name) in changes.into_iter().rev() {
        text.replace_range(span, &name);
    }
    let untouched = written_hash(entry).is_some_and(|written| entry_hash(entry, hashes) == Some(written));
    if untouched && let (Some(hash), Some(span)) = (entry_hash(&text, hashes), hash_span(&text)) {
        text.replace_range(span, &quoted(&hash));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renamed_payload_leaves_the_rest_and_an_untouched_entry_untouched() {
        let bare = r#"{"response": {"content":{"_file":"a.txt", "size" : 1}},"_harmock":{"hash":""}}"#;
        let hash = entry_hash(bare, &[[1; 32]]).unwrap();
        let entry = bare.replace(r#""hash":"""#, &format!(r#""hash":"{hash}""#));
        let names = BTreeMap::from([("a.txt".to_owned(), "a-2.txt".into())]);
        let new = renamed(&entry, &names, &[[1; 32]]);
        assert!(new.contains(r#""_file":"a-2.txt", "size" : 1"#), "{new}");
        assert_eq!(written_hash(&new), entry_hash(&new, &[[1; 32]]));
        let edited = renamed(&entry, &names, &[[2; 32]]);
        assert_eq!(written_hash(&edited), Some(hash));
    }
}
