//! `harmock har gc`: remove payload files that no archive names.

use std::path::PathBuf;
use std::process::ExitCode;

use super::print;
use crate::archive::collect_garbage;
use crate::cli::CommandResult;
use crate::cli::report::count;
use crate::record::hold_all;

/// Remove payload files that no archive names any more.
///
/// Only files that are named by their hash and still have it are removed, from the folder and the folders in it, and what
/// commands that were killed have left there. If one archive cannot be read or is being recorded, nothing is. The names
/// of the files go to standard output.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A folder, or an archive in it
    #[arg(value_name = "FOLDER_OR_ARCHIVE", default_value = "hars")]
    folder: PathBuf,
    /// Remove nothing, only name what would be removed
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(args: Args) -> CommandResult {
    // A run that ends meanwhile puts payloads there before it names them.
    let _held = if args.dry_run { Vec::new() } else { hold_all(&args.folder)? };
    let garbage = collect_garbage(&args.folder, args.dry_run)?;
    let lines: String = garbage.removed.iter().map(|path| format!("{}\n", path.display())).collect();
    print(lines.as_bytes())?;
    for path in &garbage.edited {
        anstream::eprintln!("{}: no archive names it, but it was edited: it stays", path.display());
    }
    let files = if garbage.removed.len() == 1 { "payload" } else { "payloads" };
    let verb = if args.dry_run { "to remove" } else { "removed" };
    anstream::eprintln!("{} {files} {verb}, {} bytes", garbage.removed.len(), garbage.bytes);
    if garbage.left_writing > 0 {
        let left = count(garbage.left_writing as u64, "folder");
        anstream::eprintln!("{left} {verb} that commands left which were killed");
    }
    Ok(ExitCode::SUCCESS)
}
