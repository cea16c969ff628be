//! Archives as wholes: containers, damage, bombs, and bodies read from each.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::archive::{Archive, Error, Limits};
use crate::har::{BodyText, Outcome, RecordedPayload, StoredBody};

const HAR: &str = r#"{"log":{"version":"1.2","creator":{"name":"t","version":"1"},"entries":[
  {"request":{"method":"GET","url":"https://a.test/1#x","headers":[]},
   "response":{"status":200,"statusText":"OK","headers":[],"content":{"size":4,"mimeType":"text/plain","text":"caf\u00e9"}}},
  {"request":{"method":"POST","url":"https://a.test/2","headers":[],"postData":{"mimeType":"","_file":"in.bin"}},
   "response":{"status":200,"statusText":"","headers":[],"content":{"size":3,"mimeType":"x/y","_file":"p/out.bin"}}}
]}}"#;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    fn with_payloads(&self) -> &Self {
        self.file("in.bin", b"\0in");
        self.file("p/out.bin", b"out");
        self
    }

    fn zip(&self, name: &str, entries: &[(&str, &[u8])]) -> PathBuf {
        self.file(name, zipped(entries))
    }
}

fn zipped(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in entries {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn bodies(archive: &Archive) -> Vec<Result<Vec<u8>, String>> {
    let mut bodies = Vec::new();
    for entry in archive.entries() {
        if let RecordedPayload::Stored(body) = &entry.request.payload {
            bodies.push(archive.read(body));
        }
        if let Outcome::Answered(answer) = &entry.outcome {
            bodies.extend(answer.body.iter().map(|body| archive.read(body)));
        }
    }
    bodies.into_iter().map(|body| body.map(|bytes| bytes.to_vec()).map_err(|error| error.to_string())).collect()
}

fn all_three() -> Vec<Result<Vec<u8>, String>> {
    vec![Ok("café".as_bytes().to_vec()), Ok(b"\0in".to_vec()), Ok(b"out".to_vec())]
}

fn open_error(path: &Path) -> String {
    let message = Archive::open(path).unwrap_err().to_string();
    assert!(!message.contains('\n'), "one line: {message}");
    message.replace(&path.display().to_string(), "FILE")
}

#[test]
fn every_container_gives_the_same_entries_and_bodies() {
    let folder = Folder::new();
    folder.with_payloads();
    let bom = [b"\xEF\xBB\xBF", HAR.as_bytes()].concat();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&bom).unwrap();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    zlib.write_all(HAR.as_bytes()).unwrap();
    let payloads: [(&str, &[u8]); 2] = [("in.bin", b"\0in"), ("p/out.bin", b"out")];
    for path in [
        folder.file("plain.har", HAR),
        folder.file("bom.har", &bom),
        folder.file("gzip.zhar", gzip.finish().unwrap()),
        folder.file("zlib.zhar", zlib.finish().unwrap()),
        folder.zip("root.zip", &[("har.har", HAR.as_bytes()), payloads[0], payloads[1]]),
        folder.zip("zip-without.suffix", &[payloads[0], payloads[1], ("log.har", &bom), ("other.har", b"x")]),
        folder
            .zip("nested.zip", &[("run/har.har", HAR.as_bytes()), ("run/in.bin", b"\0in"), ("run/p/out.bin", b"out")]),
    ] {
        let archive = Archive::open(&path).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(archive.entry_count(), 2);
        assert_eq!(archive.entries()[0].request.url.as_str(), "https://a.test/1");
        assert_eq!(bodies(&archive), all_three(), "{}", path.display());
        assert!(archive.entry_json(1).unwrap().unwrap().starts_with(r#"{"request":{"method":"POST""#));
        assert_eq!(archive.entry_json(2).unwrap(), None);
    }
}

#[test]
fn invalid_utf8_is_repaired_and_bodies_behind_it_are_still_found() {
    let folder = Folder::new();
    let text = HAR.replace("\"t\"", "\"t\u{1}\u{2}\"").into_bytes();
    let text: Vec<u8> =
        text.into_iter().map(|byte| if byte == 1 { 0xFF } else { byte }).filter(|byte| *byte != 2).collect();
    let archive = Archive::open(&folder.with_payloads().file("a.har", text)).unwrap();
    assert_eq!(bodies(&archive), all_three());
}

#[test]
fn bodies_are_read_from_many_threads_at_once() {
    let folder = Folder::new();
    let path = folder.zip("a.zip", &[("har.har", HAR.as_bytes()), ("in.bin", b"\0in"), ("p/out.bin", b"out")]);
    let archive = Archive::open(&path).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..50).for_each(|_| assert_eq!(bodies(&archive), all_three())));
        }
    });
}

#[test]
fn a_har_that_is_written_to_after_loading_gives_an_error_and_a_replaced_one_the_old_bodies() {
    let folder = Folder::new();
    let path = folder.with_payloads().file("a.har", HAR);
    let archive = Archive::open(&path).unwrap();
    fs::rename(folder.file("new", "{}"), &path).unwrap();
    assert_eq!(bodies(&archive), all_three());

    let path = folder.file("b.har", HAR);
    let archive = Archive::open(&path).unwrap();
    folder.file("b.har", HAR.replace("caf", "xcaf"));
    assert!(bodies(&archive)[0].as_ref().unwrap_err().contains("b.har changed on disk since it was loaded"));
    assert_eq!(bodies(&archive)[2], Ok(b"out".to_vec()), "payload files are not concerned");
}

#[test]
fn what_is_no_har_says_what_where_and_what_to_do() {
    let folder = Folder::new();
    for (content, start) in [
        ("", "FILE: not a HAR: the file is empty; a HAR is"),
        ("{}", "FILE: not a HAR: it has no `log`; a HAR is"),
        ("{\"log\":{\"entries\":7}}", "FILE: not a HAR: `log.entries` is not an array; a HAR is"),
        ("<html>", "FILE:1:1: not JSON at byte 0: expected value; repair"),
        ("{\"log\":\n {\"entries\": nope}}", "FILE:2:15: not JSON at byte 22: expected ident; repair"),
        ("\u{FEFF}{\"log\": !}", "FILE:1:9: not JSON at byte 11: expected value; repair"),
    ] {
        let message = open_error(&folder.file("a.har", content));
        assert!(message.starts_with(start), "{message}");
    }
    let message = open_error(&folder.file("a.har", &HAR[..HAR.len() - 30]));
    assert!(message.starts_with("FILE: ends in the middle of log.entries[1] (byte "), "{message}");
    assert!(open_error(&folder.file("a.har", b"\xFF\xFE{\0")).contains("UTF-16"));
    assert!(open_error(&folder.0.path().join("none.har")).contains("FILE: there is no such file"));
    assert!(open_error(folder.0.path()).contains("is a folder, not an archive"));
}

#[test]
fn an_archive_without_entries_loads() {
    let folder = Folder::new();
    let archive = Archive::open(&folder.file("a.har", "{\"log\":{\"entries\":[]}}")).unwrap();
    assert_eq!((archive.entry_count(), archive.warnings().len()), (0, 0));
}

#[test]
fn broken_zips_are_told_apart() {
    let folder = Folder::new();
    let whole = zipped(&[("har.har", HAR.as_bytes()), ("in.bin", b"\0in"), ("p/out.bin", b"out")]);
    assert!(open_error(&folder.file("a.zip", &whole[..whole.len() / 2])).contains("FILE: not a usable zip: "));
    assert!(open_error(&folder.file("a.zip", "no zip")).contains("FILE: not a usable zip: "));
    assert!(open_error(&folder.zip("a.zip", &[("har.json", b"")])).contains("no entry whose name ends in `.har`"));
    assert!(open_error(&folder.zip("a.zip", &[("har.har", b"{}")])).contains("not a HAR: it has no `log`"));
    let mut same = zipped(&[("har.har", HAR.as_bytes()), ("in.bin", b"1"), ("xn.bin", b"2")]);
    while let Some(at) = same.windows(6).position(|name| name == b"xn.bin") {
        same[at] = b'i';
    }
    assert!(open_error(&folder.file("a.zip", same)).contains("two of its entries have the same name"));
    let mut damaged = whole.clone();
    damaged[60] ^= 0x55;
    assert!(open_error(&folder.file("a.zip", damaged)).contains("not a usable zip: its log cannot be unpacked"));
    let mut encrypted = whole;
    for signature in [&b"PK\x03\x04"[..], b"PK\x01\x02"] {
        let flags = if signature[2] == 3 { 6 } else { 8 };
        let at = encrypted.windows(4).position(|window| window == signature).unwrap();
        encrypted[at + flags] |= 1;
    }
    assert!(open_error(&folder.file("a.zip", encrypted)).contains("it is encrypted"));
}

#[test]
fn a_zip_bomb_is_refused_before_it_unpacks() {
    let folder = Folder::new();
    let limits = Limits { text: 1 << 22, payload: 1 << 22, ..Limits::default() };
    let mut bomb = HAR.as_bytes().to_vec();
    bomb.resize(1 << 23, b' ');
    let path = folder.zip("text.zip", &[("har.har", &bomb)]);
    let message = Archive::open_within(&path, &limits).unwrap_err().to_string();
    assert!(message.contains("the HAR text is larger than 4194304 bytes"), "{message}");
    let message = Archive::open_within(&path, &Limits { ratio: 100, ..Limits::default() }).unwrap_err().to_string();
    assert!(message.contains("the HAR text is compressed more than 100:1"), "{message}");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&bomb).unwrap();
    let path = folder.file("a.zhar", gzip.finish().unwrap());
    assert!(matches!(Archive::open_within(&path, &limits), Err(Error::TooLarge { .. })));

    let path = folder.zip("payload.zip", &[("har.har", HAR.as_bytes()), ("in.bin", &bomb), ("p/out.bin", b"out")]);
    let bodies = bodies(&Archive::open_within(&path, &limits).unwrap());
    assert!(bodies[1].as_ref().unwrap_err().contains("payload \"in.bin\" of "), "{bodies:?}");
    assert_eq!(bodies[2], Ok(b"out".to_vec()));
}

#[test]
fn a_payload_that_a_zip_lacks_or_holds_damaged_is_named() {
    let folder = Folder::new();
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, content) in [("har.har", HAR), ("in.bin", "SPOILME")] {
        zip.start_file(name, stored).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    let mut bytes = zip.finish().unwrap().into_inner();
    let at = bytes.windows(7).position(|window| window == b"SPOILME").unwrap();
    bytes[at] = b'X';
    let bodies = bodies(&Archive::open(&folder.file("a.zip", bytes)).unwrap());
    assert!(bodies[1].as_ref().unwrap_err().contains("payload \"in.bin\""), "{bodies:?}");
    assert!(bodies[2].as_ref().unwrap_err().contains("payload \"p/out.bin\""), "{bodies:?}");
    assert!(bodies[2].as_ref().unwrap_err().contains("is missing; restore the file"), "{bodies:?}");
}

#[test]
fn a_payload_path_that_leaves_the_folder_stops_the_loading() {
    let folder = Folder::new();
    let har = HAR.replace("p/out.bin", "../out.bin");
    let message = open_error(&folder.file("a.har", &har));
    let expected = "FILE: entry 1: response.content._file: payload path \"../out.bin\" leaves the archive's folder; ";
    assert!(message.starts_with(expected), "{message}");
    assert!(matches!(
        Archive::open(&folder.zip("a.zip", &[("har.har", har.as_bytes())])),
        Err(Error::PayloadPath { .. })
    ));
}

#[test]
fn base64_that_does_not_decode_is_an_error_of_that_body_alone() {
    let folder = Folder::new();
    let har = HAR.replace("\"text\":\"caf", "\"encoding\":\"base64\",\"text\":\"{");
    let archive = Archive::open(&folder.with_payloads().file("a.har", har)).unwrap();
    let bodies = bodies(&archive);
    assert!(bodies[0].as_ref().unwrap_err().contains("marked base64 but is not, at character 0"), "{bodies:?}");
    assert_eq!(bodies[1..], all_three()[1..]);
}

#[test]
fn a_span_of_another_archive_is_an_error() {
    let folder = Folder::new();
    let archive = Archive::open(&folder.file("a.har", "{\"log\":{\"entries\":[]}}")).unwrap();
    for span in [0..5, 100..200, u64::MAX - 1..u64::MAX] {
        assert!(archive.read(&StoredBody::Embedded { span, text: BodyText::Utf8 }).is_err());
    }
}

#[test]
fn a_zip_that_is_damaged_anywhere_never_panics() {
    let folder = Folder::new();
    let whole = zipped(&[("har.har", HAR.as_bytes()), ("in.bin", b"\0in"), ("p/out.bin", b"out")]);
    for at in 0..whole.len() {
        for change in [0xFF, 0x01] {
            let mut damaged = whole.clone();
            damaged[at] ^= change;
            if let Ok(archive) = Archive::open(&folder.file("a.zip", damaged)) {
                _ = bodies(&archive);
            }
        }
    }
}
