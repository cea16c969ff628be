//! A folder of its own for each test: home, certificate authority and archives of a harmock that leaves no trace elsewhere.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// The folder, removed when it is dropped.
pub(crate) struct Workspace {
    folder: TempDir,
}

impl Workspace {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["hars", "home", "scratch"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self { folder }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn join(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Writes a file, with its folders.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Writes `hars/NAME` with these entries, in the shape that every exporter shares.
    pub(crate) fn write_har(&self, name: &str, entries: &[serde_json::Value]) -> PathBuf {
        let creator = serde_json::json!({ "name": "by hand", "version": "1" });
        let har = serde_json::json!({ "log": { "version": "1.2", "creator": creator, "entries": entries } });
        self.write(&format!("hars/{name}"), serde_json::to_vec_pretty(&har).unwrap())
    }

    /// The entries of an archive.
    pub(crate) fn entries(&self, path: &str) -> Vec<serde_json::Value> {
        let text = fs::read(self.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        let har: serde_json::Value = serde_json::from_slice(&text).unwrap();
        har["log"]["entries"].as_array().unwrap().clone()
    }

    /// Where the certificate authority of this harmock is.
    pub(crate) fn ca_dir(&self) -> PathBuf {
        self.join("ca")
    }

    /// The certificate that clients are to trust, made on the spot.
    pub(crate) fn ca(&self) -> PathBuf {
        let output = self.harmock().args(["ca", "path", "--ca-dir"]).arg(self.ca_dir()).output().unwrap();
        assert!(output.status.success(), "harmock ca path: {}", String::from_utf8_lossy(&output.stderr));
        PathBuf::from(String::from_utf8(output.stdout).unwrap().trim_end())
    }

    /// The binary under test with an environment that holds nothing of this machine's user.
    pub(crate) fn harmock(&self) -> Command {
        let mut command = Command::new(binary());
        self.isolate(&mut command);
        command
    }

    /// Gives a command the same environment: this home, no proxies, no settings of harmock.
    pub(crate) fn isolate(&self, command: &mut Command) {
        let kept = ["PATH", "LANG", "LLVM_PROFILE_FILE", "SystemRoot", "TMPDIR", "RUST_BACKTRACE"];
        let kept: Vec<_> = kept.iter().filter_map(|name| Some((name, std::env::var_os(name)?))).collect();
        command.env_clear().envs(kept).env("HOME", self.join("home")).current_dir(self.path());
    }
}

/// The binary under test: the one that cargo built, or the one that `HARMOCK_TEST_BINARY` names (a release build, say).
pub(crate) fn binary() -> PathBuf {
    std::env::var_os("HARMOCK_TEST_BINARY").map_or_else(|| env!("CARGO_BIN_EXE_harmock").into(), PathBuf::from)
}
