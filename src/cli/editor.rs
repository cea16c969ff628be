//! The user's editor: a file out, and what has become of it back.

use std::fs;
use std::io::{self, BufRead, IsTerminal};
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

use anyhow::{Context, bail};
use tempfile::TempDir;

/// What is run to edit a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Editor(String);

/// A file that came back from the editor; removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Returned {
    folder: TempDir,
    file: PathBuf,
}

impl Editor {
    /// `$VISUAL`, else `$EDITOR`, else the one that each system has.
    pub(crate) fn of_environment() -> Self {
        let named = ["VISUAL", "EDITOR"].into_iter().filter_map(|name| std::env::var(name).ok());
        let default = if cfg!(windows) { "notepad" } else { "vi" };
        Self(named.into_iter().find(|command| !command.trim().is_empty()).unwrap_or_else(|| default.to_owned()))
    }

    /// Has a content edited, in a file with this extension.
    pub(crate) fn edit(&self, content: &[u8], extension: &str) -> anyhow::Result<Returned> {
        let folder = tempfile::Builder::new().prefix("harmock-edit-").tempdir().context("cannot make a folder")?;
        let file = folder.path().join(format!("body.{extension}"));
        fs::write(&file, content).with_context(|| format!("cannot write {}", file.display()))?;
        self.again(Returned { folder, file })
    }

    /// Has the same file edited once more.
    pub(crate) fn again(&self, returned: Returned) -> anyhow::Result<Returned> {
        let status =
            self.run(&returned).with_context(|| format!("cannot start the editor {:?}; set VISUAL", self.0))?;
        if !status.success() {
            bail!("the editor {:?} ended with {status}; nothing was changed", self.0);
        }
        Ok(returned)
    }

    /// The command may have arguments and quotes of its own, as git has it.
    fn run(&self, returned: &Returned) -> io::Result<ExitStatus> {
        if cfg!(windows) {
            let mut words = self.0.split_whitespace();
            return Command::new(words.next().unwrap_or_default()).args(words).arg(&returned.file).status();
        }
        let line = format!("{} \"$@\"", self.0);
        Command::new("sh").args(["-c", &line, &self.0]).arg(&returned.file).status()
    }

    /// Whether a person wants to go on editing; nobody is asked where nobody is there.
    pub(crate) fn asks_again(&self, why: &str) -> io::Result<bool> {
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return Ok(false);
        }
        anstream::eprint!("{why}\nEdit again? [Y/n] ");
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        // The end of the input is no wish to go on.
        Ok(answer.ends_with('\n') && !answer.trim().to_ascii_lowercase().starts_with('n'))
    }
}

impl Returned {
    /// What the file holds now, if that is something else.
    pub(crate) fn changed(&self, before: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
        let now = fs::read(&self.file).with_context(|| format!("cannot read {}", self.file.display()))?;
        Ok((now != before).then_some(now))
    }

    /// Leaves the file where it is, and says where.
    pub(crate) fn keep(self) -> io::Result<PathBuf> {
        let _folder = self.folder.keep();
        Ok(self.file)
    }
}
