//! A URL without what may vary: the key by which the entries that rules let answer are found.

use std::borrow::Cow;

use serde_json::Value;

use super::canonical_json;
use super::graphql;
use super::rules::{MatchBody, Terms};

/// Stands where a redacted value stood; no serialised URL holds it.
const ANYTHING: &str = "\u{1}";

/// A query parameter: as it stands, and decoded.
pub(super) struct Parameter<'a> {
    pub(super) raw: &'a str,
    pub(super) name: Cow<'a, str>,
    pub(super) value: Cow<'a, str>,
}

/// The parameters of a query, in order.
pub(super) fn parameters(query: &str) -> impl Iterator<Item = Parameter<'_>> {
    query.split('&').filter(|raw| !raw.is_empty()).filter_map(|raw| {
        let (name, value) = form_urlencoded::parse(raw.as_bytes()).next()?;
        Some(Parameter { raw, name, value })
    })
}

/// The query of a URL, empty where it has none.
pub(super) fn query(url: &str) -> &str {
    url.split_once('?').map_or("", |(_, query)| query)
}

/// What a segment of a path is called among the names of parameters.
pub(super) fn segment_name(at: usize) -> String {
    format!("{ANYTHING}{at}")
}

/// The parts of a URL in front of its query; those of the path begin with the fourth.
pub(super) fn segments(url: &str) -> impl Iterator<Item = &str> {
    url.split('?').next().unwrap_or(url).split('/')
}

/// The URL as the terms see it, with any value for the parameters and segments of these names. A GraphQL request has a
/// key for its query and one for the query's hash, the surest first.
pub(super) fn reduce(url: &str, terms: Option<&Terms>, redacted: &[String]) -> Vec<String> {
    let normalized = match terms {
        Some(terms) if !terms.normalize.is_empty() => Cow::Owned(terms.normalized(url)),
        _ => Cow::Borrowed(url),
    };
    let (place, query) = normalized.split_once('?').unwrap_or((&normalized, ""));
    let place = without_segments(place, redacted);
    let mut kept: Vec<Parameter<'_>> = parameters(query).collect();
    let mut operations = vec![String::new()];
    if let Some(terms) = terms {
        kept.retain(|parameter| !terms.ignore_query.iter().any(|ruled| ruled.value.matches(&parameter.name)));
        if terms.match_body() == MatchBody::GraphQl {
            operations = without_operation(&mut kept, terms);
        }
    }
    let any_order = terms.is_some_and(Terms::any_order);
    if any_order {
        kept.sort_by(|one, other| one.name.cmp(&other.name));
    }
    let mut reduced = String::new();
    for parameter in &kept {
        reduced.push('&');
        match parameter {
            Parameter { name, .. } if redacted.iter().any(|redacted| *redacted == **name) => {
                reduced.extend([name, "=", ANYTHING]);
            }
            Parameter { name, value, .. } if any_order => {
                reduced.extend(form_urlencoded::byte_serialize(name.as_bytes()));
                reduced.push('=');
                reduced.extend(form_urlencoded::byte_serialize(value.as_bytes()));
            }
            Parameter { raw, .. } => reduced.push_str(raw),
        }
    }
    operations.iter().map(|operation| format!("{place}{operation}{reduced}")).collect()
}

fn without_segments<'a>(place: &'a str, redacted: &[String]) -> Cow<'a, str> {
    if !redacted.iter().any(|name| name.starts_with(ANYTHING)) {
        return Cow::Borrowed(place);
    }
    let open = |(at, segment)| if redacted.contains(&segment_name(at)) { ANYTHING } else { segment };
    Cow::Owned(segments(place).enumerate().map(open).collect::<Vec<_>>().join("/"))
}

/// Takes the parameters of a GraphQL request out, and gives what may stand for them.
fn without_operation(parameters: &mut Vec<Parameter<'_>>, terms: &Terms) -> Vec<String> {
    let pairs = parameters.iter().map(|parameter| (&*parameter.name, &*parameter.value));
    let mut asked = Value::Object(graphql::of_parameters(pairs));
    terms.ignore_json.iter().for_each(|ruled| canonical_json::remove(&mut asked, &ruled.value));
    let Some(operations) = graphql::operations(&asked) else { return vec![String::new()] };
    let identities = graphql::identities(&operations);
    parameters.retain(|parameter| !graphql::PARAMETERS.contains(&&*parameter.name));
    identities.iter().map(|identity| format!("{ANYTHING}{identity:?}")).collect()
}
