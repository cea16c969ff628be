//! The trust stores of this machine: which there are, which hold the authority, and how it gets in and out.
//!
//! Finding is separate from doing. [`find`] looks at a [`Machine`] and gives [`Place`]s; a place gives the [`Step`]s
//! of an installation or a removal, which can be printed as commands or taken. Only `harmock ca install` and
//! `harmock ca uninstall` take them.

mod java;
mod machine;
mod nss;
mod step;
mod system;

use std::path::{Path, PathBuf};

pub use machine::{Machine, Os};
pub use step::{Step, StepError};

use super::root::Facts;
use super::{CertAuthority, Error, store};

/// A kind of trust store, as `--store` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// The operating system's.
    System,
    /// NSS databases: Chromium's on Linux, and Firefox's profiles.
    Nss,
    /// The Java runtime's `cacerts`.
    Java,
}

impl Store {
    /// All of them, in the order in which they are tried.
    pub const ALL: [Self; 3] = [Self::System, Self::Nss, Self::Java];

    /// `system`, `nss` or `java`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Nss => "nss",
            Self::Java => "java",
        }
    }
}

/// What goes into a store: the certificate of an authority, without its key.
#[derive(Debug, Clone)]
pub struct Anchor {
    /// The certificate's common name, which names it in stores that want a name.
    pub name: String,
    /// Its serial number in hexadecimal digits.
    pub serial: String,
    /// The certificate, PEM.
    pub pem: String,
    /// Its file.
    pub path: PathBuf,
}

impl Anchor {
    /// Reads the certificate of an authority's folder; neither the key nor the validity matters, so that an expired
    /// authority can be removed too. `None` when there is no authority.
    ///
    /// # Errors
    ///
    /// When the certificate cannot be read.
    pub fn read(dir: &Path) -> Result<Option<Self>, Error> {
        let Some((facts, pem)) = store::read_certificate(dir)? else { return Ok(None) };
        let Facts { name, serial, .. } = facts;
        Ok(Some(Self { name, serial, pem, path: store::cert_path(dir) }))
    }

    /// A name without spaces, for files and aliases: `harmock-1f3a9c02`.
    fn slug(&self) -> String {
        let last = self.name.rsplit(' ').next().unwrap_or_default();
        let safe: String = last.chars().filter(char::is_ascii_alphanumeric).take(32).collect();
        format!("harmock-{safe}")
    }
}

impl From<&CertAuthority> for Anchor {
    fn from(ca: &CertAuthority) -> Self {
        Self {
            name: ca.name().to_owned(),
            serial: ca.serial().to_owned(),
            pem: ca.cert_pem().to_owned(),
            path: ca.cert_path().to_owned(),
        }
    }
}

/// One store on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A folder of certificates that a Linux distribution builds its bundle from.
    Anchors(system::Anchors),
    /// A macOS keychain.
    Keychain(system::Keychain),
    /// A root store of Windows.
    WindowsRoot(system::WindowsRoot),
    /// An NSS database.
    Nss(nss::Database),
    /// A Java key store.
    Java(java::KeyStore),
}

/// What was found of one kind of store.
#[derive(Debug, Default)]
pub struct Found {
    /// The stores that can be looked at and changed.
    pub places: Vec<Place>,
    /// What is not managed, and why: one line each.
    pub unmanaged: Vec<String>,
}

/// Looks for the stores of one kind.
pub fn find(store: Store, machine: &Machine) -> Found {
    match store {
        Store::System => system::find(machine),
        Store::Nss => nss::find(machine),
        Store::Java => java::find(machine),
    }
}

/// Takes all steps; when one fails, what was copied before is removed, so that nothing looks installed that is not.
///
/// # Errors
///
/// The error of the first step that failed.
pub fn take_all(steps: &[Step]) -> Result<(), StepError> {
    step::take_all(steps)
}

impl Place {
    /// Whether this store holds the certificate.
    pub fn holds(&self, anchor: &Anchor) -> bool {
        match self {
            Self::Anchors(place) => place.holds(anchor),
            Self::Keychain(place) => place.holds(anchor),
            Self::WindowsRoot(place) => place.holds(anchor),
            Self::Nss(place) => place.holds(anchor),
            Self::Java(place) => place.holds(anchor),
        }
    }

    /// What puts the certificate in.
    pub fn install(&self, anchor: &Anchor) -> Vec<Step> {
        match self {
            Self::Anchors(place) => place.install(anchor),
            Self::Keychain(place) => place.install(anchor),
            Self::WindowsRoot(place) => place.install(anchor),
            Self::Nss(place) => place.install(anchor),
            Self::Java(place) => place.install(anchor),
        }
    }

    /// What takes it out.
    pub fn uninstall(&self, anchor: &Anchor) -> Vec<Step> {
        match self {
            Self::Anchors(place) => place.uninstall(anchor),
            Self::Keychain(place) => place.uninstall(anchor),
            Self::WindowsRoot(place) => place.uninstall(anchor),
            Self::Nss(place) => place.uninstall(anchor),
            Self::Java(place) => place.uninstall(anchor),
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Anchors(place) => place.fmt(f),
            Self::Keychain(place) => place.fmt(f),
            Self::WindowsRoot(place) => place.fmt(f),
            Self::Nss(place) => place.fmt(f),
            Self::Java(place) => place.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;
