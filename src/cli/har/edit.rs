//! `harmock har edit`: one entry's body in an editor, and back.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::ValueHint;

use super::find::find;
use crate::archive::{Archive, Limits, Payloads, WriteError, extension, rewrite};
use crate::cli::CommandResult;
use crate::cli::editor::{Editor, Returned};
use crate::har::new_body::{Message, NewBodyText, with_body};
use crate::har::{BodyText, Entry, Outcome, RecordedPayload, StoredBody};
use crate::record::{Held, hold_existing};
use crate::redact::entries_of;

/// Edit the body of one entry in `$VISUAL` or `$EDITOR`.
///
/// The editor gets a file with the decoded body and an extension that fits. When it ends, the body goes back to where it
/// was, into the HAR, a payload file or the `.zip`, and the sizes that the entry names follow. JSON has to be JSON again.
/// A text that is not taken back is kept, and the error says where.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A `.har` or `.zip` file
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,
    /// The entry's number in `har ls`, its URL, or a part of the URL that only this entry has
    #[arg(value_name = "ENTRY")]
    entry: String,
    /// Edit the request's payload instead of the response's body
    #[arg(long)]
    payload: bool,
    /// Take the text back although it is not JSON any more
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: &Args) -> CommandResult {
    let file = args.file.as_path();
    // Found out before anybody has typed a word.
    drop(held(file)?);
    let subject = Subject::read(args)?;
    let editor = Editor::of_environment();
    let mut returned = editor.edit(&subject.bytes, &subject.extension)?;
    let text = loop {
        let Some(edited) = returned.changed(&subject.bytes)? else {
            anstream::eprintln!("{}: nothing changed", file.display());
            return Ok(ExitCode::SUCCESS);
        };
        let Err(why) = subject.accepts(&edited, args.force) else { break edited };
        if !editor.asks_again(&why)? {
            return Err(kept(returned, why));
        }
        returned = editor.again(returned)?;
    };
    match subject.put_back(file, &text) {
        Ok(()) => {
            let (entry, size) = (subject.ordinal, text.len());
            anstream::eprintln!("{}: entry {entry} has a body of {size} bytes", file.display());
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => Err(kept(returned, format!("{error:#}"))),
    }
}

/// The error, with the place of what was typed.
fn kept(returned: Returned, why: String) -> anyhow::Error {
    match returned.keep() {
        Ok(path) => anyhow::anyhow!("{why}; nothing was changed, and the edited text is kept in {}", path.display()),
        Err(error) => anyhow::anyhow!("{why}; nothing was changed, and the edited text could not be kept: {error}"),
    }
}

fn held(file: &Path) -> anyhow::Result<Held> {
    hold_existing(file)?.with_context(|| format!("{}: there is no such file", file.display()))
}

/// What is edited.
struct Subject {
    ordinal: usize,
    /// The entry's text, by which a change meanwhile is known.
    json: String,
    message: Message,
    stored: StoredBody,
    bytes: Vec<u8>,
    extension: String,
}

impl Subject {
    fn read(args: &Args) -> anyhow::Result<Self> {
        let named = || args.file.display().to_string();
        let archive = Archive::open_unchecked(&args.file, &Limits::default())?;
        let ordinal = find(&archive, &args.entry).with_context(named)?;
        let entry = archive.entry(ordinal);
        let entry = entry.with_context(|| format!("entry {ordinal} of {} is not used in replay", named()))?;
        let message = if args.payload { Message::Request } else { Message::Response };
        let (stored, media_type) = body_of(entry, message).with_context(|| {
            let what = if args.payload { "payload" } else { "response body" };
            format!("entry {ordinal} of {} holds no {what}", named())
        })?;
        let extension = match &stored {
            StoredBody::File(name) => Path::new(&**name).extension().and_then(|text| text.to_str()).unwrap_or("dat"),
            StoredBody::Embedded { .. } => extension(&media_type),
        };
        let json = archive.entry_json(ordinal)?.unwrap_or_default();
        let bytes = archive.read(&stored)?.to_vec();
        Ok(Self { ordinal, json, message, bytes, extension: extension.to_owned(), stored })
    }

    /// A text that was JSON has to stay JSON.
    fn accepts(&self, edited: &[u8], force: bool) -> Result<(), String> {
        if force || parse(&self.bytes).is_err() {
            return Ok(());
        }
        parse(edited).map_err(|error| format!("the edited text is not JSON any more ({error}); --force takes it"))
    }

    fn put_back(&self, file: &Path, edited: &[u8]) -> anyhow::Result<()> {
        let _held = held(file)?;
        let changed = || WriteError::Existing {
            path: file.to_path_buf(),
            reason: "it was changed while its entry was edited".to_owned(),
        };
        rewrite(file, file, |text, payloads| {
            let entries = entries_of(text);
            let entry = entries.get(self.ordinal).filter(|entry| **entry == self.json).ok_or_else(changed)?;
            let name = self.keep(edited, payloads)?.ok_or_else(changed)?;
            let new = NewBodyText {
                message: self.message,
                bytes: edited,
                before: self.bytes.len(),
                file: name.as_deref(),
                latin1: matches!(self.stored, StoredBody::Embedded { text: BodyText::Latin1, .. }),
            };
            let new = with_body(entry, &new).ok_or_else(changed)?;
            let start = (entry.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
            Ok((format!("{}{new}{}", &text[..start], &text[start + entry.len()..]), ()))
        })?;
        Ok(())
    }

    /// Puts the body into a payload file where the one before was in one, and gives its name. None where that has changed.
    fn keep(&self, edited: &[u8], payloads: &mut Payloads<'_>) -> Result<Option<Option<String>>, WriteError> {
        let StoredBody::File(name) = &self.stored else { return Ok(Some(None)) };
        if payloads.read(name, u64::MAX - 1)?.is_none_or(|there| there != self.bytes) {
            return Ok(None);
        }
        payloads.keep(name, edited).map(Some).map(Some)
    }
}

fn body_of(entry: &Entry, message: Message) -> Option<(StoredBody, String)> {
    let (body, fields) = match message {
        Message::Request => match &entry.request.payload {
            RecordedPayload::Stored(body) => (Some(body), &entry.request.fields),
            _ => (None, &entry.request.fields),
        },
        Message::Response => match &entry.outcome {
            Outcome::Answered(answer) => (answer.body.as_ref(), &answer.fields),
            Outcome::Failed(_) => return None,
        },
    };
    let media_type = crate::har::content_type::of(fields).unwrap_or_default().into_owned();
    Some((body?.clone(), media_type))
}

fn parse(text: &[u8]) -> Result<(), serde_json::Error> {
    serde_json::from_slice::<serde::de::IgnoredAny>(text).map(drop)
}
