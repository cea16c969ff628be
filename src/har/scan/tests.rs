//! Passing over JSON against serde_json: what is passed over is what serde_json finds, byte for byte.

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::*;

/// With something behind it, as in a list: a number has no end of its own.
fn passed(value: &str) -> Result<String, Stop> {
    let text = format!("{value},");
    Scanner::new(&text).raw().map(str::to_owned)
}

/// What serde_json finds at the beginning of a text.
fn found(text: &str) -> Option<String> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    values.next()?.ok().map(|value| value.get().to_owned())
}

#[test]
fn values_of_every_kind_are_passed_over() {
    for value in [
        "null",
        "true",
        "false",
        "0",
        "-0.5e+10",
        "12E3",
        r#""""#,
        r#""a \" b \\ \u00e9 \ud83d""#,
        "\"\u{fc}\u{1f600} \u{7f}\"",
        "{}",
        "[]",
        r#"[ [ ] , { } , "a" , 1 ]"#,
        "{ \"a\" : [ { \"\\u0061\" : null } , 2 ] ,\r\n\t\"b\" : { } }",
    ] {
        assert_eq!(passed(value).as_deref(), Ok(value));
    }
    let long = format!(r#""{}\n{}""#, "x".repeat(1_000), "y".repeat(1_000));
    assert_eq!(passed(&long), Ok(long));
}

#[test]
fn what_is_no_json_is_odd() {
    for text in [
        "nul?",
        "tru,",
        "+1",
        "01",
        "-",
        "1.",
        ".5",
        "1e",
        "1e+",
        "{]",
        "[}",
        "[,",
        "[1,]",
        "{,}",
        "{\"a\"}",
        "{1:2}",
        "{\"a\":1,}",
        "[1 2]",
        "\"\\q\"",
        "\"\\u12g4\"",
        "\"\n\"",
        "}",
        "{\"a\"x1}",
    ] {
        // Of `01` the first digit is a number.
        assert!(passed(text).is_err() || text == "01", "{text}");
        assert!(passed(&format!("[{text}]")).is_err(), "{text}");
    }
    let deep = "[".repeat(200);
    assert_eq!(passed(&deep), Err(Stop::Odd));
}

#[test]
fn a_value_that_is_cut_anywhere_goes_on_behind_the_text() {
    let value =
        r#"{"a": [1.5e-3, true, false, null, "x\u00e9\"y", {"b": "a longer text than what is looked at together"}]}"#;
    for end in 0..value.len() {
        assert_eq!(Scanner::new(&value[..end]).raw(), Err(Stop::More), "{end}");
    }
}

#[test]
fn the_first_odd_byte_is_found_at_every_place() {
    for length in [0, 1, 7, 8, 9, 31, 32, 33, 95, 96, 97, 200] {
        for odd in [b'"', b'\\', 0, 0x1f] {
            for filler in [b' ', b'!', b'#', b']', b'[', 0x7f, 0x80, 0xff] {
                let mut bytes = vec![filler; length];
                assert_eq!(plain(&bytes), length);
                bytes.extend([odd, filler, odd, b'"', b'\\', 1]);
                assert_eq!(plain(&bytes), length, "{odd} after {length} of {filler}");
            }
        }
    }
}

proptest! {
    #[test]
    fn what_is_passed_over_is_what_serde_json_finds(
        text in r#"[\[{]([\[\]{},: ]|"(a|\\"|\\u00e9|\\x|é|\n){0,3}"|-?[0-9]{1,2}|[.eE+]|true|null){0,14}[\]}]"#,
    ) {
        if let Ok(passed) = Scanner::new(&text).raw() {
            prop_assert_eq!(Some(passed.to_owned()), found(&text));
        } else {
            // Nothing that is whole is left to serde_json, but for what is nested very deep.
            prop_assert_eq!(found(&text), None);
        }
    }
}
