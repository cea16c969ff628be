//! `harmock har show`: one entry in full, or all of them.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use super::super::CommandResult;
use super::find::find;
use super::indent::indented;
use super::{print, visible};
use crate::archive::{Archive, Limits};
use crate::har::{Answer, Entry, Failure, Field, Outcome, RecordedPayload, StoredBody};
use crate::record::Readable;

/// Show one entry in full, or all: heads, header fields, bodies decoded.
///
/// Texts are shown, JSON is indented, other bodies are described. The fields are shown as replay uses them: names in
/// lower case, joined values apart. With --all, equal archives give equal text: `git diff` can show a .zip by it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A `.har` or `.zip` file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The entry's number in `har ls`, its URL, or a part of the URL that only this entry has
    #[arg(value_name = "ENTRY", required_unless_present = "all")]
    entry: Option<String>,
    /// Show every entry, in the order of the archive
    #[arg(long, conflicts_with_all = ["entry", "json", "body", "payload"])]
    all: bool,
    /// Print the entry's JSON as it stands in the archive
    #[arg(long)]
    json: bool,
    /// Print the bytes of the response body, decoded, and nothing else
    #[arg(long, conflicts_with = "json")]
    body: bool,
    /// Print the bytes of the request's payload, decoded, and nothing else
    #[arg(long, conflicts_with_all = ["json", "body"])]
    payload: bool,
}

pub(crate) fn run(args: Args) -> CommandResult {
    let file = Readable::of(&args.file)?;
    if let Some(note) = file.note() {
        anstream::eprintln!("{}", visible(&note, &[]));
    }
    let archive = Archive::open_unchecked(&file.path, &Limits::default())?;
    let Some(entry) = &args.entry else { return all(&archive) };
    let ordinal = find(&archive, entry).with_context(|| args.file.display().to_string())?;
    let json = archive.entry_json(ordinal)?.unwrap_or_default();
    let entry = archive.entry(ordinal);
    if args.json {
        print((json + "\n").as_bytes())?;
    } else if args.body || args.payload {
        let body = entry.and_then(|entry| if args.body { response_body(entry) } else { payload(entry) });
        let what = if args.body { "response body" } else { "payload" };
        let body = body.with_context(|| format!("entry {ordinal} of {} holds no {what}", args.file.display()))?;
        print(&archive.read(body)?)?;
    } else if let Some(entry) = entry {
        print(in_full(&archive, entry).as_bytes())?;
    } else {
        for warning in archive.warnings().iter().filter(|warning| warning.entry == ordinal) {
            anstream::eprintln!("warning: {}: {}", args.file.display(), visible(&warning.to_string(), &[]));
        }
        anstream::eprintln!("entry {ordinal} is not used in replay; this is its JSON");
        print((indented(&json).unwrap_or(json) + "\n").as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Every entry, one after the other, each below a line of its own.
fn all(archive: &Archive) -> CommandResult {
    for ordinal in 0..archive.entry_count() {
        let text = match archive.entry(ordinal) {
            Some(entry) => in_full(archive, entry),
            None => {
                let json = archive.entry_json(ordinal)?.unwrap_or_default();
                format!("(not used in replay)\n{}\n", indented(&json).unwrap_or(json))
            }
        };
        print(format!("{RULE}\n{text}").as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Before each of several entries. It says nothing of their places: an entry that is put in front is one change.
const RULE: &str = "────────────────────────────────────────";

fn payload(entry: &Entry) -> Option<&StoredBody> {
    match &entry.request.payload {
        RecordedPayload::Stored(body) => Some(body),
        _ => None,
    }
}

fn response_body(entry: &Entry) -> Option<&StoredBody> {
    match &entry.outcome {
        Outcome::Answered(answer) => answer.body.as_ref(),
        Outcome::Failed(_) => None,
    }
}

fn in_full(archive: &Archive, entry: &Entry) -> String {
    let request = &entry.request;
    let mut shown = format!("{} {}\n", request.method, request.url);
    push_fields(&mut shown, &request.fields);
    match &request.payload {
        RecordedPayload::Absent => {}
        RecordedPayload::Stored(body) => push_body(&mut shown, archive, body, &request.fields),
        RecordedPayload::Params(params) => {
            for (name, value) in params {
                _ = writeln!(shown, "\n{} = {}", visible(name, &[]), visible(value, &['\n', '\t']));
            }
        }
        RecordedPayload::Damaged => {
            shown.push_str("\n(the payload's bytes were lost or left out when it was recorded)\n")
        }
    }
    shown.push('\n');
    match &entry.outcome {
        Outcome::Answered(answer) => push_answer(&mut shown, archive, answer),
        Outcome::Failed(Failure { cause, detail }) => {
            let cause = cause.map_or("no answer", |cause| cause.as_str());
            _ = writeln!(shown, "failed: {cause} {}", visible(detail, &[]));
        }
    }
    shown
}

fn push_answer(shown: &mut String, archive: &Archive, answer: &Answer) {
    _ = writeln!(shown, "{} {}", answer.status, visible(&answer.reason, &[]));
    push_fields(shown, &answer.fields);
    match &answer.body {
        Some(body) => push_body(shown, archive, body, &answer.fields),
        None => shown.push_str("\n(no body is stored)\n"),
    }
}

fn push_fields(shown: &mut String, fields: &[Field]) {
    for field in fields {
        _ = writeln!(shown, "{}: {}", field.name, visible(&String::from_utf8_lossy(&field.value), &['\t']));
    }
}

fn push_body(shown: &mut String, archive: &Archive, body: &StoredBody, fields: &[Field]) {
    shown.push('\n');
    let place = match body {
        StoredBody::Embedded { .. } => String::new(),
        StoredBody::File(name) => format!(" in {}", visible(name, &[])),
    };
    let bytes = match archive.read(body) {
        Ok(bytes) => bytes,
        Err(error) => {
            _ = writeln!(shown, "({})", visible(&error.to_string(), &[]));
            return;
        }
    };
    let is_json = fields.iter().any(|field| &*field.name == "content-type" && contains(&field.value, b"json"));
    match std::str::from_utf8(&bytes) {
        Ok(text) if !text.contains('\0') => {
            let indented = is_json.then(|| indented(text)).flatten();
            shown.push_str(&visible(indented.as_deref().unwrap_or(text), &['\n', '\t']));
            if !shown.ends_with('\n') {
                shown.push('\n');
            }
        }
        _ => _ = writeln!(shown, "({} bytes{place}, not text)", bytes.len()),
    }
}

fn contains(value: &[u8], word: &[u8]) -> bool {
    value.to_ascii_lowercase().windows(word.len()).any(|window| window == word)
}
