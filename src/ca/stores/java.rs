//! The Java runtime's `cacerts`.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::step::succeeds;
use super::{Anchor, Found, Machine, Os, Place, Step};

/// A Java key store, and the `keytool` of the same runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStore {
    path: PathBuf,
    keytool: PathBuf,
}

pub(super) fn find(machine: &Machine) -> Found {
    let mut found = Found::default();
    let Some(home) = java_home(machine) else {
        found.unmanaged.push("no Java was found; set JAVA_HOME to name one".to_owned());
        return found;
    };
    let path = ["lib/security/cacerts", "jre/lib/security/cacerts"].map(|path| home.join(path));
    let keytool = home.join(if machine.os == Os::Windows { "bin/keytool.exe" } else { "bin/keytool" });
    match path.into_iter().find(|path| path.is_file()) {
        Some(path) if keytool.is_file() => found.places.push(Place::Java(KeyStore { path, keytool })),
        Some(path) => found.unmanaged.push(format!("{}: {} is missing", path.display(), keytool.display())),
        None => found.unmanaged.push(format!("{} has no lib/security/cacerts", home.display())),
    }
    found
}

/// `JAVA_HOME`, else the home of the `java` on the path: `/usr/bin/java` is a link to `HOME/bin/java`.
fn java_home(machine: &Machine) -> Option<PathBuf> {
    machine.java_home.clone().or_else(|| {
        let java = fs::canonicalize(machine.program("java")?).ok()?;
        java.parent().and_then(Path::parent).map(Path::to_owned)
    })
}

impl KeyStore {
    fn keytool(&self, action: &str, anchor: &Anchor) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec![self.keytool.clone().into(), action.into()];
        words.extend(["-alias".into(), OsString::from(anchor.slug()), "-keystore".into(), self.path.clone().into()]);
        // The password that every runtime ships with; it protects nothing.
        words.extend(["-storepass", "changeit", "-noprompt"].map(Into::into));
        words
    }

    pub(super) fn holds(&self, anchor: &Anchor) -> bool {
        let mut words = self.keytool("-list", anchor);
        words.pop();
        succeeds(words)
    }

    pub(super) fn install(&self, anchor: &Anchor) -> Vec<Step> {
        let mut words = self.keytool("-importcert", anchor);
        words.extend(["-trustcacerts".into(), "-file".into(), anchor.path.clone().into()]);
        vec![Step::Run(words)]
    }

    pub(super) fn uninstall(&self, anchor: &Anchor) -> Vec<Step> {
        vec![Step::Run(self.keytool("-delete", anchor))]
    }
}

impl fmt::Display for KeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())
    }
}
