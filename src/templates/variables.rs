//! The variables that templates can read: those of files, and those of the process that the user lists.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::dotenv;

/// Whether the value of a variable of this name is a secret by its name.
type IsSecret<'a> = &'a dyn Fn(&str, &str) -> bool;

/// Variables by name.
#[derive(Clone, Default)]
pub struct Variables(BTreeMap<String, Variable>);

/// One of them.
#[derive(Clone)]
pub(super) struct Variable {
    pub(super) value: String,
    pub(super) secret: bool,
}

/// The names alone.
impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Variables that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VariablesError {
    /// Their file.
    #[error("the variables in {} cannot be read: {source}; name another file with --env", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A line of it.
    #[error("{}:{line}: {reason}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// From one.
        line: usize,
        /// What is wrong.
        reason: &'static str,
    },
}

impl Variables {
    /// The value of a variable.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.find(name).map(|variable| variable.value.as_str())
    }

    pub(super) fn find(&self, name: &str) -> Option<&Variable> {
        self.0.get(name)
    }

    /// The values that nobody is to be shown.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.0.values().filter(|variable| variable.secret).map(|variable| variable.value.as_str())
    }

    /// Reads the text of a file over what is there. The error is the line and what is wrong with it.
    pub(super) fn read(
        &mut self,
        text: &str,
        is_secret: impl Fn(&str, &str) -> bool,
    ) -> Result<(), (usize, &'static str)> {
        for line in dotenv::parse(text)? {
            let secret = line.secret.unwrap_or_else(|| is_secret(&line.name, &line.value));
            self.0.insert(line.name, Variable { value: line.value, secret });
        }
        Ok(())
    }

    fn read_file(&mut self, path: &Path, is_secret: IsSecret<'_>) -> Result<(), VariablesError> {
        let unreadable = |source| VariablesError::Unreadable { path: path.to_owned(), source };
        let bytes = std::fs::read(path).map_err(unreadable)?;
        let not_text = |_| unreadable(std::io::Error::new(std::io::ErrorKind::InvalidData, "it is not UTF-8 text"));
        let text = String::from_utf8(bytes).map_err(not_text)?;
        let wrong = |(line, reason)| VariablesError::Line { path: path.to_owned(), line, reason };
        self.read(&text, is_secret).map_err(wrong)
    }

    fn read_files(&mut self, paths: &[PathBuf], is_secret: IsSecret<'_>) -> Result<(), VariablesError> {
        paths.iter().try_for_each(|path| self.read_file(path, is_secret))
    }

    /// Puts those of the process over what is there.
    fn pass(&mut self, passed: &[(String, String)], is_secret: IsSecret<'_>) {
        for (name, value) in passed {
            let secret = is_secret(name, value) || self.find(name).is_some_and(|variable| variable.secret);
            self.0.insert(name.clone(), Variable { value: value.clone(), secret });
        }
    }
}

/// The variables of a run, and those of rules that name files of their own.
#[derive(Debug, Clone, Default)]
pub struct Environments {
    run: Arc<Variables>,
    rules: HashMap<Vec<PathBuf>, Arc<Variables>>,
    unset: Vec<String>,
}

impl Environments {
    /// Reads `files`, a later one over an earlier one, and over them the variables of the process that `pass` lists. `rules` are
    /// the files of rules, which are read over those of the run. Blocks.
    ///
    /// # Errors
    /// A file cannot be read, or has a line that is none.
    pub fn load(
        files: &[PathBuf],
        pass: &[String],
        rules: impl IntoIterator<Item = Vec<PathBuf>>,
        is_secret: IsSecret<'_>,
    ) -> Result<Self, VariablesError> {
        let mut unset = Vec::new();
        let of_process = |name: &String| match std::env::var_os(name).map(OsString::into_string) {
            Some(Ok(value)) => Some((name.clone(), value)),
            _ => {
                unset.push(name.clone());
                None
            }
        };
        let passed: Vec<_> = pass.iter().filter_map(of_process).collect();
        let mut of_files = Variables::default();
        of_files.read_files(files, is_secret)?;
        let mut of_rules = HashMap::new();
        for files in rules {
            let mut variables = of_files.clone();
            variables.read_files(&files, is_secret)?;
            variables.pass(&passed, is_secret);
            of_rules.insert(files, Arc::new(variables));
        }
        of_files.pass(&passed, is_secret);
        Ok(Self { run: Arc::new(of_files), rules: of_rules, unset })
    }

    /// The variables under a rule that names these files, or under none.
    pub fn of(&self, files: Option<&[PathBuf]>) -> &Arc<Variables> {
        files.and_then(|files| self.rules.get(files)).unwrap_or(&self.run)
    }

    /// The values that nobody is to be shown.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.run.secrets().chain(self.rules.values().flat_map(|variables| variables.secrets()))
    }

    /// Variables that were to be passed, and that the process does not have as text.
    pub fn unset(&self) -> &[String] {
        &self.unset
    }
}
