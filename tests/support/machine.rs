//! What a test needs of the machine, and the one way in which a test is skipped.

use std::io::{Write as _, stderr};
use std::net::{Ipv6Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::{env, fs};

/// A program or a property of the machine that a test cannot do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Certutil,
    Chromedriver,
    Chromium,
    Curl,
    Go,
    Ipv6,
    Java,
    Node,
    Openssl,
    Playwright,
    Python,
    /// The test runners of Node: Playwright Test and Vitest.
    Runners,
    /// A terminal for a program.
    Script,
    Strace,
}

/// Whether all needs are met. If not, the test is named on standard error as skipped; with `CI=true` it fails.
pub(crate) fn met(needs: &[Need]) -> bool {
    let Some(reason) = needs.iter().find_map(|need| need.missing()) else { return true };
    skip(&reason);
    false
}

impl Need {
    fn missing(self) -> Option<String> {
        let (there, reason) = match self {
            Self::Certutil => (runs("certutil", "-H"), "certutil of libnss3-tools is not installed"),
            Self::Chromedriver => {
                (runs("chromedriver", "--version"), "chromedriver of chromium-driver is not installed")
            }
            Self::Chromium => (chromium_path().is_some(), "no Chromium found; HARMOCK_TEST_CHROMIUM may name one"),
            Self::Curl => (runs("curl", "--version"), "curl is not installed"),
            Self::Go => (runs("go", "version"), "go is not installed"),
            Self::Ipv6 => (TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok(), "this machine has no IPv6 loopback"),
            Self::Java => (runs("java", "-version"), "java is not installed"),
            Self::Node => (runs("node", "--version") && in_clients("node_modules/undici").exists(), NODE),
            Self::Openssl => (runs("openssl", "version"), "openssl is not installed"),
            Self::Playwright => {
                (runs("node", "--version") && in_clients("node_modules/playwright-core").exists(), NODE)
            }
            Self::Python => (in_clients(".venv/ready").exists(), "tests/clients/.venv is missing; tests/run makes it"),
            Self::Runners => {
                let there = |package: &str| in_clients("node_modules").join(package).exists();
                (runs("npx", "--version") && there("@playwright/test") && there("vitest"), NODE)
            }
            Self::Script => (runs("script", "--version"), "script of util-linux is not installed"),
            Self::Strace => (strace_works(), "strace is not installed, or may not trace here"),
        };
        (!there).then(|| reason.to_owned())
    }
}

const NODE: &str = "node or tests/clients/node_modules is missing; tests/run installs the packages";

/// Whether a program starts with this argument; without it the test is named as skipped.
pub(crate) fn has_program(name: &str, argument: &str) -> bool {
    let there = runs(name, argument);
    if !there {
        skip(&format!("{name} is not installed"));
    }
    there
}

/// Written past the capture of the test harness, which would swallow the output of a test that passes.
fn skip(reason: &str) {
    let test = thread::current().name().unwrap_or("a test").to_owned();
    assert!(env::var("CI").as_deref() != Ok("true"), "{test} cannot run here: {reason}");
    let _ = writeln!(stderr(), "\nskipped: {test} ({reason})");
}

/// A path below `tests/clients`, where the scripts and the installed client packages are.
pub(crate) fn in_clients(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(path)
}

/// Puts the packages of the tests' clients into `folder/node_modules`, which tools may then write into.
pub(crate) fn link_packages(folder: &Path) {
    let own = folder.join("node_modules");
    fs::create_dir_all(&own).unwrap();
    for package in fs::read_dir(in_clients("node_modules")).into_iter().flatten().map(Result::unwrap) {
        #[cfg(unix)]
        std::os::unix::fs::symlink(package.path(), own.join(package.file_name())).unwrap();
        #[cfg(windows)]
        std::os::windows::fs::symlink_dir(package.path(), own.join(package.file_name())).unwrap();
    }
}

/// A port below those that the system gives out by itself, so that no other test gets it between now and its use.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 11_000).unwrap_or_default();
    loop {
        let port = 20_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// The browser that the browser tests drive.
pub(crate) fn chromium_path() -> Option<PathBuf> {
    if let Some(path) = env::var_os("HARMOCK_TEST_CHROMIUM") {
        return Some(path.into());
    }
    let names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
    let folders = env::var_os("PATH").map(|path| env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|path| path.is_file())
}

fn strace_works() -> bool {
    runs_with("strace", &["-f", "-o", "/dev/null", "-e", "trace=network", "true"])
}

fn runs(program: &str, argument: &str) -> bool {
    // certutil answers its help with a status of its own; that it starts is what counts.
    quiet(program, &[argument]).is_ok()
}

fn runs_with(program: &str, arguments: &[&str]) -> bool {
    quiet(program, arguments).is_ok_and(|status| status.success())
}

fn quiet(program: &str, arguments: &[&str]) -> std::io::Result<std::process::ExitStatus> {
    Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()
}
