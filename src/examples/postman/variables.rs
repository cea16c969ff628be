//! `{{name}}` in the texts of a collection.

use std::collections::BTreeMap;

use crate::examples::document::Document;

/// A value may name variables, which may name variables …
const DEEPEST: usize = 10;

/// The values of variables. Those that the user gives outrank those of a folder, and these those of the folders around it.
#[derive(Debug, Clone)]
pub(super) struct Variables {
    given: BTreeMap<String, String>,
    known: BTreeMap<String, String>,
}

impl Variables {
    pub(super) fn of(given: BTreeMap<String, String>) -> Self {
        Self { given, known: BTreeMap::new() }
    }

    /// With those of a list beside: `key` or `id`, and `value`.
    pub(super) fn below(&self, list: &Document) -> Self {
        let mut variables = self.clone();
        for variable in list.items().iter().filter(|variable| !variable.get("disabled").is_true()) {
            let name = variable.get("key").text().or_else(|| variable.get("id").text());
            if let (Some(name), Some(value)) = (name, variable.get("value").scalar()) {
                variables.known.insert(name.to_owned(), value);
            }
        }
        variables
    }

    /// The text with the values in their places; a name without a value stays as it is.
    pub(super) fn fill(&self, text: &str) -> String {
        self.fill_within(text, DEEPEST)
    }

    fn fill_within(&self, text: &str, deepest: usize) -> String {
        let (mut filled, mut rest) = (String::with_capacity(text.len()), text);
        while let Some((before, name, after)) = next(rest) {
            filled.push_str(before);
            match self.given.get(name.trim()).or_else(|| self.known.get(name.trim())) {
                Some(value) if deepest > 0 => filled.push_str(&self.fill_within(value, deepest - 1)),
                _ => filled.push_str(&format!("{{{{{name}}}}}")),
            }
            rest = after;
        }
        filled + rest
    }
}

/// The first name without a value in a text.
pub(super) fn unfilled(text: &str) -> Option<&str> {
    next(text).map(|(_, name, _)| name)
}

fn next(text: &str) -> Option<(&str, &str, &str)> {
    let start = text.find("{{")?;
    let (name, after) = text[start + 2..].split_once("}}")?;
    // JSON has braces of its own: `{{"a":1}}`.
    if name.contains(['{', '"', '\n']) {
        let (before, found, rest) = next(&text[start + 1..])?;
        return Some((&text[..start + 1 + before.len()], found, rest));
    }
    Some((&text[..start], name, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(list: &str) -> Variables {
        Variables::of(BTreeMap::from([("host".to_owned(), "given.test".to_owned())]))
            .below(&Document::parse(list).unwrap())
    }

    #[test]
    fn values_are_filled_in_and_unknown_names_stay() {
        let list = r#"[{"key":"host","value":"a.test"},{"key":"base","value":"https://{{host}}/v1"},{"key":"n","value":7},
            {"key":"off","value":"x","disabled":true}]"#;
        let filled = variables(list).fill("{{base}}/{{ n }}/{{off}} {\"a\":{\"b\":\"{{n}}\"}}");
        assert_eq!(filled, "https://given.test/v1/7/{{off}} {\"a\":{\"b\":\"7\"}}");
        assert_eq!(unfilled(&filled), Some("off"));
    }

    #[test]
    fn a_variable_that_names_itself_comes_to_an_end() {
        assert!(variables(r#"[{"key":"a","value":"x{{a}}"}]"#).fill("{{a}}").contains("{{a}}"));
    }
}
