//! Patches: what is overridden on replayed answers and on live ones, while the archive keeps what the server sent.

use serde_json::{Value, json};

use crate::support::{Answer, Harmock, Origin, Wire, Workspace, curl, entry, needs};

const GET: &str = "http://api.example.test/get";

fn json_entry(url: &str, body: &str) -> Value {
    let mut entry = entry("GET", url, 200, body);
    entry["response"]["headers"] =
        json!([{ "name": "content-type", "value": "application/json" }, { "name": "etag", "value": "\"v1\"" }]);
    entry
}

fn ask(wire: &mut Wire, method: &str, url: &str, lines: &[&str]) -> Answer {
    let host = url.split('/').nth(2).unwrap();
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    wire.send(format!("{method} {url} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n"));
    wire.answer()
}

#[test]
fn a_replayed_answer_is_patched_whole_whatever_its_client_has_and_says_so() {
    let workspace = Workspace::new();
    workspace.write_har("api.har", &[json_entry(GET, r#"{"z":1.50,"old":1}"#)]);
    let rules = "[[rules]]\nmerge-json = '{\"old\":null,\"new\":{\"a\":1}}'\nset-header = [\"x-plan: pro\"]\n\
                 [[rules]]\nset-status = 203\nset-header = [\"+x-more: 1\"]\n";
    workspace.write("harmock.toml", rules);
    let arguments = ["--report", "report.json", "--trace", "trace.har", "--annotate"];
    let proxy = Harmock::replay(&workspace, &arguments);
    let mut wire = Wire::connect(proxy.address());
    for line in ["If-None-Match: \"v1\"", "Range: bytes=0-3", "Accept: */*"] {
        let answer = ask(&mut wire, "GET", GET, &[line]);
        assert_eq!((answer.status, answer.text().as_str()), (203, r#"{"z":1.50,"new":{"a":1}}"#), "{line}");
        assert_eq!((answer.all("x-plan"), answer.all("x-more"), answer.all("etag").len()), (vec!["pro"], vec!["1"], 0));
        assert!(answer.all("x-harmock")[0].contains("; note=[patched: rule 2 set-status 203, "), "{answer:?}");
    }
    assert_eq!(wire.get(GET).framing.iter().find(|(name, _)| name == "content-length").unwrap().1, "24");
    let told =
        "[patched: rule 2 set-status 203, rule 1 set-header x-plan, rule 2 set-header x-more, rule 1 merge-json]";
    proxy.interrupt().expect(0).says(told).says("applied: patched (4)");
    let report: Value = serde_json::from_slice(&std::fs::read(workspace.join("report.json")).unwrap()).unwrap();
    assert_eq!((&report["applied"][0]["what"], &report["applied"][0]["count"]), (&json!("patched"), &json!(4)));
    let trace = std::fs::read_to_string(workspace.join("trace.har")).unwrap();
    assert_eq!(trace.matches("patched: rule 2").count(), 4);
}

#[test]
fn a_field_alone_leaves_conditions_and_ranges_as_they_are() {
    let workspace = Workspace::new();
    workspace.write_har("api.har", &[json_entry(GET, "{}")]);
    let proxy = Harmock::replay(&workspace, &["--rules", "set-header = [\"x-plan: pro\", \"content-type:\"]"]);
    let mut wire = Wire::connect(proxy.address());
    let answer = ask(&mut wire, "GET", GET, &["If-None-Match: \"v1\""]);
    assert_eq!((answer.status, answer.all("x-plan")), (304, vec!["pro"]));
    assert_eq!(wire.get(GET).all("content-type").len(), 0);
    proxy.interrupt().expect(0);
}

#[test]
fn a_recording_holds_what_the_server_sent_and_the_client_gets_the_patched_answer() {
    needs!(Curl);
    let (workspace, origin) = (Workspace::new(), Origin::https());
    let rule = "merge-json = { answer = 43 }, set-status = 201";
    let proxy = Harmock::record(&workspace, &["--har", "hars/live.har", "--rules", rule]);
    for version in ["--http1.1", "--http2"] {
        let answer = curl(&proxy, &[version, &origin.url("/json")]);
        assert_eq!((answer.status, answer.text().as_str()), (201, r#"{"answer":43,"who":"origin"}"#), "{version}");
    }
    proxy.interrupt().expect(0).says("([patched: rule 1 set-status 201, rule 1 merge-json])");
    let proxy = Harmock::replay(&workspace, &["hars/live.har"]);
    let answer = curl(&proxy, &[&origin.url("/json")]);
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"answer":42,"who":"origin"}"#));
    proxy.interrupt().expect(0);
}

#[test]
fn misses_that_pass_are_patched_and_recorded_as_they_came() {
    let (workspace, origin) = (Workspace::new(), Origin::http());
    workspace.write_har("api.har", &[entry("GET", GET, 200, "got")]);
    let rule = "glob = \"**/json\", merge-json = { answer = 43 }";
    for mode in ["fallback", "record"] {
        let arguments = ["--not-found", mode, "--har", "hars/new.har", "--rules", rule, "--report", "report.json"];
        let proxy = Harmock::replay(&workspace, &arguments);
        let mut wire = Wire::connect(proxy.address());
        assert_eq!(wire.get(&origin.url("/json")).text(), r#"{"answer":43,"who":"origin"}"#, "{mode}");
        assert_eq!(wire.get(GET).text(), "got");
        proxy.interrupt().expect(0).says("([patched: rule 1 merge-json])").says("applied: patched (1)");
    }
    let proxy = Harmock::replay(&workspace, &["hars/new.har"]);
    assert_eq!(Wire::connect(proxy.address()).get(&origin.url("/json")).text(), r#"{"answer":42,"who":"origin"}"#);
    proxy.interrupt().expect(0);
}

#[test]
fn a_coded_live_body_is_merged_decoded_and_one_that_is_no_json_comes_as_it_is() {
    let (workspace, origin) = (Workspace::new(), Origin::http());
    workspace.write_har("api.har", &[entry("GET", GET, 200, "got")]);
    let rules = ["--not-found", "fallback", "--rules", "merge-json = { a = 1 }"];
    let proxy = Harmock::replay(&workspace, &rules);
    let mut wire = Wire::connect(proxy.address());
    for coding in ["gzip", "br"] {
        let merged = wire.get(&origin.url(&format!("/coded/{coding}")));
        assert_eq!((&merged.json()["coding"], &merged.json()["a"]), (&json!(coding), &json!(1)));
        assert_eq!(merged.all("content-encoding").len(), 0, "{merged:?}");
    }
    let bytes = wire.get(&origin.url("/bytes/300000"));
    assert_eq!(bytes.body.len(), 300_000);
    let events = wire.get(&origin.url("/events"));
    assert!(events.text().starts_with("event: tick"));
    proxy.interrupt().expect(0).says("rule 1 merge-json did nothing: the body is no JSON by its type");
}
