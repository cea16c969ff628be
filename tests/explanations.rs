//! A miss explains itself: the nearest entries, what differs, and the lines of `harmock.toml` that make it match.

use serde_json::{Value, json};

use crate::support::{Answer, Harmock, Wire, Workspace, entry, post_entry};

const USERS: &str = "http://api.example.test/users";

fn ask(wire: &mut Wire, method: &str, url: &str, lines: &[&str], payload: &str) -> Answer {
    let host = url.split('/').nth(2).unwrap();
    let mut head = format!("{method} {url} HTTP/1.1\r\nHost: {host}\r\n");
    lines.iter().for_each(|line| head.push_str(&format!("{line}\r\n")));
    if !payload.is_empty() {
        head.push_str(&format!("Content-Length: {}\r\n", payload.len()));
    }
    wire.send(format!("{head}\r\n{payload}"));
    wire.answer()
}

/// An archive, what is asked, and what the lines name.
struct Case<'a> {
    entries: Vec<Value>,
    file: &'a str,
    method: &'a str,
    url: &'a str,
    lines: &'a [&'a str],
    payload: &'a str,
    names: &'a [&'a str],
}

const JSON: &[&str] = &["Content-Type: application/json"];
const FORM: &[&str] = &["Content-Type: application/x-www-form-urlencoded"];

/// Misses, pastes the lines that the answer holds into `harmock.toml`, and gets the recorded answer.
#[track_caller]
fn pasting_helps(case: &Case<'_>) {
    let workspace = Workspace::new();
    workspace.write_har("api.har", &case.entries);
    workspace.write("harmock.toml", case.file);
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    let answer = ask(&mut Wire::connect(proxy.address()), case.method, case.url, case.lines, case.payload);
    assert_eq!(answer.status, 502, "{}", answer.text());
    let problem = answer.json();
    let lines = problem["harmock.toml"].as_str().unwrap_or_else(|| panic!("no lines: {problem:#}"));
    for name in case.names {
        assert!(lines.contains(name), "{name} is not in {lines}");
    }
    let ended = proxy.interrupt().expect(3);
    ended.says("these lines of harmock.toml would make it match:");
    workspace.write("harmock.toml", format!("{}\n{lines}", case.file));
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    let answer = ask(&mut Wire::connect(proxy.address()), case.method, case.url, case.lines, case.payload);
    assert_eq!((answer.status, &*answer.text()), (200, "recorded"), "{lines}");
    proxy.interrupt().expect(0);
}

fn get<'a>(recorded: &str, url: &'a str, names: &'a [&'a str]) -> Case<'a> {
    let entries = vec![entry("GET", recorded, 200, "recorded")];
    Case { entries, file: "", method: "GET", url, lines: &[], payload: "", names }
}

fn post<'a>(recorded: &str, lines: &'a [&'a str], payload: &'a str, names: &'a [&'a str]) -> Case<'a> {
    let entries = vec![post_entry(USERS, recorded, "recorded")];
    Case { entries, file: "", method: "POST", url: USERS, lines, payload, names }
}

#[test]
fn pasting_the_lines_makes_another_url_match() {
    pasting_helps(&get(
        "http://a.test/x?q=1&ts=1",
        "http://a.test/x?ts=2&q=1&more=x",
        &["ignore-query", "\"ts\"", "\"more\""],
    ));
    pasting_helps(&get("http://a.test/x?a=1&b=2", "http://a.test/x?b=2&a=1", &["query-order = \"any\""]));
    pasting_helps(&get("http://a.test/x?a=1%202", "http://a.test/x?a=1+2", &["query-order = \"any\""]));
    pasting_helps(&get(
        "http://a.test/users/1/orders?x",
        "http://a.test/users/2.5/orders?x",
        &["normalize", "/users/"],
    ));
    let added = Case {
        file: "[[rules]]\nignore-query = [\"ts\"]\n",
        ..get("http://a.test/x?v=1&ts=1", "http://a.test/x?v=2&ts=2", &["\"+v\""])
    };
    pasting_helps(&added);
}

#[test]
fn pasting_the_lines_makes_another_origin_match() {
    let names = &["[map]\n\"http://localhost:8080\" = \"http://api.example.test\""];
    pasting_helps(&get("http://api.example.test/users/1?q=1", "http://localhost:8080/users/1?q=1", names));
    pasting_helps(&get(
        "http://api.example.test/users/1?q=1",
        "http://localhost:8080/users/1?q=2",
        &["[map]", "ignore-query = [\"q\"]"],
    ));
}

#[test]
fn pasting_the_lines_makes_another_payload_match() {
    let one = r#"{"item":"tea","meta":{"id":1,"a b":[1,2]}}"#;
    pasting_helps(&post(
        one,
        JSON,
        r#"{"item":"tea","meta":{"id":2,"a b":[1,3]}}"#,
        &["$.meta.id", "$.meta['a b'][1]"],
    ));
    pasting_helps(&post(one, JSON, r#"{"meta":{"a b":[1,2],"id":1}, "item":"tea"}"#, &["json = \"canonical\""]));
    pasting_helps(&post(one, JSON, "[1]", &["match-body = \"none\""]));
    pasting_helps(&post("user=ada&csrf=1", FORM, "user=ada&csrf=2", &["ignore-form = [\"csrf\"]"]));
    pasting_helps(&post("plain text", &["Content-Type: text/plain"], "other text", &["match-body = \"none\""]));
    let many = |n: u32| json!((0..40).map(|at| at * n).collect::<Vec<_>>()).to_string();
    pasting_helps(&post(&many(1), JSON, &many(2), &["match-body = \"closest\""]));
}

#[test]
fn pasting_the_lines_makes_another_part_match() {
    let body = |boundary: &str, stamp: &str| {
        let part = |name: &str, value: &str| {
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        part("file", "x") + &part("stamp", stamp) + &format!("--{boundary}--\r\n")
    };
    let mut upload = post_entry(USERS, &body("one", "1"), "recorded");
    upload["request"]["headers"] = json!([{ "name": "content-type", "value": "multipart/form-data; boundary=one" }]);
    let payload = body("two", "2");
    let lines = &["Content-Type: multipart/form-data; boundary=two"];
    pasting_helps(&Case { entries: vec![upload], ..post("", lines, &payload, &["ignore-part = [\"stamp\"]"]) });
}

#[test]
fn pasting_the_lines_makes_another_graphql_request_match() {
    let asked = |query: &str, page: u32| {
        json!({ "operationName": "A", "query": query, "variables": { "page": page, "n": 1 } }).to_string()
    };
    let query = "query A($page: Int) { a(page: $page) }";
    pasting_helps(&post(&asked(query, 1), JSON, &asked(query, 2), &["ignore-json = [\"$.variables.page\"]"]));
    pasting_helps(&post(
        &asked(query, 1),
        JSON,
        &asked("query A($page:Int){a(page:$page)}", 1),
        &["match-body = \"graphql\""],
    ));
    let laid_out = asked("query A($page:Int){a(page:$page)}", 2);
    pasting_helps(&post(&asked(query, 1), JSON, &laid_out, &["$.variables.page", "match-body = \"graphql\""]));
    pasting_helps(&post(&asked(query, 1), JSON, &asked("query A { b }", 1), &["$.query"]));
}

#[test]
fn pasting_the_lines_makes_another_graphql_request_in_a_url_match() {
    let ask = |page: &str| {
        let variables = format!("%7B%22page%22%3A{page}%2C%22size%22%3A10%7D");
        format!("http://a.test/graphql?query=query+A(%24page%3AInt)%7Ba(page%3A%24page)%7D&variables={variables}")
    };
    let (recorded, live) = (ask("1"), ask("2"));
    pasting_helps(&Case {
        file: "[[rules]]\nmatch-body = \"graphql\"\n",
        ..get(&recorded, &live, &["ignore-json = [\"$.variables.page\"]"])
    });
}

#[test]
fn pasting_the_lines_lets_another_header_pass_and_a_sequence_go_on() {
    let mut recorded = entry("GET", USERS, 200, "recorded");
    recorded["request"]["headers"] =
        json!([{ "name": "x-tenant", "value": "one" }, { "name": "x-kind", "value": "k" }]);
    let file = "[[rules]]\nmatch-headers = [\"x-tenant\", \"x-kind\"]\n";
    let lines = &["x-tenant: two", "x-kind: k"];
    pasting_helps(&Case {
        entries: vec![recorded],
        file,
        lines,
        ..get(USERS, USERS, &["match-headers = [\"x-kind\"]"])
    });
    let workspace = Workspace::new();
    workspace.write_har("api.har", &[entry("GET", USERS, 200, "once")]);
    workspace.write("harmock.toml", "[[rules]]\nrepeat = \"sequence\"\nexhausted = \"miss\"\n");
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(wire.get(USERS).text(), "once");
    let problem = wire.get(USERS).json();
    assert!(problem["harmock.toml"].as_str().unwrap().contains("exhausted = \"last\""), "{problem:#}");
    proxy.interrupt().expect(3);
}

#[test]
fn the_three_nearest_entries_are_told_with_a_verdict_on_each_criterion() {
    let workspace = Workspace::new();
    let far = "http://api.example.test/users/far/away";
    let entries = [
        entry("GET", far, 200, "far"),
        entry("PUT", "http://api.example.test/users?page=1", 200, "put"),
        entry("GET", "http://api.example.test/users?page=1&size=9", 200, "nearest"),
        entry("GET", "http://api.example.test/users?page=7&size=8", 200, "near"),
        entry("GET", "http://other.example.test/else", 200, "elsewhere"),
    ];
    workspace.write_har("api.har", &entries);
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    let problem = Wire::connect(proxy.address()).get("http://api.example.test/users?page=1&size=8").json();
    let told: Vec<_> =
        [&problem["nearest"], &problem["also"][0], &problem["also"][1]].map(|near| near["entry"].as_u64()).into();
    assert_eq!(told, [Some(2), Some(3), Some(1)], "{problem:#}");
    assert_eq!(problem["also"].as_array().unwrap().len(), 2);
    let verdict = json!({ "method": "equal", "url": "differs", "payload": "not compared", "headers": "not compared" });
    assert_eq!(problem["nearest"]["verdict"], verdict);
    assert_eq!(
        problem["nearest"]["differences"],
        json!([{ "what": "query parameter size", "recorded": "9", "live": "8" }])
    );
    assert_eq!(problem["also"][1]["verdict"]["method"], "differs");
    let ended = proxy.interrupt().expect(3);
    ended.says("also near: ").says("query parameter size was \"9\", now \"8\"");
}

#[test]
fn the_values_of_secret_places_are_told_nowhere() {
    let workspace = Workspace::new();
    let recorded = r#"{"user":"ann","password":"recorded-hunter2"}"#;
    let entries = [
        entry("GET", "http://api.example.test/users?access_token=recorded-t0k3n&page=1", 200, "users"),
        post_entry(USERS, recorded, "recorded"),
    ];
    workspace.write_har("api.har", &entries);
    let proxy = Harmock::replay(&workspace, &["--report", "run.json", "--log", "run.log"]);
    let mut wire = Wire::connect(proxy.address());
    let page = ["Accept: text/html"];
    let url = "http://api.example.test/users?access_token=live-t0k3n-9f&page=2";
    let mut told: Vec<String> = [&[][..], &page[..]].map(|lines| ask(&mut wire, "GET", url, lines, "").text()).into();
    let payload = r#"{"user":"bob","password":"live-hunter3"}"#;
    told.push(ask(&mut wire, "POST", USERS, JSON, payload).text());
    let ended = proxy.interrupt().expect(3);
    told.push(ended.stderr.clone());
    told.extend(["run.json", "run.log"].map(|file| std::fs::read_to_string(workspace.join(file)).unwrap()));
    for text in &told {
        for secret in ["recorded-t0k3n", "live-t0k3n", "hunter2", "hunter3"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    // What else differs is told.
    assert!(told[0].contains("access_token") && told[0].contains("query parameter page"), "{}", told[0]);
    assert!(told[2].contains("$.password") && told[2].contains("bob"), "{}", told[2]);
}

#[test]
fn a_browser_gets_a_page_in_which_nothing_of_the_request_is_markup() {
    let workspace = Workspace::new();
    workspace.write_har("api.har", &[entry("GET", "http://api.example.test/a?q=%3Cb%3E", 200, "a")]);
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    let accept = &["Accept: text/html,application/xhtml+xml,*/*;q=0.8"];
    let url = "http://api.example.test/a?q=%3Cscript%3Ealert(1)%3C/script%3E";
    let answer = ask(&mut Wire::connect(proxy.address()), "GET", url, accept, "");
    assert_eq!((answer.status, answer.all("content-type")), (502, vec!["text/html; charset=utf-8"]));
    let policy = answer.all("content-security-policy").join("");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let page = answer.text();
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script"), "{page}");
    assert!(page.contains("ignore-query = [&quot;q&quot;]"), "{page}");
    proxy.interrupt().expect(3);
}

#[test]
fn explain_names_the_entry_that_would_answer_and_the_rules_that_let_it() {
    let workspace = Workspace::new();
    let archive = workspace.write_har(
        "api.har",
        &[entry("GET", "http://a.test/x?ts=1", 200, "x"), post_entry("http://a.test/p", "{\"a\":1}", "p")],
    );
    workspace.write("harmock.toml", "[[rules]]\nignore-query = [\"ts\"]\n");
    let explain = |arguments: &[&str]| {
        let output = workspace.harmock().arg("explain").args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = explain(&["GET", "http://a.test/x?ts=2"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("would be answered by hars/api.har#0 GET http://a.test/x?ts=1: status 200"), "{said}");
    assert!(said.contains("rule 1 ignore-query ts: \"1\" -> \"2\""), "{said}");
    let (code, said) = explain(&[
        archive.to_str().unwrap(),
        "POST",
        "http://a.test/p",
        "--data",
        "{\"a\":2}",
        "--header",
        "content-type: application/json",
    ]);
    assert_eq!(code, Some(3), "{said}");
    for expected in
        ["method equal, url equal, payload differs", "payload $.a was \"1\", now \"2\"", "ignore-json = [\"$.a\"]"]
    {
        assert!(said.contains(expected), "{expected} is not in {said}");
    }
    workspace.write("payload.json", "{\"a\":1}");
    assert_eq!(explain(&["POST", "http://a.test/p", "--data", "@payload.json"]).0, Some(0));
    assert_eq!(explain(&["GET", "nonsense"]).0, Some(1));
    assert_eq!(explain(&["--rules", "match-body = \"none\"", "POST", "http://a.test/p", "--data", "x"]).0, Some(0));
}
