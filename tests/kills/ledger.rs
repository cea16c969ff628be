//! What clients had whole, held against what the archive has.

use std::collections::HashMap;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::support::Workspace;

/// An exchange whose answer a client had read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finished {
    pub(crate) url: String,
    pub(crate) sent: Vec<u8>,
    pub(crate) got: Vec<u8>,
}

/// Counts what has been found.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) checked: usize,
}

impl Ledger {
    /// Fails unless each of these exchanges is in the archive once, with both its bodies.
    pub(crate) fn check(&mut self, workspace: &Workspace, finished: &[Finished]) {
        if finished.is_empty() {
            return;
        }
        let entries = workspace.entries("hars/recording.har");
        let mut by_url: HashMap<&str, Vec<&Value>> = HashMap::new();
        for entry in &entries {
            by_url.entry(entry["request"]["url"].as_str().unwrap()).or_default().push(entry);
        }
        for exchange in finished {
            let [entry] = by_url.get(exchange.url.as_str()).map_or(&[][..], Vec::as_slice) else {
                panic!("{} is not in the archive once; it has {} entries", exchange.url, entries.len());
            };
            assert_eq!(entry["response"]["status"], 200, "{}", exchange.url);
            same(workspace, &entry["response"]["content"], &exchange.got, &exchange.url);
            if !exchange.sent.is_empty() {
                same(workspace, &entry["request"]["postData"], &exchange.sent, &exchange.url);
            }
        }
        self.checked += finished.len();
    }
}

/// Fails unless the payload file that a body names has this content; an empty body has no file.
fn same(workspace: &Workspace, body: &Value, expected: &[u8], url: &str) {
    if expected.is_empty() {
        assert_eq!((&body["_file"], &body["text"]), (&Value::Null, &Value::from("")), "{url}");
        return;
    }
    let name = body["_file"].as_str().unwrap_or_else(|| panic!("{url} has no payload: {body}"));
    let stored = std::fs::read(workspace.join("hars").join(name)).unwrap();
    assert!(Sha256::digest(&stored) == Sha256::digest(expected), "{url}: {name} holds {} bytes", stored.len());
}
