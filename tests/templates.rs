//! Answers, callbacks and webhooks that are templates: what they can read, what they cannot do, and who learns of it.

use serde_json::{Value, json};

use crate::support::{Answer, Ended, Harmock, Wire, Workspace, curl, entry, needs, post_entry};
use crate::webhooks::{Receiving, hmac};

const GET: &str = "http://api.example.test/v1/orders/7?id=5&name=a%20%22b%22%0A%C3%A9";
const RULE: &str = "[[rules]]\ntemplate = true\n";

/// An entry with a body of this type.
fn typed(url: &str, content_type: &str, body: &str) -> Value {
    let mut entry = entry("GET", url, 200, body);
    entry["response"]["headers"] = json!([{ "name": "content-type", "value": content_type }]);
    entry
}

fn json_entry(url: &str, body: &str) -> Value {
    typed(url, "application/json", body)
}

fn workspace(entries: &[Value], file: &str) -> Workspace {
    let workspace = Workspace::new();
    workspace.write_har("api.har", entries);
    workspace.write("harmock.toml", file);
    workspace
}

/// What a body of this text is for a request.
fn rendered(body: &str, arguments: &[&str]) -> (Answer, Ended) {
    let workspace = workspace(&[typed(GET, "text/plain", body)], RULE);
    workspace.write("a.env", "HOST=db\nSHARED=a\nEMPTY=\n");
    workspace.write("b.env", "export SHARED='b' # later\n");
    let proxy = Harmock::replay(&workspace, arguments);
    let answer = Wire::connect(proxy.address()).get(GET);
    let code = if answer.status == 500 { 1 } else { 0 };
    (answer, proxy.interrupt().expect(code))
}

fn ask(wire: &mut Wire, method: &str, url: &str, lines: &[&str], payload: &str) -> Answer {
    let host = url.split('/').nth(2).unwrap();
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    let length = payload.len();
    wire.send(format!("{method} {url} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n{lines}\r\n{payload}"));
    wire.answer()
}

#[test]
fn a_rule_makes_body_and_fields_of_an_answer_templates_and_says_so() {
    let mut entry = json_entry(
        GET,
        r#"{"id":{{ request.query.id }},"name":"{{ request.query.name }}","path":"{{ request.path }}","order":"{{ request.segments[2] }}",
            "method":"{{ request.method }}","url":"{{ request.url }}","agent":"{{ request.headers.user_agent }}"}"#,
    );
    let fields = entry["response"]["headers"].as_array_mut().unwrap();
    fields.push(json!({ "name": "X-Order", "value": "no. {{ request.segments[2] }}" }));
    fields.push(json!({ "name": "X-Plain", "value": "} {" }));
    let workspace = workspace(&[entry, json_entry("http://api.example.test/plain", "{}")], RULE);
    let arguments = ["--report", "report.json", "--trace", "trace.har", "--annotate"];
    let proxy = Harmock::replay(&workspace, &arguments);
    let mut wire = Wire::connect(proxy.address());
    let answer = ask(&mut wire, "GET", GET, &["User-Agent: te\"st"], "");
    let expected = json!({
        "id": 5, "name": "a \"b\"\né", "path": "/v1/orders/7", "order": "7", "method": "GET", "url": GET, "agent": "te\"st",
    });
    assert_eq!((answer.status, answer.json()), (200, expected));
    assert_eq!((answer.all("x-order"), answer.all("x-plain")), (vec!["no. 7"], vec!["} {"]));
    assert_eq!(
        answer.framing.iter().find(|(name, _)| name == "content-length").unwrap().1,
        answer.body.len().to_string()
    );
    assert!(answer.all("x-harmock")[0].ends_with("; note=[templated: rule 1 template]"), "{answer:?}");
    assert!(!wire.get("http://api.example.test/plain").all("x-harmock")[0].contains("templated"));
    proxy.interrupt().expect(0).says("([templated: rule 1 template])").says("applied: templated (1)");
    let report: Value = serde_json::from_slice(&std::fs::read(workspace.join("report.json")).unwrap()).unwrap();
    assert_eq!((&report["applied"][0]["what"], &report["applied"][0]["count"]), (&json!("templated"), &json!(1)));
    let trace = std::fs::read_to_string(workspace.join("trace.har")).unwrap();
    assert_eq!(trace.matches("[templated: rule 1 template]").count(), 1);
}

#[test]
fn payloads_are_read_as_json_and_as_forms_over_both_versions() {
    needs!(Curl);
    let url = "https://api.example.test/orders";
    let made = |body: &str| {
        let mut entry = post_entry(url, "", body);
        entry["request"]["postData"] = Value::Null;
        entry["response"]["headers"] = json!([{ "name": "content-type", "value": "application/json" }]);
        entry
    };
    let body = r#"{"items":{{ request.json["items"] | default([]) }},"first":"{{ request.json.who | default(request.form.who) | default('nobody') }}"}"#;
    let workspace = workspace(&[made(body)], RULE);
    let proxy = Harmock::replay(&workspace, &[] as &[&str]);
    for version in ["--http1.1", "--http2"] {
        let json = curl(&proxy, &[version, url, "--json", r#"{"items":[1,{"a":"\""}],"who":"\\ \" \u00e9"}"#]);
        assert_eq!(json.json(), json!({ "items": [1, { "a": "\"" }], "first": "\\ \" é" }), "{version}");
        let form = curl(&proxy, &[version, url, "--data-urlencode", "who=a \"b\""]);
        assert_eq!(form.json()["first"], "a \"b\"", "{version}");
        let parts = curl(&proxy, &[version, url, "-F", "who=part", "-F", "other=1"]);
        assert_eq!(parts.json()["first"], "part", "{version}");
    }
    proxy.interrupt().expect(0);
}

#[test]
fn a_text_outside_of_quotes_gets_nothing_into_json() {
    let url = |n: &str| format!("http://api.example.test/n?n={n}");
    let entries = ["5", "1%2C%22admin%22:true"].map(|n| json_entry(&url(n), "{\n\"n\":{{ request.query.n }}}"));
    let proxy = Harmock::replay(&workspace(&entries, RULE), &[] as &[&str]);
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(wire.get(&url("5")).json(), json!({ "n": 5 }));
    let answer = wire.get(&url("1%2C%22admin%22:true"));
    assert!(answer.status == 500 && !answer.text().contains("admin\":true"), "{}", answer.text());
    proxy.interrupt().expect(1).says("hars/api.har#1: response body, line 2: ").says("put quotes around it");
}

#[test]
fn a_template_that_fails_is_a_500_that_names_entry_and_line_in_answer_log_and_report() {
    let entries = [
        entry("GET", "http://api.example.test/", 200, "x"),
        json_entry(GET, "{\n\n\"a\":\"{{ request.query.none }}\"}"),
    ];
    let workspace = workspace(&entries, RULE);
    let proxy = Harmock::replay(&workspace, &["--report", "report.json"]);
    let mut wire = Wire::connect(proxy.address());
    let answer = ask(&mut wire, "GET", GET, &["Origin: http://page.test"], "");
    assert_eq!((answer.status, answer.all("content-type")), (500, vec!["application/problem+json"]));
    assert_eq!(answer.all("access-control-allow-origin"), ["http://page.test"]);
    let problem = answer.json();
    assert_eq!((&problem["entry"], &problem["line"]), (&json!("hars/api.har#1"), &json!(3)));
    assert_eq!((&problem["place"], &problem["type"]), (&json!("response body"), &json!("urn:harmock:template")));
    let said = "hars/api.har#1: response body, line 3: undefined value";
    assert!(problem["detail"].as_str().unwrap().contains(said), "{problem}");
    let ended = proxy.interrupt().expect(1);
    assert!(ended.stderr.lines().any(|line| line.contains(" 500 ") && line.contains(said)), "{}", ended.stderr);
    let report: Value = serde_json::from_slice(&std::fs::read(workspace.join("report.json")).unwrap()).unwrap();
    assert!(report["errors"][0].as_str().unwrap().contains("request.query.none"), "{report}");
}

#[test]
fn a_text_that_is_no_template_stops_the_start_with_its_place() {
    for (body, said) in [
        ("a\n{{ request.query. }}", "hars/api.har#1: response body, line 2: syntax error"),
        ("{% include 'other' %}", "a template includes, imports and extends nothing"),
        ("{% extends 'other' %}", "response body, line 1: "),
        ("{% import 'other' as x %}", "response body, line 1: "),
        ("{% macro f() %}{% endmacro %}", "response body, line 1: "),
    ] {
        let entries = [entry("GET", "http://api.example.test/", 200, "x"), typed(GET, "text/plain", body)];
        let ended = Harmock::run::<&str>(&workspace(&entries, RULE), "replay", &[]).expect(1);
        assert!(ended.stderr.contains(said) && ended.stderr.lines().count() == 1, "{body}: {}", ended.stderr);
    }
    let mut field = typed(GET, "text/plain", "");
    field["response"]["headers"][0] = json!({ "name": "X-Id", "value": "{{ uuid( }}" });
    let ended = Harmock::run::<&str>(&workspace(&[field], RULE), "replay", &[]).expect(1);
    assert!(ended.stderr.contains("hars/api.har#0: response field x-id, line 1: "), "{}", ended.stderr);
}

#[test]
fn what_a_template_may_do_and_make_is_bounded() {
    let (answer, ended) = rendered("{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}", &[]);
    assert_eq!(answer.status, 500);
    ended.says("it does more than a template may do");
    let (answer, ended) = rendered("{% for a in range(1100) %}{{ 'x' * 1000 }}{% endfor %}", &[]);
    assert!(answer.status == 500 && answer.body.len() < 1000);
    ended.says("it makes more than 1 MiB");
    let (answer, _) = rendered("{% for a in range(1000) %}{{ 'x' * 1000 }}{% endfor %}", &[]);
    assert_eq!((answer.status, answer.body.len()), (200, 1_000_000));
}

#[test]
fn a_value_with_a_line_break_gets_no_field_into_an_answer() {
    let mut entry = typed("http://api.example.test/f", "text/plain", "x");
    entry["request"]["method"] = json!("POST");
    entry["response"]["headers"] = json!([{ "name": "X-Name", "value": "{{ request.json.name }}" }]);
    let proxy = Harmock::replay(&workspace(&[entry], RULE), &[] as &[&str]);
    let mut wire = Wire::connect(proxy.address());
    for name in [r"a\r\nSet-Cookie: x=1", r"a\nb", r"a\rb", r"a\u0000b"] {
        let payload = format!(r#"{{"name":"{name}"}}"#);
        let answer = ask(&mut wire, "POST", "http://api.example.test/f", &[], &payload);
        assert_eq!((answer.status, answer.all("set-cookie").len(), answer.all("x-name").len()), (500, 0, 0), "{name}");
    }
    let answer = ask(&mut wire, "POST", "http://api.example.test/f", &[], r#"{"name":"a: b; \"c\""}"#);
    assert_eq!((answer.status, answer.all("x-name")), (200, vec!["a: b; \"c\""]));
    proxy.interrupt().expect(1).says("response field x-name: its value would hold a line break");
}

#[test]
fn variables_come_of_files_the_later_one_wins_and_a_passed_one_over_them() {
    let body = "{{ env.HOST }} {{ env.SHARED }} {{ env.EMPTY }}.{{ env.HOME | default('no home') }}";
    assert_eq!(rendered(body, &["--env", "a.env", "--env", "b.env"]).0.text(), "db b .no home");
    assert_eq!(rendered(body, &["--env", "b.env", "--env", "a.env"]).0.text(), "db a .no home");
    let workspace = workspace(&[typed(GET, "text/plain", "{{ env.SHARED }} {{ env.OTHER }}")], RULE);
    workspace.write("a.env", "SHARED=file\nOTHER=file\n");
    let arguments = ["--env", "a.env", "--env-pass", "SHARED", "--env-pass", "UNSET"];
    let mut command = Harmock::command(&workspace, "replay", &arguments);
    command.env("SHARED", "process").env("OTHER", "process");
    let proxy = Harmock::start(&workspace, command);
    assert_eq!(Wire::connect(proxy.address()).get(GET).text(), "process file");
    proxy.interrupt().expect(0).says("--env-pass UNSET: there is no such variable");
}

#[test]
fn nothing_of_the_process_is_read_but_what_is_passed() {
    let workspace = workspace(&[typed(GET, "text/plain", "{{ env.PATH }}{{ env.ELSE }}")], RULE);
    let mut command = Harmock::command(&workspace, "replay", &[] as &[&str]);
    command.env("ELSE", "of the process");
    let proxy = Harmock::start(&workspace, command);
    let answer = Wire::connect(proxy.address()).get(GET);
    assert!(answer.status == 500 && answer.text().contains("env.PATH"), "{}", answer.text());
    proxy.interrupt().expect(1);
    workspace.write("harmock.toml", "env-pass = [\"HOME\"]\n");
    let output = workspace.harmock().args(["config", "check"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("cannot read the variables of this machine"), "{said}");
}

#[test]
fn files_of_variables_that_cannot_be_read_stop_the_start() {
    let folder = workspace(&[typed(GET, "text/plain", "x")], RULE);
    folder.write("bad.env", "A=1\nB='two\n");
    for (file, said) in
        [("bad.env", "bad.env:2: the quote is not closed"), ("none.env", "the variables in none.env cannot be read")]
    {
        let ended = Harmock::run(&folder, "replay", &["--env", file]).expect(1);
        assert!(ended.stderr.contains(said) && ended.stderr.lines().count() == 1, "{}", ended.stderr);
    }
    let outside = workspace(&[], "[[rules]]\nenv = [\"../x.env\"]\ntemplate = true\n");
    let ended = Harmock::run::<&str>(&outside, "replay", &[]).expect(1);
    assert!(ended.stderr.contains("harmock.toml:1:1: env = \"../x.env\": a path that leaves"), "{}", ended.stderr);
}

#[test]
fn a_secret_reaches_the_client_and_no_log_report_trace_or_page() {
    let url = "http://api.example.test/login";
    let body = r#"{"hello":"{{ env.SIGNING_SECRET }}","pin":"{{ env.PIN }}","stage":"{{ env.STAGE }}","n":"{{ request.query.n | default('') }}"}"#;
    let mut first = json_entry(url, body);
    first["response"]["headers"].as_array_mut().unwrap().push(json!({ "name": "X-Own", "value": "{{ env.PIN }}" }));
    let failing = json_entry(&format!("{url}/bad"), "{{ env.SIGNING_SECRET | upper | int }}");
    let folder = workspace(&[first, failing], RULE);
    folder.write("hars/.env", "SIGNING_SECRET='s3cr\"t é'\nPIN=9753-2468 # secret\nSTAGE=dev\n");
    let arguments = [
        "--env",
        "hars/.env",
        "--report",
        "r.json",
        "--report",
        "r.md",
        "--report",
        "r.xml",
        "--trace",
        "t.har",
        "--annotate",
        "--exchanges",
        "9",
        "--max-misses",
        "9",
        "-v",
    ];
    let proxy = Harmock::replay(&folder, &arguments);
    let mut wire = Wire::connect(proxy.address());
    let made = wire.get(url).json();
    assert_eq!(
        (&made["hello"], &made["pin"], &made["stage"]),
        (&json!("s3cr\"t é"), &json!("9753-2468"), &json!("dev"))
    );
    // What a client has learnt it may ask for.
    assert_eq!(wire.get(&format!("{url}?n=9753-2468&m=s3cr%22t%20%C3%A9")).status, 502);
    assert_eq!(wire.get(&format!("{url}/bad")).status, 500);
    let told = wire.get(&format!("http://{}/__harmock/exchanges", proxy.address())).text();
    let page = wire.get("http://harmock.test/").text();
    let ended = proxy.interrupt().expect(1);
    let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
    let shown =
        [&ended.stderr, &ended.stdout, &told, &page, &read("r.json"), &read("r.md"), &read("r.xml"), &read("t.har")];
    for text in shown {
        for secret in ["s3cr", "S3CR", "9753-2468"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    assert!(read("t.har").contains("dev") && ended.stderr.contains("because the template reads a secret"));
    let output = folder.harmock().args(["config", "show", "--env", "hars/.env", "--env-pass", "PIN"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("env = [\"hars/.env\"]") && text.contains("env-pass = [\"PIN\"]"), "{text}");
    assert!(!text.contains("9753") && !text.contains("s3cr"));
}

#[test]
fn an_entry_that_says_so_is_a_template_only_with_leave() {
    let mut entry = typed(GET, "text/plain", "{{ request.query.id }}");
    entry["_harmock"] = json!({ "template": true });
    let folder = workspace(&[entry.clone()], "");
    let proxy = Harmock::replay(&folder, &[] as &[&str]);
    assert_eq!(Wire::connect(proxy.address()).get(GET).text(), "{{ request.query.id }}");
    proxy.interrupt().expect(0).says("1 entry is marked as a template (_harmock.template)").says("--allow-templates");
    let proxy = Harmock::replay(&folder, &["--allow-templates"]);
    assert_eq!(Wire::connect(proxy.address()).get(GET).text(), "5");
    proxy.interrupt().expect(0).says("[templated: _harmock.template]");
    // The other way round an entry is kept out of what a rule says.
    entry["_harmock"] = json!({ "template": false });
    let proxy = Harmock::replay(&workspace(&[entry], RULE), &["--allow-templates"]);
    assert_eq!(Wire::connect(proxy.address()).get(GET).text(), "{{ request.query.id }}");
    proxy.interrupt().expect(0);
}

#[test]
fn conditions_ranges_and_codings_of_the_recorded_text_hold_for_no_rendered_one() {
    let mut entry = typed(GET, "text/plain", "id {{ request.query.id }}");
    for (name, value) in [
        ("etag", "\"v1\""),
        ("last-modified", "Tue, 02 Jan 2024 03:04:05 GMT"),
        ("accept-ranges", "bytes"),
        ("content-encoding", "gzip"),
        ("content-length", "999"),
        ("content-digest", "sha-256=:x:"),
    ] {
        entry["response"]["headers"].as_array_mut().unwrap().push(json!({ "name": name, "value": value }));
    }
    let proxy = Harmock::replay(&workspace(&[entry], RULE), &[] as &[&str]);
    let mut wire = Wire::connect(proxy.address());
    for line in
        ["If-None-Match: \"v1\"", "If-Modified-Since: Wed, 03 Jan 2024 03:04:05 GMT", "Range: bytes=0-1", "Accept: */*"]
    {
        let answer = ask(&mut wire, "GET", GET, &[line], "");
        assert_eq!((answer.status, answer.text().as_str()), (200, "id 5"), "{line}");
        for name in ["etag", "last-modified", "accept-ranges", "content-digest"] {
            assert_eq!(answer.all(name).len(), 0, "{name}");
        }
        assert_eq!(answer.framing, [("content-length".to_owned(), "4".to_owned())], "{line}");
    }
    proxy.interrupt().expect(0);
}

#[test]
fn a_head_request_is_told_the_length_of_what_a_get_would_get() {
    let mut entry = typed(GET, "text/plain", "id {{ request.query.id }}");
    entry["request"]["method"] = json!("HEAD");
    let proxy = Harmock::replay(&workspace(&[entry], RULE), &[] as &[&str]);
    let mut wire = Wire::connect(proxy.address());
    wire.send(format!("HEAD {GET} HTTP/1.1\r\nHost: api.example.test\r\n\r\n"));
    assert_eq!(wire.head().value("content-length"), Some("4"));
    proxy.interrupt().expect(0);
}

#[test]
fn the_template_comes_before_the_patch_and_goes_with_delays_and_faults() {
    let patched = r#"{"id":{{ request.query.id }},"old":1}"#;
    let cut = "http://api.example.test/cut?id=0123456789";
    let entries = [json_entry(GET, patched), typed(cut, "text/plain", "{{ request.query.id }}")];
    let rules = "delay = 5\n[[rules]]\ntemplate = true\n[[rules]]\nglob = \"**/orders/**\"\nmerge-json = '{\"old\":null,\"new\":\"{{ 1 }}\"}'\n\
                 [[rules]]\nglob = \"**/cut**\"\nfault = \"wrong-length\"\n";
    let proxy = Harmock::replay(&workspace(&entries, rules), &[] as &[&str]);
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(wire.get(GET).text(), r#"{"id":5,"new":"{{ 1 }}"}"#);
    wire.send(format!("GET {cut} HTTP/1.1\r\nHost: api.example.test\r\n\r\n"));
    assert_eq!(wire.head().value("content-length"), Some("16"));
    assert_eq!(wire.exactly(10).unwrap(), b"0123456789");
    let told = "[delay 5ms; templated: rule 1 template; patched: rule 2 merge-json]";
    proxy.interrupt().expect(0).says(told).says("templated: rule 1 template]");
}

#[test]
fn the_closest_entry_and_a_base_url_are_rendered_for_what_was_asked() {
    let entries = [json_entry(
        "https://api.example.test/v1/search?q=tea",
        r#"{"q":"{{ request.query.q }}","url":"{{ request.url }}"}"#,
    )];
    let rules = "[[rules]]\ntemplate = true\nmatch = \"closest\"\n";
    let proxy = Harmock::replay(&workspace(&entries, rules), &["--origin", "https://api.example.test/v1"]);
    let mut wire = Wire::connect(proxy.address());
    wire.send(format!("GET /search?q=coffee HTTP/1.1\r\nHost: {}\r\n\r\n", proxy.address()));
    let expected = json!({ "q": "coffee", "url": "https://api.example.test/v1/search?q=coffee" });
    assert_eq!(wire.answer().json(), expected);
    proxy.interrupt().expect(0).says("templated: rule 1 template");
}

#[test]
fn chance_is_the_same_in_each_run_with_the_same_seed_and_time_moves_as_asked() {
    let body = "{{ uuid() }} {{ random(1, 1000000) }} {{ random() }} {{ random(['a', 'b', 'c', 'd']) }}";
    let run = |seed: &str| rendered(body, &["--seed", seed]).0.text();
    let first = run("1");
    assert_eq!(first, run("1"));
    assert_ne!(first, run("2"));
    let uuid = first.split(' ').next().unwrap();
    assert!(uuid.len() == 36 && uuid.as_bytes()[14] == b'4', "{uuid}");
    let body = "{{ now(format='unix') - now(days=-1, format='unix') }} {{ now(years=1, format='%Y') | int - now(format='%Y') | int }}";
    assert_eq!(rendered(body, &[]).0.text(), "86400 1");
    let twice = workspace(&[typed(GET, "text/plain", "{{ uuid() }}")], RULE);
    let proxy = Harmock::replay(&twice, &[] as &[&str]);
    let mut wire = Wire::connect(proxy.address());
    assert_ne!(wire.get(GET).text(), wire.get(GET).text());
    proxy.interrupt().expect(0);
}

#[test]
fn a_rule_names_files_of_its_own_beside_the_config_file() {
    let url = |path: &str| format!("http://api.example.test/{path}");
    let entries = ["a", "b"].map(|path| typed(&url(path), "text/plain", "{{ env.WHO }} {{ env.RUN }}"));
    let file = "env = \"run.env\"\n[[rules]]\ntemplate = true\n[[rules]]\nglob = \"**/b\"\nenv = \"b.env\"\n";
    let folder = workspace(&entries, file);
    folder.write("run.env", "WHO=run\nRUN=1");
    folder.write("b.env", "WHO=rule");
    let proxy = Harmock::replay(&folder, &[] as &[&str]);
    let mut wire = Wire::connect(proxy.address());
    assert_eq!((wire.get(&url("a")).text(), wire.get(&url("b")).text()), ("run 1".to_owned(), "rule 1".to_owned()));
    proxy.interrupt().expect(0);
}

#[test]
fn a_payload_file_that_is_edited_is_rendered_anew_and_a_broken_one_is_a_500() {
    let mut entry = typed(GET, "text/plain", "");
    entry["response"]["content"] = json!({ "mimeType": "text/plain", "_file": "body.txt" });
    let folder = workspace(&[entry], RULE);
    folder.write("hars/body.txt", "plain");
    let mut proxy = Harmock::replay(&folder, &[] as &[&str]);
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(wire.get(GET).text(), "plain");
    let until = |wire: &mut Wire, wanted: &str| {
        // An edit is seen soon, and never later than a test waits.
        std::iter::repeat_with(|| wire.get(GET)).find(|answer| answer.text().contains(wanted)).unwrap()
    };
    folder.write("hars/body.txt", "now {{ request.query.id }}");
    assert_eq!(until(&mut wire, "now 5").status, 200);
    folder.write("hars/body.txt", "broken {{ request.");
    let broken = "hars/api.har#0: response body, line 1: syntax error";
    assert_eq!(until(&mut wire, broken).status, 500);
    // Also when another archive has the whole read anew.
    folder.write_har("new.har", &[json_entry("http://api.example.test/new", "{}")]);
    proxy.told("hars/new.har: is new");
    assert_eq!(until(&mut wire, broken).status, 500);
    proxy.interrupt().expect(1);
}

#[test]
fn an_edit_that_breaks_a_template_is_not_taken() {
    let folder = workspace(&[typed(GET, "text/plain", "id {{ request.query.id }}")], RULE);
    let mut proxy = Harmock::replay(&folder, &[] as &[&str]);
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(wire.get(GET).text(), "id 5");
    folder.write_har("api.har", &[typed(GET, "text/plain", "id {{ request.query.id")]);
    let told = proxy.told("response body, line 1: syntax error");
    assert!(told.contains("hars/api.har:") && told.contains("what was read before still answers"), "{told}");
    assert_eq!(wire.get(GET).text(), "id 5");
    proxy.interrupt().expect(0);
}

#[test]
fn explain_names_the_rule_and_a_chosen_answer_reads_its_payload() {
    let mut entry = post_entry("http://api.example.test/n", "{}", "{{ request.json.n }}");
    entry["_harmock"] = json!({ "name": "made" });
    let folder = workspace(&[entry], RULE);
    let output =
        folder.harmock().args(["explain", "POST", "http://api.example.test/n", "--data", "{}"]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("rule 1 template"), "{output:?}");
    let proxy = Harmock::replay(&folder, &["--mock-headers"]);
    let mut wire = Wire::connect(proxy.address());
    let chosen = ask(&mut wire, "POST", "http://api.example.test/n", &["x-mock-response-name: made"], r#"{"n":7}"#);
    assert_eq!((chosen.status, chosen.text().as_str()), (200, "7"));
    proxy.interrupt().expect(0);
}

mod sent {
    use super::*;

    fn outgoing(workspace: &Workspace, mark: &Value) {
        let payload = "{\"id\":\"{{ uuid() }}\",\"shop\":\"{{ env.SHOP }}\",\"at\":\"{{ now(format='%Y') }}\"}";
        let mut entry = post_entry("https://pay.example/hooks/{{ env.SHOP }}?n={{ random(7, 7) }}", payload, "");
        entry["_harmock"] = mark.clone();
        entry["request"]["headers"] = json!([
            { "name": "Content-Type", "value": "application/json" },
            { "name": "X-Shop", "value": "{{ env.SHOP }}" },
        ]);
        workspace.write_har("webhooks.har", &[entry]);
        workspace.write("shop.env", "SHOP='a \"b\"'\nSECRET=k3y-0f-the-shop\n");
    }

    fn send(workspace: &Workspace, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = workspace.harmock();
        command
            .env("NO_COLOR", "1")
            .env("SECRET", "of the process")
            .args(["send", "hars/webhooks.har"])
            .args(arguments);
        let output = command.output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    }

    #[test]
    fn webhooks_are_rendered_where_they_may_be_and_signed_as_they_are_sent() {
        let workspace = Workspace::new();
        outgoing(&workspace, &json!({ "template": true }));
        let server = Receiving::answering(&[500, 200]);
        let sign = "X-Signature: sha256=hmac(env.SECRET, body)";
        let common = ["--to", &server.url(""), "--env", "shop.env", "--sign", sign, "--header", "X-More: {{ 1 + 1 }}"];
        let more = ["--allow-templates", "--seed", "1", "--retry", "1", "--backoff", "1ms"];
        let (code, said) = send(&workspace, &[&common[..], &more].concat());
        assert_eq!(code, Some(0), "{said}");
        let came = server.all();
        let (first, again) = (&came[0], &came[1]);
        assert_eq!(first.head.line, "POST /hooks/a%20%22b%22?n=7 HTTP/1.1");
        let body: Value = serde_json::from_str(&first.body).unwrap();
        assert_eq!((&body["shop"], first.head.value("x-shop")), (&json!("a \"b\""), Some("a \"b\"")));
        assert_eq!(first.head.value("x-more"), Some("2"));
        assert_eq!(first.body, again.body, "what is sent again is the same");
        assert_eq!(
            first.head.value("x-signature").unwrap(),
            format!("sha256={}", hmac("k3y-0f-the-shop", &first.body))
        );
        assert!(!said.contains("k3y-0f-the-shop"));
        // A rule gives leave as well, and without a seed each sending draws anew.
        outgoing(&workspace, &Value::Null);
        let rule = ["--rules", "template = true"];
        assert_eq!(send(&workspace, &[&common[..], &rule, &["--count", "2"]].concat()).0, Some(0));
        let came = server.all();
        assert!(came[0].body != first.body && came[0].body != came[1].body);
    }

    #[test]
    fn webhooks_without_leave_are_sent_as_they_stand_and_the_key_may_be_that_of_the_process() {
        let workspace = Workspace::new();
        outgoing(&workspace, &json!({ "template": true }));
        let server = Receiving::answering(&[200]);
        let sign = "X-Signature: sha256=hmac(env.SECRET, body)";
        assert_eq!(send(&workspace, &["--to", &server.url("/x"), "--sign", sign]).0, Some(0));
        let came = server.all().pop().unwrap();
        assert!(came.body.contains("{{ uuid() }}"), "{}", came.body);
        assert_eq!(came.head.value("x-signature").unwrap(), format!("sha256={}", hmac("of the process", &came.body)));
    }

    #[test]
    fn a_webhook_that_cannot_be_rendered_is_not_sent_and_one_that_is_no_template_stops_the_start() {
        let workspace = Workspace::new();
        outgoing(&workspace, &json!({ "template": true }));
        let server = Receiving::answering(&[200]);
        let (code, said) = send(&workspace, &["--to", &server.url("/x"), "--allow-templates"]);
        assert!(code == Some(1) && said.contains("it cannot be rendered: "), "{said}");
        assert!(said.contains("env.SHOP") && server.all().is_empty(), "{said}");
        let entry = post_entry("https://pay.example/hooks", "{{ uuid( }}", "");
        workspace.write_har("webhooks.har", &[entry]);
        let (code, said) = send(&workspace, &["--to", &server.url("/x"), "--rules", "template = true"]);
        assert!(code == Some(1) && said.contains("hars/webhooks.har#0: body, line 1: syntax error"), "{said}");
        assert!(server.all().is_empty());
    }

    #[test]
    fn a_callback_is_rendered_for_the_request_that_triggered_it_and_signed() {
        let server = Receiving::answering(&[200]);
        let mut entry = post_entry("http://api.test/orders", "", "accepted {{ request.json.id }}");
        entry["request"]["postData"] = Value::Null;
        entry["_harmock"] = json!({ "callback": {
            "url": server.url("/hook/{{ request.json.id }}"),
            "headers": [{ "name": "X-Order", "value": "{{ request.json.id }}" }],
            "body": { "order": "{{ request.json.id }}", "event": "{{ uuid() }}", "shop": "{{ env.SHOP }}" },
            "sign": "X-Signature: sha256=hmac(env.SECRET, body)",
        } });
        let folder = workspace(&[entry], RULE);
        folder.write("shop.env", "SHOP=tea\nSECRET=k3y-0f-the-shop\n");
        let proxy = Harmock::replay(&folder, &["--allow-callbacks", "http://127.0.0.1:*/hook/**", "--env", "shop.env"]);
        let mut wire = Wire::connect(proxy.address());
        let answer = ask(&mut wire, "POST", "http://api.test/orders", &[], r#"{"id":"4/2 \"x\""}"#);
        assert_eq!(answer.text(), "accepted 4/2 \"x\"");
        let came = server.came.recv().unwrap();
        let body: Value = serde_json::from_str(&came.body).unwrap();
        assert_eq!(came.head.line, "POST /hook/4%2F2%20%22x%22 HTTP/1.1");
        assert_eq!((came.head.value("x-order"), &body["order"]), (Some("4/2 \"x\""), &json!("4/2 \"x\"")));
        assert_eq!(body["shop"], "tea");
        assert_eq!(came.head.value("x-signature").unwrap(), format!("sha256={}", hmac("k3y-0f-the-shop", &came.body)));
        let ended = proxy.interrupt().expect(0);
        assert!(!ended.stderr.contains("k3y-0f-the-shop"), "{}", ended.stderr);
    }

    #[test]
    fn a_callback_that_cannot_be_rendered_or_signed_is_told_and_not_sent() {
        let server = Receiving::answering(&[200]);
        let order = |callback: Value| {
            let mut entry = post_entry("http://api.test/orders", "", "accepted");
            entry["_harmock"] = json!({ "callback": callback });
            workspace(&[entry], RULE)
        };
        for (callback, said) in [
            (
                json!({ "url": server.url("/x"), "body": "{{ request.json.id }}" }),
                "_harmock.callback body, line 1: undefined value",
            ),
            (json!({ "url": server.url("/x"), "sign": "X-S: hmac(env.NONE, body)" }), "the variable NONE is not set"),
        ] {
            let mut proxy = Harmock::replay(&order(callback), &["--allow-callbacks", "**"]);
            let answer = ask(&mut Wire::connect(proxy.address()), "POST", "http://api.test/orders", &[], "");
            assert_eq!(answer.text(), "accepted");
            proxy.told(said);
            proxy.interrupt().expect(1);
        }
        assert!(server.all().is_empty());
    }
}
