//! `harmock man`: the manual pages.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Command, ValueHint};
use clap_mangen::Man;

use super::CommandResult;

/// Prints a manual page, or writes all of them
///
/// `harmock man record | man -l -` reads one page; `harmock man --dir ~/.local/share/man/man1` installs every page, so
/// that `man harmock-record` finds it.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Writes the page of every command into this folder, which is made if need be
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "page")]
    dir: Option<PathBuf>,

    /// The command whose page is printed, such as `config show` [default: harmock itself]
    #[arg(value_name = "COMMAND", id = "page")]
    page: Vec<String>,
}

pub(crate) fn run(args: &ManArgs) -> CommandResult {
    let mut root = super::command();
    root.build();
    match &args.dir {
        Some(dir) => write_pages(&root, dir)?,
        None => print_page(&root, &args.page)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn write_pages(root: &Command, dir: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("{} cannot be made", dir.display()))?;
    for (name, command) in pages("", root) {
        let path = dir.join(format!("{name}.1"));
        fs::write(&path, page(&name, &command)?).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

fn print_page(root: &Command, words: &[String]) -> anyhow::Result<()> {
    let name = ["harmock"].into_iter().chain(words.iter().map(String::as_str)).collect::<Vec<_>>().join("-");
    let (_, command) = pages("", root)
        .into_iter()
        .find(|(page, _)| *page == name)
        .with_context(|| format!("there is no command `{}`; `harmock --help` lists them", words.join(" ")))?;
    match io::stdout().lock().write_all(&page(&name, &command)?) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Every command that is not hidden, by the name of its page: `harmock`, `harmock-config`, `harmock-config-show`.
fn pages(prefix: &str, command: &Command) -> Vec<(String, Command)> {
    let name =
        if prefix.is_empty() { command.get_name().to_owned() } else { format!("{prefix}-{}", command.get_name()) };
    let mut all = vec![(name.clone(), command.clone())];
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
        all.extend(pages(&name, sub));
    }
    all
}

fn page(name: &str, command: &Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command.clone()).title(name.to_ascii_uppercase()).render(&mut page)?;
    Ok(page)
}
