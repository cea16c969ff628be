//! `harmock.toml`: where it is found, and what it may say.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{FileProblems, Problem, SettingsError};
use super::keys::{self, KEYS, Key};
use super::value::{Item, Scalar, Value};

/// The name of the file beside `hars/`.
pub(crate) const FILE_NAME: &str = "harmock.toml";

/// A config file that was read and checked.
#[derive(Debug)]
pub(crate) struct ConfigFile {
    /// As it is named in messages.
    pub(crate) path: PathBuf,
    /// What its paths are relative to; empty for the current folder.
    pub(crate) folder: PathBuf,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    key: &'static Key,
    line: usize,
    values: Vec<Scalar>,
}

impl ConfigFile {
    /// The file that `--config` names, or else the one that is found from the current folder upwards.
    pub(crate) fn load(named: Option<&Path>) -> Result<Option<Self>, SettingsError> {
        match named {
            Some(path) => Self::read(path).map(Some),
            None => find().map(|path| Self::read(&path)).transpose(),
        }
    }

    fn read(path: &Path) -> Result<Self, SettingsError> {
        let unreadable = |reason| SettingsError::Unreadable { path: path.to_owned(), reason };
        let bytes = fs::read(path).map_err(unreadable)?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let (line, column) = position(&String::from_utf8_lossy(error.as_bytes()), error.utf8_error().valid_up_to());
            let message = "not UTF-8 text; save the file as UTF-8".to_owned();
            FileProblems { path: path.to_owned(), problems: vec![Problem { line, column, message }] }
        })?;
        Ok(Self::parse(path, &text)?)
    }

    /// Reads the text of the file at `path`; every problem is found, not only the first.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, FileProblems> {
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut problems: Vec<_> = errors.iter().map(|error| syntax(text, error)).collect();
        let mut entries = Vec::new();
        if problems.is_empty() {
            for (name, value) in table.get_ref() {
                match entry(text, &folder, name, value) {
                    Ok(entry) => entries.push(entry),
                    Err(found) => problems.extend(found),
                }
            }
        }
        problems.sort();
        problems.dedup();
        if problems.is_empty() {
            Ok(Self { path: path.to_owned(), folder, entries })
        } else {
            Err(FileProblems { path: path.to_owned(), problems })
        }
    }

    /// The value of a setting and its line.
    pub(crate) fn one<T: Value>(&self, key: &Key) -> Option<(T, usize)> {
        let entry = self.entry(key)?;
        Some((T::from_file(entry.values.first()?, &self.folder).ok()?, entry.line))
    }

    /// The values of a list and its line.
    pub(crate) fn list<T: Value>(&self, key: &Key) -> Option<(Vec<Item<T>>, usize)> {
        let entry = self.entry(key)?;
        let values = entry.values.iter().filter_map(|value| Item::from_file(value, &self.folder).ok());
        Some((values.collect(), entry.line))
    }

    fn entry(&self, key: &Key) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key.name == key.name)
    }
}

/// Looks in the current folder, then in those above it, up to a repository's root or the file system's.
///
/// A folder in which everybody may create files (`/tmp`) ends the search: another user's file there must not say
/// where this user's recordings go.
fn find() -> Option<PathBuf> {
    let here = PathBuf::from(FILE_NAME);
    if here.is_file() {
        return Some(here);
    }
    find_above(&std::env::current_dir().ok()?)
}

fn find_above(folder: &Path) -> Option<PathBuf> {
    if folder.join(".git").exists() {
        return None;
    }
    for above in folder.ancestors().skip(1).take_while(|above| !is_shared(above)) {
        let candidate = above.join(FILE_NAME);
        if candidate.is_file() {
            return Some(candidate);
        }
        if above.join(".git").exists() {
            return None;
        }
    }
    None
}

#[cfg(unix)]
fn is_shared(folder: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    // World-writable and sticky: the mark of a folder for everybody's temporary files.
    fs::metadata(folder).is_ok_and(|metadata| metadata.permissions().mode() & 0o1002 == 0o1002)
}

#[cfg(not(unix))]
fn is_shared(_folder: &Path) -> bool {
    false
}

type SpannedKey<'a> = Spanned<Cow<'a, str>>;

/// One line of the table, or all that is wrong with it.
fn entry(
    text: &str,
    folder: &Path,
    name: &SpannedKey<'_>,
    value: &Spanned<DeValue<'_>>,
) -> Result<Entry, Vec<Problem>> {
    let problem = |at: usize, message: String| {
        let (line, column) = position(text, at);
        Problem { line, column, message: one_line(&message) }
    };
    let key = known(name.get_ref()).map_err(|message| vec![problem(name.span().start, message)])?;
    if key.name == "rules" {
        return rules_entry(text, folder, key, name, value);
    }
    let items: Vec<(Scalar, usize)> = match value.get_ref() {
        DeValue::Table(table) if key.name == "map" => super::origins::lines(table),
        DeValue::Array(items) if key.is_list => {
            items.iter().map(|item| (scalar(item.get_ref()), item.span().start)).collect()
        }
        single => vec![(scalar(single), value.span().start)],
    };
    let problems: Vec<_> = items
        .iter()
        .filter_map(|(item, at)| {
            let reason = (key.check_file)(item, folder).err()?;
            let given = if let Scalar::Other(_) = item { String::new() } else { format!(" = {item}") };
            Some(problem(*at, format!("{}{given}: {reason}", key.name)))
        })
        .collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    let (line, _) = position(text, name.span().start);
    Ok(Entry { key, line, values: items.into_iter().map(|(item, _)| item).collect() })
}

/// `[[rules]]`: each table is read by itself, so that what is wrong has its own place.
fn rules_entry(
    text: &str,
    folder: &Path,
    key: &'static Key,
    name: &SpannedKey<'_>,
    value: &Spanned<DeValue<'_>>,
) -> Result<Entry, Vec<Problem>> {
    let tables = match value.get_ref() {
        DeValue::Array(tables) => tables.iter().collect(),
        _ => vec![value],
    };
    let (mut values, mut problems) = (Vec::new(), Vec::new());
    for table in tables {
        match super::rules::read(table) {
            Ok(rule) => match (key.check_file)(&rule.to_scalar(), folder) {
                Ok(()) => values.push(rule.to_scalar()),
                Err(message) => {
                    let (line, column) = position(text, table.span().start);
                    problems.push(Problem { line, column, message: one_line(&message) });
                }
            },
            Err(faults) => problems.extend(faults.into_iter().map(|fault| {
                let (line, column) = position(text, fault.at);
                Problem { line, column, message: fault.message }
            })),
        }
    }
    let (line, _) = position(text, name.span().start);
    if problems.is_empty() { Ok(Entry { key, line, values }) } else { Err(problems) }
}

/// The setting of a key, or why the file may not say it.
fn known(name: &str) -> Result<&'static Key, String> {
    let Some(key) = keys::find(name) else {
        let candidates = KEYS.iter().filter(|key| key.never_in_file.is_none());
        let nearest = candidates.min_by_key(|key| strsim::osa_distance(name, key.name)).map_or("", |key| key.name);
        return Err(format!("unknown key `{name}`; the nearest known one is `{nearest}`"));
    };
    match key.never_in_file {
        None => Ok(key),
        Some(danger) => Err(format!(
            "`{name}` counts only as the flag --{name} or the variable {}, so that a cloned repository cannot {danger}",
            key.variable()
        )),
    }
}

pub(super) fn scalar(value: &DeValue<'_>) -> Scalar {
    match value {
        DeValue::String(text) => Scalar::Text(text.clone().into_owned()),
        DeValue::Boolean(yes) => Scalar::Bool(*yes),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Scalar::Integer(number),
            Err(_) => Scalar::Other("an integer beyond 64 bits"),
        },
        DeValue::Float(number) => Scalar::Float(number.as_str().to_owned()),
        DeValue::Datetime(_) => Scalar::Other("a date"),
        DeValue::Array(_) => Scalar::Other("a list"),
        DeValue::Table(_) => Scalar::Other("a table"),
    }
}

fn syntax(text: &str, error: &toml::de::Error) -> Problem {
    let (line, column) = position(text, error.span().map_or(0, |span| span.start));
    Problem { line, column, message: format!("not TOML: {}", one_line(error.message())) }
}

pub(super) fn one_line(message: &str) -> String {
    message.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

/// Line and column, both from one, the column in characters.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}
