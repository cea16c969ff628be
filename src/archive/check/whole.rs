//! What is to be seen only when the entries are taken together.

use std::collections::HashMap;

use super::body::PayloadKey;
use super::{Report, Severity};
use crate::har::{Entry, Field, Outcome};

/// Looks at the log as a whole.
pub(super) fn check_log(report: &mut Report<'_>) {
    let archive = report.archive;
    let left_out = archive.left_out();
    if left_out.websocket > 0 {
        let message = format!("WebSocket conversations, which are not replayed: {}", left_out.websocket);
        report.add(Severity::Note, None, None, message);
    }
    if left_out.other_scheme > 0 {
        let message =
            format!("entries with URLs that no proxy sees (data:, blob: and the like): {}", left_out.other_scheme);
        report.add(Severity::Note, None, None, message);
    }
    if archive.entry_count() == 0 {
        report.add(Severity::Note, None, Some("log.entries"), "holds nothing: every request is a miss");
    }
    if is_sanitised(archive.creator(), archive.entries()) {
        let message = "no entry has a cookie or credentials: Chrome leaves them out unless told otherwise, and then no \
                       answer sets a cookie; export with sensitive data if the client needs them";
        report.add(Severity::Note, None, None, message);
    }
}

fn is_sanitised(creator: &str, entries: &[Entry]) -> bool {
    let secret = |field: &Field| matches!(&*field.name, "cookie" | "set-cookie" | "authorization");
    let has_secrets = |entry: &Entry| {
        let answered = match &entry.outcome {
            Outcome::Answered(answer) => answer.fields.iter().any(secret),
            Outcome::Failed(_) => false,
        };
        answered || entry.request.fields.iter().any(secret)
    };
    creator == "WebInspector" && !entries.is_empty() && !entries.iter().any(has_secrets)
}

/// With how many entries of one method, URL and payload each further one is compared, so that time stays linear.
const COMPARED: usize = 64;

/// Finds entries that another one always comes before.
#[derive(Debug, Default)]
pub(super) struct Duplicates<'a> {
    seen: HashMap<(&'a str, &'a str, PayloadKey), Vec<&'a Entry>>,
}

impl<'a> Duplicates<'a> {
    /// Reports the entry if an earlier one, asked for by the same method, URL and payload, has all its request headers:
    /// it then agrees with every request at least as well, and of equals the first is served.
    pub(super) fn check(&mut self, report: &mut Report<'a>, entry: &'a Entry, payload: PayloadKey) {
        let same = self.seen.entry((&entry.request.method, entry.request.url.as_str(), payload)).or_default();
        let answered = |entry: &Entry| matches!(entry.outcome, Outcome::Answered(_));
        let hidden_by = same.iter().take(COMPARED).find(|earlier| {
            (answered(earlier) || !answered(entry)) && has_all(&earlier.request.fields, &entry.request.fields)
        });
        match hidden_by {
            Some(earlier) => {
                let message = format!(
                    "repeats entry {}, which always comes first; only `repeat` rules reach it",
                    earlier.ordinal
                );
                report.add(Severity::Note, Some(entry.ordinal), None, message);
            }
            // Only entries that can be served hide others, so the list stays as short as the answers differ.
            None => same.push(entry),
        }
    }
}

fn has_all(fields: &[Field], wanted: &[Field]) -> bool {
    wanted.iter().all(|field| {
        let count = |fields: &[Field]| fields.iter().filter(|other| *other == field).count();
        count(fields) >= count(wanted)
    })
}
