//! `harmock har diff`: what differs between two archives, entry by entry.

mod compared;
mod json_values;
mod pairs;
mod rendered;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use super::super::{CommandResult, one_line};
use super::{print, whole};
use crate::archive::{Archive, Limits};
use crate::har::Volatile;
use compared::Comparison;

/// Say what differs between two archives, entry by entry.
///
/// Entries belong together by method, URL and payload, and by their turn where several are equal in these. Header
/// fields are compared by name, JSON bodies value by value, other texts line by line, and everything else by its hash.
/// Fields that say something else each time (`date`, request ids) are left out. The exit code is 0 if nothing differs,
/// 1 if something does, and 2 if an archive cannot be read.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The archive before
    #[arg(value_name = "BEFORE")]
    before: PathBuf,
    /// The archive after
    #[arg(value_name = "AFTER")]
    after: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Compare volatile header fields, too
    #[arg(long)]
    all: bool,
    /// Leave out one more header field; repeatable
    #[arg(long, value_name = "NAME")]
    volatile: Vec<String>,
}

pub(crate) fn run(args: Args) -> CommandResult {
    match compare(&args) {
        Ok(same) => Ok(ExitCode::from(u8::from(!same))),
        Err(error) => {
            // As `diff` has it: 1 says that something differs, and trouble has to be told from that.
            anstream::eprintln!("harmock: {}", one_line(&error));
            Ok(ExitCode::from(2))
        }
    }
}

fn compare(args: &Args) -> anyhow::Result<bool> {
    let (before, after) = (whole(&args.before)?, whole(&args.after)?);
    let before = Archive::open_unchecked(&before.path, &Limits::default())?;
    let after = Archive::open_unchecked(&after.path, &Limits::default())?;
    let volatile = (!args.all).then(|| Volatile::with(&args.volatile));
    let comparison = Comparison { before: &before, after: &after, volatile: volatile.as_ref() };
    let changes = comparison
        .changes()
        .with_context(|| format!("{} and {} cannot be compared", args.before.display(), args.after.display()))?;
    if args.json {
        print((serde_json::to_string_pretty(&changes)? + "\n").as_bytes())?;
    } else {
        rendered::print(&changes)?;
        anstream::eprintln!("{}", rendered::in_one_line(&changes));
    }
    Ok(changes.is_empty())
}
