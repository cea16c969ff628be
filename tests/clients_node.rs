//! fetch in Node records, and sees the same again when the origin is gone.

use serde_json::Value;

use crate::support::{Origin, needs, node, same_when_replayed};

#[test]
fn fetch_sees_the_same_over_http() {
    needs!(Node);
    assert_eq!(fetch_against(Origin::http(), "1")[0][0], 200);
}

#[test]
fn fetch_sees_the_same_over_https() {
    needs!(Node);
    let seen = fetch_against(Origin::https(), "1");
    assert_eq!(seen[3][3], serde_json::json!(["b=2; Path=/", "a=1; Path=/", "c=3"]));
}

#[test]
fn fetch_sees_the_same_over_http2() {
    needs!(Node);
    assert_eq!(fetch_against(Origin::https(), "2").as_array().map(Vec::len), Some(33));
}

#[track_caller]
fn fetch_against(origin: Origin, version: &str) -> Value {
    let url = origin.url("");
    same_when_replayed(origin, |proxy| node(proxy, "fetch_calls.mjs", &[&url, version]))
}
