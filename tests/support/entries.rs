//! Entries written by hand, as a person would put them into an archive.

use serde_json::{Value, json};

/// An entry with a text body and no fields but its type.
pub(crate) fn entry(method: &str, url: &str, status: u16, body: &str) -> Value {
    json!({
        "startedDateTime": "2024-01-01T00:00:00.000Z",
        "time": 1,
        "request": {
            "method": method, "url": url, "httpVersion": "HTTP/1.1", "headers": [], "queryString": [], "cookies": [],
            "headersSize": -1, "bodySize": -1,
        },
        "response": {
            "status": status, "statusText": "", "httpVersion": "HTTP/1.1", "cookies": [], "redirectURL": "",
            "headers": [{ "name": "content-type", "value": "text/plain" }],
            "content": { "size": body.len(), "mimeType": "text/plain", "text": body },
            "headersSize": -1, "bodySize": -1,
        },
        "cache": {},
        "timings": { "send": 0, "wait": 1, "receive": 0 },
    })
}

/// The same for a POST with this payload.
pub(crate) fn post_entry(url: &str, payload: &str, body: &str) -> Value {
    let mut entry = entry("POST", url, 200, body);
    entry["request"]["postData"] = json!({ "mimeType": "text/plain", "text": payload });
    entry
}
