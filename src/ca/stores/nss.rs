//! NSS databases: Chromium's on Linux, and one in each Firefox profile.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::step::succeeds;
use super::{Anchor, Found, Machine, Os, Place, Step};

/// One database of certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    folder: PathBuf,
    owner: &'static str,
    exists: bool,
}

/// Chromium reads the first of these that exists (the second one since version 146), snaps their own.
const CHROMIUM: [&str; 3] = [".pki/nssdb", ".local/share/pki/nssdb", "snap/chromium/current/.pki/nssdb"];
const CHROMIUM_PROGRAMS: [&str; 6] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge", "brave-browser"];
const FIREFOX: [&str; 5] = [
    ".mozilla/firefox",
    ".config/mozilla/firefox",
    "snap/firefox/common/.mozilla/firefox",
    ".var/app/org.mozilla.firefox/.mozilla/firefox",
    "Library/Application Support/Firefox/Profiles",
];

pub(super) fn find(machine: &Machine) -> Found {
    if machine.os == Os::Windows {
        // The certutil of Windows is another program than that of NSS.
        let reason = "Firefox imports the system's added roots on Windows (since version 120); nothing to do";
        return Found { unmanaged: vec![reason.to_owned()], ..Found::default() };
    }
    let mut databases = chromium(machine);
    databases.extend(firefox(machine));
    let mut found = Found::default();
    if databases.is_empty() {
        found.unmanaged.push("no NSS database was found: neither Chromium nor Firefox has been used here".to_owned());
    } else if machine.program("certutil").is_none() {
        let advice = "install libnss3-tools (Debian), nss-tools (Fedora, Alpine), mozilla-nss-tools (openSUSE) or nss \
                      (Arch, Homebrew)";
        found.unmanaged.extend(databases.iter().map(|it| format!("{it}: certutil is missing; {advice}")));
    } else {
        found.places = databases.into_iter().map(Place::Nss).collect();
    }
    found
}

fn chromium(machine: &Machine) -> Vec<Database> {
    let database = |folder: PathBuf, exists| Database { folder, owner: "Chromium", exists };
    let known = CHROMIUM.iter().filter_map(|path| machine.below_home(path)).filter(|folder| is_database(folder));
    let mut databases: Vec<_> = known.map(|folder| database(folder, true)).collect();
    let installed = machine.os == Os::Unix && CHROMIUM_PROGRAMS.iter().any(|name| machine.program(name).is_some());
    if databases.is_empty() && installed {
        // Before its first start; every version reads this one once it exists.
        databases.extend(machine.below_home(CHROMIUM[0]).map(|folder| database(folder, false)));
    }
    databases
}

fn firefox(machine: &Machine) -> Vec<Database> {
    let parents = FIREFOX.iter().filter_map(|path| machine.below_home(path));
    let entries = parents.filter_map(|parent| fs::read_dir(parent).ok()).flatten().flatten();
    let mut profiles: Vec<_> = entries.map(|entry| entry.path()).filter(|folder| is_database(folder)).collect();
    profiles.sort();
    profiles.into_iter().map(|folder| Database { folder, owner: "Firefox", exists: true }).collect()
}

fn is_database(folder: &Path) -> bool {
    folder.join("cert9.db").is_file()
}

impl Database {
    fn certutil(&self, arguments: &[&str]) -> Vec<OsString> {
        let mut name = OsString::from("sql:");
        name.push(&self.folder);
        let mut words: Vec<OsString> = vec!["certutil".into(), "-d".into(), name];
        words.extend(arguments.iter().map(Into::into));
        words
    }

    pub(super) fn holds(&self, anchor: &Anchor) -> bool {
        self.exists && succeeds(self.certutil(&["-L", "-n", &anchor.name]))
    }

    pub(super) fn install(&self, anchor: &Anchor) -> Vec<Step> {
        let mut steps = Vec::new();
        if !self.exists {
            steps.push(Step::MakeDir(self.folder.clone()));
            steps.push(Step::Run(self.certutil(&["-N", "--empty-password"])));
        }
        let mut words = self.certutil(&["-A", "-t", "C,,", "-n", &anchor.name, "-i"]);
        words.push(anchor.path.clone().into());
        steps.push(Step::Run(words));
        steps
    }

    pub(super) fn uninstall(&self, anchor: &Anchor) -> Vec<Step> {
        vec![Step::Run(self.certutil(&["-D", "-n", &anchor.name]))]
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.folder.display(), self.owner)
    }
}
