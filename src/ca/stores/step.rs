//! One thing to do to a trust store: printable as a command, and doable.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// One step of an installation or a removal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Makes a folder of the user's own, with its parents.
    MakeDir(PathBuf),
    /// Writes the certificate to a file that everyone may read.
    Copy {
        /// The authority's certificate file, for the printed command.
        from: PathBuf,
        /// The file to write.
        to: PathBuf,
        /// The certificate, PEM.
        pem: String,
    },
    /// Removes a file.
    Remove(PathBuf),
    /// Runs a program with its arguments.
    Run(Vec<OsString>),
}

/// Why a step could not be taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StepError {
    /// The user may not do this; an administrator may.
    #[error("it needs an administrator's rights")]
    Permission,
    /// The program of a step is not there.
    #[error("{0} is not installed")]
    NoProgram(String),
    /// The program ran and failed.
    #[error("`{command}` failed: {output}")]
    Failed {
        /// What ran.
        command: String,
        /// The last line that it printed.
        output: String,
    },
    /// The operating system refused something else.
    #[error("{}: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

impl Step {
    /// A step that runs a program.
    pub(super) fn run<A: Into<OsString>>(words: impl IntoIterator<Item = A>) -> Self {
        Self::Run(words.into_iter().map(Into::into).collect())
    }

    /// A word as a POSIX shell reads it back: as it is, or in single quotes.
    pub fn word(word: &str) -> String {
        quoted(word)
    }

    /// Takes the step.
    ///
    /// # Errors
    ///
    /// When the system refuses, or when the program is missing or fails.
    pub fn take(&self) -> Result<(), StepError> {
        match self {
            Self::MakeDir(path) => fs::create_dir_all(path).map_err(|error| refused(path, error)),
            Self::Copy { to, pem, .. } => copy(pem, to),
            Self::Remove(path) => match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(refused(path, error)),
                _ => Ok(()),
            },
            Self::Run(words) => run(words, &self.to_string()),
        }
    }

    /// What takes a copied file away again when a later step fails.
    fn undo(&self) -> Option<Self> {
        match self {
            Self::Copy { to, .. } => Some(Self::Remove(to.clone())),
            _ => None,
        }
    }
}

/// See [`super::take_all`].
pub(super) fn take_all(steps: &[Step]) -> Result<(), StepError> {
    for (n, step) in steps.iter().enumerate() {
        if let Err(error) = step.take() {
            for undo in steps[..n].iter().rev().filter_map(Step::undo) {
                let _ = undo.take();
            }
            return Err(error);
        }
    }
    Ok(())
}

/// Runs a program and says whether it succeeded; what it prints is dropped.
pub(super) fn succeeds<A: Into<OsString>>(words: impl IntoIterator<Item = A>) -> bool {
    let words: Vec<OsString> = words.into_iter().map(Into::into).collect();
    run(&words, "").is_ok()
}

fn run(words: &[OsString], shown: &str) -> Result<(), StepError> {
    let Some((program, arguments)) = words.split_first() else { return Ok(()) };
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => StepError::NoProgram(program.to_string_lossy().into_owned()),
        _ => refused(Path::new(program), error),
    })?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stderr, output.stdout].concat();
    let text = String::from_utf8_lossy(&text);
    if text.contains("ermission denied") {
        return Err(StepError::Permission);
    }
    let last = text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it printed nothing");
    Err(StepError::Failed { command: shown.to_owned(), output: last.to_owned() })
}

fn copy(pem: &str, to: &Path) -> Result<(), StepError> {
    fs::write(to, pem).map_err(|error| refused(to, error))?;
    // A strict umask would leave a file that only root reads, and a bundle without it for everyone else.
    #[cfg(unix)]
    fs::set_permissions(to, std::os::unix::fs::PermissionsExt::from_mode(0o644)).map_err(|error| refused(to, error))?;
    Ok(())
}

fn refused(path: &Path, source: io::Error) -> StepError {
    match source.kind() {
        io::ErrorKind::PermissionDenied => StepError::Permission,
        _ => StepError::Io { path: path.to_owned(), cause: source },
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MakeDir(path) => write!(f, "mkdir -p {}", quoted(&path.to_string_lossy())),
            Self::Copy { from, to, .. } => {
                write!(f, "cp {} {}", quoted(&from.to_string_lossy()), quoted(&to.to_string_lossy()))
            }
            Self::Remove(path) => write!(f, "rm -f {}", quoted(&path.to_string_lossy())),
            Self::Run(words) => {
                let words: Vec<_> = words.iter().map(|word| quoted(&word.to_string_lossy())).collect();
                f.write_str(&words.join(" "))
            }
        }
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:=@%,\\".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
