//! `match = "closest"`: which entry answers where nothing recorded is equal, and what is said about it.

use serde_json::{Value, json};

use crate::support::{Harmock, Wire, Workspace, entry, post_entry};

const GET: &str = "http://api.example.test/get";
const RULE: &str = "[[rules]]\nglob = \"**/get**\"\nmatch = \"closest\"\n";

fn workspace(entries: &[Value], file: &str) -> Workspace {
    let workspace = Workspace::new();
    workspace.write_har("api.har", entries);
    workspace.write("harmock.toml", file);
    workspace
}

/// Asks with a method, further header lines and a payload, and gives the status and the body.
fn ask(wire: &mut Wire, method: &str, url: &str, lines: &[&str], payload: &str) -> (u16, String) {
    let host = url.split('/').nth(2).unwrap();
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    let length = payload.len();
    wire.send(format!("{method} {url} HTTP/1.1\r\nHost: {host}\r\n{lines}Content-Length: {length}\r\n\r\n{payload}"));
    let answer = wire.answer();
    (answer.status, answer.text())
}

fn hit(body: &str) -> (u16, String) {
    (200, body.to_owned())
}

#[test]
fn the_query_that_fits_best_answers_and_the_log_the_report_and_the_field_say_what_was_let_pass() {
    let entries = [
        entry("GET", &format!("{GET}?id=1&page=1"), 200, "one"),
        entry("GET", &format!("{GET}?id=5"), 200, "five"),
        entry("GET", GET, 200, "bare"),
        entry("POST", GET, 200, "posted"),
    ];
    let workspace = workspace(&entries, RULE);
    let proxy = Harmock::replay(&workspace, &["--annotate", "--report", "report.json"]);
    let mut wire = Wire::connect(proxy.address());
    for (query, expected) in [("?id=5", "five"), ("?id=5&page=2", "five"), ("?page=1&id=1", "one"), ("?x=1", "bare")] {
        assert_eq!(wire.get(&format!("{GET}{query}")).text(), expected, "{query}");
    }
    let answer = wire.get(&format!("{GET}?id=9"));
    assert_eq!(answer.text(), "five");
    assert_eq!(answer.all("x-harmock"), ["hit; entry=hars/api.har#1; rules=1:match:id"]);
    assert_eq!(wire.get(&format!("{GET}?id=5")).all("x-harmock"), ["hit; entry=hars/api.har#1"]);
    let ended = proxy.interrupt().expect(0).says("applied: rule 1 match (4)");
    let line = ended.stderr.lines().find(|line| line.contains("?id=9")).unwrap();
    assert!(line.contains("[rule 1 match id: \"5\" -> \"9\"]"), "{line}");
    let report: Value = serde_json::from_slice(&std::fs::read(workspace.join("report.json")).unwrap()).unwrap();
    let applied = report["applied"].as_array().unwrap();
    let expected = json!({
        "what": "rule 1 match", "method": "GET", "url": format!("{GET}?id=9"), "entry": "hars/api.har#1",
        "detail": ["id: \"5\" -> \"9\""], "count": 1,
    });
    assert!(applied.len() == 4 && applied.contains(&expected), "{applied:?}");
}

#[test]
fn neither_another_method_nor_another_path_nor_a_url_without_the_rule_is_ever_answered() {
    let entries = [
        entry("GET", &format!("{GET}?id=1"), 200, "one"),
        entry("GET", "http://api.example.test/other?id=1", 200, "other"),
    ];
    let folder = workspace(&entries, RULE);
    let proxy = Harmock::replay::<&str>(&folder, &[]);
    let mut wire = Wire::connect(proxy.address());
    for (method, url) in [
        ("POST", format!("{GET}?id=1")),
        ("GET", format!("{GET}/more?id=1")),
        ("GET", "http://api.example.test:81/get?id=1".to_owned()),
        ("GET", "http://api.example.test/other?id=2".to_owned()),
    ] {
        assert_eq!(ask(&mut wire, method, &url, &[], "").0, 502, "{method} {url}");
    }
    assert_eq!(wire.get(&format!("{GET}?id=2")).text(), "one");
    proxy.interrupt().expect(3);
}

#[test]
fn a_strict_match_and_one_under_other_rules_go_before_a_closer_query() {
    let entries = [
        entry("GET", &format!("{GET}?id=1&ts=7"), 200, "ruled"),
        entry("GET", &format!("{GET}?id=1&ts=8&page=1"), 200, "paged"),
    ];
    let rules = format!("{RULE}ignore-query = \"ts\"\n");
    let folder = workspace(&entries, &rules);
    let proxy = Harmock::replay::<&str>(&folder, &[]);
    let mut wire = Wire::connect(proxy.address());
    for (query, expected) in [("?id=1&ts=8", "ruled"), ("?id=1&ts=8&page=1", "paged"), ("?id=1&page=2&ts=9", "paged")] {
        assert_eq!(wire.get(&format!("{GET}{query}")).text(), expected, "{query}");
    }
    proxy.interrupt().expect(0);
}

#[test]
fn a_payload_decides_only_where_a_rule_says_so_and_then_its_type_first() {
    let (form, text) = ("Content-Type: application/x-www-form-urlencoded", "Content-Type: text/plain; charset=utf-8");
    let mut entries = [post_entry(GET, "a=1", "form"), post_entry(GET, "a=2", "text"), post_entry(GET, "b=1", "other")];
    for (entry, kind) in entries.iter_mut().zip(["application/x-www-form-urlencoded", "text/plain", "text/plain"]) {
        entry["request"]["headers"] = json!([{ "name": "content-type", "value": kind }]);
    }
    let url = format!("{GET}?new");
    let folder = workspace(&entries, RULE);
    let free = Harmock::replay::<&str>(&folder, &[]);
    let mut wire = Wire::connect(free.address());
    assert_eq!(ask(&mut wire, "POST", &url, &[text], "a=2"), hit("text"));
    assert_eq!(ask(&mut wire, "POST", &url, &[text], "a=9"), hit("form"));
    free.interrupt().expect(0);
    let folder = workspace(&entries, &format!("{RULE}match-body = \"all\"\n"));
    let all = Harmock::replay::<&str>(&folder, &[]);
    let mut wire = Wire::connect(all.address());
    assert_eq!(ask(&mut wire, "POST", &url, &[form], "a=1"), hit("form"));
    assert_eq!(ask(&mut wire, "POST", &url, &[text], "a=1").0, 502, "equal, but of another type");
    assert_eq!(ask(&mut wire, "POST", &url, &[text], "a=9").0, 502);
    all.interrupt().expect(3);
    let folder = workspace(&entries, &format!("{RULE}match-body = \"closest\"\n"));
    let closest = Harmock::replay::<&str>(&folder, &[]);
    let mut wire = Wire::connect(closest.address());
    assert_eq!(ask(&mut wire, "POST", &url, &[form], "b=1&c"), hit("form"), "the type goes before the likeness");
    assert_eq!(ask(&mut wire, "POST", &url, &[text], "b=1&c"), hit("other"));
    closest.interrupt().expect(0);
}

#[test]
fn required_headers_keep_the_closest_from_answering() {
    let mut entries =
        [entry("GET", &format!("{GET}?id=1"), 200, "one"), entry("GET", &format!("{GET}?id=2"), 200, "two")];
    for (entry, tenant) in entries.iter_mut().zip(["a", "b"]) {
        entry["request"]["headers"] = json!([{ "name": "X-Tenant", "value": tenant }]);
    }
    let rules = format!("{RULE}match-headers = [\"x-tenant\"]\n");
    let folder = workspace(&entries, &rules);
    let proxy = Harmock::replay::<&str>(&folder, &[]);
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(ask(&mut wire, "GET", &format!("{GET}?id=1"), &["X-Tenant: b"], ""), hit("two"));
    assert_eq!(ask(&mut wire, "GET", &format!("{GET}?id=1"), &["X-Tenant: c"], "").0, 502);
    proxy.interrupt().expect(3);
}
