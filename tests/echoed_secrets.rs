//! Secrets that stand again outside their places: in pages, URLs, fields and under names that no list has.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::json;

use crate::support::{ChangingOrigin, Harmock, Wire, Workspace, entry};

const FIRST: &str = "k3y+/Ab12cd34EF56gh78==";
const SECOND: &str = "Zz98/yX76+wV54uT32sR10==";
const LIVE: &str = "never/Seen+0n3-b3f0re==";

/// In a URL, as browsers and as others spell it.
fn in_url(token: &str) -> String {
    token.replace('+', "%2B").replace('/', "%2f").replace('=', "%3D")
}

/// Tells the origin what to answer where this token is the one that it gives out.
fn answer_with(origin: &ChangingOrigin, token: &str) {
    let json = "Content-Type: application/json";
    let answers = [
        ("/a-page", "Content-Type: text/html", format!("<a href=\"/x?to={}\">{token}</a>", in_url(token))),
        (
            "/b-data",
            json,
            format!("{{\"said\":\"Bearer {}\",\"n\":1}}", token.replace('/', r"\/").replace('+', r"\u002b")),
        ),
        ("/b-data/nested", json, json!({ "state": json!({ "said": token }).to_string() }).to_string()),
        ("/c-field", json, "{}".to_owned()),
        ("/login", json, json!({ "access_token": token, "user": "ada" }).to_string()),
    ];
    for (path, kind, body) in answers {
        origin.answers(path, &[kind, &format!("X-Anything: v={token}; q")], &body);
    }
    for path in [format!("/x?to={}&n=1", in_url(token)), format!("/reset/{}/now", in_url(token))] {
        origin.answers(&path, &[json], r#"{"ok":true}"#);
    }
    ["/note", "/text", "/form"].iter().for_each(|path| origin.answers(path, &[json], r#"{"kept":true}"#));
}

/// What a client asks that has been given this token, one after the other in this order; gives the statuses.
fn ask(proxy: &Harmock, origin: &ChangingOrigin, token: &str, backwards: bool) -> Vec<u16> {
    let get = |path: &str| format!("GET {} HTTP/1.1\r\nHost: o\r\nX-Mine: has {token}\r\n\r\n", origin.url(path));
    let post = |path: &str, kind: &str, body: &str| {
        let head = format!("POST {} HTTP/1.1\r\nHost: o\r\nContent-Type: {kind}\r\n", origin.url(path));
        format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())
    };
    let form = format!("memo=is+{}&n=1", in_url(token));
    let mut requests = vec![
        get("/a-page"),
        get("/b-data"),
        get("/b-data/nested"),
        get("/c-field"),
        get("/login"),
        get(&format!("/x?to={}&n=1", in_url(token))),
        get(&format!("/reset/{}/now", in_url(token))),
        post("/note", "application/json", &format!("{{\"memo\": \"is {}\", \"n\": 1}}", token.replace('/', r"\/"))),
        post("/text", "text/plain", &format!("remember {token}, please")),
        post("/form", "application/x-www-form-urlencoded", &form),
    ];
    if backwards {
        requests.reverse();
    }
    let mut wire = Wire::connect(proxy.address());
    let status = |request: String| {
        wire.send(request);
        wire.answer().status
    };
    requests.into_iter().map(status).collect()
}

/// Every visible file of a folder and its text.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let items = fs::read_dir(folder).unwrap().map(|item| item.unwrap().path()).filter(|path| path.is_file());
    let named = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    items.map(|path| (named(&path), String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned())).collect()
}

/// Fails where a piece of a token is left that no escape could have changed.
#[track_caller]
fn assert_without(token: &str, files: &BTreeMap<String, String>) {
    let piece = token.split(['+', '/', '=']).max_by_key(|piece| piece.len()).unwrap();
    let found: Vec<_> = files.iter().filter(|(_, text)| text.contains(piece)).collect();
    assert!(found.is_empty(), "{piece} is left in {found:#?}");
}

fn harmock(workspace: &Workspace, arguments: &[&str]) -> (Option<i32>, String) {
    let output = workspace.harmock().args(arguments).stdin(Stdio::null()).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn a_secret_is_replaced_wherever_it_stands_again_and_replay_takes_any_value_there() {
    let (workspace, origin) = (Workspace::new(), ChangingOrigin::start());
    let record = |token: &str, backwards: bool| {
        answer_with(&origin, token);
        let proxy = Harmock::record::<&str>(&workspace, &[]);
        assert_eq!(ask(&proxy, &origin, token, backwards), [200; 10]);
        let told = proxy.interrupt().expect(0).stderr;
        assert!(!told.contains("also stands"), "{told}");
        files(&workspace.join("hars"))
    };
    let recorded = record(FIRST, false);
    assert_without(FIRST, &recorded);
    assert_eq!(record(SECOND, true), recorded, "fresh secrets in another order change no byte");

    let all = recorded.values().cloned().collect::<String>();
    for text in [
        r#"<a href="/x?to=redacted-access_token-1">redacted-access_token-1</a>"#,
        r#"{"said":"Bearer redacted-access_token-1","n":1}"#,
        r#"{"state":"{\"said\":\"redacted-access_token-1\"}"}"#,
        r#"{"memo": "is redacted-access_token-1", "n": 1}"#,
        "remember redacted-access_token-1, please",
        "memo=is+redacted-access_token-1&n=1",
        "/reset/redacted-access_token-1/now",
        "v=redacted-access_token-1; q",
    ] {
        assert!(all.contains(text), "{text} is not in {all}");
    }
    for entry in workspace.entries("hars/recording.har") {
        let headers = entry["response"]["headers"].as_array().unwrap();
        let length = headers.iter().find(|header| header["name"] == "content-length").unwrap();
        assert_eq!(length["value"], entry["response"]["content"]["size"].to_string(), "{entry}");
    }
    assert_eq!(harmock(&workspace, &["har", "check", "hars"]).0, Some(0));
    assert_eq!(harmock(&workspace, &["har", "check", "--secrets", "hars"]).0, Some(0));

    let proxy = Harmock::replay(&workspace, &["hars"]);
    assert_eq!(ask(&proxy, &origin, LIVE, false), [200; 10]);
    let mut wire = Wire::connect(proxy.address());
    for (path, body) in
        [("/note", r#"{"memo": "is x", "n": 2}"#), ("/text", "remember x, now"), ("/form", "memo=x&n=1")]
    {
        let head = format!("POST {} HTTP/1.1\r\nHost: o\r\nContent-Length: {}", origin.url(path), body.len());
        wire.send(format!("{head}\r\n\r\n{body}"));
        assert_eq!(wire.answer().status, 502, "{path} {body}");
    }
    for path in ["/x?to=a&n=2", "/reset/a/later", "/reset/a/b/now"] {
        assert_eq!(wire.get(&origin.url(path)).status, 502, "{path}");
    }
    proxy.interrupt().expect(3);
}

#[test]
fn an_archive_of_another_program_is_rid_of_them_and_the_check_finds_them_before() {
    let workspace = Workspace::new();
    let mut page = entry("GET", &format!("https://a.test/reset/{}", in_url(FIRST)), 200, &format!("<p>{FIRST}</p>"));
    page["response"]["content"]["mimeType"] = json!("text/html");
    page["response"]["headers"] = json!([{ "name": "X-Anything", "value": FIRST }]);
    let mut login = entry("GET", "https://a.test/token", 200, &json!({ "access_token": FIRST }).to_string());
    login["response"]["content"]["mimeType"] = json!("application/json");
    workspace.write_har("foreign.har", &[page, login]);
    let (code, found) = harmock(&workspace, &["har", "check", "--secrets", "hars"]);
    assert_eq!(code, Some(1));
    for place in
        ["entry 0: url:path: ", "entry 0: header:x-anything: ", "entry 0: text: ", "entry 1: json:$.access_token: "]
    {
        assert!(found.contains(place), "{place} is not in {found}");
    }
    assert_eq!(harmock(&workspace, &["har", "redact", "hars/foreign.har"]).0, Some(0));
    let once = files(&workspace.join("hars"));
    assert_without(FIRST, &once);
    assert_eq!(once["foreign.har"].matches("redacted-access_token-1").count(), 4, "{once:#?}");
    assert_eq!(harmock(&workspace, &["har", "redact", "hars/foreign.har"]).0, Some(0));
    assert_eq!(files(&workspace.join("hars")), once);
    assert_eq!(harmock(&workspace, &["har", "check", "--secrets", "hars"]).0, Some(0));
}
