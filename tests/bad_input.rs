//! Input that nobody can work with: one line that says so, the exit code, and nothing left behind.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use sha2::Digest as _;

use crate::support::{Ended, Harmock, Origin, Wire, Workspace, binary, entry};

const URL: &str = "http://a.test/";

/// An entry whose body is in this payload file.
fn attached(payload: &str) -> Value {
    let mut entry = entry("GET", URL, 200, "");
    entry["response"]["content"] = json!({ "size": 2, "mimeType": "text/plain", "_file": payload });
    entry
}

/// A run that ended before it listened, with one line on standard error.
#[track_caller]
fn refused(workspace: &Workspace, mode: &str, arguments: &[&str]) -> Ended {
    let ended = Harmock::run(workspace, mode, arguments).expect(1);
    assert_eq!((ended.stdout.as_str(), ended.stderr.lines().count()), ("", 1), "{}", ended.stderr);
    ended
}

/// Deflated, as every packer does it.
fn zip(path: &Path, files: &[(&str, &[u8])]) {
    let mut zip = zip::ZipWriter::new(fs::File::create(path).unwrap());
    for (name, content) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap();
}

fn har(entries: &[Value]) -> String {
    json!({ "log": { "version": "1.2", "creator": { "name": "by hand", "version": "1" }, "entries": entries } })
        .to_string()
}

#[test]
fn a_payload_path_that_leaves_the_folder_stops_the_start() {
    for payload in ["../x.txt", "/etc/passwd", "a/../../x.txt", "C:x.txt", "a\\x.txt", ".hidden", "NUL"] {
        let workspace = Workspace::new();
        workspace.write("x.txt", "outside");
        workspace.write_har("a.har", &[attached(payload)]);
        refused(&workspace, "replay", &[]).says("a.har").says("entry 0").says("response.content._file");
    }
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_folder_in_a_payloads_place_stops_the_start() {
    let workspace = Workspace::new();
    let outside = workspace.write("secret.txt", "outside");
    workspace.write_har("a.har", &[attached("p.txt")]);
    std::os::unix::fs::symlink(outside, workspace.join("hars/p.txt")).unwrap();
    refused(&workspace, "replay", &[]).says("a.har: entry 0: response.content._file").says("link");
}

#[cfg(unix)]
#[test]
fn a_fifo_in_a_payloads_or_an_archives_place_stops_the_start() {
    let workspace = Workspace::new();
    let fifo = |path: &str| assert!(Command::new("mkfifo").arg(workspace.join(path)).status().unwrap().success());
    workspace.write_har("a.har", &[attached("p.txt")]);
    fifo("hars/p.txt");
    refused(&workspace, "replay", &[]).says("p.txt").says("not a regular file");
    fifo("b.har");
    refused(&workspace, "replay", &["b.har"]).says("b.har").says("not a regular file");
}

#[test]
fn a_payload_that_is_gone_from_a_zip_is_a_502_and_an_error() {
    let workspace = Workspace::new();
    zip(&workspace.join("hars/a.zip"), &[("har.har", har(&[attached("p.txt")]).as_bytes())]);
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    let answer = Wire::connect(proxy.address()).get(URL);
    assert_eq!(answer.status, 502);
    assert!(answer.text().contains("a.zip") && answer.text().contains("p.txt"), "{}", answer.text());
    proxy.interrupt().expect(1).says("a.zip#0").says("p.txt");
}

#[test]
fn a_zip_bomb_is_refused() {
    let workspace = Workspace::new();
    let bomb = " ".repeat(64 << 20) + &har(&[entry("GET", URL, 200, "")]);
    zip(&workspace.join("hars/a.zip"), &[("har.har", bomb.as_bytes())]);
    refused(&workspace, "replay", &[]).says("a.zip").says("zip bomb");
}

#[test]
fn a_zip_that_is_cut_off_or_holds_no_har_is_refused() {
    let workspace = Workspace::new();
    let path = workspace.join("hars/a.zip");
    zip(&path, &[("p.txt", b"hi")]);
    refused(&workspace, "replay", &[]).says("a.zip").says(".har");
    zip(&path, &[("har.har", har(&[entry("GET", URL, 200, "")]).as_bytes())]);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    refused(&workspace, "replay", &[]).says("a.zip");
}

#[test]
fn one_odd_entry_is_a_warning_and_under_strict_archives_the_end() {
    let workspace = Workspace::new();
    workspace.write_har("a.har", &[json!({ "request": 7 }), entry("GET", URL, 200, "there")]);
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    assert_eq!(Wire::connect(proxy.address()).get(URL).text(), "there");
    proxy.interrupt().expect(0).says("a.har").says("entry 0");
    refused(&workspace, "replay", &["--strict-archives"]).says("a.har").says("entry 0");
}

#[test]
fn an_authority_that_cannot_be_used_stops_the_start_of_both_modes() {
    let damages: [fn(&Path); 4] = [
        |folder| fs::write(folder.join("ca-key.pem"), "no key").unwrap(),
        |folder| fs::remove_file(folder.join("ca-key.pem")).unwrap(),
        |folder| fs::write(folder.join("ca.pem"), "no certificate").unwrap(),
        |folder| {
            fs::remove_dir_all(folder).unwrap();
            fs::write(folder, "a file in the way").unwrap();
        },
    ];
    for damage in damages {
        let workspace = Workspace::new();
        workspace.write_har("a.har", &[entry("GET", URL, 200, "")]);
        let folder = workspace.ca().parent().unwrap().to_path_buf();
        damage(&folder);
        for mode in ["record", "replay"] {
            refused(&workspace, mode, &[]).says(&folder.display().to_string());
        }
        assert!(!workspace.join("hars/.harmock").exists(), "something was written");
    }
}

#[test]
fn a_ready_file_or_a_log_that_cannot_be_written_ends_the_run() {
    let workspace = Workspace::new();
    workspace.write_har("a.har", &[entry("GET", URL, 200, "")]);
    workspace.write("file", "");
    Harmock::run(&workspace, "replay", &["--ready-file", "file/ready"]).expect(1).says("file/ready");
    refused(&workspace, "replay", &["--log", "file/log"]).says("file/log");
}

#[test]
fn a_recording_whose_archive_cannot_be_written_keeps_the_old_one() {
    let (workspace, origin) = (Workspace::new(), Origin::http());
    let old = workspace.write_har("recording.har", &[entry("GET", URL, 200, "old")]);
    let before = fs::read(&old).unwrap();
    let proxy = Harmock::record(&workspace, &["--har", "hars/recording.har"]);
    assert_eq!(Wire::connect(proxy.address()).get(&origin.url("/json")).status, 200);
    // A folder where a payload has to go stands for whatever makes the writing fail.
    let text = Wire::connect(proxy.address()).get(&origin.url("/json")).body;
    let digest: String = sha2::Sha256::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
    fs::create_dir(workspace.join(&format!("hars/{digest}.json"))).unwrap();
    let ended = proxy.interrupt().expect(1);
    assert!(ended.stderr.contains("recording.har") || ended.stderr.contains(&digest), "{}", ended.stderr);
    assert_eq!(fs::read(old).unwrap(), before, "the archive that was there survives");
}

#[test]
fn the_har_commands_refuse_bad_archives_and_write_nothing() {
    let workspace = Workspace::new();
    let slip = har(&[attached("../../p.txt")]);
    zip(&workspace.join("slip.zip"), &[("har.har", slip.as_bytes()), ("../../p.txt", b"hi")]);
    workspace.write("gone.har", har(&[attached("p.txt")]));
    for arguments in [
        ["unpack", "slip.zip", "--output", "folder"],
        ["unpack", "absent.zip", "--output", "folder"],
        ["pack", "gone.har", "--output", "folder"],
        ["pack", "absent.har", "--output", "folder"],
    ] {
        let output = Command::new(binary()).arg("har").args(arguments).current_dir(workspace.path()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), stderr.lines().count()), (Some(1), 1), "{arguments:?}: {stderr}");
        assert!(stderr.contains(arguments[1]), "{stderr}");
        assert!(!workspace.join("folder").exists());
    }
}
