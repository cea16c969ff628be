//! The command line, the only user of clap.
//!
//! One file per command holds its clap type and its `run`; this file only names them.

mod ask;
mod ca;
mod completions;
mod config;
mod doctor;
mod editor;
mod env;
mod explain;
pub(crate) mod flags;
mod har;
mod location;
mod man;
mod open;
mod reached;
mod record;
mod replay;
mod report;
mod reports;
mod run;
mod send;
pub(crate) mod settings;
mod shell;
pub(crate) mod signals;
mod snippet;
mod templates;
mod wait;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

/// Records HTTP traffic to a HAR and replays it strictly, for every client.
#[derive(Debug, Parser)]
#[command(name = "harmock", version, propagate_version = true, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Record(Box<record::RecordArgs>),
    Replay(Box<replay::ReplayArgs>),
    Open(Box<open::Args>),
    Env(env::Args),
    Snippet(snippet::Args),
    Doctor(doctor::Args),
    Config(config::ConfigArgs),
    Explain(explain::ExplainArgs),
    Wait(wait::Args),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
    Ca(ca::CaArgs),
    Har(har::Args),
    Send(send::Args),
    Report(reports::ReportArgs),
}

/// What a command gives back: its exit code, or the error that `main` prints as one line.
pub(crate) type CommandResult = anyhow::Result<ExitCode>;

impl Command {
    fn run(self) -> CommandResult {
        match self {
            Self::Record(args) => record::run(&args),
            Self::Replay(args) => replay::run(&args),
            Self::Open(args) => open::run(&args),
            Self::Env(args) => env::run(args),
            Self::Snippet(args) => snippet::run(&args),
            Self::Doctor(args) => doctor::run(&args),
            Self::Config(args) => config::run(&args),
            Self::Explain(args) => explain::run(&args),
            Self::Wait(args) => wait::run(args),
            Self::Completions(args) => completions::run(&args),
            Self::Man(args) => man::run(&args),
            Self::Ca(args) => ca::run(args),
            Self::Har(args) => har::run(args),
            Self::Send(args) => send::run(&args),
            Self::Report(args) => reports::run(args),
        }
    }
}

/// The whole command line, for what describes it.
fn command() -> clap::Command {
    Cli::command()
}

/// Parses the arguments, runs the command, and gives the exit code of the process: an error is one line and 1,
/// or 2 where the command was called wrongly.
pub fn main() -> ExitCode {
    refuse_empty_command();
    match Cli::parse().command.run() {
        Ok(code) => code,
        Err(error) => {
            anstream::eprintln!("harmock: {}", one_line(&error));
            exit_code(&error).into()
        }
    }
}

/// The error and its causes, each said once: some messages name their cause themselves.
fn one_line(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |line, cause| match line.as_str() {
        "" => cause,
        said if said.contains(&cause) => line,
        _ => format!("{line}: {cause}"),
    })
}

/// Wrong settings and a command that cannot be started have exit codes of their own.
fn exit_code(error: &anyhow::Error) -> u8 {
    if let Some(settings) = error.downcast_ref::<settings::SettingsError>() {
        return settings.exit_code();
    }
    error.downcast_ref::<crate::launch::Error>().map_or(1, crate::launch::Error::exit_code)
}

/// `-- $CMD` with an empty variable would run until a signal comes, in CI for ever.
fn refuse_empty_command() {
    if std::env::args_os().next_back().is_some_and(|last| last == "--") {
        Cli::command()
            .error(ErrorKind::TooFewValues, "there is nothing after --; leave it out, or name a command")
            .exit();
    }
}
