//! `har import` of Postman collections.

use super::*;
use crate::support::needs;

fn collection() -> Value {
    let user = json!({ "raw": "{{base}}/users/:id?full=1", "variable": [{ "key": "id", "value": "{{user}}" }] });
    json!({
        "info": { "name": "Shop", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json" },
        "variable": [{ "key": "base", "value": "https://{{host}}/v1" }, { "key": "host", "value": "shop.test" }],
        "auth": { "type": "bearer", "bearer": [{ "key": "token", "value": "sk-0123456789abcdef" }] },
        "item": [
            { "name": "Users", "variable": [{ "key": "user", "value": 7 }], "item": [
                { "name": "get", "request": { "method": "GET", "url": user }, "response": [
                    { "name": "found", "originalRequest": { "method": "GET", "url": user }, "code": 200, "status": "OK",
                      "header": [{ "key": "Content-Type", "value": "application/json" }, { "key": "Content-Encoding", "value": "gzip" },
                                 { "key": "Transfer-Encoding", "value": "chunked" }, { "key": "ETag", "value": "\"1\"" }],
                      "body": "{\"id\":7}" },
                    { "name": "gone", "code": 404, "body": "{}", "_postman_previewlanguage": "json" },
                    { "name": "unset", "code": null, "body": "" },
                ] },
                { "name": "create", "request": { "method": "POST",
                    "url": { "protocol": "https", "host": ["shop", "test"], "port": "8443", "path": ["users"],
                             "query": [{ "key": "dry", "value": "1" }, { "key": "off", "value": "x", "disabled": true }] },
                    "auth": { "type": "noauth" },
                    "body": { "mode": "raw", "raw": "{\"id\":{{user}}}", "options": { "raw": { "language": "json" } } } },
                  "response": [{ "name": "made", "code": 201, "header": null, "body": "" }] },
            ] },
            { "name": "form", "request": { "method": "POST", "url": "{{base}}/form", "body": { "mode": "urlencoded",
                "urlencoded": [{ "key": "a", "value": "1 2" }, { "key": "b", "value": "x", "disabled": true }] } },
              "response": [{ "name": "ok", "code": 200, "body": "form" }] },
            { "name": "parts", "request": { "method": "POST", "url": "{{base}}/parts", "body": { "mode": "formdata",
                "formdata": [{ "key": "a", "value": "1", "type": "text" }] } },
              "response": [{ "name": "ok", "code": 200, "body": "parts" }] },
            { "name": "upload", "request": { "method": "POST", "url": "{{base}}/upload", "body": { "mode": "formdata",
                "formdata": [{ "key": "f", "type": "file", "src": "/home/me/x.png" }] } },
              "response": [{ "name": "ok", "code": 200, "body": "uploaded" }] },
            { "name": "graph", "request": { "method": "POST", "url": "{{base}}/graphql", "body": { "mode": "graphql",
                "graphql": { "query": "{ me }", "variables": "{\"x\":1}" } },
                "auth": { "type": "apikey", "apikey": [{ "key": "in", "value": "query" }, { "key": "key", "value": "api_key" },
                                                     { "key": "value", "value": "k1" }] } },
              "response": [{ "name": "ok", "code": 200, "body": "graph" }] },
            { "name": "elsewhere", "request": { "method": "GET", "url": "{{unknown}}/x" }, "response": [{ "name": "ok", "code": 200 }] },
            { "name": "bare", "request": "https://shop.test/bare", "response": [] },
        ],
    })
}

fn imported(workspace: &Workspace, more: &[&str]) -> Said {
    workspace.write("shop.postman_collection.json", collection().to_string());
    har(workspace, &[&["import", "shop.postman_collection.json"], more].concat())
}

#[test]
fn saved_examples_become_entries_with_their_names() {
    let workspace = Workspace::new();
    let said = imported(&workspace, &["--content", "embed"]).good();
    assert!(
        said.ends_with(
            "hars/shop.har: 7 examples imported, 4 left out; secrets replaced in 6 entries (--no-redact keeps them)\n"
        ),
        "{said}"
    );
    let entries = workspace.entries("hars/shop.har");
    let of = |url: &str, status: u16| {
        let found =
            entries.iter().find(|entry| entry["request"]["url"] == url && entry["response"]["status"] == status);
        found.unwrap_or_else(|| panic!("{url} {status} is not in {entries:#?}")).clone()
    };
    let found = of("https://shop.test/v1/users/7?full=1", 200);
    assert_eq!(found["_harmock"]["name"], "found");
    let names: Vec<_> = found["response"]["headers"].as_array().unwrap().iter().map(|field| &field["name"]).collect();
    assert_eq!(names, ["content-type", "etag"]);
    assert_eq!(found["request"]["headers"][0]["value"], "Bearer redacted-authorization-1");
    assert_eq!(of("https://shop.test/v1/users/7?full=1", 404)["response"]["content"]["mimeType"], "application/json");
    let made = of("https://shop.test:8443/users?dry=1", 201);
    assert_eq!(made["request"]["postData"]["text"], "{\"id\":7}");
    assert_eq!(made["request"]["headers"], json!([{ "name": "content-type", "value": "application/json" }]));
    assert_eq!(of("https://shop.test/v1/form", 200)["request"]["postData"]["text"], "a=1+2");
    let graph =
        entries.iter().find(|entry| entry["request"]["url"].as_str().unwrap().contains("/graphql?api_key=")).unwrap();
    assert_eq!(graph["request"]["postData"]["text"], "{\"query\":\"{ me }\",\"variables\":{\"x\":1}}");
    assert!(of("https://shop.test/v1/upload", 200)["request"].get("postData").is_none());
}

#[test]
fn what_cannot_be_imported_is_named_in_a_line_each() {
    let workspace = Workspace::new();
    let said = imported(&workspace, &[]).good();
    let lines: Vec<_> = said.lines().filter(|line| line.starts_with("left out: ")).collect();
    assert_eq!(
        lines,
        [
            "left out: Users / get / unset: has no status code",
            "left out: upload / ok: the part \"f\" of its form is a file, which is not in the collection; the example answers any payload",
            "left out: elsewhere / ok: the variable {{unknown}} of its URL has no value; give it with --var unknown=VALUE",
            "left out: bare: has no saved example",
        ]
    );
    let said = imported(&workspace, &["--force", "--var", "unknown=http://e.test", "--var", "host=other.test"]).good();
    assert!(said.contains("8 examples imported, 3 left out"), "{said}");
    assert!(workspace.entries("hars/shop.har").iter().any(|entry| entry["request"]["url"] == "http://e.test/x"));
}

#[test]
fn importing_again_writes_the_same_bytes_and_only_by_force() {
    let workspace = Workspace::new();
    imported(&workspace, &[]).good();
    let before = std::fs::read(workspace.join("hars/shop.har")).unwrap();
    assert!(imported(&workspace, &[]).refused().contains("--force"));
    imported(&workspace, &["--force"]).good();
    assert!(before == std::fs::read(workspace.join("hars/shop.har")).unwrap());
}

#[test]
fn replay_answers_what_was_imported_and_other_readers_have_no_complaint() {
    needs!(Node);
    let workspace = Workspace::new();
    imported(&workspace, &["-o", "hars/shop.zip", "--no-redact"]).good();
    let proxy = Harmock::replay(&workspace, &["--offline"]);
    let form = ["https://shop.test/v1/form", "-d", "a=1%202"];
    assert_eq!(replayed(&proxy, &["https://shop.test/v1/users/7?full=1"]), (200, "{\"id\":7}".to_owned()));
    assert_eq!(replayed(&proxy, &["https://shop.test/v1/form", "-d", "a=1+2"]).1, "form");
    assert_eq!(replayed(&proxy, &["https://shop.test/v1/parts", "-F", "a=1"]).1, "parts");
    assert_eq!(replayed(&proxy, &["https://shop.test/v1/upload", "-d", "anything"]).1, "uploaded");
    assert_eq!(curl(&proxy, &form).status, 502, "another payload than the example's");
    proxy.interrupt();
    imported(&workspace, &[]).good();
    imported(&workspace, &["--content", "embed", "-o", "hars/embedded.har"]).good();
    no_complaint(&workspace, &["hars/shop.har", "hars/embedded.har"]);
}

#[test]
fn other_documents_are_refused_by_what_they_are() {
    let workspace = Workspace::new();
    for (text, said) in [
        ("{\"item\":", "is not JSON"),
        ("a: [", "is neither JSON nor YAML"),
        ("{\"swagger\":\"2.0\"}", "Swagger 2"),
        ("{\"openapi\":\"4.0.0\"}", "OpenAPI 4.0.0"),
        (
            "{\"info\":{\"schema\":\"https://schema.getpostman.com/json/collection/v1.0.0/\"},\"item\":[]}",
            "its schema is",
        ),
        ("{}", "neither a Postman collection"),
        ("{\"openapi\":\"3.1.0\",\"paths\":{}}", "holds no example"),
    ] {
        workspace.write("document", text);
        let line = har(&workspace, &["import", "document"]).refused();
        assert!(line.contains(said), "{text}: {line}");
        assert!(!workspace.join("hars/document.har").exists());
    }
    assert!(har(&workspace, &["import", "nowhere.json"]).refused().contains("cannot read nowhere.json"));
}
