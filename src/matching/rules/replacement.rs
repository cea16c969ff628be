//! `s/regex/replacement/`: texts that are made equal before they are compared.

use std::borrow::Cow;

use regex::{Captures, Regex, RegexBuilder};

/// What a pattern may cost when it is compiled.
const SIZE: usize = 1 << 20;

/// A regular expression and what takes the place of each of its matches.
#[derive(Debug, Clone)]
pub(crate) struct Replacement {
    regex: Regex,
    with: String,
}

impl Replacement {
    /// Reads `s/regex/replacement/`, with any character in the place of `/`, and `i` behind the last for any case.
    /// In the replacement `\1` and `$1` are the first group, `${name}` is a named one, `$$` is a dollar sign.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let shape = || "expected `s/regex/replacement/`".to_owned();
        let rest = text.strip_prefix('s').ok_or_else(shape)?;
        let delimiter = rest.chars().next().filter(|c| !c.is_alphanumeric() && !matches!(c, '\\' | ' '));
        let delimiter = delimiter.ok_or_else(shape)?;
        let parts = split(&rest[delimiter.len_utf8()..], delimiter);
        let [regex, with, flags] = &parts[..] else { return Err(shape()) };
        let any_case = match flags.as_str() {
            "" | "g" => false,
            "i" | "gi" | "ig" => true,
            other => return Err(format!("unknown flag `{other}` behind the replacement; `i` is any case")),
        };
        let built = RegexBuilder::new(regex).case_insensitive(any_case).size_limit(SIZE).build();
        let regex = built.map_err(|error| format!("not a regular expression: {}", last_line(&error.to_string())))?;
        if regex.is_match("") {
            return Err("the regular expression matches nothing at all, between any two characters".to_owned());
        }
        Ok(Self { regex, with: with_groups(with) })
    }

    pub(crate) fn apply<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.regex.replace_all(text, |captures: &Captures<'_>| {
            let mut replaced = String::new();
            captures.expand(&self.with, &mut replaced);
            replaced
        })
    }
}

/// The texts between delimiters; one behind a backslash stands for itself.
fn split(text: &str, delimiter: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let last = parts.len() - 1;
        match c {
            '\\' => match chars.next() {
                Some(escaped) if escaped == delimiter => parts[last].push(escaped),
                escaped => parts[last].extend(Some('\\').into_iter().chain(escaped)),
            },
            c if c == delimiter => parts.push(String::new()),
            c => parts[last].push(c),
        }
    }
    parts
}

/// `\1` as the regex crate writes it: `${1}`.
fn with_groups(text: &str) -> String {
    let mut with = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some(digit)) if digit.is_ascii_digit() => {
                with.push_str(&format!("${{{digit}}}"));
                chars.next();
            }
            ('\\', Some(_)) => with.extend(chars.next()),
            (c, _) => with.push(c),
        }
    }
    with
}

/// What a message of several lines ends with, which is its point.
fn last_line(message: &str) -> &str {
    message.lines().last().unwrap_or(message).trim().trim_start_matches("error: ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(rule: &str, text: &str) -> String {
        Replacement::parse(rule).unwrap().apply(text).into_owned()
    }

    #[test]
    fn every_match_is_replaced_and_any_delimiter_will_do() {
        assert_eq!(applied(r"s/\d+/N/", "/a/12/b/3"), "/a/N/b/N");
        assert_eq!(applied(r"s#/users/[^/?]+#/users/ID#", "http://h/users/7?x"), "http://h/users/ID?x");
        assert_eq!(applied(r"s/\/v\d\//\/v\//", "h/v2/x"), "h/v/x");
        assert_eq!(applied("s/ABC/x/i", "abc"), "x");
    }

    #[test]
    fn groups_are_named_as_in_sed_and_as_in_rust() {
        assert_eq!(applied(r"s/(a)(b)/\2\1/", "ab"), "ba");
        assert_eq!(applied(r"s/(a)(b)/${2}x$1/", "ab"), "bxa");
    }

    #[test]
    fn what_is_no_replacement_is_told_in_one_line() {
        for (rule, expected) in [
            ("x", "expected `s/regex/replacement/`"),
            ("s/a/b", "expected `s/regex/replacement/`"),
            ("s/a/b/q", "unknown flag `q` behind the replacement; `i` is any case"),
            ("s/(/b/", "not a regular expression: unclosed group"),
            ("s/x*/b/", "the regular expression matches nothing at all, between any two characters"),
        ] {
            assert_eq!(Replacement::parse(rule).unwrap_err(), expected, "{rule}");
        }
    }
}
