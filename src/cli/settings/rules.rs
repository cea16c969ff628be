//! Rules as TOML: a table of the file, or what stands inside one in a flag or a variable.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::file::{one_line, scalar};
use super::value::{Scalar, Value, utf8};
use super::{faults, patches};
use crate::matching::Rule;
use crate::matching::rules::{Exhausted, JsonForm, Key, Listed, MatchBody, QueryOrder, Repeat, Strictness, check};
use crate::route::GlobList;

/// The keys of a rule.
const KEYS: &[&str] = &[
    "glob",
    "query-order",
    "ignore-query",
    "ignore-json",
    "ignore-form",
    "ignore-part",
    "json",
    "normalize",
    "match-body",
    "match-headers",
    "match",
    "repeat",
    "exhausted",
    "delay",
    "bandwidth",
    "fault",
    "rate-limit",
    "set-status",
    "set-header",
    "merge-json",
    "template",
    "env",
    "seed",
];

/// What is wrong with a rule, and at which byte of the text.
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) message: String,
}

type Table<'a> = DeTable<'a>;
pub(super) type Placed<'a> = Spanned<DeValue<'a>>;

/// Reads a table of the file; every fault is found.
pub(super) fn read(value: &Placed<'_>) -> Result<Rule, Vec<Fault>> {
    let DeValue::Table(table) = value.get_ref() else {
        let message = format!("rules: expected a table, found {}", scalar(value.get_ref()).kind());
        return Err(vec![Fault { at: value.span().start, message }]);
    };
    let mut rule = Rule::default();
    let found: Vec<Fault> = table
        .iter()
        .filter_map(|(name, value)| match known(name.get_ref()) {
            Ok(()) => set(&mut rule, name.get_ref(), value).err(),
            Err(message) => Some(Fault { at: name.span().start, message }),
        })
        .collect();
    if let Some(message) = faults::misplaced(&rule).filter(|_| found.is_empty()) {
        return Err(vec![Fault { at: value.span().start, message }]);
    }
    if found.is_empty() { Ok(rule) } else { Err(found) }
}

fn known(name: &str) -> Result<(), String> {
    if KEYS.contains(&name) {
        return Ok(());
    }
    let nearest = KEYS.iter().min_by_key(|key| strsim::osa_distance(name, key)).copied().unwrap_or_default();
    Err(format!("unknown key `{name}` of a rule; the nearest known one is `{nearest}`"))
}

fn set(rule: &mut Rule, name: &str, value: &Placed<'_>) -> Result<(), Fault> {
    match name {
        "glob" => rule.glob = texts(name, value, glob_fault)?,
        "query-order" => rule.query_order = Some(word(name, value)?),
        "json" => rule.json = Some(word(name, value)?),
        "match-body" => rule.match_body = Some(word(name, value)?),
        "match" => rule.strictness = Some(word(name, value)?),
        "repeat" => rule.repeat = Some(word(name, value)?),
        "exhausted" => rule.exhausted = Some(word(name, value)?),
        "delay" => rule.treatment.delay = Some(word(name, value)?),
        "bandwidth" => rule.treatment.bandwidth = Some(word(name, value)?),
        "fault" => rule.treatment.faults = Some(faults::read(value)?),
        "rate-limit" => rule.treatment.rate_limit = Some(word(name, value)?),
        "set-status" => rule.treatment.set_status = Some(patches::status(value)?),
        "set-header" => rule.treatment.set_header = Some(patches::fields(name, value)?),
        "merge-json" => rule.treatment.merge_json = Some(patches::json(value)?),
        "template" => rule.treatment.template = Some(word(name, value)?),
        "env" => rule.treatment.env = Some(paths(name, value)?),
        "seed" => rule.treatment.seed = Some(word(name, value)?),
        "ignore-query" => rule.ignore_query = Some(listed(name, value, Key::IgnoreQuery)?),
        "ignore-json" => rule.ignore_json = Some(listed(name, value, Key::IgnoreJson)?),
        "ignore-form" => rule.ignore_form = Some(listed(name, value, Key::IgnoreForm)?),
        "ignore-part" => rule.ignore_part = Some(listed(name, value, Key::IgnorePart)?),
        "normalize" => rule.normalize = Some(listed(name, value, Key::Normalize)?),
        _ => rule.match_headers = Some(listed(name, value, Key::MatchHeaders)?),
    }
    Ok(())
}

/// As they are written: whose folder they lie in is for [`Value::from_file`].
fn paths(name: &str, value: &Placed<'_>) -> Result<Vec<PathBuf>, Fault> {
    let texts = texts(name, value, |text| PathBuf::parse(OsStr::new(text)).map(drop))?;
    Ok(texts.into_iter().map(PathBuf::from).collect())
}

fn glob_fault(glob: &str) -> Result<(), String> {
    GlobList::compile(&[glob.to_owned()]).map(drop).map_err(|error| error.to_string())
}

/// Items that all have a `+` add to the list of earlier rules.
fn listed(name: &str, value: &Placed<'_>, key: Key) -> Result<Listed, Fault> {
    let items = texts(name, value, |item| check(key, item.strip_prefix('+').unwrap_or(item)))?;
    let adds = !items.is_empty() && items.iter().all(|item| item.starts_with('+'));
    let bare = |item: String| item.strip_prefix('+').map(str::to_owned).unwrap_or(item);
    Ok(Listed { adds, items: items.into_iter().map(bare).collect() })
}

/// A list of strings, or one.
pub(super) fn texts(
    name: &str,
    value: &Placed<'_>,
    good: impl Fn(&str) -> Result<(), String>,
) -> Result<Vec<String>, Fault> {
    let text = |value: &Placed<'_>| {
        let fault = |reason: String| Fault { at: value.span().start, message: reason };
        let DeValue::String(text) = value.get_ref() else {
            let kind = scalar(value.get_ref());
            return Err(fault(format!("{name}: expected a string, found {}", kind.kind())));
        };
        good(text).map_err(|reason| fault(format!("{name} = {}: {}", quoted(text), one_line(&reason))))?;
        Ok(text.clone().into_owned())
    };
    match value.get_ref() {
        DeValue::Array(items) => items.iter().map(text).collect(),
        _ => text(value).map(|text| vec![text]),
    }
}

fn word<T: Value>(name: &str, value: &Placed<'_>) -> Result<T, Fault> {
    let found = scalar(value.get_ref());
    T::from_file(&found, Path::new("")).map_err(|reason| {
        let given = if let Scalar::Other(_) = found { String::new() } else { format!(" = {found}") };
        Fault { at: value.span().start, message: format!("{name}{given}: {reason}") }
    })
}

pub(super) fn quoted(text: &str) -> Cow<'static, str> {
    toml::Value::String(text.to_owned()).to_string().into()
}

/// A flag or a variable holds what stands between the braces of an inline table; the braces may be there.
impl Value for Rule {
    fn parse(text: &OsStr) -> Result<Self, String> {
        let text = utf8(text)?.trim();
        let inside = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
        if inside.trim().is_empty() {
            return Err("expected keys of a rule, such as `glob = \"**/search**\", ignore-query = \"ts\"`".to_owned());
        }
        let table = format!("rule = {{{inside}}}");
        let table = Table::parse(&table).map_err(|error| format!("not TOML: {}", one_line(error.message())))?;
        let Some((_, value)) = table.get_ref().iter().next() else { return Err("expected a rule".to_owned()) };
        read(value).map_err(|faults| faults.into_iter().next().map_or_else(String::new, |fault| fault.message))
    }

    fn from_file(value: &Scalar, folder: &Path) -> Result<Self, String> {
        let Scalar::Table(text) = value else { return Err(format!("expected a table, found {}", value.kind())) };
        let mut rule = Self::parse(OsStr::new(text))?;
        for path in rule.treatment.env.iter_mut().flatten() {
            let beside = PathBuf::from_file(&path.to_scalar(), folder);
            *path = beside.map_err(|reason| format!("env = {}: {reason}", path.to_scalar()))?;
        }
        Ok(rule)
    }

    fn to_scalar(&self) -> Scalar {
        let mut keys = Vec::new();
        let mut list = |name: &str, items: &[String], adds: bool| {
            let items: Vec<_> =
                items.iter().map(|item| quoted(&format!("{}{item}", if adds { "+" } else { "" }))).collect();
            match &items[..] {
                [only] => keys.push(format!("{name} = {only}")),
                several => keys.push(format!("{name} = [{}]", several.join(", "))),
            }
        };
        if !self.glob.is_empty() {
            list("glob", &self.glob, false);
        }
        if let Some(files) = &self.treatment.env {
            let files: Vec<_> = files.iter().map(|path| path.to_string_lossy().into_owned()).collect();
            list("env", &files, false);
        }
        for (name, listed) in [
            ("ignore-query", &self.ignore_query),
            ("ignore-json", &self.ignore_json),
            ("ignore-form", &self.ignore_form),
            ("ignore-part", &self.ignore_part),
            ("normalize", &self.normalize),
            ("match-headers", &self.match_headers),
        ] {
            if let Some(listed) = listed {
                list(name, &listed.items, listed.adds);
            }
        }
        let words = [
            ("query-order", self.query_order.as_ref().map(Value::to_scalar)),
            ("json", self.json.as_ref().map(Value::to_scalar)),
            ("match-body", self.match_body.as_ref().map(Value::to_scalar)),
            ("match", self.strictness.as_ref().map(Value::to_scalar)),
            ("repeat", self.repeat.as_ref().map(Value::to_scalar)),
            ("exhausted", self.exhausted.as_ref().map(Value::to_scalar)),
            ("delay", self.treatment.delay.as_ref().map(Value::to_scalar)),
            ("bandwidth", self.treatment.bandwidth.as_ref().map(Value::to_scalar)),
            ("rate-limit", self.treatment.rate_limit.as_ref().map(Value::to_scalar)),
            ("template", self.treatment.template.as_ref().map(Value::to_scalar)),
            ("seed", self.treatment.seed.as_ref().map(Value::to_scalar)),
        ];
        keys.extend(words.into_iter().filter_map(|(name, word)| Some(format!("{name} = {}", word?))));
        keys.extend(patches::shown(&self.treatment));
        keys.extend(self.treatment.faults.iter().map(|all| format!("fault = {}", faults::shown(all))));
        Scalar::Table(format!("{{ {} }}", keys.join(", ")))
    }
}

super::choice::choice!(QueryOrder {
    "strict", "the order of query parameters counts" => QueryOrder::Strict;
    "any", "neither their order nor their encoding counts" => QueryOrder::Any;
});

super::choice::choice!(JsonForm {
    "bytes", "JSON payloads are compared byte for byte" => JsonForm::Bytes;
    "canonical", "key order, layout and the spelling of numbers do not count" => JsonForm::Canonical;
});

super::choice::choice!(MatchBody {
    "post", "a POST's payload must be equal, for other methods an equal one goes first" => MatchBody::Post;
    "all", "payloads must be equal, whatever the method" => MatchBody::All;
    "none", "an equal payload goes first, any other is as good" => MatchBody::None;
    "closest", "an equal payload goes first, then the most similar" => MatchBody::Closest;
    "graphql", "operation name, query without its layout, and variables" => MatchBody::GraphQl;
});

super::choice::choice!(Strictness {
    "strict", "a request without an equal entry is a miss" => Strictness::Strict;
    "closest", "it gets the entry of its method and path whose query fits best" => Strictness::Closest;
});

super::choice::choice!(Repeat {
    "first", "the same answer each time" => Repeat::First;
    "sequence", "the recorded answers in order" => Repeat::Sequence;
    "cycle", "the recorded answers in order, again and again" => Repeat::Cycle;
});

super::choice::choice!(Exhausted {
    "last", "the last answer stays" => Exhausted::Last;
    "miss", "a miss" => Exhausted::Miss;
});

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Rule, String> {
        Rule::parse(OsStr::new(text))
    }

    #[test]
    fn a_rule_is_what_stands_inside_an_inline_table() {
        let rule = parsed(r#"glob = "**/a", ignore-query = ["ts", "cb*"], json = "canonical", match-body = "graphql""#)
            .unwrap();
        assert_eq!(rule.glob, ["**/a"]);
        assert_eq!(rule.ignore_query, Some(Listed { adds: false, items: vec!["ts".into(), "cb*".into()] }));
        assert_eq!((rule.json, rule.match_body), (Some(JsonForm::Canonical), Some(MatchBody::GraphQl)));
        assert_eq!(
            parsed(r#"ignore-query = ["+ts"]"#).unwrap().ignore_query.unwrap(),
            Listed { adds: true, items: vec!["ts".into()] }
        );
    }

    #[test]
    fn a_rule_is_shown_as_it_can_be_written() {
        for text in [
            r#"{ glob = ["a", "b"], ignore-json = "$.a", query-order = "any", exhausted = "miss" }"#,
            r#"{ ignore-query = [], normalize = "+s/a/b/" }"#,
            r#"{ match = "closest", delay = "lognormal(200ms, 0.5)", bandwidth = "64KiB", rate-limit = "10/1s", seed = 7 }"#,
            r#"{ set-status = 503, set-header = ["+x-a: b", "+etag:"], merge-json = '{"a":null}' }"#,
            r#"{ glob = "a", env = [".env", "b.env"], template = true }"#,
            r#"{ fault = [{ kind = "reset", probability = 0.5 }, { status = 503, body = "{}" }] }"#,
        ] {
            assert_eq!(parsed(text).unwrap().to_scalar().to_string(), text);
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_key() {
        for (text, expected) in [
            ("", "expected keys of a rule, such as `glob = \"**/search**\", ignore-query = \"ts\"`"),
            ("ignore-quary = \"a\"", "unknown key `ignore-quary` of a rule; the nearest known one is `ignore-query`"),
            (
                "fault = \"explode\"",
                "fault = \"explode\": expected a status, `empty`, `reset`, `reset-body`, `stall-body`, `tls` or `wrong-length`",
            ),
            ("fault = { kind = \"reset\", probability = 2 }", "fault: probability = 2: expected a number from 0 to 1"),
            (
                "rate-limit = \"many\"",
                "rate-limit = \"many\": expected a number of requests and a window such as `10/1s` or `100/1m`",
            ),
            (
                "glob = \"**/a\", fault = \"tls\"",
                "a TLS handshake fails before any URL is known: the globs of its rule must be for whole hosts, such as `https://api.example.com/**`",
            ),
            ("set-status = 99", "set-status = 99: expected a number from 200 to 999"),
            (
                "set-header = \"a b: c\"",
                "set-header = \"a b: c\": expected `name: value`, or `name:` to take the field out",
            ),
            ("merge-json = \"{\"", "merge-json: not JSON: EOF while parsing an object at line 1 column 1"),
            ("merge-json = { a = 2024-01-01 }", "merge-json: JSON has no dates; write it as a string"),
            ("template = \"yes\"", "template = \"yes\": expected true or false, found a string"),
            ("env = 1", "env: expected a string, found an integer"),
            ("bandwidth = 0", "bandwidth = 0: a bandwidth is at least one byte per second"),
            ("delay = true", "delay = true: expected a delay as a string or a number, found a boolean"),
            ("match = \"near\"", "match = \"near\": expected `strict` or `closest`"),
            ("json = \"pretty\"", "json = \"pretty\": expected `bytes` or `canonical`"),
            ("json = 1", "json = 1: expected a string, found an integer"),
            ("normalize = \"s/(/x/\"", "normalize = \"s/(/x/\": not a regular expression: unclosed group"),
            ("match-headers = \"a b\"", "match-headers = \"a b\": not the name of a header field"),
            ("ignore-query = [1]", "ignore-query: expected a string, found an integer"),
        ] {
            assert_eq!(parsed(text).unwrap_err(), expected, "{text}");
        }
        for (text, start) in [
            ("ignore-json = \"$.[\"", "ignore-json = \"$.[\": not a JSONPath (RFC 9535)"),
            ("glob = \"{a\"", "glob = \"{a\": glob `{a`: the group"),
            ("ignore-json = ", "not TOML: "),
        ] {
            let error = parsed(text).unwrap_err();
            assert!(error.starts_with(start) && !error.contains('\n'), "{error}");
        }
    }
}
