//! Each archive in `fixtures/producers` reads as its twin says, compared in full.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use harmock::archive::{Archive, check};
use harmock::har::{Entry, Field, Outcome, RecordedPayload, StoredBody};
use serde_json::{Value, json};

#[test]
fn every_producers_archive_reads_as_its_twin_says() {
    let mut archives: Vec<_> = fs::read_dir(folder()).unwrap().map(|item| item.unwrap().path()).collect();
    archives.retain(|path| path.extension().is_some_and(|extension| extension == "har"));
    assert_eq!(archives.len(), 11, "an archive without a test is none");
    for path in archives {
        let found = reading(&path);
        let twin = path.with_extension("expected.json");
        if std::env::var_os("HARMOCK_WRITE_TWINS").is_some() {
            fs::write(&twin, serde_json::to_string_pretty(&found).unwrap() + "\n").unwrap();
        }
        let expected: Value = serde_json::from_str(&fs::read_to_string(&twin).unwrap()).unwrap();
        let count = |value: &Value| value["entries"].as_array().unwrap().len();
        assert_eq!(count(&found), count(&expected), "{}", path.display());
        assert_eq!(found, expected, "{}", path.display());
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/producers")
}

fn reading(path: &Path) -> Value {
    let archive = Archive::open(path).unwrap();
    let checked = check(&[path.to_path_buf()]);
    let prefix = format!("{}: ", path.display());
    json!({
        "creator": archive.creator(),
        "count": archive.entry_count(),
        "leftOut": { "websocket": archive.left_out().websocket, "otherScheme": archive.left_out().other_scheme },
        "warnings": archive.warnings().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "check": checked.findings.iter().map(|finding| finding.to_string().replace(&prefix, "")).collect::<Vec<_>>(),
        "entries": archive.entries().iter().map(|entry| entry_reading(&archive, entry)).collect::<Vec<_>>(),
    })
}

fn entry_reading(archive: &Archive, entry: &Entry) -> Value {
    let request = &entry.request;
    let payload = match &request.payload {
        RecordedPayload::Absent => json!("absent"),
        RecordedPayload::Damaged => json!("damaged"),
        RecordedPayload::Params(params) => json!({ "params": params }),
        RecordedPayload::Stored(body) => body_reading(archive, body),
    };
    let outcome = match &entry.outcome {
        Outcome::Answered(answer) => json!({
            "status": answer.status,
            "reason": &*answer.reason,
            "fields": fields_reading(&answer.fields),
            "body": answer.body.as_ref().map(|body| body_reading(archive, body)),
            "encoded": answer.encoded,
            "end": format!("{:?}", answer.end),
        }),
        Outcome::Failed(failure) => json!({
            "failed": &*failure.detail,
            "cause": failure.cause.map(|cause| cause.as_str()),
        }),
    };
    json!({
        "ordinal": entry.ordinal,
        "recordedByHarmock": entry.recorded_by_harmock,
        "request": [&*request.method, request.url.as_str()],
        "fields": fields_reading(&request.fields),
        "payload": payload,
        "outcome": outcome,
    })
}

fn body_reading(archive: &Archive, body: &StoredBody) -> Value {
    bytes_reading(&archive.read(body).unwrap())
}

fn fields_reading(fields: &[Field]) -> Vec<Value> {
    fields.iter().map(|field| json!([&*field.name, bytes_reading(&field.value)])).collect()
}

/// Text where the bytes are text; else their base64.
fn bytes_reading(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => json!(text),
        Err(_) => json!({ "base64": STANDARD.encode(bytes) }),
    }
}
