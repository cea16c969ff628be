//! `harmock har`: work on archives. One file per subcommand.

mod add;
mod check;
mod diff;
mod edit;
mod find;
mod gc;
mod import;
mod indent;
mod kept;
mod ls;
mod merge;
mod pack;
mod recover;
mod redact;
mod secrets;
mod show;
mod unpack;

use std::io::{self, Write};
use std::path::Path;

use clap::Subcommand;

use super::CommandResult;
use crate::record::{self, Readable};
pub(super) use find::find;

/// Work on archives: list, show, check, compare, add, edit, import, merge, redact, pack, unpack, recover.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Add(Box<add::Args>),
    Edit(edit::Args),
    Import(import::Args),
    Check(check::Args),
    Ls(ls::Args),
    Show(show::Args),
    Diff(diff::Args),
    Merge(merge::Args),
    Pack(pack::Args),
    Redact(redact::Args),
    Unpack(unpack::Args),
    Gc(gc::Args),
    Recover(recover::Args),
}

pub(crate) fn run(args: Args) -> CommandResult {
    match args.command {
        Command::Add(args) => add::run(&args),
        Command::Edit(args) => edit::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Check(args) => check::run(args),
        Command::Ls(args) => ls::run(args),
        Command::Show(args) => show::run(args),
        Command::Diff(args) => diff::run(args),
        Command::Merge(args) => merge::run(args),
        Command::Pack(args) => pack::run(args),
        Command::Redact(args) => redact::run(args),
        Command::Unpack(args) => unpack::run(args),
        Command::Gc(args) => gc::run(args),
        Command::Recover(args) => recover::run(args),
    }
}

/// An archive as its recording would have left it, with a word where that did not end.
pub(super) fn whole(archive: &Path) -> Result<Readable, record::Error> {
    let readable = Readable::of(archive)?;
    if let Some(note) = readable.note() {
        anstream::eprintln!("{}", visible(&note, &[]));
    }
    Ok(readable)
}

/// Writes data to standard output; a reader that has seen enough (`| head`) is no error.
pub(super) fn print(data: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(data).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// A text from an archive as a terminal may show it: control characters are escaped, but for those in `kept`.
pub(super) fn visible(text: &str, kept: &[char]) -> String {
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_control() && !kept.contains(&char) {
            shown.extend(char.escape_default());
        } else {
            shown.push(char);
        }
    }
    shown
}
