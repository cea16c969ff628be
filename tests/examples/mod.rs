//! `harmock har add`, `import` and `edit`: what they write, what they refuse, and that replay answers from it.

mod add;
mod edit;
mod from_request;
mod history;
mod openapi;
mod postman;

use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::support::{Harmock, OriginCa, Workspace, curl};

/// How `harmock har …` ended.
struct Said {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Said {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Its standard error, after it went well.
    #[track_caller]
    fn good(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self.stderr
    }

    /// Its only line of standard error, after it ended with 1.
    #[track_caller]
    fn refused(self) -> String {
        assert_eq!((self.code, self.stderr.lines().count()), (Some(1), 1), "{}", self.stderr);
        self.stderr
    }
}

fn har(workspace: &Workspace, arguments: &[&str]) -> Said {
    Said::of(command(workspace, arguments).output().unwrap())
}

fn command(workspace: &Workspace, arguments: &[&str]) -> Command {
    let mut command = workspace.harmock();
    command.env("NO_COLOR", "1").arg("har").args(arguments).stdin(Stdio::null());
    command
}

/// What a client of a replay of `hars/` gets: status and body.
fn replayed(proxy: &Harmock, arguments: &[&str]) -> (u16, String) {
    let answer = curl(proxy, arguments);
    (answer.status, answer.text())
}

/// The complaints of har-validator, har-to-k6 and the importers about these archives.
#[track_caller]
fn no_complaint(workspace: &Workspace, archives: &[&str]) {
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/consumers/validate.mjs");
    let output = Command::new("node").arg(script).args(archives.iter().map(|name| workspace.join(name))).output();
    let output = output.unwrap();
    let complaints: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    for (path, complaints) in complaints.as_object().unwrap() {
        assert_eq!(complaints, &json!([]), "{path}");
    }
}

fn with_origin_ca(arguments: &[&str]) -> Vec<String> {
    let ca = OriginCa::shared().pem().display().to_string();
    arguments.iter().map(|argument| (*argument).to_owned()).chain(["--upstream-ca".to_owned(), ca]).collect()
}
