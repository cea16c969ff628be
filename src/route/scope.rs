//! Which URLs a run is about: `--glob` and `--exclude` together.

use crate::message::Scheme;

use super::glob_list::GlobList;

/// The URLs that are meant, and those among them that are not.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// `--glob`; empty: every URL.
    pub include: GlobList,
    /// `--exclude`; empty: none.
    pub exclude: GlobList,
}

impl Scope {
    /// Whether a URL, serialised and without fragment, is in scope.
    pub fn contains(&self, url: &str) -> bool {
        (self.include.is_empty() || self.include.matches(url)) && !self.exclude.matches(url)
    }

    /// Whether any URL of an origin could be in scope. `false` is certain: such traffic need not be opened.
    pub fn may_contain_origin(&self, scheme: Scheme, host: &str, port: u16) -> bool {
        self.include.may_match_origin(scheme, host, port) && !self.exclude.covers_origin(scheme, host, port)
    }

    /// What is odd about the globs, a sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.include.warnings();
        warnings.extend(self.exclude.warnings());
        warnings
    }
}
