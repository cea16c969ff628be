//! What is wrong with a template, or with rendering it.

use std::error::Error as _;
use std::fmt;

use minijinja::{Error, ErrorKind};

use super::sheet::LONGEST;

/// A template that cannot be used, or not this time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    /// Which text it is: `body`, `field x-id`, `URL`.
    pub place: String,
    /// The line of that text, from one, where it is known.
    pub line: Option<usize>,
    /// What is wrong.
    pub reason: String,
}

impl std::error::Error for TemplateError {}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}, line {line}: {}", self.place, self.reason),
            None => write!(f, "{}: {}", self.place, self.reason),
        }
    }
}

impl TemplateError {
    /// `hushed`: the template has read a secret, and what the engine says might tell it.
    pub(super) fn of(place: &str, error: &Error, hushed: bool) -> Self {
        let reason = match error.kind() {
            ErrorKind::OutOfFuel => "it does more than a template may do; a loop that is shorter will do".to_owned(),
            ErrorKind::WriteFailure => format!("it makes more than {} MiB", LONGEST >> 20),
            kind if hushed => format!("{kind} (what is wrong is not told, because the template reads a secret)"),
            kind => in_words(kind, error),
        };
        Self { place: place.to_owned(), line: error.line(), reason }
    }
}

/// The kind and the details, of the errors behind it too, in one line.
fn in_words(kind: ErrorKind, error: &Error) -> String {
    let mut words = kind.to_string();
    let detail = error.detail().map(str::to_owned).or_else(|| Some(error.source()?.to_string()));
    if let Some(detail) = detail {
        words.push_str(": ");
        words.push_str(&detail.lines().map(str::trim).collect::<Vec<_>>().join(" "));
    }
    match kind {
        ErrorKind::UndefinedError => words.push_str("; `| default('…')` gives it a value where it has none"),
        // These statements are not compiled in.
        ErrorKind::SyntaxError if words.contains("unknown statement") => {
            words.push_str("; a template includes, imports and extends nothing");
        }
        _ => {}
    }
    words
}
