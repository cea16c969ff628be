//! Python's clients record, and see the same again when the origin is gone.

use serde_json::Value;

use crate::support::{Origin, needs, python, same_when_replayed};

#[test]
fn requests_sees_the_same_over_http() {
    needs!(Python);
    let seen = requests_against(Origin::http());
    assert_eq!(seen["answers"].as_array().map(Vec::len), Some(13));
}

#[test]
fn requests_sees_the_same_over_https() {
    needs!(Python);
    let seen = requests_against(Origin::https());
    assert_eq!(seen["cookies"].as_array().map(Vec::len), Some(3), "{}", seen["cookies"]);
}

#[test]
fn httpx_sees_the_same_over_http1() {
    needs!(Python);
    for origin in [Origin::http(), Origin::https()] {
        let seen = httpx_against(origin, "1");
        assert_eq!(seen[0][0], "HTTP/1.1");
    }
}

#[test]
fn httpx_sees_the_same_over_http2() {
    needs!(Python);
    let seen = httpx_against(Origin::https(), "2");
    assert_eq!(seen[0][0], "HTTP/2");
    assert_eq!(seen.as_array().map(Vec::len), Some(26));
}

#[track_caller]
fn requests_against(origin: Origin) -> Value {
    let url = origin.url("");
    same_when_replayed(origin, |proxy| python(proxy, "requests_calls.py", &[&url]))
}

#[track_caller]
fn httpx_against(origin: Origin, version: &str) -> Value {
    let url = origin.url("");
    same_when_replayed(origin, |proxy| python(proxy, "httpx_calls.py", &[&url, version]))
}
