//! `har add --from-request`: a curl command is split, called and kept.

use super::*;
use crate::support::{Origin, needs};

fn add(workspace: &Workspace, text: &str) -> Said {
    let arguments = with_origin_ca(&["add", "hars/api.har", "--content", "embed", "--from-request", text]);
    har(workspace, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

/// What the origin's echo says that arrived.
fn arrived(workspace: &Workspace) -> Value {
    let entries = workspace.entries("hars/api.har");
    let text = entries.last().unwrap()["response"]["content"]["text"].as_str().unwrap().to_owned();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_call_is_made_as_the_text_says_and_replay_answers_it() {
    let workspace = Workspace::new();
    let origin = Origin::http();
    let url = origin.url("/echo?a=1");
    let text = format!(
        "curl '{url}' \\\n  -H 'Content-Type: application/json' \\\n  --data-raw $'{{\"it\\'s\": \"\\u00e9\"}}'"
    );
    let said = add(&workspace, &text).good();
    assert!(said.contains(&format!("POST {url}: 200")), "{said}");
    let seen = arrived(&workspace);
    assert_eq!((&seen["method"], &seen["target"]), (&json!("POST"), &json!("/echo?a=1")));
    assert_eq!(seen["text"], "{\"it's\": \"é\"}");
    origin.stop();
    let proxy = Harmock::replay(&workspace, &["--offline"]);
    let sent = ["-H", "content-type: application/json", "--data-raw", "{\"it's\": \"é\"}", &url];
    assert_eq!(replayed(&proxy, &sent).0, 200);
    proxy.interrupt().expect(0);
}

#[test]
fn text_that_devtools_copies_for_windows_is_understood() {
    let workspace = Workspace::new();
    let origin = Origin::http();
    let url = origin.url("/echo?a=1^&b=2");
    let text = format!(
        "curl ^\"{url}^\" ^\r\n  -H ^\"x-quoted: ^\\^\"a^\\^\"^\" ^\r\n  --data-raw ^\"^{{^\\^\"n^\\^\":1^}}^\""
    );
    add(&workspace, &text).good();
    let seen = arrived(&workspace);
    assert_eq!((&seen["target"], &seen["text"]), (&json!("/echo?a=1&b=2"), &json!("{\"n\":1}")));
    assert!(seen["headers"].as_array().unwrap().contains(&json!(["x-quoted", "\"a\""])));
}

#[test]
fn https_redirects_and_codings_end_in_entries_that_people_read() {
    let workspace = Workspace::new();
    let origin = Origin::https();
    add(&workspace, &format!("curl -L --compressed '{}'", origin.url("/hop/1"))).good();
    let statuses: Vec<_> =
        workspace.entries("hars/api.har").iter().map(|entry| entry["response"]["status"].clone()).collect();
    assert_eq!(statuses, [json!(200), json!(302)], "in the order of their URLs");
    add(&workspace, &format!("curl --compressed '{}'", origin.url("/coded/gzip"))).good();
    let coded = workspace.entries("hars/api.har").pop().unwrap();
    assert!(coded["response"]["content"]["text"].as_str().unwrap().contains("\"coding\":\"gzip\""), "{coded}");
    // Without the authority of the origin nobody vouches for it, unless the text says that this is no matter.
    let plain = ["add", "hars/other.har", "--from-request"];
    let url = origin.url("/status/404");
    let said = har(&workspace, &[&plain[..], &[&format!("curl {url}")]].concat()).refused();
    assert!(said.contains("not trusted") && said.contains("nothing was added"), "{said}");
    assert!(!workspace.join("hars/other.har").exists());
    har(&workspace, &[&plain[..], &[&format!("curl -k {url}")]].concat()).good();
}

#[test]
fn secrets_of_the_call_do_not_reach_the_archive() {
    let workspace = Workspace::new();
    let origin = Origin::http();
    let text = format!("curl -u me:hunter2 -b 'sid=abcdef123456' '{}'", origin.url("/status/200"));
    let said = add(&workspace, &text).good();
    assert!(said.contains("secrets replaced"), "{said}");
    let text = std::fs::read_to_string(workspace.join("hars/api.har")).unwrap();
    assert!(!text.contains("abcdef123456") && !text.contains("bWU6aHVudGVyMg"), "{text}");
    assert!(text.contains("redacted-authorization-1"), "{text}");
}

#[test]
fn what_is_not_understood_or_not_allowed_is_named_before_anything_is_sent() {
    let workspace = Workspace::new();
    let origin = Origin::http();
    let url = origin.url("/echo");
    workspace.write("body.json", "{\n\"a\":1}\n");
    for (text, named) in [
        (format!("curl --cert me.pem {url}"), "curl's option --cert is not known here"),
        (format!("curl -x http://p.test {url}"), "--upstream-proxy"),
        (format!("curl {url} | jq ."), "`|` is for a shell"),
        (format!("curl {url} -H \"authorization: $TOKEN\""), "the variable $TOKEN"),
        ("curl file:///etc/passwd".to_owned(), "not an http or https URL"),
        (format!("curl {url} -d @/etc/hostname"), "current folder"),
        (format!("curl {url} -F f=@../x"), "current folder"),
        (format!("curl {url} 'unclosed"), "a ' is not closed"),
    ] {
        let said = add(&workspace, &text).refused();
        assert!(said.contains(named), "{text}: {said}");
    }
    assert!(origin.seen().is_empty() && !workspace.join("hars/api.har").exists());
    add(&workspace, &format!("curl {url} -d @body.json")).good();
    assert_eq!(arrived(&workspace)["text"], "{\"a\":1}");
    add(&workspace, &format!("curl {url} --data-binary @body.json")).good();
    assert_eq!(arrived(&workspace)["text"], "{\n\"a\":1}\n");
}

#[test]
fn a_form_with_a_file_is_sent_and_other_readers_have_no_complaint() {
    needs!(Node);
    let workspace = Workspace::new();
    let origin = Origin::http();
    workspace.write("logo.png", b"\x89PNG\xff");
    add(&workspace, &format!("curl {} -F name=Tom -F 'logo=@logo.png;type=image/png'", origin.url("/echo"))).good();
    let seen = arrived(&workspace);
    let text = seen["text"].as_str().unwrap();
    assert!(text.contains("name=\"logo\"; filename=\"logo.png\"\r\nContent-Type: image/png\r\n\r\n"), "{text}");
    no_complaint(&workspace, &["hars/api.har"]);
}
