//! The example that every guide to mock servers opens with: a base URL, a handful of answers, a key.

use crate::support::{Answer, Harmock, Workspace, curl, entry, needs};

const KEY: &str = "PMAK-a-key-for-this-mock";

/// What an application does: it knows a base URL and nothing of a proxy.
fn call(mock: &Harmock, path: &str, fields: &[&str]) -> Answer {
    let url = format!("{}{path}", mock.url());
    let fields = fields.iter().flat_map(|field| ["-H", field]);
    let arguments: Vec<_> = ["--noproxy", "*"].into_iter().chain(fields).chain([&*url]).collect();
    curl(mock, &arguments)
}

#[test]
fn a_mock_server_answers_by_path_and_query_and_to_those_who_have_its_key() {
    needs!(Curl);
    let workspace = Workspace::new();
    workspace.write_har(
        "postman-echo.har",
        &[
            entry("GET", "https://postman-echo.com/get", 200, "Hello!"),
            entry("GET", "https://postman-echo.com/test", 404, "Nothing here."),
            entry("GET", "https://postman-echo.com/get?id=1", 200, "the first"),
            entry("GET", "https://postman-echo.com/get?id=5", 200, "the fifth"),
        ],
    );
    workspace.write("harmock.toml", "name = \"echo\"\norigin = \"https://postman-echo.com\"\n");
    let mock = Harmock::replay(&workspace, &["--api-key", KEY]);
    let key = format!("x-api-key: {KEY}");

    let hello = call(&mock, "/get", &[&key]);
    assert_eq!((hello.status, hello.text().as_str()), (200, "Hello!"));

    let missing = call(&mock, "/test", &[&key]);
    assert_eq!((missing.status, missing.text().as_str()), (404, "Nothing here."));

    assert_eq!(call(&mock, "/get?id=1", &[&key]).text(), "the first");
    assert_eq!(call(&mock, "/get?id=5", &[&key]).text(), "the fifth");

    assert_eq!(call(&mock, "/get", &[]).status, 401);
    assert_eq!(call(&mock, "/get", &["x-api-key: somebody-elses-key"]).status, 401);

    mock.interrupt().expect(0).says("echo: replaying 4 entries");
}
