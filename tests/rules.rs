//! Rules: what may vary, what must be equal beyond the strict rule, and what is said about it.

use serde_json::{Value, json};

use crate::support::{Answer, Harmock, Wire, Workspace, entry, post_entry, replay_with};

const SEARCH: &str = "http://api.example.test/search";

/// A workspace with these entries and this `harmock.toml`.
fn workspace(entries: &[Value], file: &str) -> Workspace {
    let workspace = Workspace::new();
    workspace.write_har("api.har", entries);
    workspace.write("harmock.toml", file);
    workspace
}

/// Asks with further header lines and a payload; an empty one means none.
fn ask(wire: &mut Wire, method: &str, url: &str, lines: &[&str], payload: &[u8]) -> Answer {
    let host = url.split('/').nth(2).unwrap();
    let mut head = format!("{method} {url} HTTP/1.1\r\nHost: {host}\r\n");
    lines.iter().for_each(|line| head.push_str(&format!("{line}\r\n")));
    if !payload.is_empty() {
        head.push_str(&format!("Content-Length: {}\r\n", payload.len()));
    }
    let mut message = format!("{head}\r\n").into_bytes();
    message.extend_from_slice(payload);
    wire.send(message);
    wire.answer()
}

/// A request, and the body that answers it; `None`: it is a miss.
type Case<'a> = (&'a str, &'a str, &'a [&'a str], &'a [u8], Option<&'a str>);

/// Asks one after the other, and gives what the run said.
#[track_caller]
fn answers(workspace: &Workspace, cases: &[Case<'_>]) -> String {
    let proxy = Harmock::replay::<&str>(workspace, &[]);
    let mut wire = Wire::connect(proxy.address());
    for (method, url, lines, payload, expected) in cases {
        let answer = ask(&mut wire, method, url, lines, payload);
        let told = format!("{method} {url} {lines:?} {}: {}", String::from_utf8_lossy(payload), answer.text());
        match expected {
            Some(body) => assert_eq!((answer.status, &*answer.text()), (200, *body), "{told}"),
            None => assert_eq!(answer.status, 502, "{told}"),
        }
    }
    let missed = cases.iter().any(|case| case.4.is_none());
    proxy.interrupt().expect(if missed { 3 } else { 0 }).stderr
}

fn get<'a>(url: &'a str, expected: Option<&'a str>) -> Case<'a> {
    ("GET", url, &[], b"", expected)
}

fn post<'a>(url: &'a str, payload: &'a str, expected: Option<&'a str>) -> Case<'a> {
    ("POST", url, &["Content-Type: application/json"], payload.as_bytes(), expected)
}

#[test]
fn ignored_query_parameters_may_differ_be_missing_or_be_more() {
    let recorded = format!("{SEARCH}?q=tea&ts=1&cb7=x");
    let rule = "[[rules]]\nglob = \"**/search**\"\nignore-query = [\"ts\", \"cb*\"]\n";
    let workspace = workspace(&[entry("GET", &recorded, 200, "tea")], rule);
    let (other, without) = (format!("{SEARCH}?ts=2&q=tea&cb8=y&cb9"), format!("{SEARCH}?q=tea"));
    let (wrong, elsewhere) = (format!("{SEARCH}?q=milk&ts=1&cb7=x"), "http://api.example.test/other?q=tea");
    let said = answers(
        &workspace,
        &[
            get(&recorded, Some("tea")),
            get(&other, Some("tea")),
            get(&without, Some("tea")),
            get(&wrong, None),
            get(elsewhere, None),
        ],
    );
    let line = said.lines().find(|line| line.contains("ts=2")).unwrap();
    assert!(line.contains(r#"[rule 1 ignore-query ts: "1" -> "2"; rule 1 ignore-query cb7: "x" -> """#), "{line}");
    let strict = said.lines().find(|line| line.contains("ts=1&cb7=x") && line.contains("200")).unwrap();
    assert!(!strict.contains("[rule"), "{strict}");
}

#[test]
fn the_order_and_encoding_of_the_query_count_unless_a_rule_says_otherwise() {
    let recorded = format!("{SEARCH}?a=1%202&b=2&a=3");
    let entries = [entry("GET", &recorded, 200, "ab")];
    let (other, repeats) = (format!("{SEARCH}?b=2&a=1+2&a=3"), format!("{SEARCH}?a=3&a=1+2&b=2"));
    answers(&workspace(&entries, ""), &[get(&other, None)]);
    let said = answers(
        &workspace(&entries, "[[rules]]\nquery-order = \"any\"\n"),
        &[get(&other, Some("ab")), get(&repeats, None)],
    );
    assert!(said.contains("[rule 1 query-order order:"), "{said}");
}

#[test]
fn values_of_json_payloads_are_ignored_by_their_path() {
    let url = "http://api.example.test/orders";
    let entries = [
        post_entry(url, r#"{"item":"tea","meta":{"nonce":1},"lines":[{"id":1,"n":2}]}"#, "tea"),
        post_entry(url, r#"{"item":"cake","meta":{"nonce":1},"lines":[{"id":1,"n":2}]}"#, "cake"),
    ];
    let workspace = workspace(&entries, "[[rules]]\nignore-json = [\"$.meta.nonce\", \"$..id\"]\n");
    let said = answers(
        &workspace,
        &[
            post(url, r#"{"item":"cake","meta":{"nonce":7},"lines":[{"id":9,"n":2}]}"#, Some("cake")),
            post(url, r#"{"item":"tea","meta":{},"lines":[{"n":2}]}"#, Some("tea")),
            post(url, r#"{"item":"tea","meta":{},"lines":[{"n":3}]}"#, None),
        ],
    );
    assert!(said.contains("rule 1 ignore-json $.meta.nonce: \"1\" -> \"7\""), "{said}");
}

#[test]
fn canonical_json_is_equal_by_what_it_says() {
    let url = "http://api.example.test/orders";
    let entries = [post_entry(url, r#"{"a":1,"b":[1.50,true]}"#, "one")];
    let other = "{ \"b\": [1.5, true],\n \"a\": 1.0 }";
    answers(&workspace(&entries, ""), &[post(url, other, None)]);
    let canonical = workspace(&entries, "[[rules]]\njson = \"canonical\"\n");
    let said = answers(&canonical, &[post(url, other, Some("one")), post(url, r#"{"a":"1","b":[1.5,true]}"#, None)]);
    assert!(said.contains("[rule 1 json spelling:"), "{said}");
}

#[test]
fn form_fields_are_ignored_by_name() {
    let url = "http://api.example.test/login";
    let entries = [post_entry(url, "user=ada&csrf=1", "ada"), post_entry(url, "user=bob&csrf=1", "bob")];
    let workspace = workspace(&entries, "[[rules]]\nignore-form = \"csrf*\"\n");
    let form = |payload: &'static [u8], expected| -> Case<'static> {
        (
            "POST",
            "http://api.example.test/login",
            &["Content-Type: application/x-www-form-urlencoded"],
            payload,
            expected,
        )
    };
    let said = answers(&workspace, &[form(b"csrf=99&user=bob", Some("bob")), form(b"user=eve&csrf=1", None)]);
    assert!(said.contains("rule 1 ignore-form csrf: \"1\" -> \"99\""), "{said}");
}

fn multipart(boundary: &str, parts: &[(&str, &str)]) -> String {
    let part = |(name, value): &(&str, &str)| {
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    parts.iter().map(part).collect::<String>() + &format!("--{boundary}--\r\n")
}

#[test]
fn parts_of_a_multipart_payload_are_ignored_by_name() {
    let url = "http://api.example.test/upload";
    let mut upload = post_entry(url, &multipart("one", &[("file", "x"), ("stamp", "1")]), "stored");
    upload["request"]["headers"] = json!([{ "name": "content-type", "value": "multipart/form-data; boundary=one" }]);
    let workspace = workspace(&[upload], "[[rules]]\nignore-part = [\"stamp\"]\n");
    let (other, wrong) =
        (multipart("two", &[("file", "x"), ("stamp", "2")]), multipart("two", &[("file", "y"), ("stamp", "1")]));
    let lines = &["Content-Type: multipart/form-data; boundary=two"];
    let said = answers(
        &workspace,
        &[("POST", url, lines, other.as_bytes(), Some("stored")), ("POST", url, lines, wrong.as_bytes(), None)],
    );
    assert!(said.contains("rule 1 ignore-part stamp: \"1\" -> \"2\""), "{said}");
}

#[test]
fn url_and_payload_of_both_sides_are_normalized() {
    let url = "http://api.example.test/users/17/orders";
    let entries = [post_entry(url, "at 2024-01-01 for 17", "ordered")];
    let rule = "[[rules]]\nglob = \"**/users/**\"\nnormalize = ['s#/users/\\d+#/users/ID#', 's/\\d{4}-\\d\\d-\\d\\d/DAY/', 's/for \\d+/for ID/']\n";
    let other = "http://api.example.test/users/4/orders";
    let said = answers(
        &workspace(&entries, rule),
        &[post(other, "at 2026-11-26 for 4", Some("ordered")), post(other, "at noon for 4", None)],
    );
    assert!(said.contains("rule 1 normalize path:"), "{said}");
}

#[test]
fn required_headers_must_be_equal_but_for_case_and_must_be_there() {
    let with = |value: &str, body: &str| {
        let mut entry = entry("GET", SEARCH, 200, body);
        entry["request"]["headers"] =
            json!([{ "name": "X-Tenant", "value": value }, { "name": "accept", "value": "a" }]);
        entry
    };
    let workspace = workspace(&[with("one", "1"), with("two", "2")], "[[rules]]\nmatch-headers = [\"x-tenant\"]\n");
    answers(
        &workspace,
        &[
            ("GET", SEARCH, &["X-Tenant: TWO"], b"", Some("2")),
            ("GET", SEARCH, &["X-Tenant: one"], b"", Some("1")),
            ("GET", SEARCH, &["X-Tenant: three"], b"", None),
            ("GET", SEARCH, &["accept: a"], b"", None),
        ],
    );
    // The answer that lies ready for a GET must not pass by the rule either.
    let alone = self::workspace(&[with("one", "1")], "[[rules]]\nmatch-headers = [\"x-tenant\"]\n");
    answers(&alone, &[get(SEARCH, None), ("GET", SEARCH, &["x-tenant: one"], b"", Some("1"))]);
}

#[test]
fn payloads_decide_as_match_body_says() {
    let url = "http://api.example.test/items/1";
    let put = |payload: &str, body: &str| {
        let mut entry = post_entry(url, payload, body);
        entry["request"]["method"] = json!("PUT");
        entry
    };
    let entries = [put("one", "1"), put("two", "2"), post_entry(url, "one", "posted")];
    let asked = |payload: &'static [u8], expected| -> Case<'static> {
        ("PUT", "http://api.example.test/items/1", &[], payload, expected)
    };
    let rule = |value: &str| format!("[[rules]]\nmatch-body = \"{value}\"\n");
    answers(
        &workspace(&entries, &rule("post")),
        &[asked(b"two", Some("2")), asked(b"three", Some("1")), post(url, "x", None)],
    );
    answers(
        &workspace(&entries, &rule("all")),
        &[asked(b"two", Some("2")), asked(b"three", None), asked(b"", None), post(url, "x", None)],
    );
    let said = answers(
        &workspace(&entries, &rule("none")),
        &[asked(b"two", Some("2")), asked(b"three", Some("1")), post(url, "x", Some("posted"))],
    );
    assert!(said.contains("[rule 1 match-body payload: \"one\" -> \"x\"]"), "{said}");
}

#[test]
fn the_closest_payload_answers_where_none_is_equal() {
    let url = "http://api.example.test/orders";
    let entries = [
        post_entry(url, r#"{"item":"tea","n":1,"to":{"city":"Rome"}}"#, "tea"),
        post_entry(url, r#"{"item":"cake","n":1,"to":{"city":"Oslo"}}"#, "cake"),
    ];
    let workspace = workspace(&entries, "[[rules]]\nmatch-body = \"closest\"\n");
    let said = answers(
        &workspace,
        &[
            post(url, r#"{"to":{"city":"Oslo"},"n":2,"item":"cake"}"#, Some("cake")),
            post(url, r#"{"item":"tea","n":1,"to":{"city":"Rome"}}"#, Some("tea")),
            post(url, "not JSON", Some("tea")),
        ],
    );
    assert!(said.contains("rule 1 match-body $.n: \"1\" -> \"2\""), "{said}");
}

const GRAPHQL: &str = "http://api.example.test/graphql";

fn graphql(query: &str, page: u32) -> String {
    json!({ "operationName": "Users", "variables": { "page": page, "size": 10 }, "query": query }).to_string()
}

#[test]
fn graphql_is_compared_by_operation_query_and_variables() {
    let query = "query Users($page: Int) { users(page: $page) { id } }";
    let entries = [post_entry(GRAPHQL, &graphql(query, 1), "one"), post_entry(GRAPHQL, &graphql(query, 2), "two")];
    let workspace = workspace(&entries, "[[rules]]\nmatch-body = \"graphql\"\n");
    let laid_out = "query Users($page:Int){\n  # all of them\n  users(page:$page){ id }\n}";
    let url =
        "http://api.example.test/graphql?operationName=Users&variables=%7B%22size%22%3A10%2C%22page%22%3A2%7D&query=x";
    answers(
        &workspace,
        &[
            post(GRAPHQL, &graphql(laid_out, 2), Some("two")),
            post(
                GRAPHQL,
                &format!(r#"{{"query":{},"variables":{{"size":10,"page":1}}}}"#, json!(laid_out)),
                Some("one"),
            ),
            post(GRAPHQL, &graphql("query Users { users { name } }", 1), None),
            get(url, None),
        ],
    );
    let proxy = Harmock::replay::<&str>(&workspace, &[]);
    let missed = ask(
        &mut Wire::connect(proxy.address()),
        "POST",
        GRAPHQL,
        &["Content-Type: application/json"],
        graphql(query, 3).as_bytes(),
    );
    assert!(missed.text().contains("GraphQL variable $.variables.page"), "{}", missed.text());
    proxy.interrupt().expect(3);
}

#[test]
fn graphql_in_a_get_and_persisted_queries_match_too() {
    let url = |query: &str, variables: &str| {
        let encoded: String = form_urlencoded::Serializer::new(String::new())
            .append_pair("query", query)
            .append_pair("variables", variables)
            .finish();
        format!("{GRAPHQL}?{encoded}")
    };
    let hash = "9ad43e0dfd9c3c3a5e3a0d8b7d5d7c3f1c5a8b9f0c1d2e3f4a5b6c7d8e9f0a1b";
    let persisted = |page: u32, query: bool| {
        let mut request = json!({
            "variables": { "page": page },
            "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } },
        });
        if query {
            request["query"] = json!("{ a }");
        }
        request.to_string()
    };
    let entries = [
        entry("GET", &url("{ users { id } }", r#"{"page":1}"#), 200, "get"),
        post_entry(GRAPHQL, &persisted(1, true), "persisted"),
    ];
    let workspace = workspace(&entries, "[[rules]]\nglob = \"**/graphql**\"\nmatch-body = \"graphql\"\n");
    answers(
        &workspace,
        &[
            get(&url("{users{id}}", r#"{ "page": 1 }"#), Some("get")),
            get(&url("{users{id}}", r#"{ "page": 2 }"#), None),
            post(GRAPHQL, &persisted(1, false), Some("persisted")),
            post(GRAPHQL, &persisted(2, false), None),
        ],
    );
}

/// Status answers of a job, as a client polls it.
fn polled() -> Vec<Value> {
    let url = "http://api.example.test/job";
    ["queued", "running", "done"].map(|state| entry("GET", url, 200, state)).to_vec()
}

const JOB: &str = "http://api.example.test/job";

#[test]
fn repeated_requests_get_their_recorded_answers_in_order() {
    let file = |keys: &str| format!("[[rules]]\nglob = \"**/job\"\n{keys}");
    let asked = |expected: [Option<&'static str>; 5]| expected.map(|expected| get(JOB, expected));
    let (queued, running, done) = (Some("queued"), Some("running"), Some("done"));
    answers(&workspace(&polled(), ""), &asked([queued; 5]));
    answers(&workspace(&polled(), &file("repeat = \"sequence\"")), &asked([queued, running, done, done, done]));
    answers(&workspace(&polled(), &file("repeat = \"cycle\"")), &asked([queued, running, done, queued, running]));
    let said = answers(
        &workspace(&polled(), &file("repeat = \"sequence\"\nexhausted = \"miss\"")),
        &asked([queued, running, done, None, None]),
    );
    assert!(said.contains("every answer of the sequence that begins with"), "{said}");
}

#[test]
fn each_payload_has_a_sequence_of_its_own_and_one_answer_can_be_a_whole_one() {
    let url = "http://api.example.test/orders";
    let entries = [
        post_entry(url, "a", "a1"),
        post_entry(url, "b", "b1"),
        post_entry(url, "a", "a2"),
        entry("GET", JOB, 200, "once"),
    ];
    let workspace = workspace(&entries, "[[rules]]\nrepeat = \"sequence\"\nexhausted = \"miss\"\n");
    answers(
        &workspace,
        &[
            post(url, "a", Some("a1")),
            post(url, "b", Some("b1")),
            post(url, "a", Some("a2")),
            post(url, "b", None),
            get(JOB, Some("once")),
            get(JOB, None),
        ],
    );
}

#[test]
fn per_key_the_last_rule_that_names_it_wins_and_a_plus_adds() {
    let recorded = format!("{SEARCH}?a=1&b=1&c=1");
    let rules = "[[rules]]\nignore-query = [\"a\"]\n\n[[rules]]\nglob = \"**/search**\"\nignore-query = [\"+b\"]\n\n\
                 [[rules]]\nglob = \"**/search?a=3**\"\nignore-query = [\"c\"]\n";
    let workspace = workspace(&[entry("GET", &recorded, 200, "abc")], rules);
    let both = format!("{SEARCH}?a=2&b=2&c=1");
    let (third, a_alone) = (format!("{SEARCH}?a=1&b=1&c=2"), format!("{SEARCH}?a=3&b=1&c=1"));
    let said = answers(&workspace, &[get(&both, Some("abc")), get(&third, None), get(&a_alone, None)]);
    assert!(said.contains("rule 1 ignore-query a:") && said.contains("rule 2 ignore-query b:"), "{said}");
}

#[test]
fn a_strict_hit_is_never_outranked() {
    let (one, two) = (format!("{SEARCH}?ts=1"), format!("{SEARCH}?ts=2"));
    let entries = [entry("GET", &one, 200, "one"), entry("GET", &two, 200, "two")];
    let rule = "[[rules]]\nignore-query = \"ts\"\n";
    let other = format!("{SEARCH}?ts=3");
    answers(&workspace(&entries, rule), &[get(&two, Some("two")), get(&one, Some("one")), get(&other, Some("one"))]);
}

#[test]
fn a_rule_can_be_a_flag_or_a_variable() {
    let workspace = workspace(&[entry("GET", &format!("{SEARCH}?ts=1"), 200, "one")], "");
    let url = format!("{SEARCH}?ts=2");
    let (answer, _) = replay_with(&workspace, &["--rules", "ignore-query = \"ts\""], |proxy| {
        Wire::connect(proxy.address()).get(&url)
    });
    assert_eq!(answer.text(), "one");
    let mut command = Harmock::command::<&str>(&workspace, "replay", &[]);
    command.env("HARMOCK_RULES", "glob = \"**/search**\", ignore-query = [\"ts\", \"cb\"]");
    let proxy = Harmock::start(&workspace, command);
    assert_eq!(Wire::connect(proxy.address()).get(&url).text(), "one");
    proxy.interrupt().expect(0);
}

#[test]
fn a_rule_that_cannot_be_used_is_told_with_its_place() {
    for (line, place, expected) in [
        ("ignore-json = [\"$.[\"]", "harmock.toml:3:16", "not a JSONPath"),
        ("normalize = [\"s/(/x/\"]", "harmock.toml:3:14", "not a regular expression: unclosed group"),
        ("ignore-quary = []", "harmock.toml:3:1", "the nearest known one is `ignore-query`"),
        ("delay = true", "harmock.toml:3:9", "expected a delay as a string or a number"),
        ("repeat = \"always\"", "harmock.toml:3:10", "expected `first`, `sequence` or `cycle`"),
    ] {
        let workspace = workspace(&[], &format!("[[rules]]\nglob = \"**\"\n{line}\n"));
        let output = workspace.harmock().args(["config", "check"]).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(place) && said.contains(expected), "{line}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}
