//! What is wrong with the settings, in one line.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::value::without_password;

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// A variable holds what its flag would not take.
    #[error("{variable}={}: {reason}", printable(value))]
    Variable {
        /// Its name.
        variable: String,
        /// What it holds.
        value: String,
        /// What it should hold.
        reason: String,
    },
    /// Settings that are good one by one do not go together.
    #[error("{0}")]
    Conflict(String),
    /// The config file cannot be read.
    #[error("{} cannot be read: {reason}; --config or HARMOCK_CONFIG names another file", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// The config file says what it may not.
    #[error(transparent)]
    File(#[from] FileProblems),
}

impl SettingsError {
    /// 2 where the command was called wrongly, 1 where a file is at fault.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Variable { .. } | Self::Conflict(_) => 2,
            Self::Unreadable { .. } | Self::File(_) => 1,
        }
    }
}

/// All that is wrong with a config file; at least one problem.
#[derive(Debug)]
pub(crate) struct FileProblems {
    /// The file.
    pub(crate) path: PathBuf,
    /// In the order of the file.
    pub(crate) problems: Vec<Problem>,
}

/// One thing that is wrong with a config file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    /// From one.
    pub(crate) line: usize,
    /// In characters, from one.
    pub(crate) column: usize,
    /// What is wrong and what to do, without the place.
    pub(crate) message: String,
}

impl FileProblems {
    /// One line for each problem: `file:line:column: what`.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        let path = self.path.display();
        self.problems
            .iter()
            .map(move |problem| format!("{path}:{}:{}: {}", problem.line, problem.column, problem.message))
    }
}

/// The first problem, and how many more there are.
impl fmt::Display for FileProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().next().unwrap_or_default())?;
        match self.problems.len() {
            0 | 1 => Ok(()),
            count => write!(f, " ({} more: run `harmock config check`)", count - 1),
        }
    }
}

impl std::error::Error for FileProblems {}

/// The value on one line, without a password.
fn printable(value: &str) -> String {
    without_password(value).escape_debug().to_string()
}
