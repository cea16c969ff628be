//! The layers of settings: a flag over a variable over the file over the default.

use std::fmt;
use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::error::SettingsError;
use super::file::ConfigFile;
use super::keys::{self, KEYS, Key};
use super::value::{Item, Scalar, Value};

/// What lies under the flags, and a note of every setting that was asked for.
#[derive(Debug)]
pub(crate) struct Layers {
    environment: Environment,
    file: Option<ConfigFile>,
    notes: Vec<Note>,
}

/// A setting in force.
#[derive(Debug)]
pub(crate) struct Note {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its value.
    pub(crate) value: NotedValue,
    /// Who says so; several where a list was added to, lowest first.
    pub(crate) sources: Vec<Source>,
}

/// The value of a setting in force.
#[derive(Debug)]
pub(crate) enum NotedValue {
    /// Exactly one.
    One(Scalar),
    /// Any number.
    List(Vec<Scalar>),
    /// None, and what that means.
    Unset(&'static str),
}

/// Who says what a setting is. A later one outranks an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// harmock itself.
    Default,
    /// This line of the file.
    File {
        /// The file.
        path: PathBuf,
        /// From one.
        line: usize,
    },
    /// This variable.
    Variable(String),
    /// The flag.
    Flag,
}

impl Source {
    /// The layer alone, from 0 for a default to 3 for a flag.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::File { .. } => 1,
            Self::Variable(_) => 2,
            Self::Flag => 3,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag => f.write_str("flag"),
        }
    }
}

/// What one layer says about a list.
type ListLayer<T> = (Vec<Item<T>>, Source);

impl Layers {
    /// The variables of this process, and the file that `--config`, `HARMOCK_CONFIG` or the search names.
    pub(crate) fn load(config: Option<&Path>) -> Result<Self, SettingsError> {
        let environment = Environment::of_process();
        let file = load_file(config, &environment)?;
        Ok(Self::new(environment, file))
    }

    /// These variables and this file.
    pub(crate) fn new(environment: Environment, file: Option<ConfigFile>) -> Self {
        Self { environment, file, notes: Vec::new() }
    }

    /// Notes also the settings that nobody has asked for, as far as the layers under the flags name them.
    pub(crate) fn note_others(&mut self) -> Result<(), SettingsError> {
        for key in KEYS {
            if self.notes.iter().all(|note| note.name != key.name) {
                (key.note)(self, key.name)?;
            }
        }
        Ok(())
    }

    /// The settings that were asked for, in the order of the table.
    pub(crate) fn into_notes(mut self) -> Vec<Note> {
        self.notes.sort_by_key(|note| KEYS.iter().position(|key| key.name == note.name));
        self.notes
    }

    /// A default path lies beside the config file, as `hars/` does.
    pub(crate) fn beside_file(&self, path: PathBuf) -> PathBuf {
        match &self.file {
            Some(file) => file.folder.join(path),
            None => path,
        }
    }

    /// The value of a setting that always has one.
    pub(crate) fn one<T: Value>(
        &mut self,
        name: &'static str,
        flag: Option<&T>,
        default: T,
    ) -> Result<T, SettingsError> {
        self.ranked(name, flag, default).map(|(value, _)| value)
    }

    /// The same with the rank of its source.
    pub(crate) fn ranked<T: Value>(
        &mut self,
        name: &'static str,
        flag: Option<&T>,
        default: T,
    ) -> Result<(T, u8), SettingsError> {
        let (value, source) = self.pick(name, flag)?.unwrap_or((default, Source::Default));
        let rank = source.rank();
        self.note(name, NotedValue::One(value.to_scalar()), vec![source]);
        Ok((value, rank))
    }

    /// The value of a setting that may have none; `unset` says what that means.
    pub(crate) fn optional<T: Value>(
        &mut self,
        name: &'static str,
        flag: Option<&T>,
        unset: &'static str,
    ) -> Result<Option<T>, SettingsError> {
        let picked = self.pick(name, flag)?;
        let (value, source) = match picked {
            Some((value, source)) => (Some(value), source),
            None => (None, Source::Default),
        };
        let noted = value.as_ref().map_or(NotedValue::Unset(unset), |value| NotedValue::One(value.to_scalar()));
        self.note(name, noted, vec![source]);
        Ok(value)
    }

    /// The values of a list. A layer whose items all have a `+` adds to the layers under it; any other takes their place.
    pub(crate) fn list<T: Value>(
        &mut self,
        name: &'static str,
        flags: &[Item<T>],
        default: Vec<T>,
    ) -> Result<Vec<T>, SettingsError> {
        let mut values = default;
        let mut sources = vec![Source::Default];
        for (items, source) in self.list_layers(name, flags)? {
            let adds = !items.is_empty() && items.iter().all(|item| item.adds);
            if !adds || values.is_empty() {
                values.clear();
                sources.clear();
            }
            values.extend(items.into_iter().map(|item| item.value));
            sources.push(source);
        }
        let noted = NotedValue::List(values.iter().map(Value::to_scalar).collect());
        self.note(name, noted, sources);
        Ok(values)
    }

    fn note(&mut self, name: &'static str, value: NotedValue, sources: Vec<Source>) {
        if self.notes.iter().all(|note| note.name != name) {
            self.notes.push(Note { name, value, sources });
        }
    }

    fn pick<T: Value>(&self, name: &str, flag: Option<&T>) -> Result<Option<(T, Source)>, SettingsError> {
        if let Some(value) = flag {
            return Ok(Some((value.clone(), Source::Flag)));
        }
        let Some(key) = keys::find(name) else { return Ok(None) };
        if let Some(value) = self.environment.one(key)? {
            return Ok(Some((value, Source::Variable(key.variable()))));
        }
        Ok(self.file.as_ref().and_then(|file| {
            let (value, line) = file.one(key)?;
            Some((value, Source::File { path: file.path.clone(), line }))
        }))
    }

    /// What each layer says about a list, lowest first.
    fn list_layers<T: Value>(&self, name: &str, flags: &[Item<T>]) -> Result<Vec<ListLayer<T>>, SettingsError> {
        let mut layers = Vec::new();
        if let Some(key) = keys::find(name) {
            layers.extend(self.file_list(key));
            if let Some(items) = self.environment.list(key)? {
                layers.push((items, Source::Variable(key.variable())));
            }
        }
        if !flags.is_empty() {
            layers.push((flags.to_vec(), Source::Flag));
        }
        Ok(layers)
    }

    fn file_list<T: Value>(&self, key: &Key) -> Option<ListLayer<T>> {
        let file = self.file.as_ref()?;
        let (items, line) = file.list(key)?;
        Some((items, Source::File { path: file.path.clone(), line }))
    }
}

fn load_file(config: Option<&Path>, environment: &Environment) -> Result<Option<ConfigFile>, SettingsError> {
    let named = match (config, keys::find("config")) {
        (None, Some(key)) => environment.one::<PathBuf>(key)?,
        (named, _) => named.map(Path::to_owned),
    };
    ConfigFile::load(named.as_deref())
}

/// Every problem of the config file and of the variables of this process, one line each.
pub(crate) fn load_problems(config: Option<&Path>) -> Vec<String> {
    let environment = Environment::of_process();
    let mut lines = match load_file(config, &environment) {
        Ok(_) => Vec::new(),
        Err(SettingsError::File(problems)) => problems.lines().collect(),
        Err(error @ SettingsError::Unreadable { .. }) => vec![error.to_string()],
        // A variable is reported with the others.
        Err(SettingsError::Variable { .. } | SettingsError::Conflict(_)) => Vec::new(),
    };
    lines.extend(environment.problems());
    lines
}
