//! What an archive on disk looks like after writing, carrying over, failing, packing and unpacking.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use harmock::archive::{ArchiveWriter, BodyStorage, Update, WriteError, WriterOptions, pack, unpack};
use harmock::har::Detail;
use harmock::har::fingerprint::{entry_hash, written_hash};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::sample_archive::{Exchange, all_shapes, write};

const MINIMAL: Detail = Detail::Minimal;

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Every visible file of a folder and its content.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let items = fs::read_dir(folder).unwrap().map(|item| item.unwrap());
    let visible = items.filter(|item| !item.file_name().to_string_lossy().starts_with('.'));
    visible.map(|item| (item.file_name().into_string().unwrap(), fs::read(item.path()).unwrap())).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn payload_files(folder: &Path) -> Vec<String> {
    files(folder).into_keys().filter(|name| !name.ends_with(".har")).collect()
}

#[test]
fn any_order_of_arrival_gives_the_same_minimal_archive() {
    let exchanges: Vec<_> = all_shapes().into_iter().zip(0..).map(|(shape, at)| shape.started(at)).collect();
    let mut other = exchanges.clone();
    other.reverse();
    other.swap(1, 5);
    for name in ["a.har", "a.zip"] {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write(&first.path().join(name), BodyStorage::Attach, MINIMAL, &exchanges);
        write(&second.path().join(name), BodyStorage::Attach, MINIMAL, &other);
        assert!(files(first.path()) == files(second.path()), "{name}");
    }
}

#[test]
fn equal_requests_keep_the_order_in_which_they_started() {
    let folder = tempfile::tempdir().unwrap();
    let har = folder.path().join("a.har");
    let polls = [2, 0, 1].map(|at| Exchange::get("/poll", "text/plain", format!("answer {at}")).started(at));
    write(&har, BodyStorage::Embed, MINIMAL, &polls);
    let entries = json(&har)["log"]["entries"].clone();
    let texts: Vec<_> = (0..3).map(|at| entries[at]["response"]["content"]["text"].clone()).collect();
    assert_eq!(texts, ["answer 0", "answer 1", "answer 2"]);
}

#[test]
fn full_entries_are_in_the_order_of_start_with_times_sizes_cookies_and_addresses() {
    let folder = tempfile::tempdir().unwrap();
    let har = folder.path().join("a.har");
    let mut exchanges = all_shapes();
    exchanges.iter_mut().zip((0..100).rev()).for_each(|(exchange, at)| exchange.started = at);
    write(&har, BodyStorage::Embed, Detail::Full, &exchanges);
    let entries = json(&har)["log"]["entries"].as_array().unwrap().clone();
    let starts: Vec<_> = entries.iter().map(|entry| entry["startedDateTime"].as_str().unwrap().to_owned()).collect();
    assert!(starts.is_sorted() && starts[0].starts_with("2026-10-21T07:28:00."), "{starts:?}");
    let fields = entries.iter().find(|entry| entry["response"]["headers"][1]["name"] == "x-name").unwrap();
    assert_eq!(fields["time"], 42.85);
    assert_eq!(
        fields["timings"],
        serde_json::json!({
            "blocked": 0.25, "dns": -1, "connect": 12.5, "ssl": 8, "send": 0.1, "wait": 30, "receive": 0
        })
    );
    assert_eq!(fields["serverIPAddress"], "::1");
    assert_eq!(fields["connection"], "7");
    assert_eq!(fields["request"]["cookies"][1], serde_json::json!({ "name": "b", "value": "x=y" }));
    let in_a_minute = fields["startedDateTime"].as_str().unwrap().replacen("07:28", "07:29", 1);
    assert_eq!(fields["response"]["cookies"][0]["expires"], in_a_minute);
    assert_eq!(fields["response"]["cookies"][1]["expires"], "2026-10-21T07:28:00.000Z");
    assert_eq!(fields["response"]["_transferSize"], 123);
    assert_eq!(fields["response"]["content"]["compression"], 3);
}

#[test]
fn a_field_that_is_not_utf8_is_kept_as_latin1_with_a_mark() {
    let folder = tempfile::tempdir().unwrap();
    let har = folder.path().join("a.har");
    write(&har, BodyStorage::Embed, MINIMAL, &all_shapes());
    let log = json(&har);
    let entries = log["log"]["entries"].as_array().unwrap();
    let entry = entries.iter().find(|entry| entry["request"]["url"].as_str().unwrap().contains("/fields")).unwrap();
    let headers = &entry["response"]["headers"];
    assert_eq!(headers[1], serde_json::json!({ "name": "x-name", "value": "café", "_harmock": { "latin1": true } }));
    assert_eq!(headers[2], serde_json::json!({ "name": "x-name", "value": "café" }));
    let query = serde_json::json!([
        { "name": "q", "value": "a b" }, { "name": "q", "value": "c d" }, { "name": "x", "value": "" }
    ]);
    assert_eq!(entry["request"]["queryString"], query);
    assert_eq!(entry["_harmock"]["trailers"], serde_json::json!([{ "name": "grpc-status", "value": "0" }]));
}

#[test]
fn payload_files_are_named_by_their_hash_and_written_once() {
    let folder = tempfile::tempdir().unwrap();
    let har = folder.path().join("hars/new/a.har");
    let same = [Exchange::get("/1", "application/json", "{}"), Exchange::get("/2", "application/json", "{}")];
    let written = write(&har, BodyStorage::Attach, MINIMAL, &same);
    assert_eq!((written.entries, written.payloads), (2, 1));
    let name = format!("{}.json", hex(&Sha256::digest("{}")));
    assert_eq!(payload_files(har.parent().unwrap()), [name.as_str()]);
    assert_eq!(json(&har)["log"]["entries"][0]["response"]["content"]["_file"], name);
}

#[test]
fn each_entry_carries_the_hash_of_what_it_is() {
    for storage in [BodyStorage::Attach, BodyStorage::Embed, BodyStorage::Omit] {
        let folder = tempfile::tempdir().unwrap();
        let har = folder.path().join("a.har");
        write(&har, storage, Detail::Full, &all_shapes());
        let text = fs::read_to_string(&har).unwrap();
        #[derive(serde::Deserialize)]
        struct Root<'a> {
            #[serde(borrow)]
            log: Log<'a>,
        }
        #[derive(serde::Deserialize)]
        struct Log<'a> {
            #[serde(borrow)]
            entries: Vec<&'a RawValue>,
        }
        let root: Root<'_> = serde_json::from_str(&text).unwrap();
        for entry in root.log.entries {
            let value: Value = serde_json::from_str(entry.get()).unwrap();
            let files = [&value["request"]["postData"]["_file"], &value["response"]["content"]["_file"]];
            let read = |name: &Value| fs::read(folder.path().join(name.as_str().unwrap())).unwrap();
            let payloads: Vec<[u8; 32]> = files
                .into_iter()
                .filter(|name| name.is_string())
                .map(|name| Sha256::digest(read(name)).into())
                .collect();
            assert_eq!(entry_hash(entry.get(), &payloads), written_hash(entry.get()));
            let edited = entry.get().replacen("example", "exbmple", 1);
            assert_ne!(entry_hash(&edited, &payloads), written_hash(&edited));
        }
    }
}

#[test]
fn changing_one_answer_changes_only_its_lines() {
    let folder = tempfile::tempdir().unwrap();
    let (before, after) = (folder.path().join("a.har"), folder.path().join("b.har"));
    let mut exchanges = all_shapes();
    write(&before, BodyStorage::Attach, MINIMAL, &exchanges);
    exchanges[1].body = b"{}".to_vec();
    write(&after, BodyStorage::Attach, MINIMAL, &exchanges);
    let (before, after) = (fs::read_to_string(before).unwrap(), fs::read_to_string(after).unwrap());
    let changed: Vec<_> = before.lines().zip(after.lines()).filter(|(a, b)| a != b).map(|(a, _)| a.trim()).collect();
    assert_eq!(before.lines().count(), after.lines().count());
    let starts: Vec<_> = changed.iter().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(starts, ["\"size\"", "\"_file\"", "\"hash\""]);
    assert!(before.ends_with("}\n"));
}

#[test]
fn embedded_bodies_are_text_only_where_the_same_bytes_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let har = folder.path().join("a.har");
    write(&har, BodyStorage::Embed, MINIMAL, &all_shapes());
    let log = json(&har);
    let entries = log["log"]["entries"].as_array().unwrap();
    let content = |path: &str| {
        let entry = entries.iter().find(|entry| entry["request"]["url"].as_str().unwrap().ends_with(path)).unwrap();
        (entry["response"]["content"]["text"].clone(), entry["response"]["content"]["encoding"].clone())
    };
    assert_eq!(content("/text"), ("h\u{e9}llo \"world\"\n\u{1f600}".into(), Value::Null));
    assert_eq!(content("/latin1"), ("Y2Fm6Q==".into(), "base64".into()));
    assert_eq!(content("/utf8-called-latin1"), ("Y2Fmw6k=".into(), "base64".into()));
    assert_eq!(content("/empty"), ("".into(), Value::Null));
    let payloads: Vec<_> =
        entries.iter().map(|entry| &entry["request"]["postData"]).filter(|p| p.is_object()).collect();
    assert_eq!(payloads.len(), 5);
    let form = payloads.iter().find(|payload| payload["params"].is_array()).unwrap();
    assert_eq!(form["params"][1], serde_json::json!({ "name": "b", "value": "two words" }));
    let replacement = payloads.iter().find(|payload| payload["mimeType"] == "text/plain").unwrap();
    assert_eq!(replacement["encoding"], "base64", "a reader would take U+FFFD in text for damage");
}

#[test]
fn without_bodies_an_archive_says_which_requests_had_one() {
    let folder = tempfile::tempdir().unwrap();
    let har = folder.path().join("a.har");
    write(&har, BodyStorage::Omit, MINIMAL, &all_shapes());
    assert!(payload_files(folder.path()).is_empty());
    for entry in json(&har)["log"]["entries"].as_array().unwrap() {
        let posted = entry["request"]["method"] == "POST";
        assert_eq!(entry["_harmock"]["payload"] == "omitted", posted);
        assert!(entry["request"].get("postData").is_none());
        let content = entry["response"]["content"].as_object().unwrap();
        assert_eq!(content.contains_key("text"), content["size"] == 0 && entry["response"]["status"] != 0);
    }
}

#[test]
fn a_new_recording_removes_what_only_the_old_one_named() {
    let folder = tempfile::tempdir().unwrap();
    let (har, neighbour) = (folder.path().join("a.har"), folder.path().join("b.har"));
    let exchange = |body: &str| Exchange::get("/x", "text/plain", body);
    write(&har, BodyStorage::Attach, MINIMAL, &["gone", "shared", "edited", "kept"].map(exchange));
    write(&neighbour, BodyStorage::Attach, MINIMAL, &[exchange("shared")]);
    let file = |body: &str| folder.path().join(format!("{}.txt", hex(&Sha256::digest(body))));
    fs::write(file("edited"), "by hand").unwrap();
    fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    let written = write(&har, BodyStorage::Attach, MINIMAL, &[exchange("kept"), exchange("new")]);
    assert_eq!(written.removed_payloads, 1);
    assert!(!file("gone").exists());
    for there in [file("shared"), file("edited"), file("kept"), file("new"), folder.path().join("notes.txt")] {
        assert!(there.exists(), "{}", there.display());
    }
}

#[test]
fn what_another_writer_is_about_to_name_is_not_removed() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("a.har"), folder.path().join("b.har"));
    let exchange = |body: &str| Exchange::get("/x", "text/plain", body);
    write(&first, BodyStorage::Attach, MINIMAL, &[exchange("shared")]);
    let writer = |har: &Path, body: &str| {
        let mut writer = ArchiveWriter::create(har, WriterOptions::default()).unwrap();
        exchange(body).write(&mut writer);
        writer
    };
    let (leaves, names) = (writer(&first, "new"), writer(&second, "shared"));
    let (ended, end) = std::sync::mpsc::channel();
    let mut other = None;
    let named = names.finish_after(|_finished| {
        other = Some(std::thread::spawn(move || ended.send(leaves.finish().unwrap())));
        // It would end here, between the payloads and their archive, if it did not wait.
        let _ = end.recv_timeout(std::time::Duration::from_millis(300));
        Ok(())
    });
    assert_eq!(named.unwrap().payloads, 1);
    other.unwrap().join().unwrap().unwrap();
    assert_eq!(payload_files(folder.path()).len(), 2);
}

#[test]
fn what_somebody_writes_into_an_archive_while_its_next_version_is_made_is_not_overwritten() {
    for name in ["a.har", "a.zip"] {
        for update in [Update::Merge, Update::Append] {
            let folder = tempfile::tempdir().unwrap();
            let archive = folder.path().join(name);
            write(&archive, BodyStorage::Attach, MINIMAL, &[Exchange::get("/x", "text/plain", "old")]);
            let options = WriterOptions { update, ..WriterOptions::default() };
            let mut writer = ArchiveWriter::create(&archive, options).unwrap();
            Exchange::get("/y", "text/plain", "new").write(&mut writer);
            write(&archive, BodyStorage::Attach, MINIMAL, &[Exchange::get("/x", "text/plain", "by hand, and longer")]);
            let before = files(folder.path());
            assert!(matches!(writer.finish(), Err(WriteError::Existing { path, .. }) if path == archive));
            assert!(files(folder.path()) == before, "{name} {update:?}");
        }
    }
}

#[test]
fn payloads_stay_while_a_neighbour_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let har = folder.path().join("a.har");
    write(&har, BodyStorage::Attach, MINIMAL, &[Exchange::get("/x", "text/plain", "old")]);
    fs::write(folder.path().join("broken.har"), "{").unwrap();
    let written = write(&har, BodyStorage::Attach, MINIMAL, &[Exchange::get("/x", "text/plain", "new")]);
    assert_eq!(written.removed_payloads, 0);
    assert_eq!(payload_files(folder.path()).len(), 2);
}

#[test]
fn what_was_recorded_replaces_an_edited_payload_of_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let har = folder.path().join("a.har");
    let exchanges = [Exchange::get("/x", "text/plain", "recorded")];
    write(&har, BodyStorage::Attach, MINIMAL, &exchanges);
    let payload = folder.path().join(&payload_files(folder.path())[0]);
    fs::write(&payload, "by hand").unwrap();
    write(&har, BodyStorage::Attach, MINIMAL, &exchanges);
    assert_eq!(fs::read_to_string(&payload).unwrap(), "recorded");
}

#[test]
fn a_writer_that_is_dropped_or_fails_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let har = folder.path().join("a.har");
    write(&har, BodyStorage::Attach, MINIMAL, &[Exchange::get("/x", "text/plain", "old")]);
    let before = files(folder.path());
    let mut writer = ArchiveWriter::create(&har, WriterOptions::default()).unwrap();
    Exchange::get("/x", "text/plain", "new").write(&mut writer);
    drop(writer);
    assert_eq!(files(folder.path()), before);

    let mut writer = ArchiveWriter::create(&har, WriterOptions::default()).unwrap();
    Exchange::get("/x", "text/plain", "new").write(&mut writer);
    // A folder of the archive's name cannot be replaced: the last step fails after the payloads are in place.
    fs::remove_file(&har).unwrap();
    fs::create_dir(&har).unwrap();
    fs::write(har.join("x"), "").unwrap();
    assert!(writer.finish().is_err());
    fs::remove_dir_all(&har).unwrap();
    assert_eq!(payload_files(folder.path()).len(), 1, "the new payload was taken back");
    assert_eq!(fs::read_dir(folder.path().join(".harmock")).unwrap().count(), 1, "nothing but .gitignore is left");
}

#[cfg(unix)]
#[test]
fn a_link_is_no_place_for_an_archive() {
    let folder = tempfile::tempdir().unwrap();
    let har = folder.path().join("a.har");
    std::os::unix::fs::symlink(folder.path().join("elsewhere"), &har).unwrap();
    let error = ArchiveWriter::create(&har, WriterOptions::default()).unwrap_err();
    assert!(error.to_string().contains("is a symbolic link"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_body_on_disk_is_taken_without_copying_and_readable_as_any_file() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let folder = tempfile::tempdir().unwrap();
    let har = folder.path().join("a.har");
    let body = folder.path().join("body");
    fs::write(&body, "from disk").unwrap();
    fs::set_permissions(&body, fs::Permissions::from_mode(0o600)).unwrap();
    let inode = fs::metadata(&body).unwrap().ino();
    let mut writer = ArchiveWriter::create(&har, WriterOptions::default()).unwrap();
    let exchange = Exchange::get("/x", "text/plain", "");
    exchange.write_with(&mut writer, harmock::har::NewBody::File(&body));
    fs::remove_file(&body).unwrap();
    writer.finish().unwrap();
    let payload = fs::metadata(folder.path().join(&payload_files(folder.path())[0])).unwrap();
    assert_eq!(payload.ino(), inode);
    assert_eq!(payload.permissions().mode(), fs::metadata(&har).unwrap().permissions().mode());
}

mod carry_over {
    use super::*;

    fn append(target: &Path, existing: &Path, exchanges: &[Exchange]) -> usize {
        let mut writer = ArchiveWriter::create(target, WriterOptions::default()).unwrap();
        let carried = writer.carry_over(existing).unwrap();
        exchanges.iter().for_each(|exchange| exchange.write(&mut writer));
        writer.finish().unwrap();
        carried
    }

    #[test]
    fn nothing_added_gives_the_same_bytes() {
        for name in ["a.har", "a.zip"] {
            let folder = tempfile::tempdir().unwrap();
            let target = folder.path().join(name);
            write(&target, BodyStorage::Attach, MINIMAL, &all_shapes());
            let before = files(folder.path());
            assert_eq!(append(&target, &target, &[]), all_shapes().len());
            assert!(files(folder.path()) == before, "{name}");
        }
    }

    #[test]
    fn entries_of_other_tools_come_along_unchanged_in_front() {
        let folder = tempfile::tempdir().unwrap();
        let har = folder.path().join("a.har");
        let foreign = "\u{feff}{\"_before\":1,\"log\":{\"version\":\"1.2\",\"creator\":{\"name\":\"X\"},\"pages\":null,\
            \"entries\":[ {\"request\":{ \"method\":\"GET\", \"url\":\"http://z/\"},\"_odd\":\"\\ud83d\",\"n\":1.50,\
            \"response\":{\"content\":{\"_file\":\"sub/x.txt\"}}} ],\"_after\":[]}}";
        fs::write(&har, foreign).unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        fs::write(folder.path().join("sub/x.txt"), "theirs").unwrap();
        let other = folder.path().join("other/b.har");
        for target in [&har, &other] {
            append(target, &har, &[Exchange::get("/a", "text/plain", "ours")]);
            let text = fs::read_to_string(target).unwrap();
            let carried = foreign.find("{\"request\"").unwrap()..foreign.find(" ],\"_after\"").unwrap();
            assert!(text.contains(&foreign[carried]) && text.contains("\"n\":1.50"), "{text}");
            assert!(text.contains("\"_after\": []") && text.contains("\"_before\": 1"), "{text}");
            assert!(text.contains("\"pages\": []") && !text.contains("null"), "{text}");
            assert!(text.find("http://z/") < text.find("https://api.example.com/a"));
            let payload = target.parent().unwrap().join("sub/x.txt");
            assert_eq!(fs::read_to_string(payload).unwrap(), "theirs");
            if target == &har {
                fs::write(&har, foreign).unwrap();
            }
        }
    }

    #[test]
    fn an_edited_payload_of_a_carried_entry_stays_and_the_new_body_gets_another_name() {
        let folder = tempfile::tempdir().unwrap();
        let har = folder.path().join("a.har");
        let exchanges = [Exchange::get("/x", "text/plain", "recorded")];
        write(&har, BodyStorage::Attach, MINIMAL, &exchanges);
        let payload = folder.path().join(&payload_files(folder.path())[0]);
        fs::write(&payload, "by hand").unwrap();
        append(&har, &har, &exchanges);
        assert_eq!(fs::read_to_string(&payload).unwrap(), "by hand");
        let entries = json(&har)["log"]["entries"].clone();
        let second = entries[1]["response"]["content"]["_file"].as_str().unwrap();
        assert!(second.ends_with("-2.txt"), "{second}");
        assert_eq!(fs::read_to_string(folder.path().join(second)).unwrap(), "recorded");
    }

    #[test]
    fn what_is_no_archive_is_refused_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let har = folder.path().join("a.har");
        for text in ["", "{", "[]", "{\"log\":{}}", "{\"log\":{\"entries\":{}}}"] {
            fs::write(&har, text).unwrap();
            let mut writer = ArchiveWriter::create(&har, WriterOptions::default()).unwrap();
            let error = writer.carry_over(&har).unwrap_err();
            assert!(matches!(error, WriteError::Existing { .. }), "{text}: {error}");
            assert_eq!(fs::read_to_string(&har).unwrap(), text);
        }
    }
}

mod repack {
    use super::*;

    #[test]
    fn folder_to_zip_and_back_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let har = folder.path().join("a.har");
        write(&har, BodyStorage::Attach, Detail::Full, &all_shapes());
        let text = fs::read_to_string(&har).unwrap().replacen("\"pages\": []", "\"pages\" :  [ ] , \"_x\":1.0e0", 1);
        fs::write(&har, text).unwrap();
        let before = files(folder.path());
        let zip = folder.path().join("out/a.zip");
        let packed = pack(folder.path(), &zip, false).unwrap();
        let unpacked = unpack(&zip, &folder.path().join("back"), false).unwrap();
        assert_eq!((unpacked.entries, unpacked.payloads), (packed.entries, packed.payloads));
        assert!(files(&folder.path().join("back")) == before);
        assert_eq!(fs::read_dir(folder.path().join("out")).unwrap().count(), 1);
        let again = folder.path().join("again.zip");
        pack(&folder.path().join("back/a.har"), &again, false).unwrap();
        assert!(fs::read(&zip).unwrap() == fs::read(&again).unwrap());
    }

    #[test]
    fn nothing_is_overwritten_without_force() {
        let folder = tempfile::tempdir().unwrap();
        let (har, zip, out) = (folder.path().join("a.har"), folder.path().join("a.zip"), folder.path().join("out"));
        write(&har, BodyStorage::Attach, MINIMAL, &all_shapes());
        pack(&har, &zip, false).unwrap();
        assert!(matches!(pack(&har, &zip, false), Err(WriteError::Exists { .. })));
        pack(&har, &zip, true).unwrap();
        unpack(&zip, &out, false).unwrap();
        assert!(matches!(unpack(&zip, &out, false), Err(WriteError::Exists { .. })));
        let edited = out.join(&payload_files(&out)[0]);
        fs::write(&edited, "by hand").unwrap();
        fs::remove_file(out.join("a.har")).unwrap();
        let before = files(&out);
        assert!(unpack(&zip, &out, false).is_err());
        assert_eq!(files(&out), before);
        unpack(&zip, &out, true).unwrap();
        assert_ne!(fs::read(&edited).unwrap(), b"by hand");
    }

    fn zip_with(path: &Path, entries: &[(&str, &str)]) {
        use std::io::Write;
        let mut zip = zip::ZipWriter::new(fs::File::create(path).unwrap());
        for (name, content) in entries {
            zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(content.as_bytes()).unwrap();
        }
        zip.finish().unwrap();
    }

    fn naming(payload: &str) -> String {
        serde_json::json!({ "log": { "entries": [{ "response": { "content": { "_file": payload } } }] } }).to_string()
    }

    #[test]
    fn no_payload_leaves_the_folder() {
        for payload in ["../x.txt", "/tmp/x.txt", "a\\..\\..\\x", ".git/hooks/x", "C:x"] {
            let folder = tempfile::tempdir().unwrap();
            let zip = folder.path().join("a.zip");
            zip_with(&zip, &[("har.har", &naming(payload)), (payload, "evil")]);
            let error = unpack(&zip, &folder.path().join("out"), true).unwrap_err().to_string();
            assert!(error.contains("entry 0") && !error.contains('\n'), "{error}");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{payload}");
            let har = folder.path().join("a.har");
            fs::write(&har, naming(payload)).unwrap();
            assert!(pack(&har, &folder.path().join("b.zip"), true).is_err());
        }
    }

    #[test]
    fn files_that_no_entry_names_stay_in_the_zip() {
        let folder = tempfile::tempdir().unwrap();
        let zip = folder.path().join("a.zip");
        let entries = [("x/har.har", naming("p.txt")), ("../evil", String::new()), ("x/p.txt", "in".to_owned())];
        zip_with(&zip, &entries.each_ref().map(|(name, text)| (*name, text.as_str())));
        let unpacked = unpack(&zip, &folder.path().join("out/b.har"), false).unwrap();
        assert_eq!((unpacked.payloads, unpacked.left), (1, 1));
        assert_eq!(files(&folder.path().join("out")).into_keys().collect::<Vec<_>>(), ["b.har", "p.txt"]);
    }

    #[test]
    fn a_missing_payload_stops_packing_and_is_named_by_unpacking() {
        let folder = tempfile::tempdir().unwrap();
        let (har, zip) = (folder.path().join("a.har"), folder.path().join("a.zip"));
        fs::write(&har, naming("gone.txt")).unwrap();
        assert!(pack(&har, &zip, false).unwrap_err().to_string().contains("gone.txt"));
        assert!(!zip.exists());
        zip_with(&zip, &[("har.har", &naming("gone.txt"))]);
        assert_eq!(unpack(&zip, &folder.path().join("out"), false).unwrap().missing, ["gone.txt"]);
    }

    #[test]
    fn the_command_says_in_one_line_what_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let harmock = |arguments: &[&str]| {
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_harmock"));
            let output = command.current_dir(folder.path()).arg("har").args(arguments).output().unwrap();
            (output.status.code(), String::from_utf8(output.stderr).unwrap())
        };
        write(&folder.path().join("hars/a.har"), BodyStorage::Attach, MINIMAL, &all_shapes());
        assert_eq!(harmock(&["pack", "hars", "-o", "a.zip"]).0, Some(0));
        assert_eq!(harmock(&["unpack", "a.zip", "-o", "b.har"]).0, Some(0));
        let cases: [&[&str]; 4] = [
            &["pack", "hars", "-o", "a.zip"],
            &["pack", "none.har", "-o", "b.zip"],
            &["unpack", "hars/a.har", "-o", "c"],
            &["unpack", "none.zip", "-o", "c"],
        ];
        for arguments in cases {
            let (code, stderr) = harmock(arguments);
            assert_eq!((code, stderr.lines().count()), (Some(1), 1), "{arguments:?}: {stderr}");
            assert!(!folder.path().join("c").exists());
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_among_the_payloads_leads_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("x.txt"), "secret").unwrap();
        std::os::unix::fs::symlink(outside.path(), folder.path().join("sub")).unwrap();
        let (har, zip) = (folder.path().join("a.har"), folder.path().join("a.zip"));
        fs::write(&har, naming("sub/x.txt")).unwrap();
        assert!(pack(&har, &zip, false).is_err());
        fs::remove_file(&har).unwrap();
        zip_with(&zip, &[("har.har", &naming("sub/y.txt")), ("sub/y.txt", "evil")]);
        assert!(unpack(&zip, &har, false).is_err());
        assert!(!outside.path().join("y.txt").exists() && !har.exists());
    }
}

#[test]
fn a_payload_that_was_left_out_matches_any() {
    use harmock::archive::Archive;
    use harmock::har::RecordedPayload;
    let folder = tempfile::tempdir().unwrap();
    let har = folder.path().join("a.har");
    write(&har, BodyStorage::Omit, MINIMAL, &all_shapes());
    let archive = Archive::open(&har).unwrap();
    assert!(archive.warnings().is_empty(), "{:?}", archive.warnings());
    for entry in archive.entries() {
        let posted = &*entry.request.method == "POST";
        let expected = if posted { RecordedPayload::Damaged } else { RecordedPayload::Absent };
        assert_eq!(entry.request.payload, expected, "{}", entry.request.url);
    }
}

#[test]
fn replay_reads_back_what_was_written() {
    use harmock::archive::Archive;
    use harmock::har::{Outcome, RecordedPayload};
    for (name, storage) in
        [("a.har", BodyStorage::Attach), ("a.har", BodyStorage::Embed), ("a.zip", BodyStorage::Attach)]
    {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let exchanges = all_shapes();
        write(&path, storage, MINIMAL, &exchanges);
        let archive = Archive::open(&path).unwrap();
        assert!(archive.warnings().is_empty(), "{:?}", archive.warnings());
        assert_eq!(archive.entries().len(), exchanges.len());
        for entry in archive.entries() {
            assert!(entry.recorded_by_harmock);
            let payload = match &entry.request.payload {
                RecordedPayload::Absent => Vec::new(),
                RecordedPayload::Stored(body) => archive.read(body).unwrap().to_vec(),
                other => panic!("{other:?}"),
            };
            let same = |exchange: &&Exchange| exchange.url == entry.request.url.as_str() && exchange.payload == payload;
            let exchange = exchanges.iter().find(same).unwrap();
            assert_eq!(*entry.request.fields, *exchange.request_fields);
            match &entry.outcome {
                Outcome::Answered(answer) => {
                    assert_eq!((answer.status, answer.end), (exchange.status, exchange.end));
                    assert_eq!(*answer.fields, *exchange.fields);
                    let body = answer.body.as_ref().map(|body| archive.read(body).unwrap().to_vec());
                    assert_eq!(body.unwrap_or_default(), exchange.body, "{}", exchange.url);
                }
                Outcome::Failed(failure) => assert_eq!(failure.cause, exchange.failure),
            }
        }
    }
}
