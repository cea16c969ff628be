//! Secrets in bodies: which kinds of text are read, and how.

use super::json::in_json;
use super::multipart::in_multipart;
use super::nested::in_graphql;
use super::place::Place;
use super::rules::Rules;
use super::url::in_form;
use crate::har::content_type::{essence, is_form};

/// A larger body is not looked into.
pub const LARGEST_BODY: u64 = 16 << 20;

/// The places of a body of this media type, in order.
pub(super) fn places(media_type: &str, body: &[u8], rules: &Rules) -> Vec<Place> {
    if !rules.is_on() || !is_looked_into(media_type, body) {
        return Vec::new();
    }
    let kind = essence(media_type).to_ascii_lowercase();
    match kind.as_str() {
        _ if is_form(&kind) && !begins_as_json(body) => in_form(body, rules),
        "multipart/form-data" | "multipart/mixed" | "multipart/related" => in_multipart(media_type, body, rules),
        "application/graphql" => in_graphql(body, "graphql"),
        "text/event-stream" => in_events(body, rules),
        _ => in_json(body, rules),
    }
}

/// Whether a body of this media type that begins so may hold places. What claims to be something else is read as JSON
/// if it begins as JSON does: many clients send JSON as plain text.
pub fn is_looked_into(media_type: &str, beginning: &[u8]) -> bool {
    let kind = essence(media_type).to_ascii_lowercase();
    match kind.split_once('/').unwrap_or((&kind, "")) {
        ("image" | "audio" | "video" | "font", _) => false,
        ("text", "css" | "html" | "javascript") | ("application", "javascript" | "wasm" | "zip" | "pdf") => false,
        ("multipart", _) | ("text", "event-stream") | ("application", "graphql") => true,
        _ if is_form(&kind) || kind.ends_with("json") => true,
        _ => begins_as_json(beginning),
    }
}

/// Whether a body of this media type that begins so is text, in which values may stand that were replaced elsewhere.
pub fn is_text(media_type: &str, beginning: &[u8]) -> bool {
    let kind = essence(media_type).to_ascii_lowercase();
    let untold =
        kind.is_empty() && !beginning.iter().any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace());
    let is_text = kind.starts_with("text/") || ["xml", "javascript"].iter().any(|text| kind.contains(text));
    is_text || untold || is_looked_into(media_type, beginning)
}

/// Whether a text that begins so is UTF-16, in which nothing is found.
pub fn is_utf16(media_type: &str, beginning: &[u8]) -> bool {
    let said = media_type.to_ascii_lowercase().contains("charset=utf-16");
    said || beginning.starts_with(b"\xff\xfe") || beginning.starts_with(b"\xfe\xff")
}

/// curl calls JSON a form unless it is told better.
fn begins_as_json(body: &[u8]) -> bool {
    matches!(body.trim_ascii_start().first(), Some(b'{' | b'['))
}

/// The JSON of each `data:` line.
fn in_events(body: &[u8], rules: &Rules) -> Vec<Place> {
    let mut places = Vec::new();
    let mut at = 0;
    for line in body.split(|byte| matches!(byte, b'\n' | b'\r')) {
        if let Some(data) = line.strip_prefix(b"data:") {
            let start = at + 5;
            let found = if data.trim_ascii_start().starts_with(b"{") { in_json(data, rules) } else { Vec::new() };
            places.extend(
                found
                    .into_iter()
                    .map(|place| Place { span: start + place.span.start..start + place.span.end, ..place }),
            );
        }
        at += line.len() + 1;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(media_type: &str, body: &str) -> Vec<(String, String)> {
        let places = places(media_type, body.as_bytes(), &Rules::listed_and(&["form:mine".parse().unwrap()]));
        places.iter().map(|place| (place.label.clone(), body[place.span.clone()].to_owned())).collect()
    }

    fn some(places: &[(&str, &str)]) -> Vec<(String, String)> {
        places.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn each_kind_of_text_is_read_in_its_own_way() {
        let form = values("application/x-www-form-urlencoded", "user=a&password=p%20w&mine=1&code_verifier=");
        assert_eq!(form, some(&[("form:password", "p%20w"), ("form:mine", "1")]));
        let json = some(&[("json:$.password", "p")]);
        for media_type in [
            "application/x-www-form-urlencoded",
            "application/json",
            "application/vnd.api+json; v=1",
            "text/plain;charset=UTF-8",
            "",
            "x/y",
        ] {
            assert_eq!(values(media_type, "  {\"password\":\"p\"}"), json, "{media_type}");
        }
        let events = "event: a\ndata: {\"password\":\"p\"}\n\ndata: text\n\ndata:{\"password\":\"q\"}\n\n";
        assert_eq!(values("text/event-stream", events), some(&[("json:$.password", "p"), ("json:$.password", "q")]));
        let query = "query { me(token: \"abcdef\", password: \"p\\\"w\") { id } }";
        assert_eq!(values("application/graphql", query), some(&[("graphql", "abcdef"), ("graphql", "p\\\"w")]));
        assert_eq!(values("text/html", "{\"password\":\"p\"}"), []);
    }

    #[test]
    fn parts_of_a_multipart_form_are_read_by_name_and_by_type() {
        let body = "--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\np w\r\n--b\r\n\
                    Content-Disposition: form-data; name=\"file\"; filename=\"token\"\r\n\r\nx\r\n--b\r\n\
                    content-disposition: form-data; name=meta\r\nContent-Type: application/json\r\n\r\n\
                    {\"secret\":\"s\"}\r\n--b--\r\n";
        let found = values("multipart/form-data; boundary=\"b\"", body);
        assert_eq!(found, some(&[("form:password", "p w"), ("json:$.secret", "s")]));
    }
}
