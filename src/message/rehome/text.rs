//! Origins named in bodies, found while these stream past.

use std::fmt::Write as _;

use bytes::{Bytes, BytesMut};
use regex::bytes::{Captures, Regex};

use super::Move;
use super::references::{is_authority_of, new_scheme};
use crate::message::Scheme;

/// Bytes of a scheme, its slashes and a port in their longest spelling, and of what has to be seen behind.
const AROUND: usize = 32;

/// Puts new origins in the place of old ones in a text that comes in pieces.
///
/// Found are `https://HOST`, `wss://HOST` and `//HOST`, also as JSON may write them (`https:\/\/HOST`) and inside a query
/// (`https%3A%2F%2FHOST`). A longer host or another port is another origin. Bytes are compared, so any charset that has ASCII
/// in it will do.
#[derive(Debug, Clone)]
pub struct TextMover {
    moves: Vec<Move>,
    named: Regex,
    /// Bytes of the longest name.
    longest: usize,
    /// What has come and is not decided yet.
    held: BytesMut,
    /// The last byte before that.
    before: Option<u8>,
}

impl TextMover {
    pub(super) fn new(moves: &[Move]) -> Option<Self> {
        let mut hosts: Vec<_> = moves.iter().map(|home| regex::escape(home.from.host())).collect();
        // The first alternative that fits is taken: of two hosts the longer one has to come first.
        hosts.sort_by_key(|host| std::cmp::Reverse(host.len()));
        let hosts = hosts.join("|");
        let pattern = format!(
            r"(?i-u)(?:(?P<scheme>https?|wss?)(?P<colon>:|%3A))?(?P<slashes>//|\\/\\/|%2F%2F)(?P<host>{hosts})(?:(?P<mark>:|%3A)(?P<port>[0-9]{{1,5}}))?"
        );
        let named = Regex::new(&pattern).ok()?;
        let longest = moves.iter().map(|home| home.from.host().len()).max()? + AROUND;
        Some(Self { moves: moves.to_vec(), named, longest, held: BytesMut::new(), before: None })
    }

    /// Takes a piece, and gives what is decided by now; `last`: nothing follows.
    pub fn push(&mut self, piece: Bytes, last: bool) -> Bytes {
        self.held.extend_from_slice(&piece);
        let decided = if last { self.held.len() } else { self.decided() };
        let mut out = BytesMut::with_capacity(decided + 64);
        let mut done = 0;
        for found in self.named.captures_iter(&self.held) {
            let whole = found.get(0).map_or(0..0, |whole| whole.range());
            if whole.start >= decided {
                break;
            }
            let before = whole.start.checked_sub(1).map_or(self.before, |at| self.held.get(at).copied());
            if let Some(new) = self.moved(&found, before, &self.held[whole.end..]) {
                out.extend_from_slice(&self.held[done..whole.start]);
                out.extend_from_slice(new.as_bytes());
                done = whole.end;
            }
        }
        let end = decided.max(done);
        out.extend_from_slice(&self.held[done..end]);
        self.before = end.checked_sub(1).and_then(|at| self.held.get(at).copied()).or(self.before);
        let _ = self.held.split_to(end);
        out.freeze()
    }

    /// Up to where no name can reach what has not come yet: no name is longer than so many bytes, and none goes on
    /// behind a space, a quote or a bracket.
    fn decided(&self) -> usize {
        let far = self.held.len().saturating_sub(self.longest);
        let ends = |byte: &u8| byte.is_ascii_whitespace() || b"\"'<>(){}`,;".contains(byte);
        self.held.iter().rposition(ends).map_or(far, |at| far.max(at + 1))
    }

    /// What stands for a name that was found between these bytes.
    fn moved(&self, found: &Captures<'_>, before: Option<u8>, after: &[u8]) -> Option<String> {
        let text = |name: &str| found.name(name).and_then(|part| std::str::from_utf8(part.as_bytes()).ok());
        let scheme = text("scheme");
        if before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b':') || goes_on(after) {
            return None;
        }
        let mut authority = text("host")?.to_owned();
        if let Some(port) = text("port") {
            let _ = write!(authority, ":{port}");
        }
        let secure = scheme.map(|scheme| scheme.len() == 5 || scheme.len() == 3);
        let home = self.moves.iter().find(|home| {
            secure.is_none_or(|secure| secure == (home.from.scheme() == Scheme::Https))
                && is_authority_of(&authority, &home.from)
        })?;
        let slashes = text("slashes")?;
        let coded = slashes.starts_with('%');
        let mut new = String::new();
        if let Some(scheme) = scheme {
            new.push_str(new_scheme(scheme, home.to.scheme()));
            new.push_str(text("colon")?);
        }
        new.push_str(slashes);
        let slash = if coded { "%2F" } else { slashes.get(..slashes.len() / 2)? };
        let path = home.prefix.replace('/', slash);
        let to = home.to.authority();
        new.push_str(&if coded { to.replace(':', "%3A") } else { to.to_owned() });
        new.push_str(&path);
        Some(new)
    }
}

/// Whether these bytes make a host longer, or belong to a name before an `@`.
fn goes_on(after: &[u8]) -> bool {
    match after {
        [b'.', next, ..] => next.is_ascii_alphanumeric(),
        [next, ..] => next.is_ascii_alphanumeric() || matches!(next, b'-' | b'_' | b'@'),
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mover() -> TextMover {
        let home = |from: &str, to: &str| Move::new(from.parse().unwrap(), to.parse().unwrap());
        TextMover::new(&[
            home("https://api.shop.example", "http://localhost:8080"),
            home("https://api.shop.example:8443", "http://localhost:9443").below("x"),
            home("http://localhost:3000", "https://app.example"),
        ])
        .unwrap()
    }

    fn whole(text: &str) -> String {
        String::from_utf8(mover().push(Bytes::copy_from_slice(text.as_bytes()), true).to_vec()).unwrap()
    }

    #[test]
    fn every_spelling_of_an_old_origin_becomes_the_new_one() {
        for (old, new) in [
            (r#"{"next":"https://api.shop.example/a"}"#, r#"{"next":"http://localhost:8080/a"}"#),
            (r#"{"next":"https:\/\/api.shop.example\/a"}"#, r#"{"next":"http:\/\/localhost:8080\/a"}"#),
            ("?u=https%3A%2F%2Fapi.shop.example%2Fa", "?u=http%3A%2F%2Flocalhost%3A8080%2Fa"),
            ("?u=https%3a%2f%2fapi.shop.example:443", "?u=http%3a%2f%2flocalhost%3A8080"),
            ("wss://api.shop.example/live", "ws://localhost:8080/live"),
            ("<a href='//api.shop.example/a'>", "<a href='//localhost:8080/a'>"),
            (
                "See https://api.shop.example. And https://API.SHOP.example",
                "See http://localhost:8080. And http://localhost:8080",
            ),
            ("https://api.shop.example:8443/a", "http://localhost:9443/x/a"),
            ("http://localhost:3000,http://localhost:3000", "https://app.example,https://app.example"),
        ] {
            assert_eq!(whole(old), new);
        }
    }

    #[test]
    fn other_origins_keep_their_bytes() {
        for text in [
            "http://api.shop.example/",
            "https://api.shop.example.evil/",
            "https://api.shop.example-x/",
            "https://my-api.shop.example/",
            "https://api.shop.example:444/",
            "https://api.shop.example@evil/",
            "http://localhost:30000/",
            "http://localhost/",
            "api.shop.example",
        ] {
            assert_eq!(whole(text), text);
        }
    }

    #[test]
    fn what_no_name_can_reach_is_given_at_once() {
        let mut mover = mover();
        let event = Bytes::from_static(b"data: https://api.shop.example/1\n\n");
        assert_eq!(mover.push(event, false), "data: http://localhost:8080/1\n\n");
        assert_eq!(mover.push(Bytes::from_static(b"data: https://api.sh"), false), "data: ");
        assert_eq!(mover.push(Bytes::from_static(b"op.example"), false), "");
        assert_eq!(mover.push(Bytes::from_static(b"/2"), true), "http://localhost:8080/2");
    }

    proptest! {
        #[test]
        fn pieces_give_what_the_whole_gives(
            parts in proptest::collection::vec(
                prop_oneof!["https://api.shop.example(:8443|:443|)", "//api.shop.example", "[a-z:/. \"%-]{0,40}", "http://localhost:3000"],
                0..8,
            ),
            cuts in proptest::collection::vec(1_usize..40, 1..20),
        ) {
            let text = parts.concat();
            let (mut mover, mut out, mut rest) = (mover(), Vec::new(), Bytes::from(text.clone()));
            for cut in cuts {
                out.extend(mover.push(rest.split_to(cut.min(rest.len())), false));
            }
            out.extend(mover.push(rest, true));
            prop_assert_eq!(String::from_utf8(out).unwrap(), whole(&text));
        }
    }
}
