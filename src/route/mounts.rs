//! Which origin a request to the proxy's own address is for, and where a URL of an origin is found there.

use std::net::SocketAddr;

use super::BaseUrl;
use crate::message::Scheme;

/// An origin that clients reach at the proxy's own address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Where clients find it.
    pub at: MountPoint,
    /// Whose answers they get there.
    pub to: BaseUrl,
}

/// Where clients find an origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MountPoint {
    /// Below this path of every address that has no origin of its own; empty, or `/pay` without a slash at its end.
    Path(String),
    /// At an address of its own; port 0 picks one.
    Address(SocketAddr),
}

/// Why mounts do not go together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MountError {
    /// Two at one place.
    #[error("two origins are at {place}: {first} and {second}; give one of them a path or a port of its own")]
    Twice {
        /// The path or the address.
        place: String,
        /// The first of them.
        first: String,
        /// The other one.
        second: String,
    },
}

/// The mounts of a run, each with the listener that it is bound to.
#[derive(Debug, Default)]
pub struct Mounts(Vec<Mounted>);

/// A mount on the listeners of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mounted {
    /// The place of its listener among all; `None`: every listener that has no origin of its own.
    pub listener: Option<usize>,
    /// Below which path; empty, or `/pay`.
    pub prefix: String,
    /// Whose answers clients get there.
    pub to: BaseUrl,
}

impl MountPoint {
    /// A path as a mount has it, or why it cannot be one.
    ///
    /// # Errors
    ///
    /// When no client would ever ask below it, or it is harmock's own.
    pub fn of_path(path: &str) -> Result<Self, String> {
        let path = path.trim_end_matches('/');
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"?#\\\"<>^`{|}".contains(&byte);
        if !path.bytes().all(plain) || path.contains("//") {
            return Err("expected a path such as `/pay`, without query, fragment or empty parts".to_owned());
        }
        if path.split('/').any(|part| matches!(part, "." | "..")) {
            return Err("a path with `.` or `..` in it is never asked for".to_owned());
        }
        if path.split('/').nth(1) == Some("__harmock") {
            return Err("/__harmock is for harmock's own pages".to_owned());
        }
        Ok(Self::Path(path.to_owned()))
    }
}

/// Checks that no two are at one place.
///
/// # Errors
///
/// Names the place and both origins.
pub fn check_mounts(mounts: &[Mount]) -> Result<(), MountError> {
    for (at, mount) in mounts.iter().enumerate() {
        let same = |other: &&Mount| match (&mount.at, &other.at) {
            (MountPoint::Address(address), MountPoint::Address(other)) => address == other && address.port() != 0,
            (path, other) => path == other,
        };
        if let Some(second) = mounts[at + 1..].iter().find(same) {
            let place = match &mount.at {
                MountPoint::Path(path) if path.is_empty() => "/".to_owned(),
                MountPoint::Path(path) => path.clone(),
                MountPoint::Address(address) => address.to_string(),
            };
            return Err(MountError::Twice { place, first: mount.to.to_string(), second: second.to.to_string() });
        }
    }
    Ok(())
}

impl Mounts {
    /// The mounts, whose listeners are known.
    pub fn new(mounts: Vec<Mounted>) -> Self {
        Self(mounts)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of a listener: its own, or else those that every listener has.
    pub fn on(&self, listener: usize) -> impl Iterator<Item = &Mounted> {
        let own = self.0.iter().any(|mount| mount.listener == Some(listener));
        let wanted = own.then_some(listener);
        self.0.iter().filter(move |mount| mount.listener == wanted)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Mounted> {
        self.0.iter()
    }

    /// The one that a path of a listener lies below, the longest of several.
    pub fn find(&self, listener: usize, path: &str) -> Option<&Mounted> {
        self.on(listener).filter(|mount| is_below(path, &mount.prefix)).max_by_key(|mount| mount.prefix.len())
    }
}

impl Mounted {
    /// What the origin calls a path and query that lie below this mount. Not a byte of them is changed.
    pub fn target(&self, path_and_query: &str) -> String {
        moved(path_and_query, &self.prefix, self.to.path())
    }

    /// Whether a URL of this scheme, authority, and path lies below the origin's base URL.
    pub fn holds(&self, scheme: Scheme, authority: &str, path: &str) -> bool {
        self.to.scheme() == scheme && self.to.authority() == authority && is_below(path, self.to.path())
    }
}

/// Whether a path, with or without a query behind it, is `prefix` or lies below it.
fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
}

/// A path below `from` as the path below `to`.
fn moved(path: &str, from: &str, to: &str) -> String {
    let rest = path.strip_prefix(from).unwrap_or(path);
    let slash = if to.is_empty() && !rest.starts_with('/') { "/" } else { "" };
    [to, slash, rest].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mounted(listener: Option<usize>, prefix: &str, to: &str) -> Mounted {
        Mounted { listener, prefix: prefix.to_owned(), to: to.parse().unwrap() }
    }

    fn found(mounts: &Mounts, listener: usize, path: &str) -> Option<String> {
        mounts.find(listener, path).map(|mount| format!("{}{}", mount.to.origin(), mount.target(path)))
    }

    #[test]
    fn the_longest_prefix_whose_whole_parts_match_has_the_path() {
        let mounts = Mounts::new(vec![
            mounted(None, "", "https://api.test"),
            mounted(None, "/pay", "https://pay.test"),
            mounted(None, "/pay/v2", "https://two.test/api"),
        ]);
        for (path, expected) in [
            ("/", "https://api.test/"),
            ("/x?pay=1", "https://api.test/x?pay=1"),
            ("/payment", "https://api.test/payment"),
            ("/pay", "https://pay.test/"),
            ("/pay?id=5", "https://pay.test/?id=5"),
            ("/pay/", "https://pay.test/"),
            ("/pay/x", "https://pay.test/x"),
            ("/pay/v2", "https://two.test/api"),
            ("/pay/v2?q", "https://two.test/api?q"),
            ("/pay/v2/", "https://two.test/api/"),
            ("/pay/v20/x", "https://pay.test/v20/x"),
        ] {
            assert_eq!(found(&mounts, 0, path).as_deref(), Some(expected), "{path}");
        }
    }

    #[test]
    fn a_path_keeps_its_bytes() {
        let mounts = Mounts::new(vec![mounted(None, "/pay", "https://pay.test/v1")]);
        let path = "/pay/a%2Fb/%7Ec/;p=1//x?q=%20+&a=%C3%A4&a=";
        assert_eq!(found(&mounts, 0, path).as_deref(), Some(&*format!("https://pay.test/v1{}", &path[4..])));
        assert_eq!(found(&mounts, 0, "/other"), None);
    }

    #[test]
    fn a_listener_with_an_origin_of_its_own_has_no_other() {
        let mounts =
            Mounts::new(vec![mounted(None, "/pay", "https://pay.test"), mounted(Some(1), "", "https://id.test")]);
        assert_eq!(found(&mounts, 1, "/pay/x").as_deref(), Some("https://id.test/pay/x"));
        assert_eq!(found(&mounts, 0, "/pay/x").as_deref(), Some("https://pay.test/x"));
        assert_eq!(found(&mounts, 2, "/x"), None);
    }

    #[test]
    fn two_origins_at_one_place_are_told() {
        let mount = |path: &str, to: &str| Mount { at: MountPoint::of_path(path).unwrap(), to: to.parse().unwrap() };
        assert!(check_mounts(&[mount("/", "http://a"), mount("/pay", "http://b")]).is_ok());
        let error = check_mounts(&[mount("/pay", "http://a"), mount("/pay/", "http://b")]).unwrap_err().to_string();
        assert!(error.contains("/pay: http://a and http://b"), "{error}");
        let any = |to: &str| Mount { at: MountPoint::Address(([127, 0, 0, 1], 0).into()), to: to.parse().unwrap() };
        assert!(check_mounts(&[any("http://a"), any("http://b")]).is_ok());
    }

    #[test]
    fn a_path_that_nobody_asks_for_is_no_mount() {
        for path in ["/a?b", "/a#b", "/a b", "/a//b", "/a/../b", "/__harmock", "/__harmock/x", "/ä"] {
            assert!(MountPoint::of_path(path).is_err(), "{path}");
        }
        assert_eq!(MountPoint::of_path("/"), Ok(MountPoint::Path(String::new())));
    }
}
