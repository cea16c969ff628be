//! What has no entry: the answer that the client gets, the report, and the exit code.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::process::Command;

use crate::support::{Harmock, Origin, Wire, Workspace, curl, curl_exit, entry, needs, post_entry, replay_with};

const USERS: &str = "http://api.example.test/users?page=1";

/// A workspace whose archive knows one page of users.
fn users() -> Workspace {
    let workspace = Workspace::new();
    workspace.write_har("users.har", &[entry("GET", USERS, 200, "page one")]);
    workspace
}

#[test]
fn a_miss_gets_a_problem_that_names_the_nearest_entry_and_the_run_ends_with_3() {
    let workspace = users();
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    let mut wire = Wire::connect(proxy.address());
    let answer = wire.get("http://api.example.test/users?page=2");
    assert_eq!((answer.status, answer.all("content-type")), (502, vec!["application/problem+json"]));
    let problem = answer.text();
    assert!(answer.json().is_object());
    for expected in [USERS, "page=2", "[[rules]]", "ignore-query"] {
        assert!(problem.contains(expected), "{expected:?} is not in {problem}");
    }
    assert_eq!(wire.get(USERS).text(), "page one", "the connection goes on");
    let ended = proxy.interrupt().expect(3);
    ended.says("http://api.example.test/users?page=2").says(USERS);
}

#[test]
fn a_post_with_another_body_is_a_miss_that_shows_both_bodies() {
    let workspace = Workspace::new();
    let url = "http://api.example.test/orders";
    workspace.write_har("orders.har", &[post_entry(url, "{\"item\":\"tea\"}", "ordered")]);
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    let mut wire = Wire::connect(proxy.address());
    let post = |body: &str| {
        format!("POST {url} HTTP/1.1\r\nHost: api.example.test\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    wire.send(post("{\"item\":\"tea\"}"));
    assert_eq!(wire.answer().text(), "ordered");
    wire.send(post("{\"item\":\"cake\"}"));
    let problem = wire.answer();
    assert_eq!(problem.status, 502);
    assert!(problem.text().contains("tea") && problem.text().contains("cake"), "{}", problem.text());
    proxy.interrupt().expect(3);
}

#[test]
fn a_miss_over_https_is_a_problem_too() {
    needs!(Curl);
    let workspace = users();
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    for version in ["--http1.1", "--http2"] {
        let answer = curl(&proxy, &[version, "https://api.example.test/users?page=1"]);
        assert_eq!((answer.status, answer.all("content-type")), (502, vec!["application/problem+json"]));
    }
    proxy.interrupt().expect(3);
}

#[test]
fn a_miss_lets_the_page_that_asked_read_it() {
    let workspace = users();
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    let mut wire = Wire::connect(proxy.address());
    wire.send("GET http://api.example.test/none HTTP/1.1\r\nHost: api.example.test\r\nOrigin: http://app.test\r\n\r\n");
    assert_eq!(wire.answer().all("access-control-allow-origin"), ["http://app.test"]);
    proxy.interrupt().expect(3);
}

#[test]
fn abort_resets_an_http1_connection() {
    let workspace = users();
    let proxy = Harmock::replay(&workspace, &["--not-found", "abort"]);
    let mut wire = Wire::connect(proxy.address());
    wire.send("GET http://api.example.test/none HTTP/1.1\r\nHost: api.example.test\r\n\r\n");
    let error = wire.try_head().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
    proxy.interrupt().expect(3).says("http://api.example.test/none");
}

#[test]
fn abort_resets_an_http2_stream_and_the_connection_goes_on() {
    needs!(Curl);
    let workspace = Workspace::new();
    workspace.write_har("one.har", &[entry("GET", "https://api.example.test/there", 200, "there")]);
    let proxy = Harmock::replay(&workspace, &["--not-found", "abort"]);
    let exit = curl_exit(&proxy, &["--http2", "https://api.example.test/none"]);
    assert_eq!(exit, Some(92), "curl calls a stream that was reset 92");
    assert_eq!(curl(&proxy, &["--http2", "https://api.example.test/there"]).text(), "there");
    proxy.interrupt().expect(3);
}

#[test]
fn fallback_asks_the_origin_reports_it_and_ends_with_0() {
    needs!(Curl);
    let (workspace, origin) = (users(), Origin::https());
    let url = origin.url("/json");
    let (answer, ended) = replay_with(&workspace, &["--not-found", "fallback"], |proxy| curl(proxy, &[&url]));
    assert_eq!(answer.json()["who"], "origin");
    ended.says(&url);
    assert_eq!(workspace.entries("hars/users.har").len(), 1, "fallback writes nothing");
}

#[test]
fn record_asks_the_origin_once_and_adds_the_answer_to_the_archive() {
    needs!(Curl);
    let (workspace, origin) = (users(), Origin::https());
    let url = origin.url("/json");
    replay_with(&workspace, &["--not-found", "record"], |proxy| curl(proxy, &[&url]));
    assert_eq!(origin.stop().len(), 1);
    let (answer, _) = replay_with(&workspace, &[], |proxy| curl(proxy, &[&url]));
    assert_eq!(answer.json()["who"], "origin");
}

#[test]
fn what_browsers_ask_for_by_themselves_never_counts() {
    let workspace = users();
    let proxy = Harmock::replay(&workspace, &["--ignore-miss", "**/metrics/**"]);
    let mut wire = Wire::connect(proxy.address());
    let asked = [
        "http://api.example.test/favicon.ico",
        "http://detectportal.firefox.com/success.txt",
        "http://clients2.google.com/time/1/current",
        "http://any.test/metrics/1",
    ];
    for url in asked {
        assert_eq!(wire.get(url).status, 404, "{url}");
    }
    proxy.interrupt().expect(0);
}

#[test]
fn out_of_scope_goes_to_the_origin_and_is_counted_by_host() {
    needs!(Curl);
    let (workspace, origin) = (users(), Origin::http());
    let (inside, outside) = (origin.url("/api/none"), origin.url("/json"));
    let proxy = Harmock::replay(&workspace, &["--glob", "**/api/**"]);
    assert_eq!(curl(&proxy, &[&outside]).json()["who"], "origin");
    assert_eq!(curl(&proxy, &[&inside]).status, 502);
    assert_eq!(origin.seen().len(), 1);
    proxy.interrupt().expect(3).says("127.0.0.1");
}

#[test]
fn out_of_scope_can_be_a_failure() {
    let (workspace, origin) = (users(), Origin::http());
    let proxy = Harmock::replay(&workspace, &["--glob", "**/api/**", "--out-of-scope", "fail"]);
    assert_eq!(Wire::connect(proxy.address()).get(&origin.url("/json")).status, 502);
    assert!(origin.seen().is_empty());
    proxy.interrupt().expect(3);
}

#[test]
fn as_many_misses_as_were_allowed_end_with_0() {
    for (misses, code) in [(1, 0), (2, 3)] {
        let workspace = users();
        let proxy = Harmock::replay(&workspace, &["--max-misses", "1"]);
        let mut wire = Wire::connect(proxy.address());
        for _ in 0..misses {
            assert_eq!(wire.get("http://api.example.test/none").status, 502);
        }
        proxy.interrupt().expect(code);
    }
}

#[test]
fn the_summary_names_the_entries_that_nobody_asked_for() {
    let workspace = Workspace::new();
    let unused = "http://api.example.test/never-asked";
    workspace.write_har("two.har", &[entry("GET", USERS, 200, "one"), entry("GET", unused, 200, "two")]);
    let (_, ended) = replay_with(&workspace, &[], |proxy| Wire::connect(proxy.address()).get(USERS));
    ended.says(unused);
}

#[test]
fn a_payload_that_is_gone_is_an_error_that_names_its_file() {
    let workspace = Workspace::new();
    let mut lost = entry("GET", USERS, 200, "");
    lost["response"]["content"] = serde_json::json!({ "size": 3, "mimeType": "text/plain", "_file": "lost.txt" });
    workspace.write_har("lost.har", &[lost]);
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    let answer = Wire::connect(proxy.address()).get(USERS);
    assert_eq!(answer.status, 502);
    assert!(answer.text().contains("lost.txt"), "{}", answer.text());
    proxy.interrupt().expect(1).says("lost.txt");
}

/// A listener that nobody accepts from still queues who connects; nothing may ever be in that queue.
#[test]
fn fail_and_abort_connect_to_nobody() {
    for not_found in ["fail", "abort"] {
        let trap = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        trap.set_nonblocking(true).unwrap();
        let authority = trap.local_addr().unwrap().to_string();
        let workspace = users();
        let proxy = Harmock::replay(&workspace, &["--not-found", not_found]);
        let mut wire = Wire::connect(proxy.address());
        wire.send(format!("GET http://{authority}/none HTTP/1.1\r\nHost: {authority}\r\n\r\n"));
        let _ = wire.try_head();
        let mut wire = Wire::connect(proxy.address());
        wire.send(format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n"));
        let _ = wire.try_head();
        wire.send("GET /none HTTP/1.1\r\nHost: api.example.test\r\n\r\n");
        let _ = wire.try_head();
        proxy.interrupt().expect(3);
        assert_eq!(trap.accept().map(|_| ()).unwrap_err().kind(), ErrorKind::WouldBlock, "{not_found} connected");
    }
}

/// The kernel's own record of the run. That it would show a connection and a look-up is proved with `fallback`.
#[test]
fn fail_and_abort_open_no_upstream_socket_and_ask_no_dns() {
    needs!(Strace);
    for not_found in ["fail", "abort"] {
        assert_eq!(traced(not_found), Vec::<String>::new(), "{not_found}");
    }
    let control = traced("fallback");
    assert!(control.iter().any(|call| call.contains("connect(")), "{control:?}");
    assert!(control.iter().any(|call| call.contains("/etc/")), "{control:?}");
}

/// Misses an address and a name, and gives the system calls that reach for the network or for the resolver's files.
fn traced(not_found: &str) -> Vec<String> {
    let (workspace, closed) = (users(), TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap());
    let log = workspace.join("strace.log");
    let mut strace = Command::new("strace");
    strace.args(["-D", "-f", "-qq", "-e", "trace=network,open,openat", "-o"]).arg(&log);
    let proxy = Harmock::below(strace, &workspace, "replay", &["--not-found", not_found]);
    for authority in [closed.to_string(), "name.invalid".to_owned()] {
        let mut wire = Wire::connect(proxy.address());
        wire.send(format!("GET http://{authority}/none HTTP/1.1\r\nHost: {authority}\r\n\r\n"));
        let _ = wire.try_head();
    }
    proxy.interrupt();
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("accept"), "the trace is empty:\n{log}");
    let resolver = ["/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/gai.conf"];
    let reaches = |line: &&str| {
        line.contains("connect(") || line.contains("SOCK_DGRAM") || resolver.iter().any(|file| line.contains(file))
    };
    log.lines().filter(reaches).map(str::to_owned).collect()
}
