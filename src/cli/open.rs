//! `harmock open`: a fresh browser that already uses and trusts the proxy.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::flags::{ScopeFlags, SharedFlags};
use super::record::RecordFlags;
use super::replay::ReplayFlags;
use super::run::Task;
use super::settings::value::{Item, flag};
use super::settings::{ArchivePath, RecordSettings, ReplaySettings, RunOptions, SettingsError};
use super::signals::Signals;
use super::{CommandResult, run};
use crate::launch::child::{self, ChildExit};
use crate::launch::{ProxyFacts, browser};
use crate::proxy::Config;

/// Open a fresh browser that uses the proxy, and record until it closes
///
/// Chromium, Chrome, Edge or Brave with a throw-away profile: everything goes through the proxy, localhost too, the
/// proxy's certificates are trusted without any installation, and the browser makes no requests of its own.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  harmock open http://localhost:3000 --save-har hars/login.har --save-har-glob '**/api/**'
  harmock open http://localhost:3000 --replay hars/login.har")]
pub(crate) struct Args {
    /// The page to open
    #[arg(value_name = "URL")]
    pub(crate) url: String,

    /// Record into this archive: .har, or .zip
    #[arg(long, value_name = "FILE", env = "HARMOCK_SAVE_HAR", conflicts_with = "replay")]
    #[arg(value_parser = flag::<ArchivePath>())]
    pub(crate) save_har: Option<ArchivePath>,

    /// Record only URLs that match; repeatable
    #[arg(long, value_name = "GLOB", conflicts_with = "replay")]
    pub(crate) save_har_glob: Vec<String>,

    /// Answer from this archive or folder instead of recording; repeatable
    #[arg(long, value_name = "ARCHIVE")]
    pub(crate) replay: Vec<PathBuf>,

    /// The browser's program; by default the first that is installed
    #[arg(long, value_name = "PATH", env = "HARMOCK_BROWSER")]
    browser: Option<PathBuf>,

    /// Open no window
    #[arg(long, env = "HARMOCK_HEADLESS")]
    headless: bool,

    /// Further switches for the browser, after --
    #[arg(last = true, value_name = "SWITCH")]
    switches: Vec<OsString>,

    #[command(flatten)]
    shared: SharedFlags,
}

pub(crate) fn run(args: &Args) -> CommandResult {
    let (mut config, options) = args.settings()?;
    if args.shared.listen.is_empty() && std::env::var_os("HARMOCK_LISTEN").is_none() {
        // A browser is told its port: nobody else has to know it, and another run may hold the usual one.
        config.listen.set_port(0);
    }
    let browser = args.find_browser()?;
    run::run(config, &options, Task::Browser(args, browser))
}

impl Args {
    /// Those of `replay` where archives are given, else those of `record`.
    fn settings(&self) -> Result<(Config, RunOptions), SettingsError> {
        if !self.replay.is_empty() {
            let archives: Vec<Item<PathBuf>> = self.replay.iter().cloned().map(Item::from).collect();
            let (scope, flags) = (ScopeFlags::default(), ReplayFlags::default());
            let settings = ReplaySettings::from_flags(&self.shared, &archives, &scope, &flags, &[])?;
            return Ok((settings.config, settings.run));
        }
        let scope = ScopeFlags {
            har: self.save_har.clone(),
            glob: self.save_har_glob.iter().cloned().map(Item::from).collect(),
            ..ScopeFlags::default()
        };
        let settings = RecordSettings::from_flags(&self.shared, &scope, &RecordFlags::default(), &[])?;
        Ok((settings.config, settings.run))
    }

    /// The browser that [`Args::browse`] will start. To be asked before the proxy starts, for it fails early.
    pub(crate) fn find_browser(&self) -> anyhow::Result<PathBuf> {
        let browser = browser::find(self.browser.as_deref())?;
        let elsewhere = |switch: &OsString| {
            let switch = switch.to_string_lossy();
            switch.starts_with("--headless") || switch.starts_with("--ozone-platform")
        };
        if !self.headless && !self.switches.iter().any(elsewhere) && !browser::has_display() {
            bail!("there is no display for a window (DISPLAY and WAYLAND_DISPLAY are not set); add --headless");
        }
        Ok(browser)
    }

    /// Opens the page and waits until the browser is closed; the profile goes with it.
    pub(crate) async fn browse(
        &self,
        browser: &Path,
        facts: &ProxyFacts,
        signals: &mut Signals,
    ) -> anyhow::Result<ChildExit> {
        if browser::needs_no_sandbox() {
            anstream::eprintln!("harmock: running as root, so the browser runs without its sandbox (--no-sandbox)");
        }
        let profile = browser::profile(browser).context("cannot make a profile for the browser")?;
        let mut extra = self.switches.clone();
        if self.headless {
            extra.insert(0, "--headless".into());
        }
        let command = browser::command(browser, facts, &page(&self.url), profile.path(), &extra);
        let exit = child::run_process(command, &browser.to_string_lossy(), signals).await?;
        remove(profile);
        Ok(exit)
    }
}

/// `localhost:3000` is a URL to a person and a scheme to a parser.
fn page(url: &str) -> String {
    let has_scheme = url.contains("://") || ["about:", "data:", "chrome:"].iter().any(|scheme| url.starts_with(scheme));
    if has_scheme { url.to_owned() } else { format!("http://{url}") }
}

/// Helper processes of the browser may write for a moment after its end; a second look gets what they left.
fn remove(profile: tempfile::TempDir) {
    let path = profile.path().to_owned();
    if profile.close().is_err() {
        std::thread::sleep(std::time::Duration::from_millis(500));
        if let Err(error) = std::fs::remove_dir_all(&path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            anstream::eprintln!("harmock: the browser's profile is left in {}: {error}", path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_scheme_is_plain_http() {
        assert_eq!(page("localhost:3000/a"), "http://localhost:3000/a");
        assert_eq!(page("https://a.test"), "https://a.test");
        assert_eq!(page("about:blank"), "about:blank");
    }
}
