//! JSON Merge Patch (RFC 7396) that leaves everything else as it is spelled: the order of members, numbers, white space
//! inside values.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// The members of an object in order, their values unread.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut members: Vec<(String, &'de RawValue)> = Vec::new();
                let mut places: HashMap<String, usize> = HashMap::new();
                while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
                    // Of a name that is there twice the last one counts, as in `JSON.parse`.
                    match places.get(&name) {
                        Some(&place) => members[place].1 = value,
                        None => {
                            places.insert(name.clone(), members.len());
                            members.push((name, value));
                        }
                    }
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// The patched text; none where the target is no JSON.
pub(super) fn merge(target: &str, patch: &Value) -> Option<String> {
    serde_json::from_str::<&RawValue>(target.trim()).ok()?;
    let mut merged = String::with_capacity(target.len());
    write(&mut merged, Some(target), patch);
    Some(merged)
}

fn write(out: &mut String, target: Option<&str>, patch: &Value) {
    let Value::Object(changes) = patch else { return out.push_str(&patch.to_string()) };
    let members = target.and_then(|target| serde_json::from_str::<Members<'_>>(target).ok());
    let members = members.map(|members| members.0).unwrap_or_default();
    let mut first = true;
    let mut begin = |out: &mut String, name: &str| {
        out.push_str(if std::mem::take(&mut first) { "" } else { "," });
        out.push_str(&Value::String(name.to_owned()).to_string());
        out.push(':');
    };
    out.push('{');
    for (name, value) in &members {
        match changes.get(name) {
            Some(Value::Null) => {}
            Some(change) => {
                begin(out, name);
                write(out, Some(value.get()), change);
            }
            None => {
                begin(out, name);
                out.push_str(value.get());
            }
        }
    }
    for (name, change) in changes {
        if !change.is_null() && members.iter().all(|(known, _)| known != name) {
            begin(out, name);
            write(out, None, change);
        }
    }
    out.push('}');
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cases of RFC 7396, appendix A.
    #[test]
    fn the_cases_of_the_rfc_come_out_as_it_says() {
        for (target, patch, expected) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, r#"{}"#),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
            (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
            (r#"{"a":"foo"}"#, "null", "null"),
            (r#"{"a":"foo"}"#, r#""bar""#, r#""bar""#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
            ("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
            ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        ] {
            assert_eq!(
                merge(target, &serde_json::from_str(patch).unwrap()).as_deref(),
                Some(expected),
                "{target} {patch}"
            );
        }
    }

    #[test]
    fn what_the_patch_does_not_name_keeps_its_place_and_its_spelling() {
        let target = r#" { "z": 1.50, "big": 12345678901234567890123, "a": { "x":  "\u00e9" }, "n": 1 } "#;
        let patch = serde_json::json!({ "n": 2 });
        let merged = merge(target, &patch).unwrap();
        assert_eq!(merged, r#"{"z":1.50,"big":12345678901234567890123,"a":{ "x":  "\u00e9" },"n":2}"#);
        assert_eq!(merge("<html>", &patch), None);
        assert_eq!(merge(r#"{"a":1"#, &patch), None);
    }
}
