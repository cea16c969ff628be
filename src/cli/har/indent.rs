//! JSON on lines of its own, every value spelled as it was.

use serde::de::IgnoredAny;

/// Indents a JSON text without reading its values: key order, numbers and escapes stay. None if it is not JSON.
pub(super) fn indented(json: &str) -> Option<String> {
    serde_json::from_str::<IgnoredAny>(json).ok()?;
    let mut shown = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let mut quoted = false;
    let mut escaped = false;
    let mut opened = false;
    for char in json.chars() {
        if quoted {
            shown.push(char);
            quoted = escaped || char != '"';
            escaped = !escaped && char == '\\';
            continue;
        }
        if char.is_ascii_whitespace() {
            continue;
        }
        if matches!(char, '}' | ']') {
            depth = depth.saturating_sub(1);
        }
        // An empty object or array stays on its line.
        if opened != matches!(char, '}' | ']') {
            new_line(&mut shown, depth);
        }
        opened = matches!(char, '{' | '[');
        shown.push(char);
        match char {
            '{' | '[' => depth += 1,
            ',' => new_line(&mut shown, depth),
            ':' => shown.push(' '),
            '"' => quoted = true,
            _ => {}
        }
    }
    Some(shown)
}

fn new_line(text: &mut String, depth: usize) {
    text.push('\n');
    text.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_numbers_and_escapes_stay_and_empty_ones_stay_closed() {
        let json = r#"{"b":[1.0,{"x":"a, \"b\": {c}\\"}],"a" : 12345678901234567890.10, "e":{},"f":[ ]}"#;
        let expected = r#"{
  "b": [
    1.0,
    {
      "x": "a, \"b\": {c}\\"
    }
  ],
  "a": 12345678901234567890.10,
  "e": {},
  "f": []
}"#;
        assert_eq!(indented(json).unwrap(), expected);
        assert_eq!(indented("[]").unwrap(), "[]");
        assert_eq!(indented("\"\"").unwrap(), "\"\"");
        assert_eq!(indented("{"), None);
    }
}
