//! A browser of the Chromium family that uses the proxy, trusts its authority, and asks for nothing by itself.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::process::Command;

use super::{Error, ProxyFacts};

/// Switches that silence what the browser asks on its own account. Each is for the traffic: nothing here changes how
/// a page behaves, but for `HttpsUpgrades`, which would try `https://` where the person said `http://`.
const QUIET: &[&str] = &[
    "--no-first-run",
    "--no-default-browser-check",
    "--no-service-autorun",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-client-side-phishing-detection",
    "--disable-component-extensions-with-background-pages",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-field-trial-config",
    "--disable-quic",
    "--disable-search-engine-choice-screen",
    "--disable-sync",
    "--metrics-recording-only",
    // The keyring of the desktop is no business of a throw-away profile, and asks the person for a password.
    "--password-store=basic",
    "--use-mock-keychain",
    // Errors of the desktop's services are nothing that the person at the terminal can act on.
    "--log-level=3",
];

/// Features that fetch something by themselves.
const QUIET_FEATURES: &[&str] = &[
    "AutofillServerCommunication",
    "CertificateTransparencyComponentUpdater",
    "DialMediaRouteProvider",
    "HttpsUpgrades",
    "InterestFeedContentSuggestions",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationGuideModelDownloading",
    "OptimizationHints",
    "OptimizationHintsFetching",
    "OptimizationTargetPrediction",
    "SafetyHub",
    "Translate",
];

/// A name that resolves to nothing, asks no DNS and passes the proxy by: where the questions go that no switch stops.
/// Those are whether a Google account is signed in, and the list of models for the browser's own assistant.
const NOWHERE: &str = "nowhere.harmock.invalid";

/// The settings of the throw-away profile: what has no switch.
const PREFERENCES: &str = r#"{
  "alternate_error_pages": {"enabled": false},
  "browser": {"check_default_browser": false},
  "credentials_enable_service": false,
  "profile": {"password_manager_leak_detection": false},
  "safebrowsing": {"enabled": false, "enhanced": false},
  "search": {"suggest_enabled": false},
  "signin": {"allowed": false, "allowed_on_next_startup": false},
  "translate": {"enabled": false}
}
"#;

/// The browser to start: the one that is `named`, else the first of the family that is installed.
///
/// # Errors
/// [`Error::NoBrowserAt`] and [`Error::BrowserNotFound`].
pub fn find(named: Option<&Path>) -> Result<PathBuf, Error> {
    match named {
        Some(path) if path.is_file() => Ok(path.to_owned()),
        Some(name) => on_path(name.as_os_str()).ok_or_else(|| Error::NoBrowserAt { path: name.to_owned() }),
        None => installed().ok_or(Error::BrowserNotFound),
    }
}

fn on_path(name: &OsStr) -> Option<PathBuf> {
    if Path::new(name).components().count() != 1 {
        return None;
    }
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Linux and the BSDs: packages put a command on `PATH`.
#[cfg(not(any(windows, target_os = "macos")))]
fn installed() -> Option<PathBuf> {
    // Chrome before Chromium, which on some systems is a snap that sees little of the disk.
    const NAMES: &[&str] = &[
        "google-chrome-stable",
        "google-chrome",
        "chromium",
        "chromium-browser",
        "microsoft-edge-stable",
        "microsoft-edge",
        "brave-browser",
        "brave",
        "google-chrome-beta",
        "google-chrome-unstable",
    ];
    NAMES.iter().find_map(|name| on_path(OsStr::new(name)))
}

/// macOS: applications of everyone, then those of the user.
#[cfg(target_os = "macos")]
fn installed() -> Option<PathBuf> {
    const PROGRAMS: &[&str] = &[
        "Google Chrome.app/Contents/MacOS/Google Chrome",
        "Chromium.app/Contents/MacOS/Chromium",
        "Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
        "Brave Browser.app/Contents/MacOS/Brave Browser",
    ];
    let own = std::env::var_os("HOME").map(|home| Path::new(&home).join("Applications"));
    let folders = [Some(PathBuf::from("/Applications")), own];
    folders
        .into_iter()
        .flatten()
        .flat_map(|folder| PROGRAMS.iter().map(move |program| folder.join(program)))
        .find(|file| file.is_file())
}

/// Windows: for all users, then for this one.
#[cfg(windows)]
fn installed() -> Option<PathBuf> {
    const PROGRAMS: &[&str] = &[
        "Google\\Chrome\\Application\\chrome.exe",
        "Chromium\\Application\\chrome.exe",
        "Microsoft\\Edge\\Application\\msedge.exe",
        "BraveSoftware\\Brave-Browser\\Application\\brave.exe",
    ];
    let folders: Vec<PathBuf> = ["ProgramFiles", "ProgramFiles(x86)", "LocalAppData"]
        .iter()
        .filter_map(std::env::var_os)
        .map(PathBuf::from)
        .collect();
    PROGRAMS
        .iter()
        .flat_map(|program| folders.iter().map(move |folder| folder.join(program)))
        .find(|file| file.is_file())
}

/// A throw-away profile for `browser`, removed when it is dropped.
///
/// # Errors
/// What the system said when the folder or the settings in it could not be written.
pub fn profile(browser: &Path) -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("harmock-browser-");
    let profile = match snap_folder(browser) {
        Some(folder) => builder.tempdir_in(folder)?,
        None => builder.tempdir()?,
    };
    let settings = profile.path().join("Default");
    fs::create_dir(&settings)?;
    fs::write(settings.join("Preferences"), PREFERENCES)?;
    // Without this file the browser greets its new user.
    fs::write(profile.path().join("First Run"), "")?;
    Ok(profile)
}

/// A browser from a snap has a `/tmp` of its own, so its profile has to be in the folder that it shares with us.
fn snap_folder(browser: &Path) -> Option<PathBuf> {
    let real = fs::canonicalize(browser).ok()?;
    let is_snap = browser.starts_with("/snap") || real.ends_with("bin/snap");
    let is_wrapper = browser.file_name()? == "chromium-browser" && Path::new("/snap/bin/chromium").exists();
    let folder = Path::new(&std::env::var_os("HOME")?).join("snap/chromium/common");
    ((is_snap || is_wrapper) && folder.is_dir()).then_some(folder)
}

/// Whether the browser refuses to start with its sandbox: on Linux Chromium does for root.
#[cfg(target_os = "linux")]
pub fn needs_no_sandbox() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether the browser refuses to start with its sandbox: nowhere but on Linux.
#[cfg(not(target_os = "linux"))]
pub fn needs_no_sandbox() -> bool {
    false
}

/// Whether there is a display for a window; elsewhere than on Linux there is.
pub fn has_display() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

/// The command that opens `url` in `browser` with `profile_dir`, everything through the proxy, localhost too.
///
/// Trust goes by the authority's public key, so no store of the system or of the person is touched. Switches in
/// `extra` stand behind ours, and the last one of a name counts; features to disable are added to ours.
pub fn command(browser: &Path, facts: &ProxyFacts, url: &str, profile_dir: &Path, extra: &[OsString]) -> Command {
    const DISABLE_FEATURES: &str = "--disable-features=";
    let (features, others): (Vec<_>, Vec<_>) =
        extra.iter().partition(|switch| switch.to_string_lossy().starts_with(DISABLE_FEATURES));
    let mut disabled = format!("{DISABLE_FEATURES}{}", QUIET_FEATURES.join(","));
    for switch in features {
        disabled.push(',');
        disabled.push_str(&switch.to_string_lossy()[DISABLE_FEATURES.len()..]);
    }
    let mut data_dir = OsString::from("--user-data-dir=");
    data_dir.push(profile_dir);

    let mut command = Command::new(browser);
    command.arg(data_dir);
    command.arg(format!("--proxy-server={}", facts.url));
    command.arg(format!("--proxy-bypass-list=<-loopback>;{NOWHERE}"));
    command.arg(format!("--host-resolver-rules=MAP {NOWHERE} ~NOTFOUND"));
    command.arg(format!("--gaia-url=https://{NOWHERE}"));
    command.arg(format!("--component-updater=url-source=https://{NOWHERE}/"));
    command.arg(format!("--ignore-certificate-errors-spki-list={}", facts.spki));
    command.args(QUIET).arg(disabled);
    if needs_no_sandbox() {
        command.arg("--no-sandbox");
    }
    command.args(others).arg(url);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(extra: &[&str]) -> Vec<String> {
        let facts = crate::launch::variables::tests::facts("/h");
        let extra: Vec<OsString> = extra.iter().map(OsString::from).collect();
        let command = command(Path::new("/chrome"), &facts, "http://a.test/", Path::new("/pro file"), &extra);
        command.as_std().get_args().map(|argument| argument.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn everything_goes_through_the_proxy_and_trust_goes_by_the_key_of_the_authority() {
        let arguments = arguments(&[]);
        for needed in [
            "--user-data-dir=/pro file",
            "--proxy-server=http://127.0.0.1:8899",
            "--proxy-bypass-list=<-loopback>;nowhere.harmock.invalid",
            "--ignore-certificate-errors-spki-list=c3BraQ==",
        ] {
            assert!(arguments.iter().any(|argument| argument == needed), "{needed}");
        }
        assert_eq!(arguments.last().unwrap(), "http://a.test/");
    }

    #[test]
    fn features_that_the_person_disables_are_added_to_ours() {
        let arguments = arguments(&["--headless", "--disable-features=Mine,Yours"]);
        let switches: Vec<_> =
            arguments.iter().filter(|argument| argument.starts_with("--disable-features=")).collect();
        assert_eq!(switches.len(), 1);
        assert!(switches[0].contains("OptimizationHints,") && switches[0].ends_with(",Mine,Yours"), "{}", switches[0]);
        assert!(arguments.iter().any(|argument| argument == "--headless"));
    }

    #[test]
    fn the_settings_of_the_profile_are_json_and_go_when_it_is_dropped() {
        let profile = profile(Path::new("/nowhere/chrome")).unwrap();
        let path = profile.path().to_owned();
        let text = fs::read_to_string(path.join("Default/Preferences")).unwrap();
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
        drop(profile);
        assert!(!path.exists());
    }

    #[test]
    fn a_browser_that_is_named_and_not_there_is_said_so() {
        let error = find(Some(Path::new("/no/such/browser"))).unwrap_err();
        assert!(error.to_string().starts_with("no browser at /no/such/browser"), "{error}");
    }
}
