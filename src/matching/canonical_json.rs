//! JSON by what it says: without layout, keys in order, numbers in one spelling.

use serde_json::Value;
use serde_json_path::JsonPath;

/// The value in one spelling. Numbers are what JavaScript reads; whole ones of up to 64 bits are exact.
pub(super) fn text(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

/// The JSON in a payload, if it is an object or a list.
pub(super) fn parse(payload: &[u8]) -> Option<Value> {
    let payload = payload.strip_prefix(b"\xef\xbb\xbf").unwrap_or(payload);
    match payload.trim_ascii_start().first() {
        Some(b'{' | b'[') => serde_json::from_slice(payload).ok(),
        _ => None,
    }
}

/// Takes out what a path selects.
pub(super) fn remove(value: &mut Value, path: &JsonPath) {
    let mut selected: Vec<String> =
        path.query_located(value).locations().map(|place| place.to_json_pointer()).collect();
    // From behind, so that the places of what is in front of them stay.
    selected.sort_by(|one, other| by_place(other, one));
    for pointer in selected {
        let Some((parent, name)) = pointer.rsplit_once('/') else { continue };
        let name = name.replace("~1", "/").replace("~0", "~");
        match value.pointer_mut(parent) {
            Some(Value::Object(fields)) => drop(fields.remove(&name)),
            Some(Value::Array(items)) => {
                if let Some(at) = name.parse().ok().filter(|at| *at < items.len()) {
                    items.remove(at);
                }
            }
            _ => {}
        }
    }
}

/// Numbers by value, so that `/9` comes before `/10`.
fn by_place(one: &str, other: &str) -> std::cmp::Ordering {
    let step = |text: &str| (text.parse::<u64>().ok(), text.to_owned());
    one.split('/').map(step).cmp(other.split('/').map(step))
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            text.push('{');
            for (at, (name, value)) in fields.into_iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                text.push_str(&Value::String(name.clone()).to_string());
                text.push(':');
                write(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            // A whole number is spelled as one, whatever stood there.
            Some(float) if float.fract() == 0.0 && float.abs() < 9e15 => text.push_str(&format!("{:.0}", float + 0.0)),
            _ => text.push_str(&number.to_string()),
        },
        other => text.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn same(one: &str, other: &str) -> bool {
        text(&parse(one.as_bytes()).unwrap()) == text(&parse(other.as_bytes()).unwrap())
    }

    #[test]
    fn layout_order_of_keys_and_spelling_of_numbers_do_not_count() {
        assert!(same(r#"{"a":1,"b":[1.50,-0.0,1e3]}"#, "{ \"b\": [1.5, 0, 1000],\n\"a\": 1.0 }"));
        assert!(same(r#"{"a":"\u00e9\/"}"#, r#"{"a":"é/"}"#));
        for (one, other) in [
            ("[1,2]", "[2,1]"),
            (r#"{"a":1}"#, r#"{"a":"1"}"#),
            ("[-10.0]", "[10]"),
            ("[9007199254740993]", "[9007199254740992]"),
        ] {
            assert!(!same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn only_objects_and_lists_are_taken_for_json() {
        assert_eq!(parse(b"17"), None);
        assert_eq!(parse(b"{broken"), None);
        assert!(parse(b"\xef\xbb\xbf {}").is_some());
    }

    #[test]
    fn what_a_path_selects_is_taken_out_everywhere() {
        let removed = |path: &str, mut value: Value| {
            remove(&mut value, &JsonPath::parse(path).unwrap());
            value
        };
        assert_eq!(removed("$..id", json!({ "id": 1, "a": [{ "id": 2, "b": 3 }] })), json!({ "a": [{ "b": 3 }] }));
        let twelve: Vec<u32> = (0..12).collect();
        assert_eq!(removed("$[2:12]", json!(twelve)), json!([0, 1]));
        assert_eq!(removed("$['a/b~c']", json!({ "a/b~c": 1, "d": 2 })), json!({ "d": 2 }));
    }
}
