//! The command line, the only user of clap.
//!
//! One file per command holds its clap type and its `run`; this file only names them.

mod har;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Records HTTP traffic to a HAR and replays it strictly, for every client.
#[derive(Debug, Parser)]
#[command(name = "harmock", version, propagate_version = true, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Har(har::Args),
}

/// What a command gives back: its exit code, or the error that `main` prints as one line.
pub(crate) type CommandResult = anyhow::Result<ExitCode>;

impl Command {
    fn run(self) -> CommandResult {
        match self {
            Self::Har(args) => har::run(args),
        }
    }
}

/// Parses the arguments, runs the command, and gives the exit code of the process: an error is one line and 1.
pub fn main() -> ExitCode {
    match Cli::parse().command.run() {
        Ok(code) => code,
        Err(error) => {
            anstream::eprintln!("harmock: {error:#}");
            ExitCode::FAILURE
        }
    }
}
