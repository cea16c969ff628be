//! `harmock har diff`, `merge`, `gc` and `show --all`: what they print, what they leave, and the exit code.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::{Harmock, Workspace, entry};

fn har(workspace: &Workspace, arguments: &[&str]) -> Output {
    workspace.harmock().env("NO_COLOR", "1").arg("har").args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn json_entry(url: &str, body: &Value, date: &str) -> Value {
    let mut entry = entry("GET", url, 200, &body.to_string());
    entry["response"]["headers"] = json!([
        { "name": "Content-Type", "value": "application/json" },
        { "name": "Date", "value": date },
    ]);
    entry
}

mod diff {
    use super::*;

    fn two(workspace: &Workspace) {
        workspace.write_har(
            "a.har",
            &[
                json_entry("http://a.test/same", &json!({ "n": 1 }), "Mon"),
                json_entry("http://a.test/list", &json!({ "items": [{ "id": 1 }, { "id": 2 }], "old": 1 }), "Mon"),
                entry("GET", "http://a.test/gone", 200, "x"),
            ],
        );
        let mut list =
            json_entry("http://a.test/list", &json!({ "items": [{ "id": 1 }, { "id": 3 }], "new": 2 }), "Tue");
        list["response"]["status"] = 203.into();
        workspace.write_har(
            "b.har",
            &[
                json_entry("http://a.test/same", &json!({ "n": 1 }), "Tue"),
                list,
                entry("GET", "http://a.test/come", 200, "x"),
            ],
        );
    }

    #[test]
    fn entries_are_told_apart_and_json_by_its_paths() {
        let workspace = Workspace::new();
        two(&workspace);
        let output = har(&workspace, &["diff", "hars/a.har", "hars/b.har"]);
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{said}");
        for line in [
            "~ GET http://a.test/list",
            "    status: 200 ",
            "    body $.items[1].id: 2 -> 3",
            "    - body $.old: 1",
            "    + body $.new: 2",
            "- GET http://a.test/gone",
            "+ GET http://a.test/come",
        ] {
            assert!(said.contains(line), "{line:?} is not in\n{said}");
        }
        assert!(!said.contains("/same") && !said.contains('\u{1b}'), "{said}");
        assert_eq!(text(&output.stderr), "1 added, 1 removed, 1 changed\n");
    }

    #[test]
    fn volatile_fields_count_only_when_all_is_asked_for() {
        let workspace = Workspace::new();
        two(&workspace);
        let output = har(&workspace, &["diff", "--all", "hars/a.har", "hars/b.har"]);
        assert!(text(&output.stdout).contains("~ GET http://a.test/same\n    field date: Mon -> Tue\n"));
    }

    #[test]
    fn equal_archives_give_0_different_ones_1_and_trouble_2() {
        let workspace = Workspace::new();
        two(&workspace);
        let code = |one: &str, other: &str| har(&workspace, &["diff", one, other]).status.code();
        assert_eq!(code("hars/a.har", "hars/a.har"), Some(0));
        assert_eq!(code("hars/a.har", "hars/b.har"), Some(1));
        assert_eq!(code("hars/a.har", "hars/none.har"), Some(2));
        let output = har(&workspace, &["diff", "hars/a.har", "hars/none.har"]);
        assert_eq!((text(&output.stdout).as_str(), text(&output.stderr).lines().count()), ("", 1));
    }

    #[test]
    fn a_folder_and_the_zip_of_it_are_equal() {
        let workspace = Workspace::new();
        two(&workspace);
        assert!(har(&workspace, &["pack", "hars/a.har", "-o", "a.zip"]).status.success());
        assert_eq!(har(&workspace, &["diff", "hars/a.har", "a.zip"]).status.code(), Some(0));
    }

    #[test]
    fn machines_get_json() {
        let workspace = Workspace::new();
        two(&workspace);
        let output = har(&workspace, &["diff", "--json", "hars/a.har", "hars/b.har"]);
        let changes: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(changes[0]["change"], "changed");
        assert_eq!(changes[0]["url"], "http://a.test/list");
        let differences = changes[0]["differences"].as_array().unwrap();
        assert!(differences.contains(&json!({ "what": "body $.items[1].id", "before": "2", "after": "3" })));
        assert_eq!(
            (&changes[1]["change"], &changes[1]["before"], &changes[1]["after"]),
            (&json!("removed"), &json!(2), &Value::Null)
        );
    }

    #[test]
    fn texts_are_compared_by_line_and_other_bodies_by_size() {
        let workspace = Workspace::new();
        let mut image = entry("GET", "http://a.test/image", 200, "");
        image["response"]["content"] =
            json!({ "size": 3, "mimeType": "image/png", "encoding": "base64", "text": "/wD/" });
        workspace.write_har("a.har", &[entry("GET", "http://a.test/text", 200, "one\ntwo\nthree\n"), image.clone()]);
        image["response"]["content"]["text"] = "/wD/AA==".into();
        workspace.write_har("b.har", &[entry("GET", "http://a.test/text", 200, "one\n2\nthree\n"), image]);
        let said = text(&har(&workspace, &["diff", "hars/a.har", "hars/b.har"]).stdout);
        assert!(said.contains("    - body line 2: two\n    + body line 2: 2\n"), "{said}");
        assert!(said.contains("    body: 3 bytes -> 4 bytes\n"), "{said}");
    }
}

mod merge {
    use super::*;

    #[test]
    fn equal_entries_come_once_and_payloads_of_one_name_stay_apart() {
        let workspace = Workspace::new();
        for (folder, payload) in [("one", "first"), ("two", "second")] {
            let mut with_file = entry("GET", &format!("http://a.test/{folder}"), 200, "");
            with_file["response"]["content"] = json!({ "size": 1, "mimeType": "text/plain", "_file": "body.txt" });
            workspace
                .write_har(&format!("{folder}/a.har"), &[entry("GET", "http://a.test/both", 200, "same"), with_file]);
            workspace.write(&format!("hars/{folder}/body.txt"), payload);
        }
        for out in ["out/all.har", "out/all.zip"] {
            let output = har(&workspace, &["merge", "hars/one/a.har", "hars/two/a.har", "-o", out]);
            assert_eq!(text(&output.stderr), format!("{out}: 3 entries, 2 payloads, 1 repeated\n"));
            let body = |entry: &str| text(&har(&workspace, &["show", out, entry, "--body"]).stdout);
            assert_eq!((body("/one"), body("/two")), ("first".to_owned(), "second".to_owned()), "{out}");
        }
        assert_eq!(workspace.entries("out/all.har")[2]["response"]["content"]["_file"], "body-2.txt");
        assert!(har(&workspace, &["check", "out"]).status.success());
    }

    #[test]
    fn a_file_that_is_there_is_overwritten_only_by_force() {
        let workspace = Workspace::new();
        workspace.write_har("a.har", &[entry("GET", "http://a.test/a", 200, "a")]);
        workspace.write_har("b.har", &[entry("GET", "http://a.test/b", 200, "b")]);
        let output = har(&workspace, &["merge", "hars/a.har", "-o", "hars/b.har"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains("--force"), "{}", text(&output.stderr));
        assert_eq!(workspace.entries("hars/b.har")[0]["request"]["url"], "http://a.test/b");
        assert!(
            har(&workspace, &["merge", "hars/a.har", "hars/b.har", "-o", "hars/b.har", "--force"]).status.success()
        );
        assert_eq!(workspace.entries("hars/b.har").len(), 2);
    }
}

mod gc {
    use super::*;
    use sha2::{Digest, Sha256};

    fn payload(workspace: &Workspace, folder: &str, content: &str) -> String {
        let hash: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
        let name = format!("{hash}.txt");
        workspace.write(&format!("{folder}/{name}"), content);
        name
    }

    #[test]
    fn only_files_with_their_hash_that_nothing_names_are_removed() {
        let workspace = Workspace::new();
        let named = payload(&workspace, "hars", "named");
        let left = payload(&workspace, "hars", "left");
        let below = payload(&workspace, "hars/sub", "below");
        let edited = payload(&workspace, "hars", "edited");
        workspace.write(&format!("hars/{edited}"), "by hand");
        workspace.write("hars/logo.txt", "not named by a hash");
        let mut with_file = entry("GET", "http://a.test/", 200, "");
        with_file["response"]["content"] = json!({ "size": 5, "mimeType": "text/plain", "_file": named });
        workspace.write_har("a.har", &[with_file]);
        let names = |output: &Output| {
            let mut lines: Vec<_> = text(&output.stdout).lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        let mut expected = [format!("hars/{left}"), format!("hars/sub/{below}")];
        expected.sort();
        let dry = har(&workspace, &["gc", "--dry-run"]);
        assert_eq!(names(&dry), expected);
        assert!(workspace.join(&format!("hars/{left}")).exists());
        let output = har(&workspace, &["gc", "hars/a.har"]);
        assert_eq!(names(&output), expected);
        assert!(text(&output.stderr).contains(&format!("hars/{edited}: no archive names it, but it was edited")));
        for (name, stays) in [(&named, true), (&left, false), (&edited, true)] {
            assert_eq!(workspace.join(&format!("hars/{name}")).exists(), stays, "{name}");
        }
        assert!(workspace.join("hars/logo.txt").exists());
    }

    #[test]
    fn payloads_in_a_zip_keep_no_files_beside_it() {
        let workspace = Workspace::new();
        let name = payload(&workspace, "hars", "packed");
        let mut with_file = entry("GET", "http://a.test/", 200, "");
        with_file["response"]["content"] = json!({ "size": 6, "mimeType": "text/plain", "_file": name });
        workspace.write_har("a.har", &[with_file]);
        assert!(har(&workspace, &["pack", "hars/a.har", "-o", "hars/a.zip"]).status.success());
        std::fs::remove_file(workspace.join("hars/a.har")).unwrap();
        assert_eq!(text(&har(&workspace, &["gc"]).stdout), format!("hars/{name}\n"));
    }

    #[test]
    fn what_killed_commands_left_goes_too() {
        let workspace = Workspace::new();
        workspace.write_har("a.har", &[entry("GET", "http://a.test/", 200, "a")]);
        for left in ["hars/.harmock/write-left", "hars/sub/.harmock/write-left"] {
            workspace.write(&format!("{left}/lives"), "");
            workspace.write(&format!("{left}/payloads/1"), "half a payload");
        }
        workspace.write("hars/.harmock/write-alive/lives", "");
        let alive = std::fs::File::open(workspace.join("hars/.harmock/write-alive/lives")).unwrap();
        alive.lock().unwrap();
        let dry = har(&workspace, &["gc", "--dry-run"]);
        assert!(text(&dry.stderr).contains("2 folders to remove"), "{}", text(&dry.stderr));
        assert!(workspace.join("hars/.harmock/write-left").exists());
        let output = har(&workspace, &["gc"]);
        assert!(text(&output.stderr).contains("2 folders removed"), "{}", text(&output.stderr));
        for (left, stays) in
            [(".harmock/write-left", false), ("sub/.harmock/write-left", false), (".harmock/write-alive", true)]
        {
            assert_eq!(workspace.join("hars").join(left).exists(), stays, "{left}");
        }
    }

    #[test]
    fn an_archive_that_cannot_be_read_keeps_every_file() {
        let workspace = Workspace::new();
        let left = payload(&workspace, "hars", "left");
        workspace.write("hars/broken.har", "{\"log\":");
        let output = har(&workspace, &["gc"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains("broken.har"), "{}", text(&output.stderr));
        assert!(workspace.join(&format!("hars/{left}")).exists());
    }
}

#[test]
fn no_command_changes_an_archive_that_is_being_recorded() {
    let workspace = Workspace::new();
    workspace.write_har("recording.har", &[entry("GET", "http://a.test/", 200, "a")]);
    workspace.write_har("other.har", &[entry("GET", "http://b.test/", 200, "b")]);
    assert!(har(&workspace, &["pack", "hars/other.har", "-o", "hars/recording.zip"]).status.success());
    let before = workspace.entries("hars/recording.har");
    let commands: [&[&str]; 6] = [
        &["redact", "hars/recording.har"],
        &["redact", "hars/other.har", "--force", "-o", "hars/recording.har"],
        &["merge", "hars/other.har", "--force", "-o", "hars/recording.har"],
        &["unpack", "hars/recording.zip", "--force", "-o", "hars/recording.har"],
        &["gc"],
        &["gc", "hars/other.har"],
    ];
    let refused = |command: &[&str], archive: &str, process: u32| {
        let output = har(&workspace, command);
        let said = text(&output.stderr);
        let named = format!("{archive} is being recorded by another harmock (process {process})");
        assert!(said.contains(&named) && output.status.code() == Some(1), "{command:?}: {said}");
    };
    let run = Harmock::record::<&str>(&workspace, &[]);
    commands.iter().for_each(|command| refused(command, "hars/recording.har", run.id()));
    assert_eq!(workspace.entries("hars/recording.har"), before);
    run.interrupt().expect(1);
    let run = Harmock::record(&workspace, &["--har", "hars/recording.zip"]);
    refused(&["pack", "hars/other.har", "--force", "-o", "hars/recording.zip"], "hars/recording.zip", run.id());
    run.interrupt().expect(1);
    for command in commands {
        let output = har(&workspace, command);
        assert!(output.status.success(), "{command:?}: {}", text(&output.stderr));
    }
}

#[test]
fn what_was_made_to_keep_recordings_away_goes_with_the_command() {
    let workspace = Workspace::new();
    workspace.write_har("a.har", &[entry("GET", "http://a.test/", 200, "a")]);
    let hidden = |folder: &str| {
        let items = std::fs::read_dir(workspace.join(folder)).into_iter().flatten().flatten();
        let mut names: Vec<_> = items.map(|item| item.file_name().into_string().unwrap()).collect();
        names.retain(|name| name.starts_with('.') || name.ends_with(".har"));
        names.sort();
        names
    };
    assert!(har(&workspace, &["redact", "hars/a.har"]).status.success());
    assert_eq!(hidden("hars"), ["a.har"]);
    let run = Harmock::record(&workspace, &["--har", "hars/b.har"]);
    assert!(har(&workspace, &["redact", "hars/a.har"]).status.success());
    assert_eq!(hidden("hars/.harmock"), [".gitignore", "b.har"]);
    run.interrupt().expect(1);
    // It cannot be held: what is said of it fits a command that records nothing.
    workspace.write("hars/.harmock/a.har/lock/x", "");
    let said = text(&har(&workspace, &["redact", "hars/a.har"]).stderr);
    assert!(said.starts_with("harmock: cannot write hars/.harmock/a.har/lock: ") && !said.contains("--har"), "{said}");
}

#[test]
fn show_all_is_the_same_text_for_a_folder_and_its_zip() {
    let workspace = Workspace::new();
    workspace.write_har(
        "a.har",
        &[
            json_entry("http://a.test/json", &json!({ "n": [1] }), "Mon"),
            entry("GET", "http://a.test/text", 200, "words\n"),
            json!({ "request": { "method": "GET", "url": "wss://a.test/live", "headers": [] }, "response": { "status": 101 } }),
        ],
    );
    assert!(har(&workspace, &["pack", "hars/a.har", "-o", "a.zip"]).status.success());
    let shown = text(&har(&workspace, &["show", "--all", "hars/a.har"]).stdout);
    assert_eq!(shown, text(&har(&workspace, &["show", "--all", "a.zip"]).stdout));
    for part in ["GET http://a.test/json\n", "\"n\": [\n    1\n  ]", "words\n", "(not used in replay)\n"] {
        assert!(shown.contains(part), "{part:?} is not in\n{shown}");
    }
}
