//! The `HARMOCK_…` variables.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use super::error::SettingsError;
use super::keys::{KEYS, Key};
use super::value::{MASKED, Value};

/// The variables that start with `HARMOCK_`. An empty one counts as not set, because CI systems set those.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment(BTreeMap<String, OsString>);

impl Environment {
    /// Those of this process.
    pub(crate) fn of_process() -> Self {
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect()
    }

    /// The text of the setting's variable.
    pub(crate) fn text(&self, key: &Key) -> Option<&OsStr> {
        self.0.get(&key.variable()).map(OsString::as_os_str)
    }

    /// The value of the setting's variable.
    pub(crate) fn one<T: Value>(&self, key: &Key) -> Result<Option<T>, SettingsError> {
        self.text(key).map(|text| T::parse(text).map_err(|reason| wrong(key, text, reason))).transpose()
    }

    /// The values of a variable that is a list.
    pub(crate) fn list<T: Value>(&self, key: &Key) -> Result<Option<Vec<T>>, SettingsError> {
        let Some(text) = self.text(key) else { return Ok(None) };
        let parse = |item: OsString| T::parse(&item).map_err(|reason| wrong(key, &item, reason));
        items(key, text).into_iter().map(parse).collect::<Result<_, _>>().map(Some)
    }

    /// All that is wrong with the variables, a misspelt name too.
    pub(crate) fn problems(&self) -> Vec<String> {
        self.wrong_values().iter().map(ToString::to_string).chain(self.misspelt_names()).collect()
    }

    /// Other variables may start like ours, so that only a name one letter off counts as misspelt.
    fn misspelt_names(&self) -> impl Iterator<Item = String> {
        self.0.keys().filter_map(|name| {
            // One setting may be one letter off from another.
            if KEYS.iter().any(|key| key.variable() == *name) {
                return None;
            }
            let near = KEYS.iter().map(Key::variable).find(|known| strsim::osa_distance(name, known) <= 1)?;
            Some(format!("{name} is not a setting; did you mean {near}?"))
        })
    }

    fn wrong_values(&self) -> Vec<SettingsError> {
        let texts = KEYS.iter().filter_map(|key| Some((key, self.text(key)?)));
        let items = texts.flat_map(|(key, text)| {
            let items = if key.is_list { items(key, text) } else { vec![text.to_owned()] };
            items.into_iter().map(move |item| (key, item))
        });
        items.filter_map(|(key, item)| Some(wrong(key, &item, (key.check_text)(&item).err()?))).collect()
    }
}

impl FromIterator<(String, OsString)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, OsString)>>(variables: I) -> Self {
        // Windows keeps the spelling that a variable was set with, and compares without regard to case.
        let name = |name: String| if cfg!(windows) { name.to_ascii_uppercase() } else { name };
        Self(
            variables
                .into_iter()
                .map(|(given, value)| (name(given), value))
                .filter(|(name, value)| name.starts_with("HARMOCK_") && !value.is_empty())
                .collect(),
        )
    }
}

fn wrong(key: &Key, value: &OsStr, reason: String) -> SettingsError {
    let value = if key.is_secret { MASKED.to_owned() } else { value.to_string_lossy().into_owned() };
    SettingsError::Variable { variable: key.variable(), value, reason }
}

/// The items of a list: one per line, or, where there is only one line, between commas that stand in no `{…}`.
fn items(key: &Key, text: &OsStr) -> Vec<OsString> {
    let Some(text) = text.to_str() else { return vec![text.to_owned()] };
    let parts = if key.is_by_line || text.contains('\n') { text.lines().collect() } else { between_commas(text) };
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).map(OsString::from).collect()
}

fn between_commas(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut depth, mut escaped) = (0, 0_usize, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob() -> &'static Key {
        super::super::keys::find("glob").unwrap()
    }

    #[test]
    fn a_list_is_split_at_commas_outside_braces() {
        let split = |text: &str| items(glob(), OsStr::new(text));
        assert_eq!(split("**/a, **/b.{js,css} ,"), ["**/a", "**/b.{js,css}"]);
        assert_eq!(split("a{b,{c,d},e},f"), ["a{b,{c,d},e}", "f"]);
        assert_eq!(split(r"a\,b"), [r"a\,b"]);
    }

    #[test]
    fn a_list_of_several_lines_is_split_at_lines_alone() {
        assert_eq!(items(glob(), OsStr::new("**/a,b\n\n  **/c\r\n")), ["**/a,b", "**/c"]);
        let rules = super::super::keys::find("rules").unwrap();
        assert_eq!(items(rules, OsStr::new("glob = \"a\", json = \"bytes\"")), ["glob = \"a\", json = \"bytes\""]);
    }

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        let environment: Environment = [("HARMOCK_OFFLINE".to_owned(), OsString::new())].into_iter().collect();
        let key = super::super::keys::find("offline").unwrap();
        assert_eq!(environment.one::<bool>(key).unwrap(), None);
    }

    #[test]
    fn every_wrong_variable_is_reported() {
        let environment: Environment =
            [("HARMOCK_OFFLINE", "maybe"), ("HARMOCK_GRACE", "5"), ("HARMOCK_GLOBS", "**/x"), ("HARMOCK_URL", "?")]
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.into()))
                .collect();
        let problems = environment.problems();
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert_eq!(problems[0], "HARMOCK_OFFLINE=maybe: expected 1, true, yes, 0, false or no");
        assert_eq!(problems[2], "HARMOCK_GLOBS is not a setting; did you mean HARMOCK_GLOB?");
    }
}
