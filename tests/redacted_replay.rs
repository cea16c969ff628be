//! Replay of entries whose secrets were taken out: any value stands for a redacted one, and everything else is compared.

use serde_json::{Value, json};

use crate::support::{Answer, Harmock, Wire, Workspace, entry, post_entry};

const API: &str = "http://api.example.test";

/// The entry as a recording that redacts leaves it.
fn redacted(mut entry: Value, headers: &[(&str, &str)], places: &[&str]) -> Value {
    let headers: Vec<_> = headers.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    entry["request"]["headers"] = json!(headers);
    entry["_harmock"] = json!({ "hash": "0", "redacted": places });
    entry
}

fn ask(wire: &mut Wire, method: &str, path: &str, lines: &[&str], payload: &str) -> Answer {
    let mut head = format!("{method} {API}{path} HTTP/1.1\r\nHost: api.example.test\r\n");
    lines.iter().for_each(|line| head.push_str(&format!("{line}\r\n")));
    if !payload.is_empty() {
        head.push_str(&format!("Content-Length: {}\r\n", payload.len()));
    }
    wire.send(format!("{head}\r\n{payload}"));
    wire.answer()
}

/// Starts a replay of these entries.
fn replay(entries: &[Value]) -> (Workspace, Harmock) {
    let workspace = Workspace::new();
    workspace.write_har("api.har", entries);
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    (workspace, proxy)
}

#[test]
fn a_redacted_query_value_matches_any_and_the_others_do_not() {
    let entries =
        [redacted(entry("GET", &format!("{API}/x?token=redacted-token-1&q=1"), 200, "one"), &[], &["query:token"])];
    let (_workspace, proxy) = replay(&entries);
    let mut wire = Wire::connect(proxy.address());
    for path in ["/x?token=abc&q=1", "/x?token=redacted-token-1&q=1", "/x?token=&q=1"] {
        assert_eq!(ask(&mut wire, "GET", path, &[], "").text(), "one", "{path}");
    }
    for path in ["/x?token=abc&q=2", "/x?q=1", "/x?q=1&token=abc"] {
        assert_eq!(ask(&mut wire, "GET", path, &[], "").status, 502, "{path}");
    }
    proxy.interrupt().expect(3);
}

#[test]
fn a_redacted_value_of_a_payload_matches_any_and_every_other_byte_counts() {
    let json = r#"{"user":"ada","password":"redacted-password-1","pin":"redacted-pin-1"}"#;
    let entries = [
        redacted(post_entry(&format!("{API}/json"), json, "json"), &[], &["json:password", "json:pin"]),
        redacted(
            post_entry(&format!("{API}/form"), "user=ada&password=redacted-password-1", "form"),
            &[],
            &["form:password"],
        ),
    ];
    let (_workspace, proxy) = replay(&entries);
    let mut wire = Wire::connect(proxy.address());
    let mut post = |path: &str, kind: &str, payload: &str| {
        ask(&mut wire, "POST", path, &[&format!("Content-Type: {kind}")], payload)
    };
    let good = post("/json", "application/json", r#"{"user":"ada","password":"s\"ecret","pin":1234}"#);
    assert_eq!(good.text(), "json");
    for wrong in [
        r#"{"user":"bob","password":"secret","pin":1234}"#,
        r#"{"user": "ada","password":"secret","pin":1234}"#,
        r#"{"user":"ada","password":"secret"}"#,
    ] {
        assert_eq!(post("/json", "application/json", wrong).status, 502, "{wrong}");
    }
    let form = "application/x-www-form-urlencoded";
    assert_eq!(post("/form", form, "user=ada&password=hunter2").text(), "form");
    assert_eq!(post("/form", form, "user=bob&password=hunter2").status, 502);
    proxy.interrupt().expect(3);
}

#[test]
fn a_redacted_value_of_any_other_text_matches_any_and_every_other_byte_counts() {
    let payloads = [
        ("/lines", "{\"password\":\"@\"}\n{\"n\":1,\"password\":\"@\"}\n"),
        ("/graphql", "mutation { login(user: \"ada\", password: \"@\") { id } }"),
        ("/comments", "// who it is\n{\"user\":\"ada\",\"password\":\"@\"}"),
        ("/keys", "{\"seen\":{\"@\":1},\"password\":\"@\"}"),
    ];
    let entries = payloads.map(|(path, payload)| {
        let payload = payload.replace('@', "redacted-password-1");
        redacted(post_entry(&format!("{API}{path}"), &payload, path), &[], &["json:password"])
    });
    let (_workspace, proxy) = replay(&entries);
    let mut wire = Wire::connect(proxy.address());
    let lines = ["Content-Type: text/plain"];
    for (path, payload) in payloads {
        assert_eq!(ask(&mut wire, "POST", path, &lines, &payload.replace('@', "live-1")).text(), path);
        let other = payload.replace('@', "live-1").replace("ada", "bob").replace(":1", ":2");
        assert_eq!(ask(&mut wire, "POST", path, &lines, &other).status, 502, "{other}");
    }
    proxy.interrupt().expect(3);
}

#[test]
fn a_redacted_part_of_a_multipart_payload_matches_any() {
    let body = |boundary: &str, user: &str, secret: &str| {
        let part = |name: &str, value: &str| {
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        part("user", user) + &part("password", secret) + &format!("--{boundary}--\r\n")
    };
    let upload = post_entry(&format!("{API}/upload"), &body("one", "ada", "redacted-password-1"), "uploaded");
    let (_workspace, proxy) =
        replay(&[redacted(upload, &[("content-type", "multipart/form-data; boundary=one")], &["form:password"])]);
    let mut wire = Wire::connect(proxy.address());
    let lines = &["Content-Type: multipart/form-data; boundary=two"];
    assert_eq!(ask(&mut wire, "POST", "/upload", lines, &body("two", "ada", "live")).text(), "uploaded");
    assert_eq!(ask(&mut wire, "POST", "/upload", lines, &body("two", "bob", "live")).status, 502);
    proxy.interrupt().expect(3);
}

#[test]
fn cookies_and_tokens_that_replay_handed_out_are_accepted_when_they_come_back() {
    let mut login = redacted(
        post_entry(&format!("{API}/login"), r#"{"password":"redacted-password-1"}"#, r#"{"token":"redacted-token-1"}"#),
        &[],
        &["json:password", "header:set-cookie", "json:token"],
    );
    login["response"]["headers"] = json!([{ "name": "set-cookie", "value": "sid=redacted-sid-1; Path=/" }]);
    let me = |n: u32, body: &str| {
        let fields =
            [("authorization", format!("Bearer redacted-token-{n}")), ("cookie", format!("sid=redacted-sid-{n}"))];
        let fields = [(fields[0].0, &*fields[0].1), (fields[1].0, &*fields[1].1)];
        redacted(entry("GET", &format!("{API}/me"), 200, body), &fields, &["header:authorization", "header:cookie"])
    };
    let (_workspace, proxy) = replay(&[login, me(2, "other"), me(1, "mine")]);
    let mut wire = Wire::connect(proxy.address());
    let answer = ask(&mut wire, "POST", "/login", &[], r#"{"password":"live"}"#);
    assert_eq!(answer.all("set-cookie"), ["sid=redacted-sid-1; Path=/"]);
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    let lines = [format!("Authorization: Bearer {token}"), "Cookie: sid=redacted-sid-1".to_owned()];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(ask(&mut wire, "GET", "/me", &lines, "").text(), "mine");
    proxy.interrupt().expect(0);
}

#[test]
fn where_redacted_places_alone_differ_the_first_use_of_a_value_decides_and_then_the_order() {
    let me = |n: u32, path: &str, body: &str| {
        let token = format!("Bearer redacted-authorization-{n}");
        redacted(
            entry("GET", &format!("{API}{path}"), 200, body),
            &[("authorization", &token)],
            &["header:authorization"],
        )
    };
    let entries = [me(1, "/me", "ada"), me(2, "/me", "bob"), me(2, "/orders", "of bob"), me(1, "/orders", "of ada")];
    let (_workspace, proxy) = replay(&entries);
    let mut wire = Wire::connect(proxy.address());
    let mut get =
        |path: &str, token: &str| ask(&mut wire, "GET", path, &[&format!("Authorization: Bearer {token}")], "").text();
    assert_eq!(get("/me", "first"), "ada");
    assert_eq!(get("/me", "second"), "bob");
    assert_eq!(get("/me", "first"), "ada");
    assert_eq!(get("/orders", "first"), "of ada");
    assert_eq!(get("/orders", "second"), "of bob");
    assert_eq!(get("/me", "third"), "ada");
    proxy.interrupt().expect(0);
}

#[test]
fn a_text_like_a_redacted_one_is_itself_where_nothing_was_redacted() {
    let (_workspace, proxy) = replay(&[entry("GET", &format!("{API}/x?token=redacted-token-1"), 200, "one")]);
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(ask(&mut wire, "GET", "/x?token=redacted-token-1", &[], "").text(), "one");
    assert_eq!(ask(&mut wire, "GET", "/x?token=abc", &[], "").status, 502);
    proxy.interrupt().expect(3);
}
