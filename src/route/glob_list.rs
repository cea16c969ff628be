//! A list of URL globs with Playwright's meaning, compiled once and asked for every request.

use std::borrow::Cow;
use std::fmt;

use globset::{GlobBuilder, GlobSet};

use crate::message::{CanonicalUrl, Destination, Scheme};

use super::glob_pattern::{BACKSLASH, GlobError, parse, to_globset};
use super::glob_reach::Automaton;
use super::glob_resolve::resolve;
use super::glob_warning::warning;

/// URL globs, any of which may match.
///
/// They mean what Playwright's `url` globs mean without a base URL: matched against the whole URL with its query, case
/// counts in path and query, `*` stops at a slash, `**` does not, `?` and `[…]` are literal, `{a,b}` alternates, `\x` is
/// a literal `x`, and an empty glob is every URL.
#[derive(Clone, Default)]
pub struct GlobList {
    globs: Vec<Glob>,
    compiled: GlobSet,
}

#[derive(Clone)]
struct Glob {
    pattern: String,
    automaton: Automaton,
}

impl GlobList {
    /// Compiles the globs, or names the first that cannot be.
    pub fn compile(patterns: &[String]) -> Result<Self, GlobError> {
        let mut globs = Vec::with_capacity(patterns.len());
        let mut compiled = Vec::with_capacity(patterns.len());
        for pattern in patterns {
            let (glob, translated) = compile_one(pattern)?;
            globs.push(glob);
            compiled.push(translated);
        }
        let compiled =
            GlobSet::new(&compiled).map_err(|error| too_large(patterns.first().map_or("", String::as_str), &error))?;
        Ok(Self { globs, compiled })
    }

    /// Whether there is no glob at all.
    pub fn is_empty(&self) -> bool {
        self.globs.is_empty()
    }

    /// Whether a glob matches a URL, serialised and without fragment.
    ///
    /// An empty list matches nothing; where it means everything, ask [`GlobList::matches_or_empty`].
    pub fn matches(&self, url: &str) -> bool {
        if self.globs.is_empty() {
            return false;
        }
        let url = if url.contains('\\') {
            Cow::Owned(url.replace('\\', BACKSLASH.encode_utf8(&mut [0; 1])))
        } else {
            Cow::Borrowed(url)
        };
        self.compiled.is_match(url.as_ref())
    }

    /// Whether a glob matches, or there is none.
    pub fn matches_or_empty(&self, url: &str) -> bool {
        self.is_empty() || self.matches(url)
    }

    /// Whether any URL of an origin could match; an empty list means everything. `false` is certain.
    ///
    /// An origin is asked for by its WebSocket scheme too (`wss` for `https`): a handshake travels over the same
    /// connection, which has to be opened to see it.
    pub fn may_match_origin(&self, scheme: Scheme, host: &str, port: u16) -> bool {
        let Some(origins) = origins(scheme, host, port) else { return true };
        self.is_empty()
            || self.globs.iter().any(|glob| origins.iter().any(|origin| glob.automaton.may_match_origin(origin)))
    }

    /// Whether one glob matches every URL of an origin, WebSockets apart. `true` is certain; an empty list covers nothing.
    pub fn covers_origin(&self, scheme: Scheme, host: &str, port: u16) -> bool {
        let Some([http, _]) = origins(scheme, host, port) else { return false };
        self.globs.iter().any(|glob| glob.automaton.covers_origin(&http))
    }

    /// A sentence for each glob that no URL could match, with what was probably meant.
    pub fn warnings(&self) -> Vec<String> {
        self.globs.iter().filter_map(|glob| warning(&glob.pattern, &glob.automaton)).collect()
    }
}

impl fmt::Debug for GlobList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.globs.iter().map(|glob| &glob.pattern)).finish()
    }
}

fn compile_one(pattern: &str) -> Result<(Glob, globset::Glob), GlobError> {
    let resolved = if pattern.is_empty() { "**".to_owned() } else { resolve(pattern) };
    let tokens = parse(&resolved).map_err(|fault| {
        // The place is told in what the user wrote; resolving may have moved it.
        parse(pattern).err().unwrap_or(fault).of_glob(pattern)
    })?;
    let translated = GlobBuilder::new(&to_globset(&tokens))
        .literal_separator(true)
        .backslash_escape(true)
        .empty_alternates(true)
        .build()
        .and_then(|glob| GlobSet::new([&glob]).map(|_| glob))
        .map_err(|error| too_large(pattern, &error))?;
    Ok((Glob { pattern: pattern.to_owned(), automaton: Automaton::new(&tokens) }, translated))
}

fn too_large(pattern: &str, error: &globset::Error) -> GlobError {
    let shown: String = pattern.chars().take(80).collect();
    let reason = error.kind().to_string().lines().collect::<Vec<_>>().join(" ");
    GlobError::TooLarge { glob: if shown.len() < pattern.len() { shown + "…" } else { shown }, reason }
}

/// The origin as URLs of it begin, for HTTP and for WebSockets. `None` where the host is no host.
fn origins(scheme: Scheme, host: &str, port: u16) -> Option<[String; 2]> {
    let authority = Destination { scheme, host: host.to_owned(), port }.authority();
    let http = CanonicalUrl::of_request(scheme, &authority, "/")?.as_str().to_owned();
    let websocket = http.replacen("http", "ws", 1);
    Some([http, websocket])
}
