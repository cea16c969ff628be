//! What explanations must not tell: the values of places that hold secrets.

use crate::matching::{Difference, DifferenceKind};
use crate::message::redacted;
use crate::redact::{self, Pass};

/// A URL as people may see it.
pub(super) fn shown_url(url: &str) -> String {
    redact::shown_url(url).into_owned()
}

/// The value of a field with this lower-case name as people may see it.
pub(super) fn shown_field(name: &str, value: &[u8]) -> Vec<u8> {
    let mut mask = redact::mask;
    let shown = Pass::new(&redact::hidden(), &mut mask).field(name, value).unwrap_or_else(|| value.to_owned());
    without_values(shown)
}

fn without_values(text: Vec<u8>) -> Vec<u8> {
    redact::shown_bytes(&text).unwrap_or(text)
}

/// A body of this media type as people may see it.
pub(super) fn shown_body(media_type: &str, body: Vec<u8>) -> Vec<u8> {
    let mut mask = redact::mask;
    let edited = Pass::new(&redact::hidden(), &mut mask).body(media_type, &body);
    without_values(edited.map_or(body, |edited| edited.bytes))
}

/// Takes the values of secret places out of a difference. What differs is still told by its name.
pub(super) fn hide_secrets(difference: &mut Difference) {
    let Difference { what, recorded, live } = difference;
    let secret = |value: &str| shown_value(what, value) == redacted::MASKED;
    // A value that the list takes for a secret on one side is none to be told on the other.
    (*recorded, *live) = match secret(recorded) || secret(live) {
        true => (hidden(recorded), hidden(live)),
        false => (shown_value(what, recorded), shown_value(what, live)),
    };
}

fn hidden(value: &str) -> String {
    if value.is_empty() { String::new() } else { redacted::MASKED.to_owned() }
}

fn shown_value(what: &DifferenceKind, value: &str) -> String {
    if value.is_empty() {
        return String::new();
    }
    let mut mask = redact::mask;
    let rules = redact::hidden();
    let mut pass = Pass::new(&rules, &mut mask);
    let shown = match what {
        DifferenceKind::QueryParameter(name) => pass.query_value(name, value),
        DifferenceKind::FormField(name) | DifferenceKind::Part(name) => pass.form_value(name, value),
        DifferenceKind::Header(name) => text(pass.field(name, value.as_bytes())),
        DifferenceKind::JsonValue(path) | DifferenceKind::Variable(path) => json_value(&mut pass, path, value),
        DifferenceKind::QueryOrder => text(pass.body(FORM, value.as_bytes()).map(|edited| edited.bytes)),
        DifferenceKind::Payload => payload(&mut pass, value),
        _ => None,
    };
    let shown = shown.unwrap_or_else(|| value.to_owned());
    redact::shown_text(&shown).into_owned()
}

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// A JSON value under its path, or what lies deeper in it.
fn json_value(pass: &mut Pass<'_>, path: &str, value: &str) -> Option<String> {
    let bare = value.trim_matches('"');
    let by_name = last_name(path).and_then(|name| pass.form_value(name, bare));
    if let Some(shown) = by_name.or_else(|| pass.json_value(path, bare)) {
        return Some(shown);
    }
    match serde_json::from_str::<serde_json::Value>(value) {
        Ok(_) => text(pass.body(JSON, value.as_bytes()).map(|edited| edited.bytes)),
        // Cut to a readable length: what is in it cannot be told apart any more.
        Err(_) if value.contains(['{', '[']) => Some("…".to_owned()),
        Err(_) => None,
    }
}

/// An excerpt of a payload of unknown kind: pairs are looked at as those of a form, and JSON that was cut is not shown.
fn payload(pass: &mut Pass<'_>, value: &str) -> Option<String> {
    match serde_json::from_str::<serde_json::Value>(value) {
        Ok(_) => text(pass.body(JSON, value.as_bytes()).map(|edited| edited.bytes)),
        Err(_) if value.starts_with(['{', '[']) => Some("…".to_owned()),
        Err(_) => text(pass.body(FORM, value.as_bytes()).map(|edited| edited.bytes)),
    }
}

fn text(bytes: Option<Vec<u8>>) -> Option<String> {
    bytes.and_then(|bytes| String::from_utf8(bytes).ok())
}

/// The last member that a JSONPath names: `token` of `$.tokens[0].token`, `x-y` of `$['x-y'][1]`.
fn last_name(path: &str) -> Option<&str> {
    let mut rest = path;
    loop {
        let Some(inner) = rest.strip_suffix(']') else {
            return rest.rsplit('.').next().filter(|name| !name.is_empty() && *name != "$");
        };
        if let Some(inner) = inner.strip_suffix('\'') {
            return inner.rsplit("['").next();
        }
        rest = &inner[..inner.rfind('[')?];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(what: DifferenceKind, recorded: &str, live: &str) -> (String, String) {
        let mut difference = Difference { what, recorded: recorded.into(), live: live.into() };
        hide_secrets(&mut difference);
        (difference.recorded, difference.live)
    }

    #[test]
    fn values_of_secret_places_are_not_told_and_others_are() {
        let hidden = || (redacted::MASKED.to_owned(), redacted::MASKED.to_owned());
        for what in [
            DifferenceKind::QueryParameter("access_token".into()),
            DifferenceKind::FormField("password".into()),
            DifferenceKind::Header("authorization".into()),
            DifferenceKind::JsonValue("$.user.password".into()),
            DifferenceKind::Variable("$.password".into()),
        ] {
            let (recorded, live) = shown(what.clone(), "hunter2-hunter2", "tr0ub4dor&3");
            assert!(!recorded.contains("hunter") && !live.contains("tr0ub4dor"), "{what:?}: {recorded} {live}");
        }
        assert_eq!(shown(DifferenceKind::JsonValue("$['pass-word'][0]".into()), "\"a1b2c3d4\"", "\"e5f6\""), hidden());
        let page = || DifferenceKind::QueryParameter("page".into());
        assert_eq!(shown(page(), "1", "2"), ("1".to_owned(), "2".to_owned()));
        assert_eq!(shown(DifferenceKind::QueryParameter("access_token".into()), "", "s3cr3t-value").0, "");
    }

    #[test]
    fn secrets_inside_a_value_are_not_told() {
        let (recorded, live) = shown(DifferenceKind::JsonValue("$.login".into()), r#"{"password":"hunter2"}"#, "1");
        assert!(!recorded.contains("hunter2") && recorded.contains("password"), "{recorded}");
        assert_eq!(live, "1");
        let (cut, _) = shown(DifferenceKind::Payload, r#"{"password":"hunter2","#, "");
        assert_eq!(cut, "…");
        let (form, _) = shown(DifferenceKind::Payload, "a=1&password=hunter2", "");
        assert!(!form.contains("hunter2") && form.contains("a=1"), "{form}");
    }

    #[test]
    fn the_name_of_a_path_is_its_last_member() {
        for (path, name) in
            [("$.a.b", Some("b")), ("$['x-y'][1]", Some("x-y")), ("$.t[0].token", Some("token")), ("$", None)]
        {
            assert_eq!(last_name(path), name, "{path}");
        }
    }
}
