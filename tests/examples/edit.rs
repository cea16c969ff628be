//! `har edit`: one body in an editor, and what is checked on the way back.

use std::fs;

use super::*;
use crate::support::{ChangingOrigin, entry};

/// `har edit` with an editor that runs this line of shell, the file being `$1`.
fn edit(workspace: &Workspace, script: &str, arguments: &[&str]) -> Said {
    let editor = workspace.write("editor.sh", format!("#!/bin/sh\nset -e\n{script}\n"));
    let mut command = command(workspace, &[&["edit"], arguments].concat());
    // $VISUAL goes before $EDITOR, and may have arguments.
    command.env("EDITOR", "false").env("VISUAL", format!("sh '{}'", editor.display()));
    Said::of(command.output().unwrap())
}

fn body(workspace: &Workspace, archive: &str) -> String {
    har(workspace, &["show", "--body", archive, "0"]).stdout
}

fn json_archive(workspace: &Workspace, archive: &str, content: &str) {
    let url = "http://a.test/user";
    let headers = ["--header", "content-length: 14", "--header", "content-type: application/json"];
    let add = ["add", archive, "--content", content, "--url", url, "--body", "{\"name\":\"Tom\"}"];
    har(workspace, &[&add[..], &headers].concat()).good();
}

#[test]
fn a_body_goes_back_to_where_it_was_and_its_sizes_follow() {
    for (archive, content) in [("hars/a.har", "embed"), ("hars/b.har", "attach"), ("hars/c.zip", "attach")] {
        let workspace = Workspace::new();
        json_archive(&workspace, archive, content);
        let script = "case \"$1\" in *.json) sed -i s/Tom/Thomasina/ \"$1\";; esac";
        let said = edit(&workspace, script, &[archive, "0"]).good();
        assert!(said.contains("entry 0 has a body of 20 bytes"), "{said}");
        assert_eq!(body(&workspace, archive), "{\"name\":\"Thomasina\"}", "{archive}");
        let entry = har(&workspace, &["show", "--json", archive, "0"]).stdout;
        let entry: Value = serde_json::from_str(&entry).unwrap();
        assert_eq!(entry["response"]["content"]["size"], 20, "{archive}");
        assert_eq!(entry["response"]["headers"][0], json!({ "name": "content-length", "value": "20" }));
        har(&workspace, &["check", archive]).good();
        if archive == "hars/b.har" {
            let files = fs::read_dir(workspace.join("hars")).unwrap().count();
            assert_eq!(files, 3, "the archive, .harmock, and the new payload alone");
        }
    }
}

#[test]
fn what_is_not_json_any_more_is_not_taken_and_the_text_is_kept() {
    let workspace = Workspace::new();
    json_archive(&workspace, "hars/a.har", "attach");
    let before = fs::read(workspace.join("hars/a.har")).unwrap();
    let said = edit(&workspace, "echo '{\"name\":' > \"$1\"", &["hars/a.har", "0"]).refused();
    assert!(said.contains("not JSON any more") && said.contains("line"), "{said}");
    let kept = said.trim_end().rsplit_once("is kept in ").unwrap().1;
    assert_eq!(fs::read_to_string(kept).unwrap(), "{\"name\":\n");
    fs::remove_dir_all(std::path::Path::new(kept).parent().unwrap()).unwrap();
    assert!(before == fs::read(workspace.join("hars/a.har")).unwrap());
    edit(&workspace, "echo no json > \"$1\"", &["hars/a.har", "0", "--force"]).good();
    assert_eq!(body(&workspace, "hars/a.har"), "no json\n");
}

#[test]
fn a_base64_body_is_edited_as_its_bytes() {
    let workspace = Workspace::new();
    let mut image = entry("GET", "http://a.test/image", 200, "");
    image["response"]["headers"] = json!([{ "name": "content-type", "value": "image/png" }]);
    image["response"]["content"] = json!({ "size": 3, "mimeType": "image/png", "encoding": "base64", "text": "/wD/" });
    workspace.write_har("a.har", &[image]);
    let script = "case \"$1\" in *.png) printf '\\377\\001' > \"$1\";; esac";
    edit(&workspace, script, &["hars/a.har", "/image"]).good();
    let content = workspace.entries("hars/a.har")[0]["response"]["content"].clone();
    assert_eq!(content, json!({ "size": 2, "mimeType": "image/png", "encoding": "base64", "text": "/wE=" }));
}

#[test]
fn a_payload_that_another_entry_has_too_stays_there() {
    let workspace = Workspace::new();
    for path in ["a", "b"] {
        let add = ["add", "hars/x.har", "--url", &format!("http://a.test/{path}"), "--body", "shared"];
        har(&workspace, &add).good();
    }
    edit(&workspace, "echo mine > \"$1\"", &["hars/x.har", "0"]).good();
    assert_eq!(body(&workspace, "hars/x.har"), "mine\n");
    assert_eq!(har(&workspace, &["show", "--body", "hars/x.har", "1"]).stdout, "shared");
}

#[test]
fn the_request_s_payload_is_edited_when_asked_for() {
    let workspace = Workspace::new();
    let add =
        ["add", "hars/x.har", "--method", "POST", "--url", "http://a.test/", "--payload", "{\"a\":1}", "--body", "ok"];
    har(&workspace, &add).good();
    edit(&workspace, "echo '{\"a\":2}' > \"$1\"", &["hars/x.har", "0", "--payload"]).good();
    assert_eq!(har(&workspace, &["show", "--payload", "hars/x.har", "0"]).stdout, "{\"a\":2}\n");
    assert_eq!(body(&workspace, "hars/x.har"), "ok");
}

#[test]
fn a_merge_knows_an_edited_recording_as_edited_by_hand() {
    let workspace = Workspace::new();
    let origin = ChangingOrigin::start();
    origin.answers("/x", &["Content-Type: text/plain"], "recorded");
    let record = || {
        let proxy = Harmock::record(&workspace, &["--update", "merge"]);
        curl(&proxy, &[&origin.url("/x")]);
        proxy.interrupt().expect(0)
    };
    record();
    edit(&workspace, "printf edited > \"$1\"", &["hars/recording.har", "0"]).good();
    origin.answers("/x", &["Content-Type: text/plain"], "another");
    record();
    assert_eq!(body(&workspace, "hars/recording.har"), "edited");
}

#[test]
fn a_change_meanwhile_and_an_editor_that_fails_change_nothing() {
    let workspace = Workspace::new();
    json_archive(&workspace, "hars/a.har", "embed");
    let script = "sed -i s/Tom/Tim/ \"$1\"; sed -i s/user/other/ hars/a.har";
    let said = edit(&workspace, script, &["hars/a.har", "0"]).refused();
    assert!(said.contains("changed while its entry was edited") && said.contains("is kept in"), "{said}");
    let kept = said.trim_end().rsplit_once("is kept in ").unwrap().1;
    fs::remove_dir_all(std::path::Path::new(kept).parent().unwrap()).unwrap();
    assert_eq!(body(&workspace, "hars/a.har"), "{\"name\":\"Tom\"}");
    let said = edit(&workspace, "exit 3", &["hars/a.har", "0"]).refused();
    assert!(said.contains("ended with exit status: 3"), "{said}");
    assert!(edit(&workspace, "true", &["hars/a.har", "0"]).good().contains("nothing changed"));
    let said = edit(&workspace, "true", &["hars/none.har", "0"]).refused();
    assert!(said.contains("no such file") && !workspace.join("hars/.harmock/none.har").exists(), "{said}");
}
