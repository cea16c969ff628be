//! Delays and slow lines: who asks for them, what they hold up, and how they end.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Answer, Harmock, Wire, Workspace, curl, curl_exit, entry, needs};

const GET: &str = "http://api.example.test/get";

fn workspace(entries: &[Value], file: &str) -> Workspace {
    let workspace = Workspace::new();
    workspace.write_har("api.har", entries);
    workspace.write("harmock.toml", file);
    workspace
}

fn ask(wire: &mut Wire, url: &str, lines: &[&str]) -> Answer {
    let host = url.split('/').nth(2).unwrap();
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    wire.send(format!("GET {url} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n"));
    wire.answer()
}

/// The delays in the lines of the log, in order.
fn delays(stderr: &str) -> Vec<String> {
    let told = stderr.lines().filter(|line| line.starts_with("GET ")).filter_map(|line| {
        let (_, note) = line.split_once("([")?;
        note.split_once(']').map(|(note, _)| note.to_owned())
    });
    told.collect()
}

#[test]
fn the_request_goes_before_the_entry_the_entry_before_a_rule_and_a_rule_before_the_setting() {
    let url = |path: &str| format!("http://api.example.test/{path}");
    let mut entries = ["plain", "ruled", "own"].map(|path| entry("GET", &url(path), 200, path));
    entries[2]["_harmock"] = json!({ "delay": 30 });
    let rules = "delay = \"10ms\"\n[[rules]]\nglob = \"**/{ruled,own}\"\ndelay = 20\n";
    let workspace = workspace(&entries, rules);
    let proxy = Harmock::replay(&workspace, &["--mock-headers", "--report", "report.json", "--annotate"]);
    let mut wire = Wire::connect(proxy.address());
    let since = Instant::now();
    for (path, lines) in [("plain", &[][..]), ("ruled", &[]), ("own", &[]), ("own", &["x-mock-delay: 40"])] {
        assert_eq!(ask(&mut wire, &url(path), lines).text(), path);
    }
    assert!(since.elapsed() >= Duration::from_millis(100), "each delay is waited for");
    let answer = ask(&mut wire, &url("plain"), &["x-mock-delay: soon"]);
    assert!(answer.status == 400 && answer.text().contains("x-mock-delay: \"soon\": expected"), "{}", answer.text());
    let ended = proxy.interrupt().expect(0);
    let expected = ["delay 10ms", "rule 1 delay 20ms", "_harmock.delay 30ms", "x-mock-delay 40ms"];
    assert_eq!(delays(&ended.stderr)[..4], expected);
    let report: Value = serde_json::from_slice(&std::fs::read(workspace.join("report.json")).unwrap()).unwrap();
    let applied: Vec<_> =
        report["applied"].as_array().unwrap().iter().map(|one| one["what"].as_str().unwrap()).collect();
    assert_eq!(applied, ["delay", "rule 1 delay", "_harmock.delay", "x-mock-delay"]);
}

#[test]
fn what_is_drawn_is_the_same_in_each_run_with_the_same_seed() {
    let entries = [entry("GET", GET, 200, "got")];
    let run = |seed: &str| {
        let workspace = workspace(&entries, "[[rules]]\nglob = \"**/get\"\ndelay = \"uniform(1ms, 40ms)\"\n");
        let proxy = Harmock::replay(&workspace, &["--seed", seed]);
        let mut wire = Wire::connect(proxy.address());
        (0..5).for_each(|_| assert_eq!(wire.get(GET).status, 200));
        delays(&proxy.interrupt().expect(0).stderr)
    };
    let first = run("1");
    assert_eq!(first.len(), 5);
    assert_eq!(first, run("1"));
    assert_ne!(first, run("2"));
}

#[test]
fn recorded_times_are_waited_for_a_number_of_times_and_asking_for_none_stops_the_start() {
    let mut timed = entry("GET", GET, 200, "timed");
    timed["timings"] = json!({ "blocked": 5, "dns": -1, "connect": 5, "ssl": 5, "send": 1, "wait": 9, "receive": 0 });
    let folder = workspace(&[timed.clone()], "");
    let proxy = Harmock::replay(&folder, &["--delay", "recorded*2"]);
    assert_eq!(Wire::connect(proxy.address()).get(GET).text(), "timed");
    assert_eq!(delays(&proxy.interrupt().expect(0).stderr), ["delay 40ms"]);
    let mut untimed = entry("GET", &format!("{GET}?other"), 200, "untimed");
    untimed["timings"] = json!({ "send": -1, "wait": -1, "receive": -1 });
    let mut minimal = untimed.clone();
    minimal["timings"] = json!({ "send": 0, "wait": 0, "receive": 0 });
    minimal["startedDateTime"] = json!("1970-01-01T00:00:00.000Z");
    for untimed in [untimed, minimal] {
        let rule = "[[rules]]\nglob = \"**?other\"\ndelay = \"recorded\"\n";
        let ended = Harmock::run::<&str>(&workspace(&[timed.clone(), untimed], rule), "replay", &[]).expect(1);
        let said = "hars/api.har#1: rule 1 delay asks for recorded times, and this entry tells none";
        assert!(ended.stderr.contains(said) && ended.stderr.lines().count() == 1, "{}", ended.stderr);
    }
}

#[test]
fn a_client_that_leaves_ends_the_wait_and_others_are_answered_meanwhile() {
    let entries = [entry("GET", GET, 200, "late"), entry("GET", "http://api.example.test/now", 200, "now")];
    let folder = workspace(&entries, "[[rules]]\nglob = \"**/get\"\ndelay = \"stall\"\n");
    let mut proxy = Harmock::replay(&folder, &["-v"]);
    let many: Vec<_> = (0..16)
        .map(|_| {
            let mut stream = TcpStream::connect(proxy.address()).unwrap();
            write!(stream, "GET {GET} HTTP/1.1\r\nHost: api.example.test\r\n\r\n").unwrap();
            stream
        })
        .collect();
    assert_eq!(Wire::connect(proxy.address()).get("http://api.example.test/now").text(), "now");
    for mut stream in many {
        stream.shutdown(Shutdown::Write).unwrap();
        // The proxy lets go of it without a byte.
        assert_eq!(stream.read(&mut [0; 1]).unwrap_or(0), 0);
        proxy.told("ended while it waited");
    }
    proxy.interrupt().expect(0);
}

#[test]
fn a_slow_line_gives_the_body_at_its_pace_and_whole_over_both_versions() {
    needs!(Curl);
    let body = "x".repeat(300_000);
    let entries = [entry("GET", "https://api.example.test/large", 200, &body)];
    let folder = workspace(&entries, "");
    let proxy = Harmock::replay(&folder, &["--bandwidth", "1MiB/s"]);
    for version in ["--http1.1", "--http2"] {
        let since = Instant::now();
        let answer = curl(&proxy, &[version, "https://api.example.test/large"]);
        assert_eq!(answer.body.len(), body.len(), "{version}");
        assert_eq!(answer.framing.iter().find(|(name, _)| name == "content-length").unwrap().1, "300000");
        assert!(since.elapsed() >= Duration::from_millis(250), "{version}");
    }
    assert!(curl_exit(&proxy, &["--http2", "--max-time", "0.1", "https://api.example.test/large"]) == Some(28));
    assert_eq!(delays(&proxy.interrupt().expect(0).stderr)[0], "bandwidth 1048576 bytes/s");
}

#[test]
fn a_stream_keeps_its_own_pace_behind_the_delay_of_its_head() {
    let mut streamed = entry("GET", GET, 200, "data: 1\n\ndata: 2\n\n");
    streamed["response"]["headers"][0]["value"] = json!("text/event-stream");
    streamed["_harmock"] =
        json!({ "delay": "30ms", "chunks": [{ "length": 9, "offset": 0 }, { "length": 9, "offset": 60 }] });
    let folder = workspace(&[streamed], "");
    let proxy = Harmock::replay(&folder, &["--stream-speed", "1"]);
    let mut wire = Wire::connect(proxy.address());
    let since = Instant::now();
    wire.send(format!("GET {GET} HTTP/1.1\r\nHost: api.example.test\r\n\r\n"));
    wire.head();
    assert!(since.elapsed() >= Duration::from_millis(30));
    assert_eq!(wire.chunk().unwrap().unwrap(), b"data: 1\n\n");
    assert_eq!(wire.chunk().unwrap().unwrap(), b"data: 2\n\n");
    assert!(since.elapsed() >= Duration::from_millis(90));
    proxy.interrupt().expect(0);
}

#[test]
fn a_client_that_waits_less_than_the_delay_times_out() {
    needs!(Curl);
    let entries = [entry("GET", GET, 200, "late")];
    let folder = workspace(&entries, "");
    let proxy = Harmock::replay(&folder, &["--mock-headers"]);
    let asked = ["--max-time", "0.2", "-H", "x-mock-delay: 60000", GET];
    assert_eq!(curl_exit(&proxy, &asked), Some(28), "curl's own timeout");
    assert_eq!(curl(&proxy, &["--max-time", "30", "-H", "x-mock-delay: 20", GET]).text(), "late");
    proxy.interrupt().expect(0);
}

#[test]
fn a_stream_of_http2_that_is_given_up_ends_its_wait() {
    needs!(Curl);
    let url = "https://api.example.test/get";
    let folder = workspace(&[entry("GET", url, 200, "late")], "");
    let mut proxy = Harmock::replay(&folder, &["--delay", "stall"]);
    assert_eq!(curl_exit(&proxy, &["--http2", "--max-time", "0.3", url]), Some(28));
    proxy.told("[delay stall]; ended while it waited");
    proxy.interrupt().expect(0);
}
