//! Two entries, compared field by field.

use serde::Serialize;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::json_values;
use super::pairs::{Pair, pairs};
use crate::archive::{Archive, Fetched, PayloadError};
use crate::har::{Answer, End, Entry, Field, Outcome, StoredBody, Volatile};

/// Larger bodies are compared by their hash alone.
const COMPARED: u64 = 4 << 20;

/// One entry that differs.
#[derive(Debug, Serialize)]
pub(super) struct Change {
    /// What became of it.
    pub(super) change: Kind,
    /// Its method.
    pub(super) method: String,
    /// Its URL.
    pub(super) url: String,
    /// Its place in each archive, from zero.
    pub(super) before: Option<usize>,
    pub(super) after: Option<usize>,
    /// What differs, where both have it.
    pub(super) differences: Vec<Difference>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Added,
    Removed,
    Changed,
}

/// One thing that differs; a side that lacks it has nothing.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Difference {
    /// `status`, `request field NAME`, `field NAME`, `body $.path`, `body line N`, `body` …
    pub(super) what: String,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

/// Two archives, and which fields do not count.
pub(super) struct Comparison<'a> {
    pub(super) before: &'a Archive,
    pub(super) after: &'a Archive,
    pub(super) volatile: Option<&'a Volatile>,
}

impl Comparison<'_> {
    /// The entries that differ.
    pub(super) fn changes(&self) -> Result<Vec<Change>, PayloadError> {
        let mut changes = Vec::new();
        for pair in pairs(self.before, self.after)? {
            changes.extend(match pair {
                Pair::Removed(entry) => Some(change(Kind::Removed, entry, Some(entry.ordinal), None, Vec::new())),
                Pair::Added(entry) => Some(change(Kind::Added, entry, None, Some(entry.ordinal), Vec::new())),
                Pair::Both(one, other) => {
                    let differences = self.differences(one, other)?;
                    let differ = !differences.is_empty();
                    differ.then(|| change(Kind::Changed, other, Some(one.ordinal), Some(other.ordinal), differences))
                }
            });
        }
        Ok(changes)
    }

    fn differences(&self, before: &Entry, after: &Entry) -> Result<Vec<Difference>, PayloadError> {
        let mut found = Vec::new();
        self.fields("request field", &before.request.fields, &after.request.fields, &mut found);
        match (&before.outcome, &after.outcome) {
            (Outcome::Answered(one), Outcome::Answered(other)) => self.answers(one, other, &mut found)?,
            (one, other) => push(&mut found, "answer", Some(in_words(one)), Some(in_words(other))),
        }
        Ok(found)
    }

    fn answers(&self, before: &Answer, after: &Answer, found: &mut Vec<Difference>) -> Result<(), PayloadError> {
        let status = |answer: &Answer| Some(format!("{} {}", answer.status, answer.reason).trim_end().to_owned());
        push(found, "status", status(before), status(after));
        self.fields("field", &before.fields, &after.fields, found);
        self.fields("trailer", &before.trailers, &after.trailers, found);
        push(found, "end", Some(end(before.end)), Some(end(after.end)));
        match (&before.body, &after.body) {
            (Some(one), Some(other)) => self.bodies(one, other, found)?,
            (one, other) => {
                let size = |archive: &Archive, body: &Option<StoredBody>| {
                    body.as_ref().map(|body| archive.fetch(body, COMPARED).map(|body| in_bytes(&body))).transpose()
                };
                push(found, "body", size(self.before, one)?, size(self.after, other)?);
            }
        }
        Ok(())
    }

    /// Field by field name: the values of a name, in order.
    fn fields(&self, what: &str, before: &[Field], after: &[Field], found: &mut Vec<Difference>) {
        let coded = |fields: &[Field]| fields.iter().any(|field| &*field.name == "content-encoding");
        let coded = coded(before) || coded(after);
        let mut names: Vec<&str> = Vec::new();
        for field in before.iter().chain(after) {
            let counts = self.volatile.is_none_or(|volatile| !volatile.includes(&field.name, coded));
            if counts && !names.contains(&&*field.name) {
                names.push(&field.name);
            }
        }
        for name in names {
            let values = |fields: &[Field]| {
                let values = fields.iter().filter(|field| &*field.name == name);
                let values: Vec<_> = values.map(|field| self.value(field)).collect();
                (!values.is_empty()).then(|| values.join(", "))
            };
            push(found, &format!("{what} {name}"), values(before), values(after));
        }
    }

    fn value(&self, field: &Field) -> String {
        let value = String::from_utf8_lossy(&field.value);
        match self.volatile {
            Some(_) => Volatile::steady_value(&field.name, &value).into_owned(),
            None => value.into_owned(),
        }
    }

    fn bodies(&self, before: &StoredBody, after: &StoredBody, found: &mut Vec<Difference>) -> Result<(), PayloadError> {
        if self.before.hash(before)? == self.after.hash(after)? {
            return Ok(());
        }
        let (one, other) = (self.before.fetch(before, COMPARED)?, self.after.fetch(after, COMPARED)?);
        let (Fetched::Whole(one), Fetched::Whole(other)) = (&one, &other) else {
            let (size, other) = (in_bytes(&one), in_bytes(&other));
            let other = if size == other { "other bytes".to_owned() } else { other };
            push(found, "body", Some(size), Some(other));
            return Ok(());
        };
        let texts = (std::str::from_utf8(one), std::str::from_utf8(other));
        let readable = |text: &&str| text.len() as u64 <= COMPARED && !text.contains('\0');
        let (Some(old), Some(new)) = (texts.0.ok().filter(readable), texts.1.ok().filter(readable)) else {
            by_size(one, other, found);
            return Ok(());
        };
        match (serde_json::from_str::<Value>(old), serde_json::from_str::<Value>(new)) {
            (Ok(old), Ok(new)) if old == new => {
                push(found, "body", Some("the same JSON".to_owned()), Some("in another spelling".to_owned()));
            }
            (Ok(old), Ok(new)) => {
                let mut changes = Vec::new();
                json_values::differences("$", &old, &new, &mut changes);
                for (path, old, new) in changes {
                    push(found, &format!("body {path}"), old.map(Value::to_string), new.map(Value::to_string));
                }
            }
            _ => lines(old, new, found),
        }
        Ok(())
    }
}

fn change(
    change: Kind,
    entry: &Entry,
    before: Option<usize>,
    after: Option<usize>,
    differences: Vec<Difference>,
) -> Change {
    let (method, url) = (entry.request.method.to_string(), entry.request.url.as_str().to_owned());
    Change { change, method, url, before, after, differences }
}

fn push(found: &mut Vec<Difference>, what: &str, before: Option<String>, after: Option<String>) {
    if before != after {
        found.push(Difference { what: what.to_owned(), before, after });
    }
}

fn in_bytes(body: &Fetched) -> String {
    let length = match body {
        Fetched::Whole(bytes) => bytes.len() as u64,
        Fetched::Large(file) => file.length(),
    };
    format!("{length} bytes")
}

fn by_size(before: &[u8], after: &[u8], found: &mut Vec<Difference>) {
    let size = |bytes: &[u8]| Some(format!("{} bytes", bytes.len()));
    if before.len() == after.len() {
        let at = before.iter().zip(after).take_while(|(one, other)| one == other).count();
        let other = Some(format!("other bytes from {at} on"));
        return push(found, "body", size(before), other);
    }
    push(found, "body", size(before), size(after));
}

fn lines(before: &str, after: &str, found: &mut Vec<Difference>) {
    for line in TextDiff::from_lines(before, after).iter_all_changes() {
        let text = Some(line.value().trim_end_matches(['\n', '\r']).to_owned());
        match (line.tag(), line.old_index(), line.new_index()) {
            (ChangeTag::Delete, Some(at), _) => push(found, &format!("body line {}", at + 1), text, None),
            (ChangeTag::Insert, _, Some(at)) => push(found, &format!("body line {}", at + 1), None, text),
            _ => {}
        }
    }
    if found.is_empty() {
        push(found, "body", Some("the same lines".to_owned()), Some("with other line ends".to_owned()));
    }
}

fn in_words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Answered(answer) => format!("status {}", answer.status),
        Outcome::Failed(failure) => match failure.cause {
            Some(cause) => format!("failed: {}", cause.as_str()),
            None => format!("failed: {}", failure.detail),
        },
    }
}

fn end(end: End) -> String {
    match end {
        End::Complete => "complete",
        End::Client => "broken off by the client",
        End::Upstream => "broken off by the upstream",
    }
    .to_owned()
}
