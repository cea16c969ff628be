//! `harmock har`: work on archives. One file per subcommand.

mod pack;
mod unpack;

use clap::Subcommand;

use super::CommandResult;

/// Work on archives: pack, unpack.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Pack(pack::Args),
    Unpack(unpack::Args),
}

pub(crate) fn run(args: Args) -> CommandResult {
    match args.command {
        Command::Pack(args) => pack::run(args),
        Command::Unpack(args) => unpack::run(args),
    }
}
