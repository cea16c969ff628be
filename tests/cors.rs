//! Replay for pages of another origin than the one that was recorded.

use crate::support::{Harmock, Workspace, curl, entry, needs};

const API: &str = "http://api.test/things";

fn replay(mut recorded: serde_json::Value, arguments: &[&str]) -> (Workspace, Harmock) {
    let workspace = Workspace::new();
    let origin = serde_json::json!({ "name": "Origin", "value": "https://old.test" });
    recorded["request"]["headers"].as_array_mut().unwrap().push(origin);
    workspace.write_har("api.har", &[recorded]);
    let proxy = Harmock::replay(&workspace, arguments);
    (workspace, proxy)
}

fn allowing(origin: &str) -> serde_json::Value {
    let mut recorded = entry("GET", API, 200, "things");
    let field = serde_json::json!({ "name": "Access-Control-Allow-Origin", "value": origin });
    recorded["response"]["headers"].as_array_mut().unwrap().push(field);
    recorded
}

#[test]
fn an_answer_is_readable_for_the_live_origin() {
    needs!(Curl);
    for recorded in [entry("GET", API, 200, "things"), allowing("https://old.test")] {
        let (_workspace, proxy) = replay(recorded, &[]);
        let answer = curl(&proxy, &["-H", "Origin: http://localhost:3000", API]);
        assert_eq!(answer.all("access-control-allow-origin"), ["http://localhost:3000"]);
        assert_eq!(answer.all("vary"), ["Origin"]);
    }
}

#[test]
fn a_wildcard_stays_one() {
    needs!(Curl);
    let (_workspace, proxy) = replay(allowing("*"), &[]);
    let answer = curl(&proxy, &["-H", "Origin: http://localhost:3000", API]);
    assert_eq!(answer.all("access-control-allow-origin"), ["*"]);
}

#[test]
fn a_preflight_that_is_not_recorded_is_answered_with_what_it_asks_for() {
    needs!(Curl);
    let (_workspace, proxy) = replay(entry("GET", API, 200, "things"), &[]);
    let preflight = [
        "-X",
        "OPTIONS",
        "-H",
        "Origin: http://localhost:3000",
        "-H",
        "Access-Control-Request-Method: PUT",
        "-H",
        "Access-Control-Request-Headers: x-a, content-type",
        API,
    ];
    let answer = curl(&proxy, &preflight);
    assert_eq!(answer.status, 204);
    assert_eq!(answer.all("access-control-allow-methods"), ["PUT"]);
    assert_eq!(answer.all("access-control-allow-headers"), ["x-a, content-type"]);
    proxy.interrupt().expect(0);
}

#[test]
fn a_miss_is_readable_for_the_page_that_caused_it() {
    needs!(Curl);
    let (_workspace, proxy) = replay(entry("GET", API, 200, "things"), &[]);
    let answer = curl(&proxy, &["-H", "Origin: http://localhost:3000", "http://api.test/none"]);
    assert_eq!(answer.status, 502);
    assert_eq!(answer.all("access-control-allow-origin"), ["http://localhost:3000"]);
}

#[test]
fn recorded_means_as_recorded() {
    needs!(Curl);
    let (_workspace, proxy) = replay(allowing("https://old.test"), &["--cors", "recorded"]);
    let answer = curl(&proxy, &["-H", "Origin: http://localhost:3000", API]);
    assert_eq!(answer.all("access-control-allow-origin"), ["https://old.test"]);
    let preflight = ["-X", "OPTIONS", "-H", "Origin: http://a", "-H", "Access-Control-Request-Method: PUT", API];
    assert_eq!(curl(&proxy, &preflight).status, 502);
}
