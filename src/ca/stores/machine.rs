//! What the search for trust stores looks at, gathered once so that it can be another machine in a test.

use std::env;
use std::path::{Path, PathBuf};

/// Whose conventions apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Os {
    /// Linux distributions and other Unix systems.
    Unix,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

/// The machine and the user whose stores are looked for.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Whose conventions apply.
    pub os: Os,
    /// Where the file system starts: `/`.
    pub root: PathBuf,
    /// The user's home folder, when there is one.
    pub home: Option<PathBuf>,
    /// `JAVA_HOME`.
    pub java_home: Option<PathBuf>,
    /// The folders of `PATH`.
    pub path: Vec<PathBuf>,
}

impl Machine {
    /// This machine, this user.
    pub fn this() -> Self {
        let os = match env::consts::OS {
            "macos" => Os::MacOs,
            "windows" => Os::Windows,
            _ => Os::Unix,
        };
        Self {
            os,
            root: PathBuf::from("/"),
            home: etcetera::home_dir().ok(),
            java_home: env::var_os("JAVA_HOME").filter(|value| !value.is_empty()).map(PathBuf::from),
            path: env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default(),
        }
    }

    /// A program on the path.
    pub(super) fn program(&self, name: &str) -> Option<PathBuf> {
        let file = if self.os == Os::Windows { format!("{name}.exe") } else { name.to_owned() };
        self.path.iter().map(|dir| dir.join(&file)).find(|candidate| candidate.is_file())
    }

    /// A path below the root, given without its leading slash.
    pub(super) fn below_root(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// A path below the home folder.
    pub(super) fn below_home(&self, path: &str) -> Option<PathBuf> {
        self.home.as_deref().map(|home: &Path| home.join(path))
    }
}
