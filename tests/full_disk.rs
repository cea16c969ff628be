//! A disk without room, or a folder that takes nothing: the traffic goes on, the loss is named at once, and the recording
//! goes on when it can.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest as _, Sha256};

use crate::support::{Harmock, Origin, RawOrigin, Wire, Workspace, coding, entry};

#[test]
fn a_body_that_does_not_fit_is_named_at_once_and_the_recording_goes_on() {
    let workspace = Workspace::new();
    let origin = Origin::http();
    // Writing beyond the limit fails as writing to a full disk does, for everybody who may set a limit.
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -f 2048; exec \"$@\"", "sh"]);
    let mut proxy = Harmock::below(limited, &workspace, "record", &["--log", "off"]);
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(wire.get(&origin.url("/bytes/1000")).body.len(), 1000);
    for _ in 0..2 {
        assert_eq!(wire.get(&origin.url("/bytes/3000000")).body.len(), 3_000_000, "the traffic goes on");
    }
    let line = proxy.told("LOST");
    assert!(line.contains(&format!("GET {}: ", origin.url("/bytes/3000000"))), "{line}");
    assert_eq!(wire.get(&origin.url("/bytes/1001")).body.len(), 1001);
    let ended = proxy.interrupt().expect(1).says("LOST 2 exchanges: GET ").says("recorded 2 exchanges");
    assert_eq!(
        ended.stderr.matches("LOST").count(),
        2,
        "one cause is told once, and in the summary:\n{}",
        ended.stderr
    );
    assert_eq!(workspace.entries("hars/recording.har").len(), 2);
    assert!(spooled(&workspace).is_empty());
}

#[test]
fn a_recording_goes_on_when_a_full_disk_has_room_again() {
    let workspace = Workspace::new();
    let Some(disk) = SmallDisk::mount(workspace.join("hars")) else { return };
    let origin = Origin::http();
    let mut proxy = Harmock::record(&workspace, &["--log", "off"]);
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(wire.get(&origin.url("/bytes/8000?before")).status, 200);
    disk.fill();
    assert_eq!(wire.get(&origin.url("/bytes/8000?full")).body.len(), 8000, "the traffic goes on");
    assert!(proxy.told("LOST").contains("No space left"));
    assert_eq!(wire.get(&origin.url("/bytes/100000?full")).body.len(), 100_000, "and with large bodies");
    disk.make_room();
    assert_eq!(wire.get(&origin.url("/bytes/8000?after")).status, 200);
    proxy.interrupt().expect(1).says("LOST 2 exchanges").says("recorded 2 exchanges");
    let urls: Vec<_> =
        workspace.entries("hars/recording.har").iter().map(|entry| entry["request"]["url"].clone()).collect();
    assert_eq!(urls, [origin.url("/bytes/8000?after"), origin.url("/bytes/8000?before")]);
}

#[test]
fn an_archive_that_finds_the_disk_full_is_finished_by_the_next_run() {
    let workspace = Workspace::new();
    let Some(disk) = SmallDisk::mount(workspace.join("hars")) else { return };
    workspace.write_har("recording.har", &[entry("GET", "http://a.test/", 200, "a")]);
    let before = fs::read(workspace.join("hars/recording.har")).unwrap();
    // More than the disk holds, however it is packed.
    let hashes: Vec<_> = (0_u32..20_000).map(|number| format!("{:x?}", Sha256::digest(number.to_le_bytes()))).collect();
    workspace.write_har("../other.har", &[entry("GET", "http://a.test/", 200, &hashes.concat())]);
    let origin = Origin::http();
    let proxy = Harmock::record(&workspace, &["--log", "off"]);
    assert_eq!(Wire::connect(proxy.address()).get(&origin.url("/bytes/8000")).status, 200);
    disk.fill();
    proxy.interrupt().expect(1).says("is kept in");
    assert_eq!(fs::read(workspace.join("hars/recording.har")).unwrap(), before);
    let packed = workspace.harmock().args(["har", "pack", "other.har", "-o", "hars/a.zip"]).output().unwrap();
    let said = String::from_utf8(packed.stderr).unwrap();
    assert!(said.starts_with("harmock: cannot write ") && said.lines().count() == 1, "{said}");
    disk.make_room();
    Harmock::record::<&str>(&workspace, &[]).interrupt().expect(1).says("was finished: 1 exchange");
    assert_eq!(workspace.entries("hars/recording.har")[0]["request"]["url"], origin.url("/bytes/8000"));
}

#[test]
fn a_folder_that_takes_no_file_loses_what_needs_one_and_nothing_else() {
    let workspace = Workspace::new();
    let origin = Origin::http();
    let mut proxy = Harmock::record::<&str>(&workspace, &[]);
    let mut wire = Wire::connect(proxy.address());
    let (own, away) = (workspace.join("hars/.harmock/recording.har"), workspace.join("away"));
    fs::rename(&own, &away).unwrap();
    assert_eq!(wire.get(&origin.url("/bytes/100000")).body.len(), 100_000);
    proxy.told("LOST");
    assert_eq!(wire.get(&origin.url("/bytes/1000")).status, 200);
    fs::rename(&away, &own).unwrap();
    assert_eq!(wire.get(&origin.url("/bytes/100001")).status, 200);
    let ended = proxy.interrupt().expect(1).says("LOST 1 exchange: GET").says("recorded 2 exchanges");
    let line = |path: &str| ended.stderr.lines().find(|line| line.starts_with(&format!("GET {}", origin.url(path))));
    assert!(line("/bytes/100000 ").unwrap().ends_with("<- upstream (not recorded)"), "{}", ended.stderr);
    assert!(line("/bytes/100001 ").unwrap().ends_with("<- upstream, recorded"), "{}", ended.stderr);
}

#[test]
fn a_replay_that_cannot_keep_what_it_was_to_record_says_so_in_its_summary() {
    let workspace = Workspace::new();
    workspace.write_har("recording.har", &[entry("GET", "http://a.test/", 200, "a")]);
    let origin = Origin::http();
    let mut proxy = Harmock::replay(&workspace, &["--not-found", "record", "--log", "off"]);
    let mut wire = Wire::connect(proxy.address());
    let (own, away) = (workspace.join("hars/.harmock/recording.har"), workspace.join("away"));
    fs::rename(&own, &away).unwrap();
    assert_eq!(wire.get(&origin.url("/bytes/100000")).body.len(), 100_000);
    proxy.told("LOST");
    fs::rename(&away, &own).unwrap();
    proxy.interrupt().expect(1).says("LOST 1 exchange: GET");
}

#[test]
fn a_body_that_is_removed_before_the_run_ends_is_lost_by_name() {
    let workspace = Workspace::new();
    let origin = Origin::http();
    let proxy = Harmock::record(&workspace, &["--log", "off"]);
    let mut wire = Wire::connect(proxy.address());
    let url = origin.url("/bytes/100000");
    assert_eq!(wire.get(&url).body.len(), 100_000);
    assert_eq!(wire.get(&origin.url("/bytes/1000")).status, 200);
    fs::remove_file(workspace.join("hars/.harmock/recording.har/body-0")).unwrap();
    let ended = proxy.interrupt().expect(1).says("recorded 1 exchange");
    ended.says(&format!("LOST 1 exchange: GET {url}: its body in .harmock was cut or removed"));
}

#[test]
fn a_body_for_which_there_is_no_room_without_its_coding_waits_for_the_next_run() {
    let workspace = Workspace::new();
    let Some(disk) = SmallDisk::mount(workspace.join("hars")) else { return };
    let coded = coding::encode("gzip", &vec![b'x'; 2 << 20]);
    let origin = RawOrigin::once(move |mut wire| {
        wire.head();
        let fields = format!("content-encoding: gzip\r\ncontent-type: text/plain\r\ncontent-length: {}", coded.len());
        wire.send(format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n"));
        wire.send(coded);
    });
    let proxy = Harmock::record(&workspace, &["--log", "off"]);
    assert_eq!(Wire::connect(proxy.address()).get(&origin.url("/")).status, 200);
    proxy.interrupt().expect(1).says("No space left").says("is kept");
    assert!(!workspace.join("hars/recording.har").exists(), "nobody looks for secrets in what is coded");
    // Who only reads has room elsewhere.
    let replay = Harmock::replay(&workspace, &["hars"]);
    assert_eq!(Wire::connect(replay.address()).get(&origin.url("/")).body.len(), 2 << 20);
    replay.interrupt().expect(0);
    disk.grow();
    Harmock::record::<&str>(&workspace, &[]).interrupt().expect(1).says("was finished: 1 exchange");
    assert!(workspace.entries("hars/recording.har")[0]["_harmock"]["encoded"].is_null());
}

#[test]
fn what_cannot_be_synced_is_told_at_once_and_again_in_the_summary() {
    let workspace = Workspace::new();
    let origin = Origin::http();
    let mut proxy = Harmock::record(&workspace, &["--log", "off"]);
    let mut wire = Wire::connect(proxy.address());
    // It takes every byte and cannot be synced.
    std::os::unix::fs::symlink("/dev/null", workspace.join("hars/.harmock/recording.har/body-0")).unwrap();
    assert_eq!(wire.get(&origin.url("/bytes/1000")).status, 200);
    assert_eq!(wire.get(&origin.url("/bytes/100000")).body.len(), 100_000);
    proxy.told("cannot sync");
    proxy.interrupt().expect(1).says("recorded 1 exchange").says("error: cannot sync");
}

#[test]
fn a_payload_that_cannot_be_written_leaves_everything_for_the_next_run() {
    let workspace = Workspace::new();
    let origin = Origin::http();
    let proxy = Harmock::record::<&str>(&workspace, &[]);
    let body = Wire::connect(proxy.address()).get(&origin.url("/json")).body;
    let hash: String = Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
    let payload = workspace.join(&format!("hars/{hash}.json"));
    fs::create_dir(&payload).unwrap();
    proxy.interrupt().expect(1).says("is kept in");
    assert!(!workspace.join("hars/recording.har").exists());
    fs::remove_dir(&payload).unwrap();
    Harmock::record::<&str>(&workspace, &[]).interrupt().expect(1).says("was finished: 1 exchange");
    assert_eq!(fs::read(&payload).unwrap(), body);
}

/// Spool files in the folder of the recording.
fn spooled(workspace: &Workspace) -> Vec<PathBuf> {
    let own = fs::read_dir(workspace.join("hars/.harmock/recording.har")).unwrap();
    own.map(|entry| entry.unwrap().path()).filter(|path| path.to_string_lossy().contains("body-")).collect()
}

/// A disk of half a megabyte, in memory; only root can have one.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: PathBuf) -> Option<Self> {
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=512k", "tmpfs"]).arg(&at).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(at))
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    fn fill(&self) {
        assert!(fs::write(self.filler(), vec![0; 1 << 20]).is_err(), "the disk holds a megabyte");
    }

    /// As large as this takes.
    fn grow(&self) {
        let status = Command::new("mount").args(["-o", "remount,size=16m"]).arg(&self.0).status();
        assert!(status.unwrap().success());
    }

    fn make_room(&self) {
        fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmount = |path: &Path| Command::new("umount").arg("-l").arg(path).status();
        let _ = unmount(&self.0);
    }
}
