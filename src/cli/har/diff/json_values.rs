//! What differs between two JSON values, by path.

use serde_json::Value;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::matching::json_member;

/// A path, and what is there before and after.
pub(super) type ValueChange<'a> = (String, Option<&'a Value>, Option<&'a Value>);

/// Adds what differs below `path`. Items of arrays that are equal stay together, wherever they have moved to.
pub(super) fn differences<'a>(path: &str, before: &'a Value, after: &'a Value, changes: &mut Vec<ValueChange<'a>>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Value::Object(one), Value::Object(other)) => {
            let names = one.keys().chain(other.keys().filter(|name| !one.contains_key(*name)));
            for name in names {
                let path = json_member(path, name);
                match (one.get(name), other.get(name)) {
                    (Some(one), Some(other)) => differences(&path, one, other, changes),
                    (one, other) => changes.push((path, one, other)),
                }
            }
        }
        (Value::Array(one), Value::Array(other)) => items(path, one, other, changes),
        _ => changes.push((path.to_owned(), Some(before), Some(after))),
    }
}

fn items<'a>(path: &str, before: &'a [Value], after: &'a [Value], changes: &mut Vec<ValueChange<'a>>) {
    let texts = |items: &[Value]| items.iter().map(Value::to_string).collect::<Vec<_>>();
    for op in capture_diff_slices(Algorithm::Myers, &texts(before), &texts(after)) {
        if let DiffOp::Equal { .. } = op {
            continue;
        }
        let (old, new) = (op.old_range(), op.new_range());
        let both = old.len().min(new.len());
        for n in 0..both {
            // The place after the change is the one that can be looked up now.
            let path = format!("{path}[{}]", new.start + n);
            differences(&path, &before[old.start + n], &after[new.start + n], changes);
        }
        changes.extend(old.skip(both).map(|n| (format!("{path}[{n}]"), Some(&before[n]), None)));
        changes.extend(new.skip(both).map(|n| (format!("{path}[{n}]"), None, Some(&after[n]))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(before: Value, after: Value) -> Vec<String> {
        let mut changes = Vec::new();
        differences("$", &before, &after, &mut changes);
        let text = |value: Option<&Value>| value.map_or("-".to_owned(), Value::to_string);
        changes.iter().map(|(path, old, new)| format!("{path} {} {}", text(*old), text(*new))).collect()
    }

    #[test]
    fn members_and_items_are_told_by_their_path() {
        let before = json!({ "a": 1, "b": { "c d": [1, 2] }, "gone": true });
        let after = json!({ "a": 2, "b": { "c d": [1, 3] }, "new": null });
        assert_eq!(told(before, after), ["$.a 1 2", "$.b['c d'][1] 2 3", "$.gone true -", "$.new - null"]);
    }

    #[test]
    fn an_item_put_in_front_is_one_difference() {
        assert_eq!(told(json!([1, 2, 3]), json!([0, 1, 2, 3])), ["$[0] - 0"]);
        assert_eq!(told(json!([{ "id": 1 }, { "id": 2 }]), json!([{ "id": 2 }])), [r#"$[0] {"id":1} -"#]);
    }
}
