//! Paths into JSON: `$.user.token`, `$.items[*].key`, `$..secret`, `$['odd name'][0]`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One step from a value to a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// A path that may leave steps open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct JsonPath(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    /// Any number of steps may come before (`..`).
    deep: bool,
    /// The step; none: any one.
    step: Option<Step>,
}

impl JsonPath {
    /// Reads a path; the error says what it should have been.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut rest = text.strip_prefix('$').ok_or("a JSON path begins with $, as in $.user.token")?;
        let mut parts = Vec::new();
        while !rest.is_empty() {
            let deep = rest.starts_with("..");
            let (step, left) = if let Some(inner) = rest.strip_prefix('[') {
                bracket(inner)?
            } else {
                let name = rest.strip_prefix("..").or_else(|| rest.strip_prefix('.'));
                let name = name.ok_or("after a step of a JSON path comes `.name` or `[0]`")?;
                match name.strip_prefix('[') {
                    Some(inner) if deep => bracket(inner)?,
                    _ => dotted(name)?,
                }
            };
            parts.push(Part { deep, step });
            rest = left;
        }
        if parts.is_empty() { Err("the JSON path names no field, as $.user.token does") } else { Ok(Self(parts)) }
    }

    /// The steps of a path that leaves none open.
    pub(super) fn steps(self) -> Option<Vec<Step>> {
        self.0.into_iter().map(|part| part.step.filter(|_| !part.deep)).collect()
    }

    /// Whether the path names the value that these steps lead to, or one around it.
    pub(super) fn covers(&self, steps: &[Step]) -> bool {
        covers(&self.0, steps)
    }
}

fn dotted(name: &str) -> Result<(Option<Step>, &str), &'static str> {
    let (name, left) = name.split_at(name.find(['.', '[']).unwrap_or(name.len()));
    match name {
        "" => Err("a name of the JSON path is empty"),
        "*" => Ok((None, left)),
        name => Ok((Some(Step::Key(name.to_owned())), left)),
    }
}

fn bracket(inner: &str) -> Result<(Option<Step>, &str), &'static str> {
    for quote in ['\'', '"'] {
        if let Some(quoted) = inner.strip_prefix(quote) {
            let end = quoted.find(quote).ok_or("a quoted name of the JSON path has no end")?;
            let left = quoted[end + 1..].strip_prefix(']').ok_or("after a quoted name of a JSON path comes `]`")?;
            return Ok((Some(Step::Key(quoted[..end].to_owned())), left));
        }
    }
    let (index, left) = inner.split_once(']').ok_or("a `[` of the JSON path is not closed")?;
    match index {
        "*" => Ok((None, left)),
        index => match index.parse() {
            Ok(index) => Ok((Some(Step::Index(index)), left)),
            Err(_) => Err("between `[` and `]` of a JSON path stands a number, `*` or a quoted name"),
        },
    }
}

fn covers(parts: &[Part], steps: &[Step]) -> bool {
    let Some((part, rest)) = parts.split_first() else { return true };
    let here = |steps: &[Step]| match steps.split_first() {
        Some((step, left)) => part.step.as_ref().is_none_or(|wanted| wanted == step) && covers(rest, left),
        None => false,
    };
    if part.deep { (0..steps.len()).any(|from| here(&steps[from..])) } else { here(steps) }
}

/// Steps as a path; which item of a list it is does not matter to who reads it.
pub(super) struct Shown<'a>(pub(super) &'a [Step]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in self.0 {
            match step {
                Step::Index(_) => f.write_str("[*]")?,
                Step::Key(key) if is_plain(key) => write!(f, ".{key}")?,
                Step::Key(key) => write!(f, "['{key}']")?,
            }
        }
        Ok(())
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|char| char.is_alphanumeric() || matches!(char, '_' | '-' | '$'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(text: &str) -> Vec<Step> {
        text.split('/').map(|step| step.parse().map_or_else(|_| Step::Key(step.to_owned()), Step::Index)).collect()
    }

    #[test]
    fn paths_cover_what_they_name_and_what_is_in_it() {
        for (path, value, covered) in [
            ("$.user.token", "user/token", true),
            ("$.user", "user/token", true),
            ("$.user.token", "user", false),
            ("$.items[*].key", "items/3/key", true),
            ("$.items[0].key", "items/3/key", false),
            ("$..key", "items/3/key", true),
            ("$..items[*]['key']", "a/items/1/key", true),
            ("$[\"odd name\"].*", "odd name/x", true),
            ("$.*", "x", true),
            ("$.x", "y", false),
        ] {
            assert_eq!(JsonPath::parse(path).unwrap().covers(&steps(value)), covered, "{path} {value}");
        }
    }

    #[test]
    fn what_is_no_path_is_said() {
        for path in ["", "$", "user", "$.", "$.a[", "$.a[x]", "$.a['x", "$.a['x'", "$a"] {
            assert!(JsonPath::parse(path).is_err(), "{path}");
        }
    }

    #[test]
    fn steps_are_shown_as_a_path() {
        assert_eq!(Shown(&steps("a/0/odd name")).to_string(), ".a[*]['odd name']");
    }
}
