//! Which rule hid which difference between a request and the entry that answers it.

use std::fmt;

use super::canonical_json;
use super::difference::{self, Difference, DifferenceKind};
use super::graphql;
use super::origins::Crossing;
use super::rules::{Key, MatchBody, Pattern, Ruled, Terms};

/// A difference that a rule hid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relaxed {
    /// The rule's number, from one; none for the map of origins.
    pub rule: Option<usize>,
    /// Its key.
    pub key: Key,
    /// What differs.
    pub difference: Difference,
}

impl Relaxed {
    /// What differs, with both values: `ts: "1" -> "2"`.
    pub fn told(&self) -> String {
        let Difference { what, recorded, live } = &self.difference;
        format!("{}: {recorded:?} -> {live:?}", what.name())
    }
}

impl From<&Crossing> for Relaxed {
    fn from(crossing: &Crossing) -> Self {
        let Crossing { asked, recorded } = crossing;
        let difference = Difference::new(DifferenceKind::Origin, recorded.as_str(), asked.as_str());
        Self { rule: None, key: Key::Map, difference }
    }
}

/// `rule 2 ignore-query ts: "1" -> "2"`
impl fmt::Display for Relaxed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(rule) = self.rule {
            write!(f, "rule {rule} ")?;
        }
        write!(f, "{} {}", self.key.as_str(), self.told())
    }
}

/// Why an entry that differs answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Because {
    /// It is equal under the rules.
    Equal,
    /// It is the closest one.
    Closest,
}

/// Names for each difference the rule that hides it.
pub(super) fn attribute(
    differences: Vec<Difference>,
    terms: &Terms,
    recorded: &[u8],
    live: &[u8],
    because: Because,
) -> Vec<Relaxed> {
    let by_path = by_json_path(terms, recorded, live);
    let closest = terms.strictness.as_ref().filter(|_| because == Because::Closest);
    let attributed = differences.into_iter().filter_map(|difference| {
        let (rule, key) = match closest {
            // No other key says that a whole parameter or payload may be another one.
            Some(ruled) => hidden_for_certain(&difference.what, terms, &by_path).unwrap_or((ruled.rule, Key::Match)),
            None => hiding(&difference.what, terms, &by_path)?,
        };
        Some(Relaxed { rule: Some(rule), key, difference })
    });
    attributed.collect()
}

/// Takes out what rules hide for certain; a replacement hides nothing, because nobody can say what it does to one value.
pub(super) fn drop_hidden(differences: &mut Vec<Difference>, terms: &Terms, recorded: &[u8], live: &[u8]) {
    let by_path = by_json_path(terms, recorded, live);
    let any = |patterns: &[Ruled<Pattern>], name: &str| patterns.iter().any(|ruled| ruled.value.matches(name));
    let by_value = terms.canonical() || !terms.ignore_json.is_empty();
    let graphql = terms.match_body() == MatchBody::GraphQl;
    differences.retain(|difference| match &difference.what {
        DifferenceKind::QueryParameter(name) => !any(&terms.ignore_query, name),
        DifferenceKind::QueryOrder => !terms.any_order(),
        DifferenceKind::FormField(name) => !any(&terms.ignore_form, name),
        DifferenceKind::Part(name) => !any(&terms.ignore_part, name),
        DifferenceKind::JsonSpelling => !by_value && !graphql,
        DifferenceKind::GraphQlSpelling => !graphql,
        DifferenceKind::JsonValue(path)
        | DifferenceKind::Variable(path)
        | DifferenceKind::GraphQlOperation(path)
        | DifferenceKind::GraphQlQuery(path) => !by_path.iter().any(|(hidden, _)| hidden == path),
        _ => true,
    });
}

fn hiding(what: &DifferenceKind, terms: &Terms, by_path: &[(String, usize)]) -> Option<(usize, Key)> {
    let body = || {
        let ruled =
            terms.match_body.as_ref().filter(|ruled| !matches!(ruled.value, MatchBody::Post | MatchBody::All))?;
        Some((ruled.rule, Key::MatchBody))
    };
    let order = || terms.query_order.as_ref().filter(|_| terms.any_order()).map(|ruled| (ruled.rule, Key::QueryOrder));
    let json = || terms.json.as_ref().filter(|_| terms.canonical()).map(|ruled| (ruled.rule, Key::Json));
    let normalize = || terms.normalize.last().map(|ruled| (ruled.rule, Key::Normalize));
    let path = || terms.ignore_json.last().map(|ruled| (ruled.rule, Key::IgnoreJson));
    match what {
        DifferenceKind::QueryParameter(name) if graphql::PARAMETERS.contains(&&**name) => {
            named(&terms.ignore_query, name, Key::IgnoreQuery).or_else(body).or_else(normalize)
        }
        DifferenceKind::QueryParameter(name) => {
            named(&terms.ignore_query, name, Key::IgnoreQuery).or_else(normalize).or_else(order)
        }
        DifferenceKind::QueryOrder => order().or_else(normalize).or_else(body),
        DifferenceKind::JsonValue(path) | DifferenceKind::Variable(path) => {
            let by_path = by_path.iter().find(|(hidden, _)| hidden == path);
            by_path.map(|(_, rule)| (*rule, Key::IgnoreJson)).or_else(body).or_else(normalize).or_else(json)
        }
        DifferenceKind::FormField(name) => {
            named(&terms.ignore_form, name, Key::IgnoreForm).or_else(normalize).or_else(body)
        }
        DifferenceKind::Part(name) => named(&terms.ignore_part, name, Key::IgnorePart).or_else(normalize).or_else(body),
        DifferenceKind::Payload | DifferenceKind::JsonSpelling => json().or_else(body).or_else(normalize).or_else(path),
        DifferenceKind::GraphQlSpelling => body().or_else(json).or_else(path),
        DifferenceKind::GraphQlQuery(path) | DifferenceKind::GraphQlOperation(path) => {
            by_path.iter().find(|(hidden, _)| hidden == path).map(|(_, rule)| (*rule, Key::IgnoreJson)).or_else(body)
        }
        _ => normalize(),
    }
}

/// The last pattern that matches a name.
fn named(patterns: &[Ruled<Pattern>], name: &str, key: Key) -> Option<(usize, Key)> {
    patterns.iter().rev().find(|ruled| ruled.value.matches(name)).map(|ruled| (ruled.rule, key))
}

/// The rule that hides a difference whatever the rest is.
fn hidden_for_certain(what: &DifferenceKind, terms: &Terms, by_path: &[(String, usize)]) -> Option<(usize, Key)> {
    match what {
        DifferenceKind::QueryParameter(name) => named(&terms.ignore_query, name, Key::IgnoreQuery),
        DifferenceKind::FormField(name) => named(&terms.ignore_form, name, Key::IgnoreForm),
        DifferenceKind::Part(name) => named(&terms.ignore_part, name, Key::IgnorePart),
        DifferenceKind::JsonValue(path) | DifferenceKind::Variable(path) => {
            by_path.iter().find(|(hidden, _)| hidden == path).map(|(_, rule)| (*rule, Key::IgnoreJson))
        }
        _ => None,
    }
}

/// The paths of values that differ, each with the rule whose JSONPath takes it out.
fn by_json_path(terms: &Terms, recorded: &[u8], live: &[u8]) -> Vec<(String, usize)> {
    let (Some(mut recorded), Some(mut live)) = (canonical_json::parse(recorded), canonical_json::parse(live)) else {
        return Vec::new();
    };
    let mut before = difference::json_paths(&recorded, &live);
    let mut hidden = Vec::new();
    for ruled in &terms.ignore_json {
        canonical_json::remove(&mut recorded, &ruled.value);
        canonical_json::remove(&mut live, &ruled.value);
        let after = difference::json_paths(&recorded, &live);
        hidden.extend(before.into_iter().filter(|path| !after.contains(path)).map(|path| (path, ruled.rule)));
        before = after;
    }
    hidden
}
