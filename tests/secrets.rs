//! Secrets: what a recording keeps of them, archives that are redacted afterwards, and what is found in them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::support::{Harmock, Origin, RawOrigin, Wire, Workspace, curl, needs, record_with, replay_with};

const PASSWORD: &str = "correct-horse-battery";
const API_KEY: &str = "key-4711-0815";

/// Signs in and uses what it got; gives all that was secret.
fn sign_in(proxy: &Harmock, origin: &Origin) -> Vec<String> {
    let credentials = json!({ "user": "ada", "password": PASSWORD }).to_string();
    let json = ["-H", "content-type: application/json", "--data-binary", &credentials, &origin.url("/token")];
    let answer = curl(proxy, &json);
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let refresh = answer.json()["refresh_token"].as_str().unwrap().to_owned();
    let sid = answer.all("set-cookie")[0].split(['=', ';']).nth(1).unwrap().to_owned();
    let bearer = format!("authorization: Bearer {token}");
    let cookie = format!("cookie: sid={sid}");
    curl(proxy, &["-H", &bearer, "-H", &cookie, &origin.url(&format!("/json?page=2&api_key={API_KEY}"))]);
    let form = format!("grant_type=refresh_token&refresh_token={refresh}&scope=all");
    curl(proxy, &["-d", &form, &origin.url("/length")]);
    vec![PASSWORD.to_owned(), API_KEY.to_owned(), token, refresh, sid]
}

/// Every file below a folder with its content.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for item in fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

#[track_caller]
fn assert_none_of(secrets: &[String], folder: &Path) {
    for (path, content) in files(folder) {
        for secret in secrets {
            let there = content.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!there, "{secret:?} is in {}", path.display());
        }
    }
}

fn entry<'a>(entries: &'a [Value], path: &str) -> &'a Value {
    let found = entries.iter().find(|entry| entry["request"]["url"].as_str().unwrap().contains(path));
    found.unwrap_or_else(|| panic!("no {path}"))
}

fn header<'a>(message: &'a Value, name: &str) -> &'a str {
    let headers = message["headers"].as_array().unwrap();
    let found = headers.iter().find(|header| header["name"].as_str().unwrap().eq_ignore_ascii_case(name));
    found.unwrap_or_else(|| panic!("no {name}"))["value"].as_str().unwrap()
}

#[test]
fn nothing_of_a_login_is_left_in_the_recording() {
    needs!(Curl);
    let (workspace, origin) = (Workspace::new(), Origin::https());
    let (secrets, ended) =
        record_with(&workspace, &["--content", "embed", "--mode", "full"], |proxy| sign_in(proxy, &origin));
    assert_none_of(&secrets, &workspace.join("hars"));
    assert!(secrets.iter().all(|secret| !ended.stderr.contains(secret)), "{}", ended.stderr);

    let entries = workspace.entries("hars/recording.har");
    let (login, data, form) = (entry(&entries, "/token"), entry(&entries, "/json"), entry(&entries, "/length"));
    assert_eq!(login["request"]["postData"]["text"], r#"{"password":"redacted-password-1","user":"ada"}"#);
    let length = login["request"]["postData"]["text"].as_str().unwrap().len().to_string();
    assert_eq!(header(&login["request"], "content-length"), length);
    assert_eq!(header(&login["response"], "set-cookie"), "sid=redacted-sid-1; Path=/; HttpOnly");
    let answer: Value = serde_json::from_str(login["response"]["content"]["text"].as_str().unwrap()).unwrap();
    assert_eq!((&answer["refresh_token"], &answer["user"]), (&json!("redacted-refresh_token-1"), &json!("ada")));
    assert_eq!(
        login["_harmock"]["redacted"],
        json!(["json:$.password", "set-cookie:sid", "json:$.access_token", "json:$.refresh_token"])
    );

    let url = data["request"]["url"].as_str().unwrap();
    assert!(url.ends_with("/json?page=2&api_key=redacted-api_key-1"), "{url}");
    assert_eq!(data["request"]["queryString"][1]["value"], "redacted-api_key-1");
    assert_eq!(header(&data["request"], "cookie"), "sid=redacted-sid-1");
    assert_eq!(data["request"]["cookies"][0]["value"], "redacted-sid-1");
    let bearer = header(&data["request"], "authorization").strip_prefix("Bearer ").unwrap();
    assert_eq!(answer["access_token"], bearer, "one secret has one text, wherever it is");

    assert_eq!(
        form["request"]["postData"]["text"],
        "grant_type=refresh_token&refresh_token=redacted-refresh_token-1&scope=all"
    );
    assert_eq!(form["request"]["postData"]["params"][1]["value"], "redacted-refresh_token-1");
    let check = harmock(&workspace, &["har", "check", "--secrets"]);
    assert_eq!(check.status.code(), Some(0), "{check:?}");
    assert_eq!(harmock(&workspace, &["har", "check"]).status.code(), Some(0));
}

#[test]
fn a_json_web_token_can_still_be_decoded_and_tells_its_times_alone() {
    needs!(Curl);
    let (workspace, origin) = (Workspace::new(), Origin::https());
    record_with(&workspace, &["--content", "embed"], |proxy| sign_in(proxy, &origin));
    let entries = workspace.entries("hars/recording.har");
    let text = entry(&entries, "/token")["response"]["content"]["text"].as_str().unwrap();
    let answer: Value = serde_json::from_str(text).unwrap();
    let parts: Vec<_> = answer["access_token"].as_str().unwrap().split('.').collect();
    let decoded = |part: &str| -> Value { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap() };
    assert_eq!((parts.len(), decoded(parts[0])), (3, json!({ "alg": "HS256", "typ": "JWT" })));
    let claims = decoded(parts[1]);
    let names: Vec<_> = claims.as_object().unwrap().keys().collect();
    assert_eq!(names, ["exp", "iat", "redacted"]);
    assert!(claims["exp"].as_u64().unwrap() > 1_900_000_000);
}

#[test]
fn recording_anew_with_fresh_secrets_changes_no_byte() {
    needs!(Curl);
    let (workspace, origin) = (Workspace::new(), Origin::https());
    let (first, _) = record_with(&workspace, &[], |proxy| sign_in(proxy, &origin));
    let archive = || {
        let mut files = files(&workspace.join("hars"));
        files.retain(|path, _| !path.components().any(|part| part.as_os_str() == ".harmock"));
        files
    };
    let before = archive();
    let (second, _) = record_with(&workspace, &[], |proxy| sign_in(proxy, &origin));
    assert_ne!(first, second, "the origin gives out other secrets each time");
    assert!(archive() == before, "some byte is another one");
    assert_none_of(&[first, second].concat(), &workspace.join("hars"));
}

#[test]
fn an_entry_that_changed_keeps_the_numbers_of_its_secrets() {
    needs!(Curl);
    let (workspace, origin) = (Workspace::new(), Origin::http());
    let record = |path: &str, token: &str| {
        let ask = |token: &str, path: &str| vec!["-H".to_owned(), format!("x-auth-token: {token}"), origin.url(path)];
        record_with(&workspace, &[], |proxy| {
            for arguments in [ask("first-secret-of-all", path), ask(token, "/json"), ask(token, "/tagged")] {
                curl(proxy, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
            }
        });
        let entries = workspace.entries("hars/recording.har");
        let tokens = |path: &str| header(&entry(&entries, path)["request"], "x-auth-token").to_owned();
        (tokens("/json"), tokens("/tagged"))
    };
    let before = record("/cookies", "second-secret-of-all");
    assert_eq!(before, ("redacted-x-auth-token-2".to_owned(), "redacted-x-auth-token-2".to_owned()));
    // Without the entry in front, its number would be another one.
    assert_eq!(record("/trailers", "a-fresh-secret-of-all"), before);
}

#[test]
fn the_same_traffic_in_another_order_gets_the_same_numbers() {
    needs!(Curl);
    let origin = Origin::http();
    let tokens =
        [("/json", "secret-of-json-0123"), ("/tagged", "secret-of-tagged-012"), ("/cookies", "secret-of-cookies-01")];
    let recorded = |order: [usize; 3]| {
        let workspace = Workspace::new();
        record_with(&workspace, &[], |proxy| {
            for (path, token) in order.map(|at| tokens[at]) {
                curl(proxy, &["-H", &format!("x-api-key: {token}"), &origin.url(path)]);
            }
        });
        fs::read_to_string(workspace.join("hars/recording.har")).unwrap()
    };
    assert_eq!(recorded([0, 1, 2]), recorded([2, 0, 1]));
}

#[test]
fn places_are_added_by_flag_variable_and_file_and_switched_off_by_flag_alone() {
    needs!(Curl);
    let (workspace, origin) = (Workspace::new(), Origin::http());
    let recorded = |arguments: &[&str]| {
        record_with(&workspace, &[&["--content", "embed"], arguments].concat(), |proxy| {
            let body = r#"{"user":{"iban":"DE02 1203","name":"ada"}}"#;
            curl(proxy, &["-H", "x-mine: mine-value", "--data-binary", body, &origin.url("/length?lang=xy-value")]);
        });
        fs::read_to_string(workspace.join("hars/recording.har")).unwrap()
    };
    let plain = recorded(&[]);
    assert!(["DE02 1203", "mine-value", "xy-value"].iter().all(|value| plain.contains(value)), "{plain}");
    let more = ["--redact", "json:$.user.iban", "--redact", "header:X-Mine", "--redact", "query:lang"];
    let redacted = recorded(&more);
    for (value, instead) in
        [("DE02 1203", "redacted-iban-1"), ("mine-value", "redacted-x-mine-1"), ("xy-value", "redacted-lang-1")]
    {
        assert!(!redacted.contains(value) && redacted.contains(instead), "{redacted}");
    }
    assert_eq!(recorded(&[&more[..], &["--no-redact"]].concat()), plain);

    fs::create_dir(workspace.join(".git")).unwrap();
    workspace.write("harmock.toml", "redact = [\"json:$.user.iban\"]");
    assert!(recorded(&[]).contains("redacted-iban-1"));
    workspace.write("harmock.toml", "no-redact = true");
    let refused = harmock(&workspace, &["config", "check"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned() + &String::from_utf8_lossy(&refused.stdout);
    assert!(refused.status.code() == Some(1) && said.contains("write secrets into recordings"), "{said}");
}

#[test]
fn what_is_added_to_the_list_is_told_by_no_log_and_no_explanation() {
    let (workspace, origin) = (Workspace::new(), Origin::http());
    let added = ["--redact", "query:voucher", "--redact", "json:$.user.iban"];
    let proxy = Harmock::record(&workspace, &added);
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(wire.get(&origin.url("/json?voucher=winter-77")).status, 200);
    let logged = proxy.interrupt().expect(0).stderr;
    assert!(logged.contains("/json?voucher=") && !logged.contains("winter-77"), "{logged}");
    let mut post = crate::support::post_entry("http://a.test/", r#"{"user":{"iban":"DE02 1203"}}"#, "");
    post["request"]["postData"]["mimeType"] = json!("application/json");
    workspace.write_har("other.har", &[post]);
    let proxy = Harmock::replay(&workspace, &[&["hars"], &added[..]].concat());
    let mut wire = Wire::connect(proxy.address());
    let miss = wire.get(&origin.url("/json?voucher=spring-88&more=1"));
    wire.send("POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/json\r\n");
    wire.send("Content-Length: 29\r\n\r\n{\"user\":{\"iban\":\"FR76 3000\"}}");
    let told = miss.text() + &wire.answer().text() + &proxy.interrupt().expect(3).stderr;
    for secret in ["spring-88", "DE02 1203", "FR76 3000"] {
        assert!(!told.contains(secret), "{told}");
    }
}

#[test]
fn a_place_that_is_none_is_said_in_one_line() {
    let workspace = Workspace::new();
    let refused = harmock(&workspace, &["record", "--redact", "json:user.token"]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2));
    assert!(said.contains("a JSON path begins with $, as in $.user.token"), "{said}");
}

#[test]
fn entries_that_playwright_cannot_find_are_named() {
    needs!(Curl);
    let (workspace, origin) = (Workspace::new(), Origin::http());
    let (_, ended) = record_with(&workspace, &[], |proxy| {
        curl(proxy, &["-H", "authorization: Bearer hgfedcba", &origin.url("/json")]);
        curl(proxy, &["-d", "password=hunter2hunter2", &origin.url("/length")]);
        curl(proxy, &[&origin.url("/tagged?access_token=abcdefgh")]);
    });
    let named: Vec<_> = ended.stderr.lines().filter(|line| line.contains("Playwright")).collect();
    assert!(
        named.len() == 2 && named[0].contains("POST") && named[1].ends_with("access_token=redacted-access_token-1"),
        "{named:?}"
    );
}

#[test]
fn bodies_that_cannot_be_searched_are_named_in_the_summary() {
    let (workspace, origin) = (Workspace::new(), Origin::http());
    let proxy = Harmock::record::<&str>(&workspace, &[]);
    let mut wire = Wire::connect(proxy.address());
    let post = |wire: &mut Wire, path: &str, coding: &str, body: &[u8]| {
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n{coding}Content-Length: {}\r\n\r\n",
            origin.url(path),
            origin.authority(),
            body.len()
        );
        wire.send(head);
        wire.send(body);
        assert_eq!(wire.answer().status, 200);
    };
    let large = format!("{{\"password\":\"{}\"}}", "x".repeat(16 << 20));
    post(&mut wire, "/length?large", "", large.as_bytes());
    post(&mut wire, "/length?wide", "", b"\xff\xfe{\0\"\0");
    post(&mut wire, "/length?coded", "Content-Encoding: gzip\r\n", b"\x1f\x8b\x08 no gzip at all");
    let broken = RawOrigin::once(|mut wire| {
        wire.head();
        let head = "Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 11";
        wire.send(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\nno gzip too"));
    });
    assert_eq!(Wire::connect(proxy.address()).get(&broken.url("/")).status, 200);
    let ended = proxy.interrupt().expect(0);
    let named = |what: &str, why: &str| {
        let line = format!("not searched for secrets: {what} ({why})");
        assert!(ended.stderr.contains(&line), "{line:?} is not in\n{}", ended.stderr);
    };
    named(&format!("request of POST {}", origin.url("/length?large")), "larger than 16 MiB");
    named(&format!("request of POST {}", origin.url("/length?wide")), "in UTF-16");
    named(&format!("request of POST {}", origin.url("/length?coded")), "compressed by the client");
    named(&format!("response of GET {}", broken.url("/")), "in a coding that cannot be undone");
}

#[test]
fn a_page_that_prints_a_secret_and_json_that_has_it_under_a_name_of_its_own_are_named_in_the_summary() {
    let workspace = Workspace::new();
    let proxy = Harmock::record::<&str>(&workspace, &[]);
    let serve = |media_type: &'static str, body: &'static str| {
        let origin = RawOrigin::once(move |mut wire| {
            wire.head();
            let head = format!("Content-Type: {media_type}\r\nContent-Length: {}", body.len());
            wire.send(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}"));
        });
        assert_eq!(Wire::connect(proxy.address()).get(&origin.url("/")).text(), body);
        origin.url("/")
    };
    serve("application/json", r#"{"access_token":"tok-0123456789"}"#);
    let page = serve("text/html", "<p>Your token is tok-0123456789.</p>");
    let json = serve("application/json", r#"{"said":"Bearer tok-0123456789"}"#);
    serve("text/html", "<p>Nothing to see.</p>");
    let ended = proxy.interrupt().expect(0);
    let told = ended.stderr.lines().filter(|line| line.contains("also stands in the text of"));
    let told: BTreeSet<_> = told.map(|line| line.rsplit(' ').next().unwrap()).collect();
    assert_eq!(told, BTreeSet::from([&*page, &*json]), "{}", ended.stderr);
}

#[test]
fn a_redacted_recording_is_replayed() {
    needs!(Curl);
    let (workspace, origin) = (Workspace::new(), Origin::https());
    let ask = |proxy: &Harmock| curl(proxy, &["-H", "authorization: Bearer abcdefgh", &origin.url("/cookies")]);
    record_with(&workspace, &[], ask);
    let (answer, _) = replay_with(&workspace, &[], ask);
    assert_eq!(answer.all("set-cookie"), ["b=redacted-b-1; Path=/", "a=redacted-a-1; Path=/", "c=redacted-c-1"]);
}

#[test]
fn readers_of_har_files_have_no_complaint_about_redacted_ones() {
    needs!(Curl, Node);
    let (workspace, origin) = (Workspace::new(), Origin::https());
    for (name, mode) in [("a.har", "minimal"), ("b.har", "full")] {
        record_with(&workspace, &["--har", &format!("hars/{name}"), "--mode", mode], |proxy| sign_in(proxy, &origin));
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/consumers/validate.mjs");
    let hars = ["hars/a.har", "hars/b.har"].map(|har| workspace.join(har));
    let output = Command::new("node").arg(script).args(&hars).stdin(Stdio::null()).output().unwrap();
    let complaints: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    assert!(complaints.as_object().unwrap().values().all(|found| *found == json!([])), "{complaints}");
}

/// An archive as a browser writes it, with a secret in every place.
fn browsers_archive(workspace: &Workspace) -> Vec<String> {
    let jwt =
        format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode(r#"{"sub":"a"}"#));
    let body = r#"{"token":"secret-of-the-body","n":1}"#;
    workspace.write("hars/session.json", r#"{"client_secret":"secret-of-the-file"}"#);
    let first = json!({
        "_initiator": { "type": "script", "url": "https://a.test/app?access_token=secret-of-the-app" },
        "request": {
            "method": "POST", "url": "https://a.test/login?api_key=secret-of-the-query&x=1", "httpVersion": "h2",
            "headers": [{ "name": "Authorization", "value": format!("Bearer {jwt}") }, { "name": "Cookie", "value": "sid=secret-of-a-cookie" }],
            "queryString": [{ "name": "api_key", "value": "secret-of-the-query" }, { "name": "x", "value": "1" }],
            "cookies": [{ "name": "sid", "value": "secret-of-a-cookie" }],
            "postData": {
                "mimeType": "application/x-www-form-urlencoded", "text": "user=ada&password=secret-of-ada",
                "params": [{ "name": "user", "value": "ada" }, { "name": "password", "value": "secret-of-ada" }],
            },
        },
        "response": {
            "status": 200, "headers": [
                { "name": "Content-Length", "value": body.len().to_string() },
                { "name": "Content-MD5", "value": "digest-of-the-body" },
            ],
            "content": { "size": body.len(), "mimeType": "application/json", "encoding": "base64", "text": STANDARD.encode(body) },
            "redirectURL": "https://a.test/#id_token=secret-of-the-redirect",
        },
    });
    let second = json!({
        "request": { "method": "GET", "url": "https://a.test/file", "headers": [] },
        "response": { "status": 200, "headers": [], "content": { "mimeType": "application/json", "_file": "session.json" } },
    });
    workspace.write_har("browser.har", &[first, second]);
    let secrets = ["app", "query", "redirect", "body", "file"].map(|place| format!("secret-of-the-{place}"));
    let others = ["secret-of-a-cookie", "secret-of-ada", "digest-of-the-body", &jwt];
    [&secrets[..], &others.map(str::to_owned)].concat()
}

#[test]
fn an_archive_of_a_browser_is_redacted_in_place_and_only_once() {
    let workspace = Workspace::new();
    let secrets = browsers_archive(&workspace);
    let ended = harmock(&workspace, &["har", "redact", "hars/browser.har"]);
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert_none_of(&secrets, &workspace.join("hars"));
    let entries = workspace.entries("hars/browser.har");
    let login = &entries[0];
    assert_eq!(login["request"]["url"], "https://a.test/login?api_key=redacted-api_key-1&x=1");
    assert_eq!(login["request"]["queryString"][0]["value"], "redacted-api_key-1");
    assert_eq!(login["request"]["postData"]["text"], "user=ada&password=redacted-password-1");
    assert_eq!(login["request"]["postData"]["params"][1]["value"], "redacted-password-1");
    let body = STANDARD.decode(login["response"]["content"]["text"].as_str().unwrap()).unwrap();
    assert_eq!(String::from_utf8(body.clone()).unwrap(), r#"{"token":"redacted-token-1","n":1}"#);
    assert_eq!(login["response"]["content"]["size"], body.len());
    assert_eq!(header(&login["response"], "content-length"), body.len().to_string());
    assert!(login["_harmock"]["redacted"].as_array().unwrap().contains(&json!("query:api_key")), "{login}");
    let payload = entries[1]["response"]["content"]["_file"].as_str().unwrap();
    let content = fs::read_to_string(workspace.join("hars").join(payload)).unwrap();
    assert_eq!(content, r#"{"client_secret":"redacted-client_secret-1"}"#);
    assert!(payload.len() == 69 && !workspace.join("hars/session.json").exists(), "{payload}");

    // The lock names the process that took it.
    let visible = || {
        let mut files = files(&workspace.join("hars"));
        files.retain(|path, _| !path.ends_with(".harmock/browser.har/lock"));
        files
    };
    let once = visible();
    let again = harmock(&workspace, &["har", "redact", "hars/browser.har"]);
    let said = String::from_utf8(again.stderr).unwrap();
    assert_eq!((again.status.code(), &*said), (Some(0), "hars/browser.har: secrets replaced in 0 entries\n"));
    assert_eq!(visible(), once);
    assert_eq!(harmock(&workspace, &["har", "check", "hars/browser.har"]).status.code(), Some(0));
}

/// An embedded body, cut where `_harmock.chunks` says.
fn pieces_of(entry: &Value) -> Vec<String> {
    let mut rest = entry["response"]["content"]["text"].as_str().unwrap();
    let chunks = entry["_harmock"]["chunks"].as_array().unwrap().iter();
    let pieces = chunks.map(|chunk| {
        let (piece, more) = rest.split_at(chunk["length"].as_u64().unwrap() as usize);
        rest = more;
        piece.to_owned()
    });
    pieces.collect()
}

#[test]
fn the_cuts_of_a_redacted_stream_stay_where_its_events_end() {
    let workspace = Workspace::new();
    let events = ["data: {\"password\":\"hunter2-hunter2\"}\n\n", "data: {\"password\":\"x\"}\n\n", "data: 3\n\n"];
    let mut stream = crate::support::entry("GET", "http://a.test/events", 200, &events.concat());
    stream["response"]["content"]["mimeType"] = json!("text/event-stream");
    let chunks = events.iter().map(|event| json!({ "length": event.len(), "offset": 1.5 }));
    stream["_harmock"] = json!({ "chunks": chunks.collect::<Vec<_>>() });
    workspace.write_har("stream.har", &[stream]);
    assert_eq!(harmock(&workspace, &["har", "redact", "hars/stream.har"]).status.code(), Some(0));
    let entry = &workspace.entries("hars/stream.har")[0];
    let redacted = |number| format!("data: {{\"password\":\"redacted-password-{number}\"}}\n\n");
    assert_eq!(pieces_of(entry), [redacted(1), redacted(2), "data: 3\n\n".to_owned()]);
    assert_eq!(entry["_harmock"]["chunks"][1]["offset"], 1.5);
}

#[test]
fn a_body_that_came_in_pieces_keeps_them_when_secrets_in_it_are_replaced() {
    let workspace = Workspace::new();
    let pieces = ["{\"password\":\"hunter2-hunter2-hunter2-hunter2\",", "\"n\":1,\"pin\":12", "34,\"m\":2}"];
    let (sender, told) = std::sync::mpsc::channel();
    let origin = RawOrigin::once(move |mut wire| {
        wire.head();
        wire.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
        for piece in pieces {
            wire.send(format!("{:x}\r\n{piece}\r\n", piece.len()));
            // The next piece comes when this one has passed.
            told.recv().unwrap();
        }
        wire.send("0\r\n\r\n");
    });
    let proxy = Harmock::record(&workspace, &["--mode", "full", "--content", "embed"]);
    let mut wire = Wire::connect(proxy.address());
    wire.send(format!("GET {} HTTP/1.1\r\nHost: o\r\n\r\n", origin.url("/")));
    wire.head();
    for piece in pieces {
        assert_eq!(wire.chunk().unwrap().unwrap(), piece.as_bytes());
        sender.send(()).unwrap();
    }
    assert_eq!(wire.chunk().unwrap(), None);
    proxy.interrupt().expect(0);
    let entry = &workspace.entries("hars/recording.har")[0];
    let expected = [r#"{"password":"redacted-password-1","#, r#""n":1,"pin":"redacted-pin-1""#, r#","m":2}"#];
    assert_eq!(pieces_of(entry), expected);
}

#[test]
fn a_zip_is_redacted_and_what_harmock_recorded_keeps_a_hash_that_fits() {
    needs!(Curl);
    let (workspace, origin) = (Workspace::new(), Origin::http());
    let recorded = record_with(&workspace, &["--no-redact", "--har", "hars/a.har"], |proxy| sign_in(proxy, &origin));
    let packed = harmock(&workspace, &["har", "pack", "hars/a.har", "-o", "packed.zip"]);
    assert_eq!(packed.status.code(), Some(0));
    assert_eq!(harmock(&workspace, &["har", "redact", "packed.zip"]).status.code(), Some(0));
    let unpacked = harmock(&workspace, &["har", "unpack", "packed.zip", "-o", "unpacked"]);
    assert_eq!(unpacked.status.code(), Some(0), "{unpacked:?}");
    assert_none_of(&recorded.0, &workspace.join("unpacked"));
    for entry in workspace.entries("unpacked/packed.har") {
        let payloads: Vec<[u8; 32]> = [&entry["request"]["postData"]["_file"], &entry["response"]["content"]["_file"]]
            .iter()
            .filter_map(|name| Some(sha256(&fs::read(workspace.join("unpacked").join(name.as_str()?)).unwrap())))
            .collect();
        let hash = harmock::har::fingerprint::entry_hash(&entry_text(&workspace, &entry), &payloads);
        assert_eq!(hash.as_deref(), entry["_harmock"]["hash"].as_str(), "{entry}");
    }
}

fn sha256(content: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(content).into()
}

/// The entry as it stands in the unpacked archive: its hash counts every character.
fn entry_text(workspace: &Workspace, entry: &Value) -> String {
    let archive = harmock::archive::Archive::open(&workspace.join("unpacked/packed.har")).unwrap();
    let texts = (0..archive.entry_count()).filter_map(|ordinal| archive.entry_json(ordinal).unwrap());
    let mut same = texts.filter(|text| serde_json::from_str::<Value>(text).unwrap() == *entry);
    same.next().unwrap()
}

#[test]
fn another_file_is_written_only_when_asked_and_the_archive_then_stays() {
    let workspace = Workspace::new();
    let secrets = browsers_archive(&workspace);
    let before = files(&workspace.join("hars"));
    let redact = ["har", "redact", "hars/browser.har", "-o", "out/clean.har"];
    assert_eq!(harmock(&workspace, &redact).status.code(), Some(0));
    assert_eq!(files(&workspace.join("hars")), before);
    assert_none_of(&secrets, &workspace.join("out"));
    assert_eq!(harmock(&workspace, &redact).status.code(), Some(1), "the file is there now");
    assert_eq!(harmock(&workspace, &[&redact[..], &["--force"]].concat()).status.code(), Some(0));
}

#[test]
fn what_is_left_is_found_named_by_entry_and_place_and_never_shown() {
    let workspace = Workspace::new();
    let secrets = browsers_archive(&workspace);
    let github = format!("ghp_{}", "a1B2c3D4".repeat(5));
    workspace.write("hars/note.txt", format!("the token is {github}."));
    let note = json!({
        "request": { "method": "GET", "url": "https://a.test/note", "headers": [] },
        "response": {
            "status": 200,
            "headers": [
                { "name": "etag", "value": "\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"" },
                { "name": "x-request-id", "value": "123e4567-e89b-12d3-a456-426614174000" },
            ],
            "content": { "mimeType": "text/plain", "_file": "note.txt" },
        },
    });
    workspace.write_har("note.har", &[note]);
    let found = harmock(&workspace, &["har", "check", "--secrets", "hars"]);
    assert_eq!(found.status.code(), Some(1));
    let said = String::from_utf8(found.stdout).unwrap();
    for place in ["0: query:api_key", "0: header:authorization", "0: cookie:sid", "0: form:password", "0: json:$.token"]
    {
        assert!(said.contains(&format!("browser.har: entry {place}: ")), "{place} is not in {said}");
    }
    assert!(said.contains("browser.har: entry 1: json:$.client_secret: "), "{said}");
    assert!(said.contains("note.har: entry 0: note.txt: a GitHub token, ghp_…"), "{said}");
    assert!(!said.contains("etag") && !said.contains("request-id"), "{said}");
    assert!(secrets.iter().chain([&github]).all(|secret| !said.contains(secret)), "{said}");

    let json = harmock(&workspace, &["har", "check", "--secrets", "--json", "hars/note.har"]);
    let report: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&report["errors"], &report["findings"][0]["field"]), (&json!(1), &json!("note.txt")));
}

#[test]
fn the_archives_of_this_repository_hold_no_secrets() {
    let workspace = Workspace::new();
    let hars = Path::new(env!("CARGO_MANIFEST_DIR")).join("hars");
    let check = harmock(&workspace, &["har", "check", "--secrets", hars.to_str().unwrap()]);
    assert_eq!(check.status.code(), Some(0), "{}", String::from_utf8_lossy(&check.stdout));
}

fn harmock(workspace: &Workspace, arguments: &[&str]) -> Output {
    workspace.harmock().args(arguments).stdin(Stdio::null()).output().unwrap()
}
