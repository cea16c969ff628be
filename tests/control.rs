//! The control API over the wire: what it tells, what it does, and to whom it says nothing.

use serde_json::{Value, json};

use crate::support::{Answer, Harmock, Wire, Workspace, entry, in_clients, needs, python_path};

const TOKEN: &str = "a-token-of-this-test";

fn workspace() -> Workspace {
    let workspace = Workspace::new();
    let used = entry("GET", "http://a.test/used", 200, "used");
    workspace.write_har("one.har", &[used, entry("GET", "http://a.test/idle", 200, "idle")]);
    workspace
}

fn replay(workspace: &Workspace, more: &[&str]) -> Harmock {
    Harmock::replay(workspace, &[&["--token", TOKEN, "--max-misses", "100"], more].concat())
}

/// A request to the proxy's own address, with these fields beside `Host`.
fn ask(proxy: &Harmock, method: &str, path: &str, fields: &str) -> Answer {
    let mut wire = Wire::connect(proxy.address());
    let address = proxy.address();
    wire.send(format!("{method} /__harmock{path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\n{fields}\r\n"));
    wire.answer()
}

fn told(proxy: &Harmock, path: &str) -> Value {
    let answer = ask(proxy, "GET", path, "");
    assert_eq!((answer.status, answer.all("content-type")), (200, vec!["application/json"]), "{path}");
    answer.json()
}

fn order(proxy: &Harmock, path: &str) -> (u16, Value) {
    let answer = ask(proxy, "POST", path, &format!("Authorization: Bearer {TOKEN}\r\n"));
    (answer.status, answer.json())
}

#[test]
fn a_run_tells_what_it_has_and_what_became_of_it() {
    let workspace = workspace();
    let proxy = replay(&workspace, &["--exchanges", "2"]);
    let mut wire = Wire::connect(proxy.address());
    for path in ["/nothing", "/used", "/used"] {
        wire.get(&format!("http://a.test{path}"));
    }
    assert_eq!(told(&proxy, "/health")["status"], "ok");
    let ready = json!({ "ready": true, "mode": "replay", "url": proxy.url(), "entries": 2 });
    assert_eq!(told(&proxy, "/ready"), ready);
    let used = json!({ "archive": "hars/one.har", "entry": 0, "method": "GET", "url": "http://a.test/used", "status": 200, "served": 2 });
    assert_eq!(told(&proxy, "/entries?limit=1"), json!({ "total": 2, "offset": 0, "entries": [used] }));
    assert_eq!(told(&proxy, "/entries?offset=1")["entries"][0]["url"], "http://a.test/idle");
    let idle = json!({ "archive": "hars/one.har", "entry": 1, "method": "GET", "url": "http://a.test/idle" });
    assert_eq!(told(&proxy, "/unused"), json!({ "entries": 2, "unused": [idle] }));
    let misses = told(&proxy, "/misses");
    assert_eq!((&misses["missed"], &misses["misses"][0]["url"]), (&json!(1), &json!("http://a.test/nothing")));
    let exchanges = told(&proxy, "/exchanges");
    assert_eq!(exchanges["kept"], 2);
    let entries: Vec<_> = exchanges["exchanges"].as_array().unwrap().iter().map(|one| &one["entry"]).collect();
    assert_eq!(entries, [&json!("hars/one.har#0"), &json!("hars/one.har#0")]);
    assert_eq!(told(&proxy, "/sessions")["sessions"][0]["name"], "default");
    // The API counts as no traffic.
    assert_eq!(told(&proxy, "/misses")["missed"], 1);
}

#[test]
fn exchanges_are_kept_only_where_that_was_asked_for() {
    let workspace = workspace();
    let proxy = replay(&workspace, &[]);
    assert_eq!(Wire::connect(proxy.address()).get("http://a.test/used").text(), "used");
    assert_eq!(told(&proxy, "/exchanges"), json!({ "kept": 0, "exchanges": [] }));
}

#[test]
fn an_assertion_fails_with_the_misses() {
    let workspace = workspace();
    let proxy = replay(&workspace, &[]);
    let mut wire = Wire::connect(proxy.address());
    wire.get("http://a.test/used");
    assert_eq!(order(&proxy, "/assert").0, 200);
    let (status, told) = order(&proxy, "/assert?unused=fail");
    assert_eq!((status, &told["unused"][0]["url"]), (409, &json!("http://a.test/idle")));
    wire.get("http://a.test/nothing");
    let (status, told) = order(&proxy, "/assert");
    assert_eq!((status, &told["ok"], &told["missed"]), (409, &json!(false), &json!(1)));
    assert_eq!(told["misses"][0]["url"], "http://a.test/nothing");
    assert_eq!(order(&proxy, "/assert?max-misses=1").0, 200);
}

#[test]
fn a_reload_that_is_ordered_is_done_when_it_is_answered() {
    let workspace = workspace();
    let proxy = replay(&workspace, &[]);
    let mut wire = Wire::connect(proxy.address());
    for turn in 0..5 {
        let path = workspace.write_har("one.har", &[entry("GET", "http://a.test/used", 200, &format!("turn {turn}"))]);
        let (status, told) = order(&proxy, "/reload");
        assert_eq!((status, &told["broken"]), (200, &json!([])));
        assert_eq!(wire.get("http://a.test/used").text(), format!("turn {turn}"));
        std::fs::write(path, "{").unwrap();
        let (status, told) = order(&proxy, "/reload");
        let broken = told["broken"][0].as_str().unwrap();
        assert!(status == 409 && broken.contains("hars/one.har") && broken.contains("still answers"), "{told}");
        assert_eq!(wire.get("http://a.test/used").text(), format!("turn {turn}"));
    }
}

#[test]
fn orders_need_the_token_and_questions_do_not() {
    let workspace = workspace();
    let proxy = replay(&workspace, &[]);
    for path in ["/reload", "/assert", "/sessions/default/reset"] {
        for fields in [
            "",
            "Authorization: Bearer wrong\r\n",
            "Authorization: Basic x\r\n",
            &*format!("Authorization: {TOKEN}\r\n"),
        ] {
            let answer = ask(&proxy, "POST", path, fields);
            assert_eq!((answer.status, answer.json()["status"].as_u64()), (401, Some(401)), "{path} {fields}");
        }
        assert_eq!(order(&proxy, path).0, 200, "{path}");
        let answer = ask(&proxy, "GET", path, "");
        assert_eq!((answer.status, answer.all("allow")), (405, vec!["POST"]));
    }
    assert_eq!(ask(&proxy, "DELETE", "/entries", "").status, 405);
    assert_eq!(order(&proxy, "/sessions/nobody/reset").0, 404);
}

#[test]
fn another_host_origin_or_site_is_refused_with_the_token_too() {
    let workspace = workspace();
    let proxy = replay(&workspace, &[]);
    let token = format!("Authorization: Bearer {TOKEN}\r\n");
    for (method, path) in [("GET", "/entries"), ("GET", "/misses"), ("POST", "/reload"), ("POST", "/assert")] {
        for field in
            ["Origin: http://evil.example\r\n", "Sec-Fetch-Site: cross-site\r\n", "Sec-Fetch-Site: same-site\r\n"]
        {
            let answer = ask(&proxy, method, path, &format!("{token}{field}"));
            assert_eq!(answer.status, 403, "{path} {field}");
            assert!(!answer.text().contains("a.test"), "{}", answer.text());
            assert!(answer.all("access-control-allow-origin").is_empty());
        }
    }
    let mut wire = Wire::connect(proxy.address());
    let port = proxy.address().rsplit_once(':').unwrap().1;
    wire.send(format!("GET /__harmock/entries HTTP/1.1\r\nHost: rebound.example:{port}\r\n\r\n"));
    assert!(matches!(wire.answer().status, 400 | 403));
    let answer = ask(&proxy, "GET", "/entries", "");
    assert!(answer.all("content-security-policy")[0].starts_with("default-src 'none'"));
    assert_eq!(answer.all("cache-control"), ["no-store"]);
}

#[test]
fn the_api_is_at_the_proxys_own_name_too_and_the_token_is_printed_and_handed_to_the_command() {
    let workspace = workspace();
    let script = "echo \"token $HARMOCK_TOKEN\"; curl -sS -x \"$HARMOCK_PROXY_URL\" -H \"Authorization: Bearer $HARMOCK_TOKEN\" \
                  -X POST http://harmock.test/__harmock/assert";
    needs!(Curl);
    let ended = Harmock::run(&workspace, "replay", &["--", "sh", "-c", script]).expect(0);
    let token = ended.stdout.lines().find_map(|line| line.strip_prefix("token ")).unwrap();
    assert!(token.len() >= 32 && ended.stderr.contains(token), "{}", ended.stderr);
    assert!(ended.stdout.contains("\"ok\": true"), "{}", ended.stdout);
}

#[test]
fn the_description_is_valid_openapi_and_names_every_call() {
    needs!(Python);
    let workspace = workspace();
    let proxy = replay(&workspace, &[]);
    let described = told(&proxy, "/openapi.json");
    for (path, calls) in described["paths"].as_object().unwrap() {
        for method in calls.as_object().unwrap().keys() {
            let path = path.strip_prefix("/__harmock").unwrap().replace("{name}", "default");
            let answer = match method.as_str() {
                "get" => ask(&proxy, "GET", &path, ""),
                _ => ask(&proxy, "POST", &path, &format!("Authorization: Bearer {TOKEN}\r\n")),
            };
            // Nothing is recorded here.
            let decides = path.ends_with("/commit") || path.ends_with("/rollback");
            assert_eq!(answer.status, if decides { 409 } else { 200 }, "{method} {path}");
        }
    }
    let file = workspace.write("openapi.json", described.to_string());
    let check = in_clients("python/openapi_check.py");
    let output = std::process::Command::new(python_path()).arg(check).arg(file).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}
