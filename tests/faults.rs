//! Faults: what goes wrong on purpose, and that each names itself.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::support::{Harmock, Wire, Workspace, curl, curl_exit, entry, needs};

const GET: &str = "http://api.example.test/get";
const SECURE: &str = "https://api.example.test/get";

/// A proxy over an entry of `GET` and one of `SECURE`, with these keys in a rule for both.
fn replay(keys: &str) -> (Workspace, Harmock) {
    let workspace = Workspace::new();
    workspace.write_har("api.har", &[entry("GET", GET, 200, "0123456789"), entry("GET", SECURE, 200, "0123456789")]);
    workspace.write("harmock.toml", format!("[[rules]]\nglob = \"{{http,https}}://api.example.test/**\"\n{keys}\n"));
    let proxy = Harmock::replay(&workspace, &["--report", "report.json"]);
    (workspace, proxy)
}

/// Ends the run, which must have named this in the log and in the report.
fn named(workspace: &Workspace, proxy: Harmock, what: &str) {
    proxy.interrupt().expect(0).says(&format!("([{what}")).says(&format!("applied: {what} ("));
    let report: Value = serde_json::from_slice(&std::fs::read(workspace.join("report.json")).unwrap()).unwrap();
    assert_eq!(report["applied"][0]["what"], what);
}

/// What comes over a plain connection until it ends, and how it ends.
fn raw(proxy: &Harmock) -> (String, Option<ErrorKind>) {
    let mut stream = TcpStream::connect(proxy.address()).unwrap();
    write!(stream, "GET {GET} HTTP/1.1\r\nHost: api.example.test\r\n\r\n").unwrap();
    let mut read = Vec::new();
    let mut piece = [0; 4096];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => return (String::from_utf8_lossy(&read).into_owned(), None),
            Ok(length) => read.extend_from_slice(&piece[..length]),
            Err(error) => return (String::from_utf8_lossy(&read).into_owned(), Some(error.kind())),
        }
    }
}

#[test]
fn an_answer_is_overridden_and_a_page_can_read_it() {
    let (workspace, proxy) = replay("fault = { status = 503, body = '{\"busy\":true}' }");
    let mut wire = Wire::connect(proxy.address());
    wire.send(format!("GET {GET} HTTP/1.1\r\nHost: api.example.test\r\nOrigin: http://app.test\r\n\r\n"));
    let answer = wire.answer();
    assert_eq!((answer.status, answer.text().as_str()), (503, "{\"busy\":true}"));
    assert_eq!(answer.all("content-type"), ["application/json"]);
    assert_eq!(answer.all("access-control-allow-origin"), ["http://app.test"]);
    assert_eq!(wire.get(GET).status, 503, "the connection goes on");
    named(&workspace, proxy, "rule 1 fault 503");
}

#[test]
fn a_reset_comes_before_the_answer_or_in_the_middle_of_its_body() {
    let (workspace, proxy) = replay("fault = \"reset\"");
    assert_eq!(raw(&proxy), (String::new(), Some(ErrorKind::ConnectionReset)));
    named(&workspace, proxy, "rule 1 fault reset");
    let (workspace, proxy) = replay("fault = \"reset-body\"");
    let (read, end) = raw(&proxy);
    assert!(read.contains("content-length: 10\r\n") && read.ends_with("\r\n\r\n01234"), "{read}");
    assert_eq!(end, Some(ErrorKind::ConnectionReset));
    named(&workspace, proxy, "rule 1 fault reset-body");
}

#[test]
fn an_empty_reply_is_an_orderly_end_and_a_wrong_length_one_before_its_time() {
    let (workspace, proxy) = replay("fault = \"empty\"");
    assert_eq!(raw(&proxy), (String::new(), None));
    named(&workspace, proxy, "rule 1 fault empty");
    let (workspace, proxy) = replay("fault = \"wrong-length\"");
    let (read, end) = raw(&proxy);
    assert!(read.contains("content-length: 16\r\n") && read.ends_with("\r\n\r\n0123456789"), "{read}");
    assert_eq!(end, None);
    named(&workspace, proxy, "rule 1 fault wrong-length");
}

#[test]
fn real_clients_see_each_fault_for_what_it_is_over_both_versions() {
    needs!(Curl);
    // curl's own numbers: 18 a part of the file, 28 time is over, 52 empty reply, 56 receiving failed, 92 a stream's error.
    for (fault, http1, http2) in [
        ("reset", [35, 56], [92, 56]),
        ("empty", [52, 56], [92, 92]),
        ("reset-body", [18, 56], [92, 18]),
        ("wrong-length", [18, 56], [92, 18]),
        ("stall-body", [28, 28], [28, 28]),
    ] {
        let (workspace, proxy) = replay(&format!("fault = \"{fault}\""));
        for (version, expected) in [("--http1.1", http1), ("--http2", http2)] {
            let code = curl_exit(&proxy, &[version, "--max-time", "2", SECURE]).unwrap();
            assert!(expected.contains(&code), "{fault} {version}: {code}");
        }
        named(&workspace, proxy, &format!("rule 1 fault {fault}"));
    }
    let (_workspace, proxy) = replay("fault = { kind = \"reset\", probability = 0.5 }\nseed = 3");
    // What strikes one request leaves the others alone.
    let urls = [SECURE; 12];
    curl_exit(&proxy, &[&["--http2", "--parallel", "--parallel-max", "1"], &urls[..]].concat());
    let ended = proxy.interrupt().expect(0);
    let lines =
        |what: &str| ended.stderr.lines().filter(|line| line.starts_with("GET ") && line.contains(what)).count();
    let (reset, served) = (lines("fault reset"), lines(" 200 "));
    assert!(reset + served == 12 && reset > 0 && served > 0, "{}", ended.stderr);
}

#[test]
fn a_tls_handshake_fails_with_an_alert_and_plain_requests_do_not() {
    needs!(Curl);
    let (workspace, proxy) = replay("fault = [\"tls\"]");
    assert_eq!(curl_exit(&proxy, &[SECURE]), Some(35), "curl's own number for a handshake that failed");
    assert_eq!(curl(&proxy, &[GET]).status, 200);
    named(&workspace, proxy, "rule 1 fault tls");
}

#[test]
fn what_strikes_is_the_same_in_each_run_with_the_same_seed() {
    let statuses = |seed: u64| {
        let (_workspace, proxy) = replay(&format!("fault = {{ status = 500, probability = 0.5 }}\nseed = {seed}"));
        let mut wire = Wire::connect(proxy.address());
        let statuses: Vec<u16> = (0..20).map(|_| wire.get(GET).status).collect();
        proxy.interrupt().expect(0);
        statuses
    };
    let first = statuses(1);
    assert!(first.contains(&200) && first.contains(&500), "{first:?}");
    assert_eq!(first, statuses(1));
    assert_ne!(first, statuses(2));
}

#[test]
fn a_rate_limit_answers_429_until_its_window_is_over() {
    let (workspace, proxy) = replay("rate-limit = \"2/1h\"");
    let mut wire = Wire::connect(proxy.address());
    assert_eq!([wire.get(GET).status, wire.get(GET).status], [200, 200]);
    let answer = wire.get(GET);
    assert_eq!(answer.status, 429);
    let seconds: u64 = answer.all("retry-after")[0].parse().unwrap();
    assert!((3500..=3600).contains(&seconds), "{seconds}");
    assert_eq!(wire.get(GET).status, 429);
    named(&workspace, proxy, "rule 1 rate-limit 2/1h");
}
