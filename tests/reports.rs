//! What a run of replay tells machines: reports, the trace, annotated answers, and shards that are merged.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Ended, Harmock, Wire, Workspace, entry, needs, python_path};

const ALL: [&str; 8] =
    ["--report", "out/run.json", "--report", "out/run.xml", "--report", "out/run.md", "--report", "out/run.github"];

fn workspace() -> Workspace {
    let workspace = Workspace::new();
    let used = entry("GET", "http://a.test/used", 200, "used");
    workspace.write_har("one.har", &[used, entry("GET", "http://a.test/idle", 200, "idle")]);
    workspace
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))).unwrap()
}

/// Asks for these paths, then ends the run by SIGINT.
fn asked(workspace: &Workspace, arguments: &[&str], paths: &[&str]) -> Ended {
    let proxy = Harmock::replay(workspace, arguments);
    let mut wire = Wire::connect(proxy.address());
    for path in paths {
        wire.get(&format!("http://a.test{path}"));
    }
    drop(wire);
    proxy.interrupt()
}

#[test]
fn a_run_that_a_signal_ended_has_written_every_report() {
    let workspace = workspace();
    asked(&workspace, &ALL, &["/used", "/used", "/other?a=1", "/other?a=1"]).expect(3);
    let report = json(&workspace.join("out/run.json"));
    assert_eq!(report["verdict"], "misses");
    assert_eq!((&report["served"], &report["missed"], &report["entries"]), (&json!(2), &json!(2), &json!(2)));
    let miss = &report["misses"][0];
    assert_eq!((&miss["url"], &miss["count"]), (&json!("http://a.test/other?a=1"), &json!(2)));
    assert_eq!(report["misses"].as_array().unwrap().len(), 1);
    let unused = json!([{ "archive": "hars/one.har", "entry": 1, "method": "GET", "url": "http://a.test/idle" }]);
    assert_eq!(report["unused"], unused);
    let read = |name: &str| fs::read_to_string(workspace.join("out").join(name)).unwrap();
    assert!(read("run.xml").contains("failures=\"1\""));
    assert!(read("run.md").contains("## harmock replay: requests were not recorded"));
    assert!(read("run.github").starts_with("::error file=hars/one.har,"), "{}", read("run.github"));
    // Nothing of what was written on the way is left.
    assert_eq!(fs::read_dir(workspace.join("out")).unwrap().count(), 4);
}

#[test]
fn the_junit_report_is_xml_that_another_parser_reads() {
    needs!(Python);
    let workspace = workspace();
    asked(&workspace, &["--report", "run.xml"], &["/a?x=%3Cb%3E&amp;'quoted'", "/used"]).expect(3);
    let script = "import sys, xml.etree.ElementTree as E; s = E.parse(sys.argv[1]).getroot()[0]\n\
                  print(s.get('tests'), s.get('failures'), len(s), s[1].get('name'))";
    let output = Command::new(python_path()).args(["-c", script]).arg(workspace.join("run.xml")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.starts_with("2 1 2 GET http://a.test/a?x=%3Cb%3E&amp;"), "{said} {output:?}");
}

#[test]
fn a_report_goes_to_standard_output_in_the_format_that_is_named() {
    let workspace = workspace();
    let ended = asked(&workspace, &["--report", "-", "--report-format", "github"], &["/nothing"]).expect(3);
    assert!(ended.stdout.lines().nth(1).unwrap().starts_with("::error "), "{}", ended.stdout);
}

#[test]
fn a_report_of_unknown_kind_stops_the_start_and_one_that_cannot_be_written_fails_the_run() {
    let workspace = workspace();
    let ended = Harmock::run(&workspace, "replay", &["--report", "run.pdf"]);
    ended.expect(2).says("name it with --report-format");
    fs::write(workspace.join("file"), "").unwrap();
    asked(&workspace, &["--report", "file/run.json"], &["/used"]).expect(1).says("cannot write the report");
}

#[test]
fn unused_entries_fail_a_run_that_forbids_them() {
    let workspace = workspace();
    asked(&workspace, &["--fail-on-unused"], &["/used"]).expect(3).says("never used, which --fail-on-unused forbids");
    asked(&workspace, &["--fail-on-unused"], &["/used", "/idle"]).expect(0);
    asked(&workspace, &[], &["/used"]).expect(0);
}

#[test]
fn shards_are_merged_and_have_the_exit_code_of_one_run() {
    let workspace = workspace();
    let shard = |name: &str, path| asked(&workspace, &["--fail-on-unused", "--report", name], &[path]);
    shard("1.json", "/used").expect(3);
    shard("2.json", "/idle").expect(3);
    let merge = |arguments: &[&str]| {
        let output = workspace.harmock().args(["report", "merge"]).args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = merge(&["1.json", "2.json", "-o", "all.json", "-o", "all.md"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("2 reports: served 2, missed 0, errors 0, unused 0 of 2"), "{said}");
    assert_eq!(json(&workspace.join("all.json"))["served"], 2);
    assert_eq!(merge(&["1.json", "1.json", "-o", "all.json"]).0, Some(3));
    let (code, said) = merge(&["hars/one.har", "-o", "all.json"]);
    assert!(code == Some(1) && said.contains("hars/one.har is no JSON report of harmock"), "{said}");
}

#[test]
fn the_trace_is_a_har_that_names_the_entry_behind_each_answer() {
    let workspace = workspace();
    let proxy = Harmock::replay(&workspace, &["--trace", "out/trace.har"]);
    let mut wire = Wire::connect(proxy.address());
    wire.send("GET http://a.test/used?q=no HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer hunter2\r\n\r\n");
    assert_eq!(wire.answer().status, 502);
    for _ in 0..500 {
        assert_eq!(wire.get("http://a.test/used").text(), "used");
    }
    drop(wire);
    proxy.interrupt().expect(3);
    let trace = workspace.join("out/trace.har");
    assert!(!fs::read_to_string(&trace).unwrap().contains("hunter2"));
    let entries = workspace.entries("out/trace.har");
    assert_eq!(entries.len(), 501);
    let (miss, hit) = (&entries[0], &entries[1]);
    assert_eq!((&miss["_harmock"]["by"], &miss["response"]["status"]), (&json!("miss"), &json!(502)));
    assert_eq!(miss["request"]["queryString"], json!([{ "name": "q", "value": "no" }]));
    assert_eq!(hit["_harmock"], json!({ "by": "entry", "entry": "hars/one.har#0" }));
    assert_eq!((&hit["_wasFulfilled"], &hit["response"]["_transferSize"]), (&json!(true), &json!(0)));
    assert_eq!((&hit["response"]["content"]["size"], &hit["request"]["method"]), (&json!(4), &json!("GET")));
    let check = workspace.harmock().args(["har", "check"]).arg(&trace).output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
    assert_eq!(fs::read_dir(workspace.join("out")).unwrap().count(), 1);
}

#[test]
fn the_trace_holds_the_bodies_that_were_served_without_their_secrets() {
    let workspace = Workspace::new();
    let with = |path: &str, content_type: &str, content: Value| {
        let mut entry = entry("GET", &format!("http://a.test{path}"), 200, "");
        entry["response"]["headers"] = json!([{ "name": "content-type", "value": content_type }]);
        entry["response"]["content"] = content;
        entry
    };
    let login = r#"{"user":"ada","password":"hunter2-hunter2"}"#;
    let events = "data: 1\n\ndata: 2\n\n";
    let mut live = with("/live", "text/event-stream", json!({ "size": 18, "text": events }));
    live["_harmock"] = json!({ "chunks": [{ "length": 9, "offset": 0 }, { "length": 9, "offset": 1 }] });
    let image = json!({ "size": 2, "text": "/9g=", "encoding": "base64" });
    workspace.write_har(
        "one.har",
        &[
            with("/login", "application/json", json!({ "size": login.len(), "text": login })),
            live,
            with("/image", "image/jpeg", image),
            with("/large", "text/plain", json!({ "size": -1, "_file": "large.txt" })),
        ],
    );
    workspace.write("hars/large.txt", "x".repeat((1 << 20) + 1));
    let proxy = Harmock::replay(&workspace, &["--trace", "trace.har"]);
    let mut wire = Wire::connect(proxy.address());
    for path in ["/login", "/live", "/image", "/large"] {
        assert_eq!(wire.get(&format!("http://a.test{path}")).status, 200);
    }
    drop(wire);
    proxy.interrupt().expect(0);
    let content: Vec<Value> =
        workspace.entries("trace.har").iter().map(|entry| entry["response"]["content"].clone()).collect();
    let text = content[0]["text"].as_str().unwrap();
    assert!(text.contains("ada") && !text.contains("hunter2"), "{text}");
    assert_eq!(content[1]["text"], events);
    assert_eq!((&content[2]["text"], &content[2]["encoding"]), (&json!("/9g="), &json!("base64")));
    assert_eq!((content[3].get("text"), &content[3]["comment"]), (None, &json!("longer than 1 MiB")));
    assert_eq!(content[3]["size"], (1 << 20) + 1);
}

#[test]
fn an_annotation_names_the_rules_that_made_it_a_hit() {
    let workspace = workspace();
    let rules = "ignore-query = [\"t;s\", \"n\"]";
    let proxy = Harmock::replay(&workspace, &["--annotate", "--rules", rules, "--map", "http://b.test=http://a.test"]);
    let mut wire = Wire::connect(proxy.address());
    for (url, annotation) in [
        ("http://a.test/used", "hit; entry=hars/one.har#0"),
        (
            "http://a.test/used?n=hunter2&t%3Bs=1",
            "hit; entry=hars/one.har#0; rules=1:ignore-query:n,1:ignore-query:t%3Bs",
        ),
        ("http://b.test/used?n=1", "hit; entry=hars/one.har#0; rules=map:origin,1:ignore-query:n"),
    ] {
        assert_eq!(wire.get(url).all("x-harmock"), [annotation], "{url}");
    }
    proxy.interrupt().expect(0);
}

#[test]
fn every_report_has_the_verdicts_and_the_lines_that_would_help() {
    let workspace = workspace();
    let files = ["run.json", "run.xml", "run.md", "run.github"];
    let reports = files.iter().flat_map(|file| ["--report", file]);
    let proxy = Harmock::replay(&workspace, &reports.collect::<Vec<_>>());
    assert_eq!(Wire::connect(proxy.address()).get("http://a.test/used?n=1").status, 502);
    proxy.interrupt().expect(3);
    for file in files {
        let text = fs::read_to_string(workspace.join(file)).unwrap();
        for part in ["method equal, url differs", "query parameter n", "ignore-query"] {
            assert!(text.contains(part), "{file}: {part} is not in {text}");
        }
    }
}

#[test]
fn a_trace_that_cannot_be_written_stops_the_start() {
    let workspace = workspace();
    fs::write(workspace.join("file"), "").unwrap();
    Harmock::run(&workspace, "replay", &["--trace", "file/trace.har"]).expect(1).says("name another file with --trace");
}

#[test]
fn annotated_answers_say_what_answered_and_others_do_not() {
    let workspace = workspace();
    let proxy = Harmock::replay(&workspace, &["--annotate"]);
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(wire.get("http://a.test/used").all("x-harmock"), ["hit; entry=hars/one.har#0"]);
    assert_eq!(wire.get("http://a.test/nothing").all("x-harmock"), ["miss"]);
    assert_eq!(wire.get("http://a.test/favicon.ico").all("x-harmock"), ["own"]);
    drop(wire);
    proxy.interrupt().expect(3);
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    assert!(Wire::connect(proxy.address()).get("http://a.test/used").all("x-harmock").is_empty());
}
