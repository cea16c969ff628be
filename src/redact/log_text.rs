//! A whole HAR text: its entries, and replacing the secrets in all of them.

use std::io;

use super::echoes::Echoes;
use super::entry::{Bodies, rewrite_entry};
use super::pass::Pass;
use super::place::Place;
use super::rules::Rules;
use crate::har::json::{Json, apply, lenient_object, span_in};

lenient_object! {
    /// The root of a HAR.
    RawRoot<'a> {
        log: RawLog<'a> = "log",
    }
}

lenient_object! {
    /// HAR `log`.
    RawLog<'a> {
        entries: Json<'a> = "entries",
        pages: Json<'a> = "pages",
    }
}

/// A HAR text in which secrets were replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RewrittenLog {
    /// All of it.
    pub text: String,
    /// Entries in which something stands for a value that did not before.
    pub entries: usize,
}

/// The entries of a HAR text as they stand there; none where it is no HAR.
pub fn entries_of(text: &str) -> Vec<&str> {
    root(text).log.entries.items().into_iter().filter_map(Json::source).collect()
}

/// Whether a text is a HAR.
pub fn is_har(text: &str) -> bool {
    root(text).log.entries.source().is_some_and(|entries| entries.starts_with('['))
}

/// Replaces the secrets of all entries, in order, by what `with` says; `echoes` outside their places too. What is between
/// the entries stays.
///
/// # Errors
/// A payload file cannot be read or kept.
pub fn rewrite_log(
    text: &str,
    rules: &Rules,
    echoes: Option<&Echoes>,
    with: &mut dyn FnMut(&Place) -> String,
    bodies: &mut dyn Bodies,
) -> io::Result<RewrittenLog> {
    let (mut edits, mut entries) = (Vec::new(), 0);
    let span = |part: &str| {
        let span = span_in(text, 0, part);
        span.start as usize..span.end as usize
    };
    for entry in entries_of(text) {
        let rewritten = rewrite_entry(entry, Pass::new(rules, with).and_echoes(echoes), bodies)?;
        if rewritten.text != entry {
            entries += 1;
            edits.push((span(entry), rewritten.text));
        }
    }
    if let Some(pages) = root(text).log.pages.source() {
        let start = span(pages).start;
        let titles = Pass::new(rules, with).and_echoes(echoes).elsewhere(pages, &[]);
        edits.extend(titles.into_iter().map(|(span, new)| (start + span.start..start + span.end, new)));
    }
    Ok(RewrittenLog { text: apply(text, edits), entries })
}

fn root(text: &str) -> RawRoot<'_> {
    serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(text)).unwrap_or_default()
}
