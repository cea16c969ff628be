//! What each client needs to go through the proxy and to trust its authority, as text to paste.
//!
//! The texts lie in `text/`, one file each, with [`Values`] in the place of `@PROXY@` and its like. harmock's own page,
//! `harmock snippet` and the documentation all show these.
//!
//! A variable that *adds* a root gets the CA's file; one that *replaces* the roots gets the bundle of the system's
//! roots and the CA, so that connections past the proxy keep working.

mod catalogue;
mod values;

#[cfg(test)]
mod tests;

pub use catalogue::CLIENTS;
pub use values::Values;

/// One client and its settings.
#[derive(Debug)]
pub struct Client {
    /// What the page calls it in links.
    pub id: &'static str,
    /// Its name to people.
    pub name: &'static str,
    /// What else is to be known; may be empty.
    pub note: &'static str,
    /// Each of them is enough where its label applies.
    pub snippets: &'static [Snippet],
}

/// A text to paste.
#[derive(Debug)]
pub struct Snippet {
    /// By which `harmock snippet` knows it.
    pub name: &'static str,
    /// What it is for, beside others of the client; may be empty.
    pub label: &'static str,
    /// The file that it is, where it is no line for a shell.
    pub file: Option<&'static str>,
    /// What to do once it is saved; may be empty.
    pub run: &'static str,
    syntax: Syntax,
    template: &'static str,
}

/// How a path is written in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Syntax {
    /// A word of a POSIX shell.
    Shell,
    /// A PowerShell string.
    Powershell,
    /// A string of JavaScript, TypeScript or Python.
    Script,
    /// A word of the Windows command line.
    Cmd,
    /// No path is in it.
    Plain,
}

impl Snippet {
    /// The text with the real address and paths.
    pub fn text(&self, values: &Values) -> String {
        values.fill(self.template, self.syntax)
    }
}

/// The snippet of this name.
pub fn find(name: &str) -> Option<&'static Snippet> {
    all().map(|(_, snippet)| snippet).find(|snippet| snippet.name == name)
}

/// Every snippet with its client.
pub fn all() -> impl Iterator<Item = (&'static Client, &'static Snippet)> {
    CLIENTS.iter().flat_map(|client| client.snippets.iter().map(move |snippet| (client, snippet)))
}
