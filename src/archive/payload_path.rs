//! Where a payload may lie: the one rule for `_file`, shared by reading, writing, packing and importing.

use std::fmt;
use std::path::PathBuf;

/// A payload's path relative to the archive's folder, or the name of an entry of its zip. It cannot leave the folder,
/// names no dot-file, and means the same on every system.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PayloadPath(Box<str>);

impl PayloadPath {
    /// Parses the value of `_file`: components joined by `/`, a leading `./` is dropped.
    ///
    /// # Errors
    ///
    /// What makes the path unacceptable, together with the path.
    pub fn parse(text: &str) -> Result<Self, PayloadPathError> {
        let refuse = |reason| Err(PayloadPathError { path: text.to_owned(), reason });
        if text.starts_with('/') {
            return refuse(Refused::Absolute);
        }
        if text.contains('\\') {
            return refuse(Refused::Backslash);
        }
        if text.contains(':') {
            return refuse(Refused::Colon);
        }
        if text.chars().any(char::is_control) {
            return refuse(Refused::Control);
        }
        let mut rest = text;
        while let Some(shorter) = rest.strip_prefix("./") {
            rest = shorter;
        }
        for component in rest.split('/') {
            if let Some(reason) = refused_component(component) {
                return refuse(reason);
            }
        }
        Ok(Self(rest.into()))
    }

    /// The path with `/` between its components.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path as the system spells it, still relative.
    pub fn to_path(&self) -> PathBuf {
        self.0.split('/').collect()
    }
}

impl fmt::Display for PayloadPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A path that is not accepted as `_file`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("payload path {path:?} {reason}")]
pub struct PayloadPathError {
    /// The path as written.
    pub path: String,
    /// What is wrong with it.
    pub reason: Refused,
}

/// Why a payload path is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// It begins with `/`.
    #[error("is absolute")]
    Absolute,
    /// A separator on Windows, a plain character elsewhere.
    #[error("holds a backslash; write `/`")]
    Backslash,
    /// A drive or an alternate stream on Windows.
    #[error("holds a colon")]
    Colon,
    /// A control character.
    #[error("holds a control character")]
    Control,
    /// A component that begins with a dot.
    #[error("names a dot-file or dot-folder")]
    DotFile,
    /// Nothing between two slashes, or at the end.
    #[error("has an empty component")]
    Empty,
    /// A `..` component.
    #[error("leaves the archive's folder")]
    Escapes,
    /// A name that Windows keeps for a device.
    #[error("uses a name that is reserved on Windows")]
    Reserved,
    /// Windows drops a dot or space at the end of a name.
    #[error("has a component that ends in a dot or a space")]
    Trailing,
}

fn refused_component(component: &str) -> Option<Refused> {
    match component {
        "" => Some(Refused::Empty),
        ".." => Some(Refused::Escapes),
        _ if component.starts_with('.') => Some(Refused::DotFile),
        _ if component.ends_with(['.', ' ']) => Some(Refused::Trailing),
        _ if is_reserved(component) => Some(Refused::Reserved),
        _ => None,
    }
}

/// Windows gives these names to devices whatever extension follows.
fn is_reserved(component: &str) -> bool {
    let stem = component.split('.').next().unwrap_or(component).trim_end().to_ascii_uppercase();
    if ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].contains(&stem.as_str()) {
        return true;
    }
    let digit = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    digit.is_some_and(|digit| {
        let mut chars = digit.chars();
        matches!((chars.next(), chars.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_and_subfolders_are_accepted() {
        for path in
            ["a.txt", "payloads/ab12.json", "a..b", "com.json", "console.log", "COM10", "ünï/çödé.bin", "a b.txt"]
        {
            assert_eq!(PayloadPath::parse(path).unwrap().as_str(), path);
        }
        assert_eq!(PayloadPath::parse("./x/y.txt").unwrap().as_str(), "x/y.txt");
    }

    #[test]
    fn every_way_out_of_the_folder_is_refused() {
        for (path, reason) in [
            ("", Refused::Empty),
            ("a//b", Refused::Empty),
            ("a/", Refused::Empty),
            (".", Refused::DotFile),
            ("..", Refused::Escapes),
            ("../x", Refused::Escapes),
            ("a/../../x", Refused::Escapes),
            ("/etc/passwd", Refused::Absolute),
            ("//server/share", Refused::Absolute),
            ("a\\b", Refused::Backslash),
            ("..\\x", Refused::Backslash),
            ("C:/x", Refused::Colon),
            ("C:x", Refused::Colon),
            ("file.txt:stream", Refused::Colon),
            (".env", Refused::DotFile),
            ("a/.git/config", Refused::DotFile),
            ("a\0b", Refused::Control),
            ("a\nb", Refused::Control),
            ("nul", Refused::Reserved),
            ("a/CON.txt", Refused::Reserved),
            ("com1.tar.gz", Refused::Reserved),
            ("LPT³", Refused::Reserved),
            ("a./b", Refused::Trailing),
            ("a ", Refused::Trailing),
        ] {
            assert_eq!(PayloadPath::parse(path).unwrap_err().reason, reason, "{path:?}");
        }
    }
}
