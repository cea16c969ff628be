//! `harmock har pack`: a `.har` and its payloads into one zip.

use std::path::PathBuf;
use std::process::ExitCode;

use super::whole;
use crate::archive::pack;
use crate::cli::CommandResult;
use crate::cli::report::count;
use crate::record::hold_existing;

/// Packs a .har and the payload files that it names into one .zip, byte for byte.
///
/// The zip has the layout that Playwright reads: `har.har` first, payloads beside it. The files stay where they are.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The archive, or a folder that holds a single .har
    #[arg(value_name = "HAR_OR_FOLDER")]
    source: PathBuf,
    /// The zip to write
    #[arg(short, long, value_name = "ZIP")]
    output: PathBuf,
    /// Overwrite a file that is there
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: Args) -> CommandResult {
    let _held = hold_existing(&args.output)?;
    let source = whole(&args.source)?;
    let packed = pack(&source.path, &args.output, args.force)?;
    let (entries, payloads) = (count(packed.entries as u64, "entry"), count(packed.payloads as u64, "payload"));
    anstream::eprintln!("{}: {entries}, {payloads}", packed.path.display());
    Ok(ExitCode::SUCCESS)
}
