//! Bodies that are too large to be held: sent from their files piece by piece, whole or not at all.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
#[cfg(unix)]
use std::process::Command;
#[cfg(target_os = "linux")]
use std::time::{Duration, Instant, SystemTime};

use base64::Engine;
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::support::{Harmock, Wire, Workspace, curl, entry, needs};

const URL: &str = "http://a.test/large";
/// A copy that is made beside the answers takes milliseconds, and much longer only on a machine with too much to do.
#[cfg(target_os = "linux")]
const PATIENCE: Duration = Duration::from_secs(30);
/// A field without a meaning for the answer, which keeps a request from the short way.
const LONG_WAY: &str = "Content-Length: 0\r\n";

/// Text that JSON has to escape, and whose characters pieces cut.
fn text(length: usize) -> String {
    let mut text: String = (0..)
        .map(|n| format!("{n} \"grüße\" \\ 😀\n"))
        .scan(0, |so_far, line| {
            let goes_on = *so_far < length;
            *so_far += line.len();
            goes_on.then_some(line)
        })
        .collect();
    text.truncate((0..=length).rev().find(|at| text.is_char_boundary(*at)).unwrap());
    text
}

fn binary(length: usize) -> Vec<u8> {
    (0..length as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn with_content(content: Value) -> Value {
    let mut entry = entry("GET", URL, 200, "");
    entry["response"]["content"] = content;
    entry
}

fn attached() -> Value {
    with_content(json!({ "size": -1, "mimeType": "text/plain", "_file": "large.bin" }))
}

fn write_zip(workspace: &Workspace, method: CompressionMethod, body: &[u8]) {
    let har =
        json!({ "log": { "version": "1.2", "creator": { "name": "t", "version": "1" }, "entries": [attached()] } });
    let mut zip = ZipWriter::new(std::fs::File::create(workspace.join("hars/one.zip")).unwrap());
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, content) in [("har.har", serde_json::to_vec(&har).unwrap().as_slice()), ("large.bin", body)] {
        zip.start_file(name, options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap();
}

/// The same over HTTP/1.1 on the short and the long way, HEAD, and HTTP/2; twice, for what is kept.
#[track_caller]
fn serves(workspace: &Workspace, body: &[u8]) {
    let proxy = Harmock::replay::<&str>(workspace, &[]);
    let mut wire = Wire::connect(proxy.address());
    for more in ["", LONG_WAY, "", LONG_WAY] {
        wire.send(format!("GET {URL} HTTP/1.1\r\nHost: a.test\r\n{more}\r\n"));
        let head = wire.head();
        assert_eq!(head.value("content-length"), Some(&*body.len().to_string()), "{head:?}");
        assert!(wire.body(&head).unwrap() == body, "another body, {more:?}");
        if more.is_empty() {
            continue;
        }
        wire = Wire::connect(proxy.address());
    }
    needs!(Curl);
    let answer = curl(&proxy, &["--proxytunnel", "--http2-prior-knowledge", URL]);
    assert_eq!((answer.version.as_str(), answer.all("content-length")), ("HTTP/2", vec![&*body.len().to_string()]));
    assert!(answer.body == body, "another body over HTTP/2");
}

#[test]
fn text_that_is_embedded_is_unescaped() {
    let (workspace, body) = (Workspace::new(), text(3 << 20));
    workspace.write_har("one.har", &[with_content(json!({ "size": -1, "mimeType": "text/plain", "text": body }))]);
    serves(&workspace, body.as_bytes());
}

#[cfg(unix)]
#[test]
fn without_a_folder_for_temporary_files_memory_has_to_do() {
    let (workspace, body) = (Workspace::new(), text(3 << 20));
    workspace.write_har("one.har", &[with_content(json!({ "size": -1, "mimeType": "text/plain", "text": body }))]);
    let mut elsewhere = Command::new("env");
    elsewhere.arg("TMPDIR=/dev/null/none");
    let proxy = Harmock::below(elsewhere, &workspace, "replay", &["hars"]);
    assert!(Wire::connect(proxy.address()).get(URL).body == body.as_bytes());
}

#[test]
fn base64_that_is_embedded_is_decoded() {
    let (workspace, body) = (Workspace::new(), binary((3 << 20) + 1));
    let text = base64::engine::general_purpose::STANDARD.encode(&body);
    let content = json!({ "size": -1, "mimeType": "image/png", "encoding": "base64", "text": text });
    workspace.write_har("one.har", &[with_content(content)]);
    serves(&workspace, &body);
}

#[test]
fn a_payload_file_is_sent_as_it_is() {
    let (workspace, body) = (Workspace::new(), binary(5 << 20));
    workspace.write_har("one.har", &[attached()]);
    workspace.write("hars/large.bin", &body);
    serves(&workspace, &body);
}

/// Temporary files that a process has open: they have no name any more.
#[cfg(target_os = "linux")]
fn temporary_files(proxy: &Harmock) -> usize {
    let links = std::fs::read_dir(format!("/proc/{}/fd", proxy.id())).unwrap();
    let targets = links.filter_map(|link| std::fs::read_link(link.unwrap().path()).ok());
    targets.filter(|target| target.to_string_lossy().ends_with("(deleted)")).count()
}

#[cfg(target_os = "linux")]
#[test]
fn a_payload_file_that_is_asked_for_again_is_sent_from_a_copy_until_it_is_edited() {
    let (workspace, old, new) = (Workspace::new(), binary(3 << 20), text(2 << 20).into_bytes());
    workspace.write_har("one.har", &[attached()]);
    let path = workspace.write("hars/large.bin", &old);
    // What was written just now may be written into again without its time becoming another.
    let an_hour_ago = SystemTime::now() - Duration::from_secs(3_600);
    OpenOptions::new().write(true).open(&path).unwrap().set_modified(an_hour_ago).unwrap();
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    let mut wire = Wire::connect(proxy.address());
    assert!(wire.get(URL).body == old);
    let before = temporary_files(&proxy);
    let started = Instant::now();
    while temporary_files(&proxy) == before {
        assert!(wire.get(URL).body == old);
        assert!(started.elapsed() < PATIENCE, "the payload file is not copied");
    }
    assert!(wire.get(URL).body == old);
    std::fs::write(&path, &new).unwrap();
    (0..3).for_each(|_| assert!(wire.get(URL).body == new));
}

#[test]
fn a_payload_file_may_be_larger_than_what_is_ever_held_or_unpacked() {
    const LENGTH: u64 = (2 << 30) + 10;
    let workspace = Workspace::new();
    let mut payload = std::fs::File::create(workspace.join("hars/large.bin")).unwrap();
    payload.seek(SeekFrom::Start(LENGTH - 3)).unwrap();
    payload.write_all(b"end").unwrap();
    workspace.write_har("one.har", &[attached()]);
    let replay = Harmock::replay(&workspace, &["hars"]);
    let mut wire = Wire::connect(replay.address());
    wire.send(format!("GET {URL} HTTP/1.1\r\nHost: a.test\r\nRange: bytes={}-\r\n\r\n", LENGTH - 5));
    let answer = wire.answer();
    assert_eq!((answer.status, &answer.body[..]), (206, &b"\0\0end"[..]));
    replay.interrupt().expect(0);
}

#[test]
fn entries_of_a_zip_are_sent_stored_or_deflated() {
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let (workspace, body) = (Workspace::new(), text(3 << 20));
        write_zip(&workspace, method, body.as_bytes());
        serves(&workspace, body.as_bytes());
    }
}

#[test]
fn a_stored_entry_whose_checksum_is_wrong_is_not_sent() {
    let (workspace, body) = (Workspace::new(), vec![b'x'; 2 << 20]);
    write_zip(&workspace, CompressionMethod::Stored, &body);
    let path = workspace.join("hars/one.zip");
    let place = std::fs::read(&path).unwrap().windows(8).position(|window| window == b"xxxxxxxx").unwrap();
    overwrite(&path, place as u64 + 1_000_000, b"y");
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    let answer = Wire::connect(proxy.address()).get(URL);
    assert_eq!(answer.status, 502);
    assert!(answer.text().contains("large.bin"), "{}", answer.text());
    proxy.interrupt().expect(1);
}

#[test]
fn trailers_and_a_break_come_after_a_large_body() {
    let (workspace, body) = (Workspace::new(), binary(2 << 20));
    let (mut with_trailers, mut broken) = (attached(), attached());
    with_trailers["_harmock"] = json!({ "trailers": [{ "name": "x-sum", "value": "7" }] });
    broken["request"]["url"] = json!("http://a.test/broken");
    broken["_harmock"] = json!({ "end": "upstream" });
    workspace.write_har("one.har", &[with_trailers, broken]);
    workspace.write("hars/large.bin", &body);
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    let mut wire = Wire::connect(proxy.address());
    wire.send(format!("GET {URL} HTTP/1.1\r\nHost: a.test\r\nTE: trailers\r\n\r\n"));
    let head = wire.head();
    assert_eq!(head.value("transfer-encoding"), Some("chunked"));
    assert!(wire.body(&head).unwrap() == body);
    let mut wire = Wire::connect(proxy.address());
    wire.send("GET http://a.test/broken HTTP/1.1\r\nHost: a.test\r\n\r\n");
    let head = wire.head();
    assert!(wire.body(&head).is_err(), "a body that broke off was taken for whole");
}

/// Reads a part of the body, has the file changed, and gives what the rest of the body was.
fn changed_while_sent(change: impl FnOnce(&Path)) -> (std::io::Result<Vec<u8>>, Vec<u8>) {
    let (workspace, body) = (Workspace::new(), vec![b'o'; 64 << 20]);
    workspace.write_har("one.har", &[attached()]);
    let path = workspace.write("hars/large.bin", &body);
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    let mut wire = Wire::connect(proxy.address());
    wire.send(format!("GET {URL} HTTP/1.1\r\nHost: a.test\r\n\r\n"));
    wire.head();
    let start = wire.exactly(1 << 10).unwrap();
    // Far more is left than the buffers of both sockets hold.
    change(&path);
    let rest = wire.exactly(body.len() - start.len());
    (rest, Wire::connect(proxy.address()).get(URL).body)
}

#[test]
fn a_file_that_is_replaced_while_it_is_sent_is_sent_to_its_end_and_the_next_request_sees_the_new_one() {
    let (rest, next) = changed_while_sent(|path| {
        let new = path.with_extension("new");
        std::fs::write(&new, "new").unwrap();
        std::fs::rename(new, path).unwrap();
    });
    assert!(rest.unwrap().iter().all(|byte| *byte == b'o'));
    assert_eq!(next, b"new");
}

#[test]
fn a_file_that_is_written_into_while_it_is_sent_breaks_the_answer_off_and_the_next_request_sees_the_new_one() {
    let (rest, next) = changed_while_sent(|path| overwrite(path, 60 << 20, b"n"));
    assert!(rest.is_err(), "a mixture was taken for whole");
    assert_eq!(next.iter().filter(|byte| **byte == b'n').count(), 1);
    let (rest, next) = changed_while_sent(|path| std::fs::write(path, "new").unwrap());
    assert!(rest.is_err(), "a part was taken for whole");
    assert_eq!(next, b"new");
}

fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_body_takes_no_memory_of_its_size() {
    let peak = |proxy: &Harmock| -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", proxy.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    };
    let (workspace, body) = (Workspace::new(), vec![b'x'; 96 << 20]);
    let small = entry("GET", "http://a.test/small", 200, "small");
    let large = with_content(json!({ "size": -1, "mimeType": "text/plain", "_file": "large.bin" }));
    workspace.write_har("a.har", &[small, large]);
    workspace.write("hars/large.bin", &body);
    let proxy = Harmock::replay(&workspace, &["hars/a.har"]);
    let mut wire = Wire::connect(proxy.address());
    wire.get("http://a.test/small");
    let before = peak(&proxy);
    for more in ["", LONG_WAY] {
        wire.send(format!("GET {URL} HTTP/1.1\r\nHost: a.test\r\n{more}\r\n"));
        let head = wire.head();
        assert_eq!(wire.body(&head).unwrap().len(), body.len());
    }
    let taken = peak(&proxy) - before;
    assert!(taken < 16 << 10, "{taken} KiB more for a body of {} KiB", body.len() >> 10);
}
