//! `harmock har merge`: several archives into one.

use std::path::PathBuf;
use std::process::ExitCode;

use super::whole;
use crate::archive::merge;
use crate::cli::CommandResult;
use crate::cli::report::count;
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
    let sources = args.sources.iter().map(|source| whole(source)).collect::<Result<Vec<_>, _>>()?;
    let paths: Vec<_> = sources.iter().map(|source| source.path.clone()).collect();
    let merged = merge(&paths, &args.output, args.force)?;
    let repeated = if merged.repeated > 0 { format!(", {} repeated", merged.repeated) } else { String::new() };
    let (entries, payloads) = (count(merged.entries as u64, "entry"), count(merged.payloads as u64, "payload"));
    anstream::eprintln!("{}: {entries}, {payloads}{repeated}", args.output.display());
    Ok(ExitCode::SUCCESS)
}
