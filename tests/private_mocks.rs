//! Keys: who has none is refused, and a key that was shown is found nowhere afterwards.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::support::{Answer, Harmock, Origin, Wire, Workspace, curl, entry, needs};

const KEY: &str = "a-key-of-the-team-7f3a";
const API: &str = "https://api.test";

fn workspace() -> Workspace {
    let workspace = Workspace::new();
    let entries = [entry("GET", "https://api.test/x", 200, "x"), entry("GET", "http://a.test/x", 200, "plain")];
    workspace.write_har("api.har", &entries);
    workspace
}

fn ask(proxy: &Harmock, start: &str, fields: &str) -> Answer {
    let mut wire = Wire::connect(proxy.address());
    wire.send(format!("{start} HTTP/1.1\r\nHost: {}\r\n{fields}\r\n", proxy.address()));
    wire.answer()
}

fn basic(name: &str, key: &str) -> String {
    format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(format!("{name}:{key}")))
}

#[test]
fn a_base_url_needs_the_key_in_its_field() {
    let workspace = workspace();
    let proxy = Harmock::replay(&workspace, &["--origin", API, "--api-key", "another-key-of-theirs", "--api-key", KEY]);
    let refused = ask(&proxy, "GET /x", "Origin: http://localhost:3000\r\n");
    assert_eq!(refused.status, 401);
    assert_eq!(refused.all("access-control-allow-origin"), ["http://localhost:3000"]);
    assert_eq!(refused.all("www-authenticate").len(), 1);
    for fields in ["X-Api-Key: a-key-of-the-team-7f3b\r\n", "X-Api-Key:\r\n", &basic("x", KEY)] {
        assert_eq!(ask(&proxy, "GET /x", fields).status, 401, "{fields}");
    }
    for fields in [
        format!("X-API-Key: {KEY}\r\n"),
        "x-api-key: another-key-of-theirs\r\n".into(),
        format!("X-Harmock-Api-Key: {KEY}\r\n"),
    ] {
        assert_eq!(ask(&proxy, "GET /x", &fields).text(), "x", "{fields}");
    }
    let preflight = "Origin: http://localhost:3000\r\nAccess-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: x-api-key\r\n";
    let allowed = ask(&proxy, "OPTIONS /x", preflight);
    assert_eq!((allowed.status, allowed.all("access-control-allow-headers")), (204, vec!["x-api-key"]));
    // Who was refused has missed nothing.
    proxy.interrupt().expect(0);
}

#[test]
fn the_proxy_needs_the_key_as_its_password_and_a_connect_shows_it_for_all_inside() {
    needs!(Curl);
    let workspace = workspace();
    let proxy = Harmock::replay(&workspace, &["--api-key", KEY]);
    assert_eq!(ask(&proxy, "GET http://a.test/x", "").status, 407);
    assert_eq!(ask(&proxy, "GET http://a.test/x", &basic("test-1", "a-key-of-the-team-7f3b")).status, 407);
    assert_eq!(ask(&proxy, "GET http://a.test/x", &format!("X-Api-Key: {KEY}\r\n")).status, 407);
    assert_eq!(ask(&proxy, "CONNECT api.test:443", "").status, 407);
    assert_eq!(ask(&proxy, "GET http://a.test/x", &basic("test-1", KEY)).text(), "plain");
    let credentials = format!("test-2:{KEY}");
    for url in ["https://api.test/x", "http://a.test/x"] {
        assert_eq!(curl(&proxy, &["--proxy-user", &credentials, url]).status, 200);
    }
    // The username is the session, inside a CONNECT too.
    let sessions = ask(&proxy, "GET /__harmock/sessions", &format!("X-Api-Key: {KEY}\r\n")).json();
    let served = |name: &str| {
        let sessions = sessions["sessions"].as_array().unwrap();
        sessions.iter().find(|session| session["name"] == name).map(|session| session["served"].as_u64().unwrap())
    };
    assert_eq!((served("test-1"), served("test-2")), (Some(1), Some(2)), "{sessions}");
    proxy.interrupt().expect(0);
}

#[test]
fn keys_are_named_by_a_variable_or_by_their_hashes_in_a_file() {
    let workspace = workspace();
    let digits: String = Sha256::digest(KEY).iter().map(|byte| format!("{byte:02x}")).collect();
    workspace.write("keys.txt", format!("# the team\nsha256:{digits}\n"));
    workspace.write("harmock.toml", "api-key-file = \"keys.txt\"\norigin = \"https://api.test\"\nname = \"shop\"\n");
    let mut command = Harmock::command::<&str>(&workspace, "replay", &[]);
    command.env("HARMOCK_API_KEY", "+a-key/of,another=team\na-key-of-a-third-team");
    let proxy = Harmock::start(&workspace, command);
    for key in [KEY, "+a-key/of,another=team", "a-key-of-a-third-team"] {
        assert_eq!(ask(&proxy, "GET /x", &format!("x-api-key: {key}\r\n")).status, 200, "{key}");
    }
    assert_eq!(ask(&proxy, "GET /x", &format!("x-api-key: {digits}\r\n")).status, 401);
    proxy.interrupt().expect(0).says("private");
    workspace.write("keys.txt", format!("sha256:{digits}\n{KEY}\n"));
    let ended = Harmock::run::<&str>(&workspace, "replay", &[]).expect(1).says("keys.txt: line 2 is no `sha256:`");
    assert!(!ended.stderr.contains(KEY), "{}", ended.stderr);
    workspace.write("keys.txt", "# nobody yet\n");
    Harmock::run::<&str>(&workspace, "replay", &[]).expect(1).says("keys.txt holds no key");
}

#[test]
fn a_key_is_not_forwarded_recorded_or_told() {
    needs!(Curl);
    let origin = Origin::http();
    let workspace = Workspace::new();
    let arguments = ["--origin", &origin.url(""), "--no-redact", "--log", "harmock.log", "--log-format", "json"];
    let mut command = Harmock::command(&workspace, "record", &arguments);
    command.env("HARMOCK_API_KEY", KEY);
    let proxy = Harmock::start(&workspace, command);
    let own = format!("x-api-key: {KEY}\r\nX-Api-Key: of-the-server\r\n");
    assert_eq!(ask(&proxy, "GET /json", &own).status, 200);
    assert_eq!(origin.last("/json").headers.get_all("x-api-key").iter().count(), 1);
    assert_eq!(origin.last("/json").header("x-api-key"), Some("of-the-server"));
    let proxied = ["--proxy-user", &format!("s:{KEY}"), "-H", &format!("x-api-key: {KEY}"), &origin.url("/latin1")];
    assert_eq!(curl(&proxy, &proxied).status, 200);
    let seen = origin.last("/latin1");
    assert!(seen.header("x-api-key").is_none() && seen.header("proxy-authorization").is_none(), "{seen:?}");
    assert_eq!(ask(&proxy, "GET /json", "").status, 401);
    let ended = proxy.interrupt().expect(0);
    let (coded, log) =
        (STANDARD.encode(format!("s:{KEY}")), std::fs::read_to_string(workspace.join("harmock.log")).unwrap());
    let archive = std::fs::read_to_string(workspace.join("hars/recording.har")).unwrap();
    assert!(archive.contains("of-the-server") && log.contains("no API key"));
    for text in [&archive, &log, &ended.stderr, &ended.stdout] {
        assert!(!text.contains(KEY) && !text.contains(&coded), "{text}");
    }
}

#[test]
fn a_trace_and_the_last_exchanges_hold_no_key() {
    let workspace = workspace();
    let arguments = ["--origin", API, "--api-key", KEY, "--trace", "trace.har", "--exchanges", "10"];
    let proxy = Harmock::replay(&workspace, &arguments);
    let own = format!("x-api-key: {KEY}\r\n");
    assert_eq!(ask(&proxy, "GET /x", &own).status, 200);
    assert_eq!(ask(&proxy, "GET http://a.test/x", &basic("s", KEY)).status, 200);
    let exchanges = ask(&proxy, "GET /__harmock/exchanges", &own).text();
    proxy.interrupt().expect(0);
    let trace = std::fs::read_to_string(workspace.join("trace.har")).unwrap();
    let coded = STANDARD.encode(format!("s:{KEY}"));
    for text in [exchanges, trace] {
        assert!(text.contains("https://api.test/x"), "{text}");
        assert!(!text.contains(KEY) && !text.contains(&coded), "{text}");
    }
}

#[test]
fn own_pages_ask_for_the_key_but_for_the_health_and_the_certificate() {
    let workspace = workspace();
    let mut proxy = Harmock::replay(&workspace, &["--origin", API, "--api-key", KEY]);
    let line = proxy.told("(token ");
    let token = line.rsplit("(token ").next().unwrap().trim_end_matches(')').to_owned();
    for path in ["/__harmock/health", "/__harmock/ca.pem"] {
        assert_eq!(ask(&proxy, &format!("GET {path}"), "").status, 200, "{path}");
    }
    for path in ["/__harmock/", "/__harmock/misses", "/__harmock/entries"] {
        let refused = ask(&proxy, &format!("GET {path}"), "");
        assert_eq!(refused.status, 401, "{path}");
        assert!(refused.all("www-authenticate")[0].starts_with("Basic "));
        let typed = format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("me:{KEY}")));
        for fields in [format!("x-api-key: {KEY}\r\n"), typed, format!("Authorization: Bearer {token}\r\n")] {
            assert_eq!(ask(&proxy, &format!("GET {path}"), &fields).status, 200, "{path} {fields}");
        }
    }
    // What changes something needs the token all the same.
    assert_eq!(ask(&proxy, "POST /__harmock/reload", &format!("x-api-key: {KEY}\r\n")).status, 401);
    proxy.interrupt().expect(0);
}

#[test]
fn a_key_makes_leave_to_listen_for_others_unnecessary() {
    let workspace = workspace();
    Harmock::run(&workspace, "replay", &["--listen", "0.0.0.0:0"]).expect(2).says("ask for a key with --api-key");
    Harmock::run(&workspace, "replay", &["--origin", "0.0.0.0:0=https://api.test"]).expect(2).says("--public");
    let proxy = Harmock::replay(&workspace, &["--listen", "0.0.0.0:0", "--api-key", KEY]);
    let ended = proxy.interrupt().expect(0);
    assert!(!ended.stderr.contains("open to everyone"), "{}", ended.stderr);
}

#[test]
fn a_command_has_the_key_in_its_proxy_variables() {
    needs!(Curl);
    let workspace = workspace();
    let ended = Harmock::run(&workspace, "replay", &["--api-key", KEY, "--", "curl", "-sS", "https://api.test/x"]);
    let ended = ended.expect(0);
    assert!(ended.stdout.ends_with('x') && !ended.stderr.contains(KEY), "{} {}", ended.stdout, ended.stderr);
}

#[test]
fn a_key_is_shown_nowhere_not_even_a_wrong_one() {
    let workspace = workspace();
    let output = workspace.harmock().args(["config", "show", "--api-key", KEY]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("api-key = \"****\"  # flag\n") && !text.contains(KEY), "{text}");
    let wrong = workspace.harmock().args(["replay", "--api-key", "short-one"]).output().unwrap();
    let said = String::from_utf8(wrong.stderr).unwrap();
    assert!(said.contains("at least 16") && !said.contains("short-one"), "{said}");
    let wrong = workspace.harmock().arg("replay").env("HARMOCK_API_KEY", "short-one").output().unwrap();
    let said = String::from_utf8(wrong.stderr).unwrap();
    assert!(said.contains("HARMOCK_API_KEY=****: ") && !said.contains("short-one"), "{said}");
}
