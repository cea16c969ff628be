//! `harmock har recover`: finish what killed recordings left.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::cli::CommandResult;
use crate::cli::report::{bodies_lost, count};
use crate::record::{finish_killed, killed_in, recording_in};

/// Finish the recordings of runs that were killed.
///
/// What such a run had recorded lies in `.harmock/` beside its archive. The archive is written from it, as the run itself
/// would have written it; the next `harmock record` on the archive would do the same. A recording that is still going on
/// is not touched.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An archive, or a folder of them
    #[arg(value_name = "ARCHIVE", default_value = "hars")]
    archive: PathBuf,
}

pub(crate) fn run(args: Args) -> CommandResult {
    let archives = if args.archive.is_dir() { killed_in(&args.archive) } else { vec![args.archive.clone()] };
    let mut recovered = 0;
    for archive in &archives {
        let Some(finished) = finish_killed(archive)? else { continue };
        recovered += 1;
        let cut = if finished.cut { "; the last one had been cut off and is lost" } else { "" };
        let exchanges = count(finished.exchanges as u64, "exchange");
        let lost = bodies_lost(&finished);
        anstream::eprintln!("recovered {exchanges} into {}{cut}{lost}", archive.display());
    }
    for archive in if args.archive.is_dir() { recording_in(&args.archive) } else { Vec::new() } {
        anstream::eprintln!("{}: a run records into it, which will write it", archive.display());
    }
    if recovered == 0 {
        anstream::eprintln!("{}: no run left anything to recover", args.archive.display());
    }
    Ok(ExitCode::SUCCESS)
}
