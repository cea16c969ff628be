//! Every program that reads HAR files and can run here reads what harmock writes: Playwright, har-validator, har-to-k6,
//! mitmproxy, and the rules of the importers of Chrome, Firefox and HTTP Toolkit.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use harmock::archive::{ArchiveWriter, BodyStorage, Update, WriterOptions, merge};
use harmock::har::Detail;
use serde_json::{Value, json};

use crate::sample_archive::{BINARY, Exchange, MULTIPART, all_shapes, fields, write};
use crate::support::{needs, python_path};

const STORAGES: [BodyStorage; 3] = [BodyStorage::Attach, BodyStorage::Embed, BodyStorage::Omit];
const DETAILS: [Detail; 2] = [Detail::Minimal, Detail::Full];

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/consumers").join(name)
}

#[track_caller]
fn output(command: &mut Command) -> Value {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{stderr}", output.status);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{command:?}: {error}\n{stderr}"))
}

/// One `.har` of every shape for each way of writing.
fn every_kind(folder: &Path, exchanges: &[Exchange]) -> Vec<(PathBuf, BodyStorage)> {
    let mut written = Vec::new();
    for storage in STORAGES {
        for detail in DETAILS {
            let har = folder.join(format!("{storage:?}-{detail:?}.har"));
            write(&har, storage, detail, exchanges);
            written.push((har, storage));
        }
    }
    written
}

#[test]
fn validators_converters_and_importers_have_no_complaint() {
    needs!(Node);
    let folder = tempfile::tempdir().unwrap();
    let hars = every_kind(folder.path(), &all_shapes());
    let mut command = Command::new("node");
    let complaints = output(command.arg(script("validate.mjs")).args(hars.iter().map(|(har, _)| har)));
    for (path, complaints) in complaints.as_object().unwrap() {
        assert_eq!(complaints, &json!([]), "{path}");
    }
}

#[test]
fn what_is_made_of_several_archives_and_of_two_recordings_has_their_approval_too() {
    needs!(Node);
    let folder = tempfile::tempdir().unwrap();
    let parts: Vec<PathBuf> = every_kind(folder.path(), &all_shapes()).into_iter().map(|(har, _)| har).collect();
    let merged = folder.path().join("merged.har");
    let counts = merge(&parts, &merged, false).unwrap();
    assert_eq!(counts.entries + counts.repeated, parts.len() * all_shapes().len());
    let again = folder.path().join("again.har");
    write(&again, BodyStorage::Attach, Detail::Minimal, &all_shapes());
    let options = WriterOptions { update: Update::Merge, ..WriterOptions::default() };
    let mut writer = ArchiveWriter::create(&again, options).unwrap();
    all_shapes().iter().skip(2).for_each(|shape| shape.write(&mut writer));
    let written = writer.finish().unwrap();
    assert_eq!((written.entries, written.unchanged), (all_shapes().len(), all_shapes().len() - 2));
    let mut command = Command::new("node");
    let complaints = output(command.arg(script("validate.mjs")).args([&merged, &again]));
    for (path, complaints) in complaints.as_object().unwrap() {
        assert_eq!(complaints, &json!([]), "{path}");
    }
}

#[test]
fn mitmproxy_imports_every_entry_with_its_body() {
    needs!(Python);
    let folder = tempfile::tempdir().unwrap();
    let exchanges = all_shapes();
    let hars = every_kind(folder.path(), &exchanges);
    let mut command = Command::new(python_path());
    let imported = output(command.arg(script("mitmproxy_import.py")).args(hars.iter().map(|(har, _)| har)));
    for (har, storage) in hars {
        let flows = imported[har.to_str().unwrap()].as_array().unwrap();
        assert_eq!(flows.len(), exchanges.len(), "{}", har.display());
        for exchange in exchanges.iter().filter(|exchange| exchange.method == "GET") {
            let flow = flows.iter().find(|flow| flow["url"] == exchange.url.as_str()).unwrap();
            assert_eq!(flow["status"], if exchange.failure.is_some() { 0 } else { exchange.status });
            // mitmproxy knows no payload files, and makes text of a declared charset of it.
            if storage == BodyStorage::Embed {
                assert_eq!(flow["body"], STANDARD.encode(&exchange.body), "{}", exchange.url);
            }
        }
    }
}

/// Looks all requests up with Playwright; the results are in their order.
fn playwright(archive: &Path, requests: &[Value]) -> Vec<Value> {
    let list = archive.with_extension("requests.json");
    fs::write(&list, serde_json::to_vec(requests).unwrap()).unwrap();
    let mut command = Command::new("node");
    let results = output(command.arg(script("playwright_lookup.mjs")).arg(archive).arg(list));
    results.as_array().unwrap().clone()
}

fn get(path: &str) -> Value {
    json!({ "method": "GET", "url": format!("https://api.example.com{path}") })
}

fn post(content_type: &str, payload: &[u8]) -> Value {
    json!({
        "method": "POST",
        "url": "https://api.example.com/submit",
        "headers": [{ "name": "content-type", "value": content_type }],
        "postData": STANDARD.encode(payload),
    })
}

#[test]
fn playwright_answers_from_every_kind_of_archive() {
    needs!(Playwright);
    let cases: Vec<(Value, u16, &[u8])> = vec![
        (get("/text"), 200, "h\u{e9}llo \"world\"\n\u{1f600}".as_bytes()),
        (get("/json"), 200, br#"{"a":[1,2,{"b":"\u00e9"}]}"#),
        (get("/image"), 200, BINARY),
        (get("/latin1"), 200, b"caf\xe9"),
        (get("/utf8-called-latin1"), 200, "café".as_bytes()),
        (get("/untyped"), 200, b"untyped"),
        (get("/empty"), 204, b""),
        (get("/old"), 200, "h\u{e9}llo \"world\"\n\u{1f600}".as_bytes()),
        (get("/cut"), 200, b"only half"),
        (post("application/json", br#"{"n":1}"#), 200, b"json answer"),
        (post("application/x-www-form-urlencoded", b"a=1&b=two+words"), 200, b"form answer"),
        (post("multipart/form-data; boundary=XX", MULTIPART.as_bytes()), 200, b"multipart answer"),
        (
            post("multipart/form-data; boundary=YYYY", MULTIPART.replace("XX", "YYYY").as_bytes()),
            200,
            b"multipart answer",
        ),
        (post("application/octet-stream", BINARY), 200, b"binary answer"),
        (post("text/plain", "with \u{fffd} in it".as_bytes()), 200, b"replacement answer"),
    ];
    let requests: Vec<_> = cases.iter().map(|(request, ..)| request.clone()).collect();
    for storage in [BodyStorage::Attach, BodyStorage::Embed] {
        for (name, detail) in [("a.har", Detail::Minimal), ("b.har", Detail::Full), ("a.zip", Detail::Minimal)] {
            let folder = tempfile::tempdir().unwrap();
            let archive = folder.path().join(name);
            write(&archive, storage, detail, &all_shapes());
            for ((request, status, body), result) in cases.iter().zip(playwright(&archive, &requests)) {
                let context = format!("{name} {storage:?} {request} {result}");
                assert_eq!(result["action"], "fulfill", "{context}");
                assert_eq!(result["status"], *status, "{context}");
                assert_eq!(result["body"].as_str().unwrap_or_default(), STANDARD.encode(body), "{context}");
            }
        }
    }
}

#[test]
fn playwright_misses_what_was_not_recorded() {
    needs!(Playwright);
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("a.har");
    write(&archive, BodyStorage::Attach, Detail::Minimal, &all_shapes());
    let results = playwright(&archive, &[get("/never"), post("application/json", br#"{"n":2}"#)]);
    let actions: Vec<_> = results.iter().map(|result| result["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["noentry", "noentry"]);
}

#[test]
fn playwright_navigates_to_the_end_of_a_redirect() {
    needs!(Playwright);
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("a.zip");
    write(&archive, BodyStorage::Attach, Detail::Minimal, &all_shapes());
    let mut navigation = get("/old");
    navigation["isNavigationRequest"] = true.into();
    let results = playwright(&archive, &[navigation]);
    assert_eq!(results[0]["action"], "redirect");
    assert_eq!(results[0]["redirectURL"], "https://api.example.com/text");
}

#[test]
fn playwright_keeps_repeated_fields_apart() {
    needs!(Playwright);
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("a.har");
    let mut exchange = Exchange::get("/cookies", "text/plain", "x");
    exchange.fields.extend(fields(&[("set-cookie", "a=1"), ("set-cookie", "b=2")]));
    write(&archive, BodyStorage::Attach, Detail::Full, &[exchange]);
    let headers = playwright(&archive, &[get("/cookies")])[0]["headers"].clone();
    assert_eq!(headers.as_array().unwrap().iter().filter(|header| header["name"] == "set-cookie").count(), 2);
}
