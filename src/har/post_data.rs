//! Request bodies: HAR 1.2 has no binary form, so each producer found one of its own.

use crate::har::entry::{BodyText, RecordedPayload, StoredBody};
use crate::har::fields::{latin1_bytes, scalar};
use crate::har::json::{Json, span_in};
use crate::har::raw::{RawItem, RawRequest};

/// What reading a body has to know about the text that it stands in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TextContext<'a> {
    /// The HAR text.
    pub(crate) text: &'a str,
    /// Offset of `text` in the file: the length of a byte order mark.
    pub(crate) base: u64,
    /// Firefox keeps bytes that are not UTF-8 as one code point per byte.
    pub(crate) binary_strings: bool,
}

impl TextContext<'_> {
    /// The string as a body inside the text; none where it is no string.
    pub(crate) fn embedded(&self, value: Json<'_>, text: BodyText) -> Option<StoredBody> {
        let span = span_in(self.text, self.base, value.literal()?);
        Some(StoredBody::Embedded { span: span.start + 1..span.end - 1, text })
    }
}

/// Reads the request's body, the surest form first: `_file` (Playwright), `encoding` (HAR 1.3, Martian), `_content`
/// (HTTP Toolkit), `text`, and `params` alone (Charles).
pub(crate) fn read_payload(request: &RawRequest<'_>, context: &TextContext<'_>) -> RecordedPayload {
    let post = &request.post_data;
    if let Some(file) = post.file.non_empty() {
        return RecordedPayload::Stored(StoredBody::File(file.into()));
    }
    if is_base64(post.encoding) && post.text.non_empty().is_some() {
        return stored(context.embedded(post.text, BodyText::Base64));
    }
    let content = &request.content;
    if content.text.non_empty().is_some() {
        let text = if is_base64(content.encoding) { BodyText::Base64 } else { BodyText::Utf8 };
        return stored(context.embedded(content.text, text));
    }
    if let Some(text) = post.text.non_empty() {
        if text.contains('\u{FFFD}') {
            return RecordedPayload::Damaged;
        }
        let kind = if context.binary_strings && is_binary_string(&text) { BodyText::Latin1 } else { BodyText::Utf8 };
        return stored(context.embedded(post.text, kind));
    }
    match read_params(post.params) {
        params if params.is_empty() => RecordedPayload::Absent,
        params => RecordedPayload::Params(params),
    }
}

/// `base64`, however it is spelled; any other `encoding` is a charset that some producers put there.
pub(crate) fn is_base64(encoding: Json<'_>) -> bool {
    encoding.text().is_some_and(|encoding| encoding.trim().eq_ignore_ascii_case("base64"))
}

fn stored(body: Option<StoredBody>) -> RecordedPayload {
    body.map_or(RecordedPayload::Absent, RecordedPayload::Stored)
}

fn read_params(params: Json<'_>) -> Vec<(String, String)> {
    let items = params.items().into_iter().map(|item| item.object::<RawItem<'_>>());
    items.filter_map(|item| Some((item.name.text()?.into_owned(), scalar(item.value).into_owned()))).collect()
}

/// Whether each code point is a byte of a body that was not UTF-8. Text with letters such as `é` could be either; it
/// is bytes if it holds controls that no text has, or if the bytes make UTF-8 of their own.
fn is_binary_string(text: &str) -> bool {
    if text.is_ascii() {
        return false;
    }
    let Some(bytes) = latin1_bytes(text) else { return false };
    let control = |char: char| char.is_control() && !matches!(char, '\t' | '\n' | '\r');
    text.contains(control) || std::str::from_utf8(&bytes).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(request: &str) -> RecordedPayload {
        payload_of(request, false)
    }

    fn payload_of(request: &str, binary_strings: bool) -> RecordedPayload {
        let raw: RawRequest<'_> = serde_json::from_str(request).unwrap();
        read_payload(&raw, &TextContext { text: request, base: 0, binary_strings })
    }

    fn embedded(request: &str, part: &str, text: BodyText) -> RecordedPayload {
        let start = request.find(part).unwrap() as u64;
        RecordedPayload::Stored(StoredBody::Embedded { span: start..start + part.len() as u64, text })
    }

    #[test]
    fn a_payload_file_wins_over_everything() {
        let request = r#"{"postData":{"_file":"a.bin","text":"x","encoding":"base64","params":[{"name":"a"}]}}"#;
        assert_eq!(payload(request), RecordedPayload::Stored(StoredBody::File("a.bin".into())));
    }

    #[test]
    fn base64_is_recognised_in_both_places() {
        let request = r#"{"postData":{"text":"AAEC","encoding":"BASE64"}}"#;
        assert_eq!(payload(request), embedded(request, "AAEC", BodyText::Base64));
        let request = r#"{"postData":{"text":"lossy"},"_content":{"text":"AAEC","encoding":"base64","size":3}}"#;
        assert_eq!(payload(request), embedded(request, "AAEC", BodyText::Base64));
    }

    #[test]
    fn text_is_utf8_whatever_charset_stands_in_encoding() {
        let request = r#"{"postData":{"text":"café","encoding":"ISO-8859-1"}}"#;
        assert_eq!(payload(request), embedded(request, "café", BodyText::Utf8));
    }

    #[test]
    fn only_firefox_has_binary_strings_and_only_where_no_text_looks_so() {
        let png = "{\"postData\":{\"text\":\"\\u0089PNG\\u001a\u{e9}\"}}";
        assert_eq!(payload_of(png, true), embedded(png, "\\u0089PNG\\u001a\u{e9}", BodyText::Latin1));
        assert_eq!(payload_of(png, false), embedded(png, "\\u0089PNG\\u001a\u{e9}", BodyText::Utf8));
        let bytes_of_utf8 = "{\"postData\":{\"text\":\"\u{c3}\u{a9}\"}}";
        assert_eq!(payload_of(bytes_of_utf8, true), embedded(bytes_of_utf8, "\u{c3}\u{a9}", BodyText::Latin1));
        for text in ["caf\u{e9}", "plain", "\u{20ac}\u{89}"] {
            let request = format!("{{\"postData\":{{\"text\":\"{text}\"}}}}");
            assert_eq!(payload_of(&request, true), embedded(&request, text, BodyText::Utf8));
        }
    }

    #[test]
    fn replacement_characters_and_lone_surrogates_mean_that_the_bytes_are_lost() {
        assert_eq!(payload("{\"postData\":{\"text\":\"a\u{FFFD}b\"}}"), RecordedPayload::Damaged);
        assert_eq!(payload(r#"{"postData":{"text":"a\ud83db"}}"#), RecordedPayload::Damaged);
    }

    #[test]
    fn params_alone_are_kept_in_order() {
        let request =
            r#"{"postData":{"mimeType":"x","params":[{"name":"b","value":"1 2"},{"name":"a"},{"value":"x"}]}}"#;
        let expected = vec![("b".to_owned(), "1 2".to_owned()), ("a".to_owned(), String::new())];
        assert_eq!(payload(request), RecordedPayload::Params(expected));
    }

    #[test]
    fn nothing_stored_is_no_payload() {
        for request in [
            "{}",
            r#"{"postData":null}"#,
            r#"{"postData":{"mimeType":"","text":"","params":[]}}"#,
            r#"{"postData":{"text":null,"params":null}}"#,
            r#"{"postData":[]}"#,
        ] {
            assert_eq!(payload(request), RecordedPayload::Absent, "{request}");
        }
    }
}
