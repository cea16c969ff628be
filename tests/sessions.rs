//! Clients that share one proxy, each in a session of its own: how they name it, and that none disturbs another.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Harmock, Origin, Wire, Workspace, chromium, entry, in_clients, needs, python_path};

const WORKERS: usize = 8;

fn workspace() -> Workspace {
    let workspace = Workspace::new();
    let entries = [
        entry("GET", "http://a.test/step", 200, "plain"),
        entry("GET", "https://a.test/step", 200, "secure"),
        entry("GET", "http://a.test/idle", 200, "idle"),
    ];
    workspace.write_har("one.har", &entries);
    workspace
}

/// What the control API tells of the sessions, by name.
fn told(proxy: &Harmock) -> Vec<(String, u64, u64, u64)> {
    let mut wire = Wire::connect(proxy.address());
    wire.send(format!("GET /__harmock/sessions HTTP/1.1\r\nHost: {}\r\n\r\n", proxy.address()));
    let sessions = wire.answer().json();
    let number = |session: &Value, name: &str| session[name].as_u64().unwrap();
    let told = |session: &Value| {
        let name = session["name"].as_str().unwrap().to_owned();
        (name, number(session, "served"), number(session, "missed"), number(session, "unused"))
    };
    sessions["sessions"].as_array().unwrap().iter().map(told).collect()
}

fn basic(name: &str) -> String {
    use base64::Engine as _;
    let coded = base64::engine::general_purpose::STANDARD.encode(format!("{name}:key"));
    format!("Proxy-Authorization: Basic {coded}\r\n")
}

fn get(wire: &mut Wire, url: &str, fields: &str) -> u16 {
    wire.send(format!("GET {url} HTTP/1.1\r\nHost: a.test\r\n{fields}\r\n"));
    wire.answer().status
}

#[test]
fn eight_workers_on_one_proxy_go_through_a_sequence_each_and_none_disturbs_another() {
    needs!(Python);
    let workspace = Workspace::new();
    let entries = [
        entry("GET", "http://a.test/step", 200, "one"),
        entry("GET", "https://a.test/step", 200, "secure"),
        entry("GET", "http://a.test/idle", 200, "idle"),
        entry("GET", "http://a.test/step", 200, "two"),
        entry("GET", "http://a.test/step", 200, "three"),
    ];
    workspace.write_har("one.har", &entries);
    let rounds = 25;
    let cycle = "repeat = \"cycle\"";
    let arguments = ["--sessions", "--rules", cycle, "--max-misses", "100", "--report", "run.json"];
    let proxy = Harmock::replay(&workspace, &arguments);
    let start = |worker: usize| {
        let mut command = Command::new(python_path());
        command.arg(in_clients("python/session_worker.py")).arg(format!("http://test-{worker}:x@{}", proxy.address()));
        command.args(["http://a.test/step", "https://a.test/step", &rounds.to_string()]).arg(proxy.ca());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let workers: Vec<_> = (0..WORKERS).map(start).collect();
    for worker in workers {
        let output = worker.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(said["missed"], 502);
        // Each goes through the sequence from its start, whatever the others have had.
        let expected: Vec<_> = (0..rounds).map(|round| [["one", "two", "three"][round % 3], "secure"]).collect();
        assert_eq!(said["got"], json!(expected));
    }
    let sessions = told(&proxy);
    assert_eq!(sessions.len(), WORKERS + 1);
    for (name, served, missed, unused) in &sessions[1..] {
        assert_eq!((*served, *missed, *unused), (2 * rounds as u64, 1, 1), "{name}");
    }
    proxy.interrupt().expect(0);
    let report: Value = serde_json::from_slice(&std::fs::read(workspace.join("run.json")).unwrap()).unwrap();
    for worker in 0..WORKERS {
        let part = &report["sessions"][format!("test-{worker}")];
        assert_eq!(part["misses"][0]["url"], format!("http://a.test/step?of=test-{worker}"));
        assert_eq!((&part["misses"].as_array().unwrap().len(), &part["unused"][0]["entry"]), (&1, &json!(2)));
    }
}

#[test]
fn a_request_names_its_session_by_field_by_credentials_or_by_its_connect() {
    let workspace = workspace();
    let proxy = Harmock::replay(&workspace, &["--max-misses", "100"]);
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(get(&mut wire, "http://a.test/step", ""), 200);
    assert_eq!(get(&mut wire, "http://a.test/step", &basic("by-name")), 200);
    assert_eq!(get(&mut wire, "http://a.test/step", "X-Harmock-Session: by-field\r\n"), 200);
    assert_eq!(
        get(&mut wire, "http://a.test/step", &format!("X-Harmock-Session: by-field\r\n{}", basic("by-name"))),
        200
    );
    let mut wire = Wire::connect(proxy.address());
    wire.send(format!("CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\n{}\r\n", basic("by-connect")));
    assert!(wire.head().line.starts_with("HTTP/1.1 200"));
    for _ in 0..3 {
        assert_eq!(get(&mut wire, "/step", ""), 200);
    }
    let served: Vec<_> = told(&proxy).into_iter().map(|(name, served, ..)| (name, served)).collect();
    let expected = [("default", 1), ("by-connect", 3), ("by-field", 2), ("by-name", 1)];
    assert_eq!(served, expected.map(|(name, served)| (name.to_owned(), served)));
}

#[test]
fn a_listener_of_its_own_names_a_session_without_a_word_of_the_client() {
    let workspace = workspace();
    let ready = workspace.join("ready.json");
    let arguments = ["--listen", "127.0.0.1:0=left", "--listen", "127.0.0.1:0=right", "--ready-file", "ready.json"];
    let proxy = Harmock::replay(&workspace, &arguments);
    // The first line is printed before the file is written.
    let written = || std::fs::read(&ready).ok();
    let text = loop {
        match written() {
            Some(text) => break text,
            None => std::thread::yield_now(),
        }
    };
    let ready: Value = serde_json::from_slice(&text).unwrap();
    let listeners = ready["listeners"].as_array().unwrap();
    assert_eq!((listeners.len(), &listeners[0]["url"]), (3, &ready["url"]));
    for (listener, times) in listeners[1..].iter().zip([1, 2]) {
        let mut wire = Wire::connect(listener["url"].as_str().unwrap().strip_prefix("http://").unwrap());
        for _ in 0..times {
            assert_eq!(get(&mut wire, "http://a.test/step", ""), 200);
        }
    }
    let served: Vec<_> = told(&proxy).into_iter().map(|(name, served, ..)| (name, served)).collect();
    assert_eq!(served, [("default".to_owned(), 0), ("left".to_owned(), 1), ("right".to_owned(), 2)]);
    proxy.interrupt().expect(0);
}

#[test]
fn who_names_no_session_is_asked_for_one_where_that_is_set_but_for_the_own_pages() {
    let workspace = workspace();
    let proxy = Harmock::replay(&workspace, &["--sessions"]);
    let mut wire = Wire::connect(proxy.address());
    wire.send("GET http://a.test/step HTTP/1.1\r\nHost: a.test\r\n\r\n");
    let asked = wire.answer();
    assert_eq!(asked.status, 407);
    assert!(asked.all("proxy-authenticate")[0].starts_with("Basic realm="));
    wire.send("CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n");
    assert_eq!(wire.answer().status, 407);
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(get(&mut wire, "http://a.test/step", &basic("test-1")), 200);
    assert_eq!(wire.get("http://harmock.test/").status, 200);
    assert_eq!(told(&proxy)[1].0, "test-1");
    // What was asked for is no miss.
    drop(wire);
    proxy.interrupt().expect(0);
}

#[test]
fn chromium_names_its_session_when_it_is_asked() {
    needs!(Playwright, Chromium, Certutil);
    let workspace = workspace();
    let proxy = Harmock::replay(&workspace, &["--sessions"]);
    for url in ["http://a.test/step", "https://a.test/step"] {
        let seen = chromium(Some(&proxy), proxy.scratch(), "proxy_name.mjs", &[url, "tab-7"]);
        assert_eq!(seen["status"], 200, "{seen}");
    }
    let sessions = told(&proxy);
    let (_, served, missed, _) = sessions.iter().find(|(name, ..)| name == "tab-7").unwrap();
    assert_eq!((*served, *missed), (2, 0), "{sessions:?}");
}

/// Tells a session to commit or to roll back, and gives what it says about that.
fn decide(proxy: &Harmock, session: &str, what: &str) -> (u16, Value) {
    let mut wire = Wire::connect(proxy.address());
    wire.send(format!(
        "POST /__harmock/sessions/{session}/{what} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\n\
         Authorization: Bearer {TOKEN}\r\n\r\n",
        proxy.address()
    ));
    let answer = wire.answer();
    (answer.status, answer.json())
}

const TOKEN: &str = "a-token-of-this-test";
const RECORD: [&str; 4] = ["--not-found", "record", "--token", TOKEN];

/// The paths that were recorded beside the entries of [`workspace`].
fn recorded(workspace: &Workspace, origin: &Origin) -> Vec<String> {
    if !workspace.join("hars/recording.har").exists() {
        return Vec::new();
    }
    let urls = workspace.entries("hars/recording.har").into_iter().map(|entry| entry["request"]["url"].clone());
    let paths = urls.map(|url| url.as_str().unwrap().strip_prefix(&origin.url("")).unwrap().to_owned());
    paths.collect()
}

#[test]
fn what_is_recorded_for_a_session_is_kept_when_it_commits_and_for_no_session_in_any_case() {
    let (workspace, origin) = (workspace(), Origin::http());
    let proxy = Harmock::replay(&workspace, &RECORD);
    let mut wire = Wire::connect(proxy.address());
    for (path, session) in [("/json?a", "a"), ("/json?b", "b"), ("/json?c", "c"), ("/json?none", "")] {
        let field = if session.is_empty() { String::new() } else { format!("X-Harmock-Session: {session}\r\n") };
        assert_eq!(get(&mut wire, &origin.url(path), &field), 200);
    }
    assert_eq!(decide(&proxy, "a", "commit"), (200, json!({ "name": "a", "outcome": "kept", "exchanges": 1 })));
    assert_eq!(decide(&proxy, "b", "rollback"), (200, json!({ "name": "b", "outcome": "dropped", "exchanges": 1 })));
    // What comes later needs a verdict of its own.
    assert_eq!(get(&mut wire, &origin.url("/json?late"), "X-Harmock-Session: a\r\n"), 200);
    assert_eq!(get(&mut wire, &origin.url("/json?again"), "X-Harmock-Session: b\r\n"), 200);
    assert_eq!(decide(&proxy, "b", "commit").1["exchanges"], 1);
    for (session, status) in [("nobody", 404), ("default", 409)] {
        assert_eq!(decide(&proxy, session, "commit").0, status, "{session}");
    }
    let ended = proxy.interrupt().expect(0).says("recorded 3 exchanges that had been missed");
    let ended = ended.says("rolled back 1 exchange").says("dropped: 1 exchange of session a, which did not commit");
    ended.says("dropped: 1 exchange of session c, which did not commit");
    assert_eq!(recorded(&workspace, &origin), ["/json?a", "/json?again", "/json?none"]);
}

#[test]
fn a_killed_run_leaves_what_sessions_had_committed() {
    let (workspace, origin) = (workspace(), Origin::http());
    let killed = Harmock::replay(&workspace, &RECORD);
    let mut wire = Wire::connect(killed.address());
    for (path, session) in [("/json?a", "a"), ("/json?b", "b")] {
        assert_eq!(get(&mut wire, &origin.url(path), &format!("X-Harmock-Session: {session}\r\n")), 200);
    }
    assert_eq!(decide(&killed, "a", "commit").0, 200);
    // Dropped, it is killed.
    drop(killed);
    let next = Harmock::replay(&workspace, &RECORD).interrupt().expect(0);
    next.says("had been left unfinished was finished: 1 exchange");
    assert_eq!(recorded(&workspace, &origin), ["/json?a"]);
}

#[test]
fn a_run_whose_sessions_keep_nothing_leaves_no_archive_and_nothing_to_recover() {
    let (workspace, origin) = (workspace(), Origin::http());
    for ends_well in [true, false] {
        let proxy = Harmock::replay(&workspace, &RECORD);
        let mut wire = Wire::connect(proxy.address());
        assert_eq!(get(&mut wire, &origin.url("/json"), "X-Harmock-Session: a\r\n"), 200);
        if ends_well {
            proxy.interrupt().expect(0).says("dropped: 1 exchange of session a");
        } else {
            drop(proxy);
        }
        let next = Harmock::replay(&workspace, &RECORD).interrupt().expect(0);
        assert!(!next.stderr.contains("left unfinished"), "{}", next.stderr);
        assert_eq!(recorded(&workspace, &origin), [""; 0]);
    }
}

#[test]
fn a_session_has_nothing_to_decide_where_nothing_is_recorded() {
    let workspace = workspace();
    let proxy = Harmock::replay(&workspace, &["--token", TOKEN]);
    assert_eq!(get(&mut Wire::connect(proxy.address()), "http://a.test/step", "X-Harmock-Session: a\r\n"), 200);
    let (status, problem) = decide(&proxy, "a", "commit");
    assert_eq!(status, 409);
    assert!(problem["detail"].as_str().unwrap().contains("--not-found record"), "{problem}");
    proxy.interrupt().expect(0);
}
