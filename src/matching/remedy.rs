//! The lines of `harmock.toml` under which a request would have matched.

use serde_json::json;

use super::difference::{Difference, DifferenceKind};
use super::rules::{Key, Terms};

/// More single values than this are no rule that anybody wants to read.
const MOST: usize = 16;

/// What a rule would have to say.
#[derive(Debug, Default)]
struct Wanted {
    query: Vec<String>,
    json: Vec<String>,
    form: Vec<String>,
    parts: Vec<String>,
    headers: Vec<String>,
    words: Vec<&'static str>,
    /// Another path, which a replacement can make equal.
    path: bool,
    other_origin: bool,
}

/// The lines for these differences between a request for `live` and an entry of `recorded`, on top of the rules that
/// are in force; `has_map`: origins are mapped already. `None` where no setting helps.
pub fn remedy(
    live: &str,
    recorded: &str,
    differences: &[Difference],
    terms: Option<&Terms>,
    has_map: bool,
) -> Option<String> {
    let wanted = Wanted::of(differences)?;
    let mut lines = Vec::new();
    let mut glob = glob_of(recorded);
    if wanted.path {
        let (path_glob, replacement) = same_path(live, recorded)?;
        glob = path_glob;
        lines.push(list("normalize", &[replacement], has(terms, Key::Normalize)));
    }
    for (key, names) in [
        (Key::IgnoreQuery, &wanted.query),
        (Key::IgnoreJson, &wanted.json),
        (Key::IgnoreForm, &wanted.form),
        (Key::IgnorePart, &wanted.parts),
    ] {
        if !names.is_empty() {
            lines.push(list(key.as_str(), names, has(terms, key)));
        }
    }
    if !wanted.headers.is_empty() {
        let required = terms.map(|terms| &*terms.match_headers).unwrap_or_default();
        let kept = required.iter().map(|ruled| ruled.value.as_str().to_owned());
        let kept: Vec<String> = kept.filter(|name| !wanted.headers.contains(name)).collect();
        lines.push(list(Key::MatchHeaders.as_str(), &kept, false));
    }
    lines.extend(wanted.words.iter().map(|word| (*word).to_owned()));
    let mut text = String::new();
    if wanted.other_origin {
        // A table may stand in a file once.
        text.push_str(if has_map { "# into the table [map] that is there\n" } else { "[map]\n" });
        text.push_str(&format!("{} = {}\n", json!(origin(live)?), json!(origin(recorded)?)));
    }
    if !lines.is_empty() {
        // A TOML string or array of basic strings is written as JSON writes it.
        text.push_str(&format!("[[rules]]\nglob = {}\n{}\n", json!(glob), lines.join("\n")));
    }
    (!text.is_empty()).then_some(text)
}

/// The lines under which a sequence that is over would have gone on.
pub fn after_the_last(recorded: &str) -> String {
    format!("[[rules]]\nglob = {}\nexhausted = \"last\"\n", json!(glob_of(recorded)))
}

impl Wanted {
    fn of(differences: &[Difference]) -> Option<Self> {
        let mut wanted = Self::default();
        for difference in differences {
            match &difference.what {
                DifferenceKind::Method => return None,
                DifferenceKind::Path => wanted.path = true,
                DifferenceKind::Scheme | DifferenceKind::Authority => wanted.other_origin = true,
                DifferenceKind::QueryParameter(name) => wanted.query.push(name.clone()),
                DifferenceKind::QueryOrder => wanted.words.push("query-order = \"any\""),
                DifferenceKind::JsonValue(path)
                | DifferenceKind::Variable(path)
                | DifferenceKind::GraphQlOperation(path)
                | DifferenceKind::GraphQlQuery(path)
                    if path != "$" =>
                {
                    wanted.json.push(path.clone());
                }
                DifferenceKind::JsonSpelling => wanted.words.push("json = \"canonical\""),
                DifferenceKind::GraphQlSpelling => wanted.words.push("match-body = \"graphql\""),
                DifferenceKind::FormField(name) => wanted.form.push(name.clone()),
                DifferenceKind::Part(name) => wanted.parts.push(name.clone()),
                DifferenceKind::Header(name) => wanted.headers.push(name.clone()),
                _ => wanted.words.push("match-body = \"none\""),
            }
        }
        if wanted.json.len() > MOST {
            wanted.json.clear();
            wanted.words = vec!["match-body = \"closest\""];
        }
        // What takes values out compares the rest by what it says.
        let by_value = !wanted.json.is_empty();
        wanted.words.retain(|word| !by_value || *word != "json = \"canonical\"");
        wanted.words.sort_unstable();
        wanted.words.dedup();
        let ignores_payload =
            wanted.words.iter().any(|word| matches!(*word, "match-body = \"none\"" | "match-body = \"closest\""));
        wanted.words.retain(|word| !ignores_payload || *word != "match-body = \"graphql\"");
        Some(wanted)
    }
}

/// Whether earlier rules hold a list that a new one must add to.
fn has(terms: Option<&Terms>, key: Key) -> bool {
    terms.is_some_and(|terms| match key {
        Key::IgnoreQuery => !terms.ignore_query.is_empty(),
        Key::IgnoreJson => !terms.ignore_json.is_empty(),
        Key::IgnoreForm => !terms.ignore_form.is_empty(),
        Key::IgnorePart => !terms.ignore_part.is_empty(),
        Key::Normalize => !terms.normalize.is_empty(),
        _ => false,
    })
}

fn list(key: &str, items: &[String], adds: bool) -> String {
    let plus = if adds { "+" } else { "" };
    let items: Vec<_> = items.iter().map(|item| format!("{plus}{item}")).collect();
    format!("{key} = {}", json!(items))
}

/// A glob for two paths of equally many segments, and the replacement that makes their differing segments one.
fn same_path(live: &str, recorded: &str) -> Option<(String, String)> {
    let place = |url: &str| url.split('?').next().unwrap_or(url).to_owned();
    let (live, recorded) = (place(live), place(recorded));
    let (live, recorded): (Vec<&str>, Vec<&str>) = (live.split('/').collect(), recorded.split('/').collect());
    // Scheme, nothing and authority come before the path.
    let comparable = live.len() == recorded.len() && live.len() > 3;
    let differ = |at: usize| at > 2 && live[at] != recorded[at];
    if !comparable || (3..live.len()).all(differ) {
        return None;
    }
    let (mut glob, mut regex, mut with) = (Vec::new(), Vec::new(), Vec::new());
    for (at, segment) in recorded.iter().enumerate() {
        let varies = differ(at);
        glob.push(if varies { "*".to_owned() } else { escaped_glob(segment) });
        if at > 2 {
            regex.push(if varies { "[^/?]*".to_owned() } else { regex::escape(segment) });
            with.push(if varies {
                "ANY".to_owned()
            } else {
                segment.replace('\\', "\\\\").replace('#', "\\#").replace('$', "$$")
            });
        }
    }
    let authority = regex::escape(recorded.get(2)?);
    let replacement = format!("s#//{authority}/{}#//{}/{}#", regex.join("/"), recorded.get(2)?, with.join("/"));
    let any_query = if differ(recorded.len() - 1) { "*" } else { "**" };
    Some((glob.join("/") + any_query, replacement))
}

fn origin(url: &str) -> Option<String> {
    Some(url::Url::parse(url).ok()?.origin().ascii_serialization())
}

/// A glob for this URL with any query.
fn glob_of(url: &str) -> String {
    escaped_glob(url.split('?').next().unwrap_or(url)) + "**"
}

fn escaped_glob(text: &str) -> String {
    let mut glob = String::with_capacity(text.len() + 2);
    for c in text.chars() {
        if matches!(c, '*' | '{' | '}' | '\\') {
            glob.push('\\');
        }
        glob.push(c);
    }
    glob
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(what: DifferenceKind) -> Difference {
        Difference::new(what, "1", "2")
    }

    #[test]
    fn the_remedy_names_what_differs() {
        let differences = [
            difference(DifferenceKind::QueryParameter("ts".into())),
            difference(DifferenceKind::JsonValue("$.id".into())),
        ];
        let lines = remedy("https://a.example/x?ts=2", "https://a.example/x?ts=1", &differences, None, false).unwrap();
        assert_eq!(
            lines,
            "[[rules]]\nglob = \"https://a.example/x**\"\nignore-query = [\"ts\"]\nignore-json = [\"$.id\"]\n"
        );
    }

    #[test]
    fn another_host_is_a_matter_of_the_map() {
        let lines = remedy(
            "http://localhost:1/x",
            "https://a.example/x",
            &[difference(DifferenceKind::Authority)],
            None,
            false,
        );
        assert_eq!(lines.unwrap(), "[map]\n\"http://localhost:1\" = \"https://a.example\"\n");
    }

    #[test]
    fn no_rule_turns_one_method_or_a_wholly_other_path_into_another() {
        assert_eq!(remedy("http://a/x", "http://a/x", &[difference(DifferenceKind::Method)], None, false), None);
        assert_eq!(remedy("http://a/x", "http://a/y", &[difference(DifferenceKind::Path)], None, false), None);
        assert_eq!(remedy("http://a/x/z", "http://a/x", &[difference(DifferenceKind::Path)], None, false), None);
    }
}
