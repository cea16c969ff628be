//! Archives and requests from small alphabets, so that they meet.

use serde_json::{Value, json};

use super::model::{Live, Post, Recorded, canonical};
use crate::oracle::Dice;

const URLS: [&str; 20] = [
    "https://h.com/a",
    "https://h.com/a",
    "https://h.com/a",
    "https://h.com/a",
    "https://h.com/a",
    "https://h.com/a",
    "https://h.com/b",
    "https://h.com/b",
    "https://h.com/c",
    "https://h.com/b",
    "https://h.com/b",
    "https://h.com/c",
    "https://h.com/a?x=1",
    "https://H.com/a",
    "https://h.com:443/b",
    "https://h.com/a#f",
    "HTTPS://h.com/c",
    "https://h.com/c d",
    "http://h.com/a",
    "https://h.com",
];
const METHODS: [&str; 9] = ["GET", "GET", "GET", "POST", "POST", "POST", "PUT", "HEAD", "get"];
const LOCATIONS: [&str; 13] = [
    "/a",
    "/b",
    "b",
    "c",
    "https://h.com/c",
    "/missing",
    "/a?x=1",
    "",
    "http://[",
    "/a#f",
    "?x=1",
    "https://H.com:443/a",
    "//h.com/c%20d",
];
const HEADERS: [(&str, &str); 10] = [
    ("accept", "*/*"),
    ("Accept", "text/html"),
    ("x-a", "1"),
    ("X-A", "1"),
    ("x-a", "2"),
    ("cookie", "s=1"),
    ("Cookie", "s=2"),
    ("authorization", "Bearer a"),
    ("x-b", "a, b"),
    ("x-b", ""),
];
const FORM: &str = "application/x-www-form-urlencoded";

pub(crate) fn archive(dice: &mut Dice) -> Vec<Recorded> {
    let mut archive: Vec<Recorded> = (0..1 + dice.below(20)).map(|_| recorded(dice)).collect();
    if dice.once_in(30) {
        let at = dice.below(archive.len());
        archive[at].odd = true;
    }
    archive
}

fn recorded(dice: &mut Dice) -> Recorded {
    let method = dice.pick(&METHODS).to_owned();
    let mut headers = headers(dice);
    let with_payload = method == "POST" && !dice.once_in(4) || dice.once_in(6);
    let post = if with_payload { post(dice, &mut headers) } else { Post::Absent };
    let status =
        [200, 200, 200, 200, 200, 200, 200, 200, 204, 301, 302, 303, 307, 308, 304, -1, 0, 103][dice.below(18)];
    let redirects = (300..400).contains(&status) && !dice.once_in(8);
    let location = redirects.then(|| dice.pick(&LOCATIONS).to_owned());
    Recorded {
        odd: false,
        method,
        url: dice.pick(&URLS).to_owned(),
        headers,
        post,
        status,
        location,
        known: dice.once_in(4),
    }
}

/// A request that one of the entries might answer.
pub(crate) fn live(dice: &mut Dice, archive: &[Recorded]) -> Live {
    let entry = &archive[dice.below(archive.len())];
    let method = if dice.once_in(4) { dice.pick(&METHODS).to_owned() } else { entry.method.clone() };
    let url = canonical(if dice.once_in(6) { dice.pick(&URLS) } else { &entry.url });
    let navigation = dice.once_in(6);
    if dice.once_in(3) {
        // As it was recorded, up to a header field.
        let payload = match &entry.post {
            Post::Text(text) if !text.is_empty() => Some(text.clone().into_bytes()),
            Post::Base64(bytes) | Post::File(bytes) if !bytes.is_empty() => Some(bytes.clone()),
            _ => None,
        };
        let mut headers = entry.headers.clone();
        headers.extend(self::headers(dice).into_iter().take(1));
        return Live { method: entry.method.clone(), url, headers, payload, navigation };
    }
    let mut headers = headers(dice);
    let payload = if method == "POST" && !dice.once_in(5) || dice.once_in(6) {
        let (bytes, kind) = payload(dice);
        if !dice.once_in(6) {
            headers.insert(0, ("Content-Type".to_owned(), kind));
        }
        Some(bytes)
    } else {
        None
    };
    Live { method, url, headers, payload, navigation }
}

fn headers(dice: &mut Dice) -> Vec<(String, String)> {
    (0..dice.below(5))
        .map(|_| HEADERS[dice.below(HEADERS.len())])
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn post(dice: &mut Dice, headers: &mut Vec<(String, String)>) -> Post {
    let (bytes, kind) = payload(dice);
    if !dice.once_in(6) {
        headers.push(("content-type".to_owned(), kind));
    }
    match dice.below(14) {
        0 => Post::Text(String::new()),
        1 => Post::Text("a=\u{fffd}".to_owned()),
        2 => Post::Params(vec![("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]),
        3 => Post::Params(vec![("a".to_owned(), "1".to_owned())]),
        4 => Post::File(Vec::new()),
        5 | 6 => Post::File(bytes),
        7 => Post::Base64(bytes),
        _ => match String::from_utf8(bytes) {
            Ok(text) => Post::Text(text),
            Err(error) => Post::Base64(error.into_bytes()),
        },
    }
}

/// Bytes and their content type.
fn payload(dice: &mut Dice) -> (Vec<u8>, String) {
    if !dice.once_in(2) {
        let (bytes, kind): (&[u8], &str) = [
            (&b"a=1&b=2"[..], FORM),
            (b"a=1&b=2", FORM),
            (b"b=2&a=1", FORM),
            (b"a=1", FORM),
            (b"{\"q\":1}", "application/json"),
            (b"{\"q\":2}", "application/json"),
            (b"\xff\x01", "application/octet-stream"),
            (b"\xfe\x01", "application/octet-stream"),
        ][dice.below(8)];
        return (bytes.to_vec(), kind.to_owned());
    }
    let boundary = dice.pick(&["B", "B", "Xy", "----W7"]);
    let kind = match dice.below(9) {
        0 => format!("multipart/form-data; boundary=\"{boundary}\""),
        1 => format!("multipart/form-data; boundary={boundary};charset=utf-8"),
        2 => format!("Multipart/Form-Data; boundary={boundary}"),
        3 => format!("multipart/mixed; boundary={boundary}"),
        4 => "multipart/form-data".to_owned(),
        _ => format!("multipart/form-data; boundary={boundary}"),
    };
    let mut bytes = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n").into_bytes();
    bytes.extend([&b"1"[..], b"1", b"2", b"\xff", b"\xfe"][dice.below(5)]);
    bytes.extend(format!("\r\n--{boundary}--\r\n").bytes());
    (bytes, kind)
}

/// The archive as HAR text. `attach` stores a payload and returns its file name.
pub(crate) fn to_har(archive: &[Recorded], attach: &mut dyn FnMut(&[u8]) -> String) -> Value {
    let entries: Vec<Value> = archive.iter().enumerate().map(|(at, entry)| entry_json(at, entry, attach)).collect();
    json!({ "log": { "version": "1.2", "creator": { "name": "generated", "version": "1" }, "pages": [], "entries": entries } })
}

fn entry_json(at: usize, entry: &Recorded, attach: &mut dyn FnMut(&[u8]) -> String) -> Value {
    let location: Vec<Value> =
        entry.location.iter().map(|value| json!({ "name": "Location", "value": value })).collect();
    let response =
        json!({ "status": entry.status, "statusText": "", "headers": location, "content": { "text": at.to_string() } });
    if entry.odd {
        return json!({ "response": response });
    }
    let headers: Vec<Value> = pairs(&entry.headers);
    let mut request = json!({ "method": entry.method, "url": entry.url, "headers": headers });
    let post = match &entry.post {
        Post::Absent => Value::Null,
        Post::Text(text) => json!({ "mimeType": "x", "text": text }),
        Post::Base64(bytes) => json!({ "mimeType": "x", "text": base64(bytes), "encoding": "base64" }),
        Post::File(bytes) => json!({ "mimeType": "x", "text": "", "_file": attach(bytes) }),
        Post::Params(params) => json!({ "mimeType": "x", "params": pairs(params) }),
    };
    if !post.is_null() {
        request["postData"] = post;
    }
    let mut json = json!({ "request": request, "response": response });
    if entry.known {
        json["_harmock"] = json!({ "hash": "0" });
    }
    json
}

pub(crate) fn request_json(live: &Live) -> Value {
    json!({
        "url": live.url,
        "method": live.method,
        "headers": pairs(&live.headers),
        "payload": live.payload.as_deref().map(base64),
        "navigation": live.navigation,
    })
}

fn pairs(pairs: &[(String, String)]) -> Vec<Value> {
    pairs.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
