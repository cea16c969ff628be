//! `harmock har unpack`: a zip into a `.har` with payload files beside it.

use std::path::PathBuf;
use std::process::ExitCode;

use super::whole;
use crate::archive::{unpack, unpack_target};
use crate::cli::CommandResult;
use crate::cli::report::count;
use crate::record::hold_existing;

/// Unpacks a .zip into a .har with its payload files beside it, byte for byte.
///
/// Files of the zip that no entry names stay in it. Existing files of other content are not overwritten.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The zip
    zip: PathBuf,
    /// A .har to write, or a folder for one that is called as the zip is
    #[arg(short, long, value_name = "FOLDER_OR_HAR")]
    output: PathBuf,
    /// Overwrite files that are there
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: Args) -> CommandResult {
    let _held = hold_existing(&unpack_target(&args.zip, &args.output))?;
    let zip = whole(&args.zip)?;
    let unpacked = unpack(&zip.path, &args.output, args.force)?;
    let (entries, payloads) = (count(unpacked.entries as u64, "entry"), count(unpacked.payloads as u64, "payload"));
    anstream::eprintln!("{}: {entries}, {payloads}", unpacked.path.display());
    for missing in &unpacked.missing {
        anstream::eprintln!("harmock: warning: the zip does not hold the payload {missing} that an entry names");
    }
    if unpacked.left > 0 {
        anstream::eprintln!("harmock: warning: {} files of the zip that no entry names were left out", unpacked.left);
    }
    Ok(ExitCode::SUCCESS)
}
