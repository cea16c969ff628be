//! `harmock completions`: the script that lets a shell complete harmock's commands and flags.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use clap_complete::Shell;

use super::CommandResult;

/// Prints the completions of a shell
///
/// bash: `harmock completions bash > ~/.local/share/bash-completion/completions/harmock`;
/// zsh: `harmock completions zsh > "${fpath[1]}/_harmock"`;
/// fish: `harmock completions fish > ~/.config/fish/completions/harmock.fish`;
/// PowerShell: `harmock completions powershell >> $PROFILE`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

pub(crate) fn run(args: &CompletionsArgs) -> CommandResult {
    // The generator panics when its writer fails, as a closed pipe does.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "harmock", &mut script);
    match io::stdout().lock().write_all(&script) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}
