//! `harmock har merge`: several archives into one.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::archive::merge;
use crate::cli::CommandResult;
use crate::record::hold_existing;

/// Write the entries of several archives into one.
///
/// The entries keep their text and the order of the arguments; equal ones come once. Payload files are copied; one whose
/// name other content has already gets a new name. The archives themselves stay as they are.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// `.har` or `.zip` files, in the order in which they count
    #[arg(value_name = "ARCHIVE", required = true, num_args = 1..)]
    sources: Vec<PathBuf>,
    /// The `.har` or `.zip` to write
    #[arg(short, long, value_name = "ARCHIVE")]
    output: PathBuf,
    /// Overwrite a file that is there
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: Args) -> CommandResult {
    let _held = hold_existing(&args.output)?;
    let merged = merge(&args.sources, &args.output, args.force)?;
    let repeated = if merged.repeated > 0 { format!(", {} repeated", merged.repeated) } else { String::new() };
    let out = args.output.display();
    anstream::eprintln!("{out}: {} entries, {} payloads{repeated}", merged.entries, merged.payloads);
    Ok(ExitCode::SUCCESS)
}
