//! `har import` of OpenAPI documents.

use super::*;
use crate::support::needs;

const PETS: &str = r##"
openapi: 3.1.0
info: { title: Pets, version: "1" }
servers:
  - url: https://{host}/v1/
    variables: { host: { default: pets.test } }
paths:
  /pets/{id}:
    parameters:
      - $ref: "#/components/parameters/Id"
    get:
      parameters:
        - { name: lang, in: query, required: true, schema: { enum: [en, de] } }
        - { name: page, in: query, schema: { type: integer, example: 1 } }
      responses:
        200:
          description: a pet
          headers:
            X-Rate: { schema: { type: integer, example: 5 } }
            Link: { $ref: "#/components/headers/Link" }
          content:
            application/json:
              examples:
                cat: { value: { name: Tom, age: 1.5, tags: [a, null] } }
                dog: { $ref: "#/components/examples/dog" }
                out: { externalValue: "https://x.test/y.json" }
            text/plain: { example: "Tom, the cat" }
            "application/*": { example: {} }
        "404": { $ref: "#/components/responses/NotFound" }
        5XX: { description: trouble, content: { application/json: { schema: { examples: [{ error: trouble }] } } } }
        default: { description: anything }
    delete:
      servers: [{ url: "http://old.test" }]
      responses: { "204": { description: gone } }
  /pets:
    post:
      requestBody:
        content: { application/json: { examples: { cat: { value: { name: Tom } } } } }
      responses:
        "201": { description: made, content: { application/json: { examples: { cat: { value: { id: 1 } } } } } }
        "400": { description: bad, content: { application/xml: { example: { a: 1 } } } }
  /owners/{name}:
    get:
      parameters: [{ name: name, in: path, required: true, schema: { type: string } }]
      responses: { "200": { description: an owner, content: { application/json: { example: {} } } } }
  /round: { $ref: "#/paths/~1round" }
components:
  parameters:
    Id: { name: id, in: path, required: true, examples: { cat: { value: "a/b" }, dog: { value: 2 } } }
  headers: { Link: { example: "<https://pets.test/>; rel=next" } }
  examples: { dog: { value: { name: Rex } } }
  responses:
    NotFound: { description: none, content: { application/problem+json: { schema: { $ref: "#/components/schemas/P" } } } }
  schemas: { P: { example: { title: Not found } } }
"##;

fn imported(workspace: &Workspace, more: &[&str]) -> Said {
    workspace.write("pets.yaml", PETS);
    har(workspace, &[&["import", "pets.yaml", "--content", "embed"], more].concat())
}

#[test]
fn the_examples_of_responses_become_entries() {
    let workspace = Workspace::new();
    imported(&workspace, &[]).good();
    let entries = workspace.entries("hars/pets.har");
    let seen: Vec<_> = entries
        .iter()
        .map(|entry| {
            let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
            let status = entry["response"]["status"].as_u64().unwrap();
            format!("{} {} {status} {}", text("/request/method"), text("/request/url"), text("/_harmock/name"))
        })
        .collect();
    assert_eq!(
        seen,
        [
            "DELETE http://old.test/pets/a%2Fb 204 ",
            "POST https://pets.test/v1/pets 201 cat",
            "GET https://pets.test/v1/pets/2?lang=en 200 dog",
            "GET https://pets.test/v1/pets/a%2Fb?lang=en 200 cat",
            "GET https://pets.test/v1/pets/a%2Fb?lang=en 200 ",
            "GET https://pets.test/v1/pets/a%2Fb?lang=en 404 ",
            "GET https://pets.test/v1/pets/a%2Fb?lang=en 500 ",
        ]
    );
    let body = |at: usize| entries[at]["response"]["content"]["text"].as_str().unwrap();
    assert_eq!(body(3), "{\n  \"name\": \"Tom\",\n  \"age\": 1.5,\n  \"tags\": [\n    \"a\",\n    null\n  ]\n}\n");
    assert_eq!(body(4), "Tom, the cat");
    assert_eq!(body(5), "{\n  \"title\": \"Not found\"\n}\n");
    let fields = &entries[3]["response"]["headers"];
    assert_eq!(fields[0], json!({ "name": "content-type", "value": "application/json" }));
    assert_eq!(fields[1], json!({ "name": "x-rate", "value": "5" }));
    assert_eq!(entries[1]["request"]["postData"]["text"], "{\n  \"name\": \"Tom\"\n}\n");
}

#[test]
fn what_cannot_be_imported_is_named_in_a_line_each() {
    let workspace = Workspace::new();
    let said = imported(&workspace, &[]).good();
    let lines: Vec<_> = said.lines().filter_map(|line| line.strip_prefix("left out: ")).collect();
    assert_eq!(
        lines,
        [
            "GET /pets/{id} 200 application/json: the example \"out\" is in another file, which is not read",
            "GET /pets/{id} 200 application/*: it is no media type that an answer can have",
            "GET /pets/{id} default: it is no status that an answer can have",
            "POST /pets 400 application/xml: its example is no text, and application/xml is made of none here",
            "GET /owners/{name} 200 application/json: its path parameter \"name\" has no example",
            "/round: its references lead in a circle",
        ]
    );
}

#[test]
fn the_server_is_the_one_that_is_named() {
    let workspace = Workspace::new();
    imported(&workspace, &["--server", "http://127.0.0.1:9/base/"]).good();
    let urls: Vec<_> = workspace.entries("hars/pets.har").iter().map(|entry| entry["request"]["url"].clone()).collect();
    assert!(urls.iter().all(|url| url.as_str().unwrap().starts_with("http://127.0.0.1:9/base/pets")), "{urls:?}");
    imported(&workspace, &["--force", "--var", "host=eu.test"]).good();
    let urls: Vec<_> = workspace.entries("hars/pets.har").iter().map(|entry| entry["request"]["url"].clone()).collect();
    assert!(urls.iter().any(|url| url.as_str().unwrap().starts_with("https://eu.test/v1/pets/")), "{urls:?}");
    let relative =
        PETS.replace("https://{host}/v1/", "/v1").replace("servers: [{ url: \"http://old.test\" }]", "summary: x");
    workspace.write("relative.yaml", relative);
    let said = har(&workspace, &["import", "relative.yaml"]).refused();
    assert!(said.contains("names no server with an absolute URL; name one with --server"), "{said}");
}

#[test]
fn json_documents_are_read_too_replay_answers_and_other_readers_have_no_complaint() {
    needs!(Node);
    let workspace = Workspace::new();
    let document = json!({
        "openapi": "3.0.3", "info": { "title": "T", "version": "1" }, "servers": [{ "url": "http://t.test" }],
        "paths": { "/x": { "get": { "responses": { "200": { "description": "d",
            "content": { "application/json": { "example": "{\"b\":1,\"a\":2}" } } } } } } },
    });
    workspace.write("t.json", document.to_string());
    har(&workspace, &["import", "t.json"]).good();
    imported(&workspace, &[]).good();
    let proxy = Harmock::replay(&workspace, &["--offline"]);
    assert_eq!(replayed(&proxy, &["http://t.test/x"]), (200, "{\"b\":1,\"a\":2}".to_owned()));
    assert_eq!(
        replayed(&proxy, &["https://pets.test/v1/pets/2?lang=en"]),
        (200, "{\n  \"name\": \"Rex\"\n}\n".to_owned())
    );
    proxy.interrupt().expect(0);
    no_complaint(&workspace, &["hars/t.har", "hars/pets.har"]);
}
