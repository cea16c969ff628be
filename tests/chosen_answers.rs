//! `x-mock-response-code` and `x-mock-response-name`: a request says which answer it wants.

use serde_json::{Value, json};

use crate::support::{Answer, Harmock, Origin, Wire, Workspace, entry};

const GET: &str = "http://api.example.test/get";

fn workspace() -> Workspace {
    let mut entries = [
        entry("GET", &format!("{GET}?id=1"), 200, "one"),
        entry("GET", &format!("{GET}?id=1"), 404, "no one"),
        entry("GET", &format!("{GET}?id=5"), 404, "no five"),
        entry("GET", GET, 500, "broken"),
        entry("POST", GET, 201, "made"),
    ];
    entries[3]["_harmock"] = json!({ "name": "on fire" });
    entries[3]["comment"] = json!("not this");
    entries[2]["comment"] = json!("sold out");
    let workspace = Workspace::new();
    workspace.write_har("api.har", &entries);
    workspace
}

fn ask(wire: &mut Wire, method: &str, url: &str, lines: &[&str]) -> Answer {
    let host = url.split('/').nth(2).unwrap();
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    wire.send(format!("{method} {url} HTTP/1.1\r\nHost: {host}\r\n{lines}Content-Length: 0\r\n\r\n"));
    wire.answer()
}

#[test]
fn a_status_or_a_name_chooses_among_the_entries_of_the_method_and_path() {
    let workspace = workspace();
    let proxy = Harmock::replay(&workspace, &["--mock-headers", "--annotate", "--report", "report.json"]);
    let mut wire = Wire::connect(proxy.address());
    for (query, line, expected) in [
        ("?id=5", "x-mock-response-code: 404", "no five"),
        ("?id=1", "X-Mock-Response-Code: 404", "no one"),
        ("?id=1", "x-mock-response-code: 500", "broken"),
        ("?id=9", "x-mock-response-name: sold out", "no five"),
        ("?id=1", "x-mock-response-name: on fire", "broken"),
    ] {
        let answer = ask(&mut wire, "GET", &format!("{GET}{query}"), &[line]);
        assert_eq!(answer.text(), expected, "{query} {line}");
        assert!(answer.all("x-harmock")[0].contains("; note=[x-mock-response-"), "{answer:?}");
    }
    assert_eq!(wire.get(&format!("{GET}?id=1")).text(), "one");
    let made = ask(&mut wire, "POST", &format!("{GET}?id=1"), &["x-mock-response-code: 201"]);
    assert_eq!((made.status, made.text().as_str()), (201, "made"));
    proxy.interrupt().expect(0).says("x-mock-response-code 404 (2)").says("[x-mock-response-name on fire]");
    let report: Value = serde_json::from_slice(&std::fs::read(workspace.join("report.json")).unwrap()).unwrap();
    assert!(report["applied"].as_array().unwrap().iter().any(|applied| applied["what"] == "x-mock-response-code 500"));
}

#[test]
fn a_choice_that_nothing_fits_gets_a_list_of_what_there_is_and_counts_as_a_miss() {
    let folder = workspace();
    let proxy = Harmock::replay(&folder, &["--mock-headers"]);
    let mut wire = Wire::connect(proxy.address());
    let both = ["x-mock-response-code: 404", "x-mock-response-name: on fire", "Origin: http://app.test"];
    let answer = ask(&mut wire, "GET", &format!("{GET}?id=1"), &both);
    assert_eq!(answer.status, 400);
    assert_eq!(answer.all("access-control-allow-origin"), ["http://app.test"], "the page can read it");
    let available = answer.json()["available"].as_array().unwrap().clone();
    let listed: Vec<_> = available.iter().map(|one| (one["code"].as_u64().unwrap(), one["name"].as_str())).collect();
    assert_eq!(listed, [(200, None), (404, None), (404, Some("sold out")), (500, Some("on fire"))]);
    let nothing = ask(&mut wire, "DELETE", GET, &["x-mock-response-code: 204"]);
    assert!(nothing.status == 400 && nothing.text().contains("there is nothing"), "{}", nothing.text());
    for wrong in ["x-mock-response-code: teapot", "x-mock-response-code: 99"] {
        let answer = ask(&mut wire, "GET", GET, &[wrong]);
        assert!(answer.status == 400 && answer.text().contains("expected a number from 100 to 999"), "{wrong}");
    }
    proxy.interrupt().expect(3).says("missed 2").says("404 \"sold out\" (hars/api.har#2)");
}

#[test]
fn the_fields_mean_nothing_unless_they_are_switched_on_and_then_go_no_further() {
    let folder = workspace();
    let proxy = Harmock::replay::<&str>(&folder, &[]);
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(ask(&mut wire, "GET", &format!("{GET}?id=1"), &["x-mock-response-code: 404"]).text(), "one");
    proxy.interrupt().expect(0);
    let origin = Origin::http();
    let workspace = workspace();
    let proxy = Harmock::replay(&workspace, &["--mock-headers", "--glob", "http://api.example.test/**"]);
    let mut wire = Wire::connect(proxy.address());
    let url = origin.url("/json");
    let answer = ask(&mut wire, "GET", &url, &["x-mock-response-code: 404", "x-kept: 1"]);
    assert_eq!(answer.status, 200);
    let seen = origin.last("/json").headers;
    assert!(seen.contains_key("x-kept") && !seen.contains_key("x-mock-response-code"), "{seen:?}");
    proxy.interrupt().expect(0);
}
