//! The operating systems' own stores.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use super::step::succeeds;
use super::{Anchor, Found, Machine, Os, Place, Step};

/// A folder of certificates, and the program that builds the distribution's bundle from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchors {
    folder: PathBuf,
    extension: &'static str,
    refresh: &'static [&'static str],
    refresh_removed: &'static [&'static str],
}

/// A macOS keychain: the user's, or the system's when the user is root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keychain {
    path: PathBuf,
    admin: bool,
}

/// The `Root` store of the current Windows user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowsRoot;

/// Where each family of distributions keeps certificates that the administrator added.
const LINUX: [(&str, &str, &[&str], &[&str]); 4] = [
    // Fedora, RHEL and their kin.
    ("etc/pki/ca-trust/source/anchors", "pem", &["update-ca-trust", "extract"], &["update-ca-trust", "extract"]),
    // Debian, Ubuntu, Alpine: the name must end in .crt; only `--fresh` drops links to files that are gone.
    ("usr/local/share/ca-certificates", "crt", &["update-ca-certificates"], &["update-ca-certificates", "--fresh"]),
    // Arch.
    ("etc/ca-certificates/trust-source/anchors", "crt", &["trust", "extract-compat"], &["trust", "extract-compat"]),
    // openSUSE.
    ("usr/share/pki/trust/anchors", "pem", &["update-ca-certificates"], &["update-ca-certificates"]),
];

pub(super) fn find(machine: &Machine) -> Found {
    match machine.os {
        Os::Unix => find_linux(machine),
        Os::MacOs => Found { places: keychain(machine).map(Place::Keychain).into_iter().collect(), ..Found::default() },
        Os::Windows => Found { places: vec![Place::WindowsRoot(WindowsRoot)], ..Found::default() },
    }
}

fn find_linux(machine: &Machine) -> Found {
    for (folder, extension, refresh, refresh_removed) in LINUX {
        let folder = machine.below_root(folder);
        if folder.is_dir() && machine.program(refresh[0]).is_some() {
            let place = Anchors { folder, extension, refresh, refresh_removed };
            return Found { places: vec![Place::Anchors(place)], ..Found::default() };
        }
    }
    let nixos = machine.below_root("etc/NIXOS").exists();
    let reason = if nixos {
        "on NixOS, name the certificate in security.pki.certificateFiles"
    } else {
        "no folder of added certificates is known here (is the package ca-certificates installed?)"
    };
    Found { unmanaged: vec![reason.to_owned()], ..Found::default() }
}

fn keychain(machine: &Machine) -> Option<Keychain> {
    // root's home on macOS; an ordinary user's login keychain needs no administrator.
    let admin = machine.home.as_deref() == Some(machine.below_root("var/root").as_path());
    let path = if admin {
        Some(machine.below_root("Library/Keychains/System.keychain"))
    } else {
        machine.below_home("Library/Keychains/login.keychain-db")
    };
    path.map(|path| Keychain { path, admin })
}

impl Anchors {
    fn file(&self, anchor: &Anchor) -> PathBuf {
        self.folder.join(format!("{}.{}", anchor.slug(), self.extension))
    }

    pub(super) fn holds(&self, anchor: &Anchor) -> bool {
        fs::read_to_string(self.file(anchor)).is_ok_and(|text| text == anchor.pem)
    }

    pub(super) fn install(&self, anchor: &Anchor) -> Vec<Step> {
        let copy = Step::Copy { from: anchor.path.clone(), to: self.file(anchor), pem: anchor.pem.clone() };
        vec![copy, Step::run(self.refresh.iter().copied())]
    }

    pub(super) fn uninstall(&self, anchor: &Anchor) -> Vec<Step> {
        vec![Step::Remove(self.file(anchor)), Step::run(self.refresh_removed.iter().copied())]
    }
}

impl fmt::Display for Anchors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.folder.display())
    }
}

impl Keychain {
    pub(super) fn holds(&self, anchor: &Anchor) -> bool {
        succeeds([
            "security".as_ref(),
            "find-certificate".as_ref(),
            "-c".as_ref(),
            anchor.name.as_ref(),
            self.path.as_os_str(),
        ])
    }

    pub(super) fn install(&self, anchor: &Anchor) -> Vec<Step> {
        let mut words: Vec<std::ffi::OsString> = vec!["security".into(), "add-trusted-cert".into()];
        if self.admin {
            words.push("-d".into());
        }
        words.extend(["-r", "trustRoot", "-p", "ssl", "-p", "basic", "-k"].map(Into::into));
        words.extend([self.path.clone().into(), anchor.path.clone().into()]);
        vec![Step::Run(words)]
    }

    /// `-t` removes the trust settings along with the certificate.
    pub(super) fn uninstall(&self, anchor: &Anchor) -> Vec<Step> {
        vec![Step::run([
            "security".as_ref(),
            "delete-certificate".as_ref(),
            "-t".as_ref(),
            "-c".as_ref(),
            anchor.name.as_ref(),
            self.path.as_os_str(),
        ])]
    }
}

impl fmt::Display for Keychain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the keychain {}", self.path.display())
    }
}

impl WindowsRoot {
    pub(super) fn holds(&self, anchor: &Anchor) -> bool {
        succeeds(["certutil", "-user", "-store", "Root", &anchor.serial])
    }

    pub(super) fn install(&self, anchor: &Anchor) -> Vec<Step> {
        let words = ["certutil", "-user", "-addstore", "Root"].map(Into::into);
        vec![Step::Run(words.into_iter().chain([anchor.path.clone().into()]).collect())]
    }

    pub(super) fn uninstall(&self, anchor: &Anchor) -> Vec<Step> {
        vec![Step::run(["certutil", "-user", "-delstore", "Root", &anchor.serial])]
    }
}

impl fmt::Display for WindowsRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the Root store of the current user")
    }
}
