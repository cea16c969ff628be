//! `harmock doctor` in the environment of a client: what it says, in which form, and its exit code.

use std::process::{Command, Output};

use crate::support::{Harmock, Workspace, curl, entry, needs};

fn workspace() -> Workspace {
    let workspace = Workspace::new();
    workspace.write_har("one.har", &[entry("GET", "https://api.example.test/there", 200, "there")]);
    workspace
}

/// `harmock doctor ARGUMENTS…` with the variables of `harmock env`, and then these.
fn doctor(workspace: &Workspace, proxy: &Harmock, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut env = workspace.harmock();
    env.args(["env", "--shell", "json", "--proxy", proxy.url(), "--ca-dir"]).arg(workspace.ca_dir());
    let env = env.output().unwrap();
    let set: std::collections::BTreeMap<String, Option<String>> = serde_json::from_slice(&env.stdout).unwrap();
    let mut command = workspace.harmock();
    command.envs(set.into_iter().filter_map(|(name, value)| Some((name, value?)))).envs(variables.iter().copied());
    command.arg("doctor").args(arguments).output().unwrap()
}

#[track_caller]
fn said(output: &Output, code: i32) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(code), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn with_the_variables_of_env_only_the_silence_is_noted_until_a_client_came() {
    needs!(Curl);
    let workspace = workspace();
    let proxy = Harmock::replay(&workspace, &[] as &[&str]);
    let before = said(&doctor(&workspace, &proxy, &[], &[]), 0);
    assert!(before.starts_with("note: ") && before.contains("the proxy is up and has seen nothing"), "{before}");
    assert_eq!(before.lines().count(), 1, "{before}");
    assert_eq!(curl(&proxy, &["https://api.example.test/there"]).status, 200);
    assert_eq!(said(&doctor(&workspace, &proxy, &[], &[]), 0), "");
    proxy.interrupt().expect(0);
}

#[test]
fn each_fault_is_a_line_and_the_exit_code_is_1() {
    let workspace = workspace();
    let proxy = Harmock::replay(&workspace, &[] as &[&str]);
    let broken =
        [("HTTPS_PROXY", "http://corp.example:3128"), ("NO_PROXY", "localhost"), ("CURL_CA_BUNDLE", "/gone.pem")];
    let text = said(&doctor(&workspace, &proxy, &broken, &[]), 1);
    for line in
        ["HTTPS_PROXY: is http://corp.example:3128", "NO_PROXY: is localhost", "CURL_CA_BUNDLE: /gone.pem cannot"]
    {
        assert!(text.lines().any(|said| said.starts_with(line)), "{line} is not in:\n{text}");
    }
    proxy.interrupt().expect(0);
}

#[test]
fn the_same_as_json() {
    let workspace = workspace();
    let proxy = Harmock::replay(&workspace, &[] as &[&str]);
    let output = doctor(&workspace, &proxy, &[("NO_PROXY", "localhost")], &["--json", "--client", "curl"]);
    let json: serde_json::Value = serde_json::from_str(&said(&output, 1)).unwrap();
    assert_eq!((&json["ok"], &json["proxy"]), (&false.into(), &proxy.url().into()));
    let found = &json["findings"][0];
    assert_eq!((&found["weight"], &found["where"]), (&"fault".into(), &"NO_PROXY".into()));
    assert!(found["do"].as_str().unwrap().starts_with("unset it"), "{found}");
    proxy.interrupt().expect(0);
}

#[test]
fn a_client_that_refused_the_certificate_is_told_of() {
    needs!(Curl);
    let workspace = workspace();
    let proxy = Harmock::replay(&workspace, &[] as &[&str]);
    let mut stranger = Command::new("curl");
    workspace.isolate(&mut stranger);
    let status =
        stranger.args(["-sS", "--proxy", proxy.url(), "https://api.example.test/there"]).output().unwrap().status;
    assert!(!status.success());
    let text = said(&doctor(&workspace, &proxy, &[], &[]), 1);
    assert!(text.contains("clients have come and refused the proxy's certificate"), "{text}");
    proxy.interrupt();
}

#[test]
fn a_proxy_with_another_authority_is_told_apart_from_one_that_is_not_there() {
    let workspace = workspace();
    let proxy = Harmock::replay(&workspace, &["--ready-file", "ready.json"]);
    let other = workspace.join("other");
    let other = other.to_str().unwrap();
    let made = workspace.harmock().args(["ca", "path", "--ca-dir", other]).output().unwrap();
    assert!(made.status.success());
    let text = said(&doctor(&workspace, &proxy, &[], &["--ca-dir", other]), 1);
    assert!(text.contains("signs with another authority"), "{text}");
    // The ready file names the proxy's own.
    let ready = said(&doctor(&workspace, &proxy, &[], &["--ca-dir", other, "--ready-file", "ready.json"]), 0);
    assert!(!ready.contains("signs with another authority"), "{ready}");
    proxy.interrupt().expect(0);
    let down = workspace.harmock().args(["doctor", "--listen", "127.0.0.1:1", "--ca-dir", other]).output().unwrap();
    assert!(said(&down, 1).contains("http://127.0.0.1:1: no proxy answers"), "{down:?}");
}

#[test]
fn a_command_below_replay_finds_all_in_order() {
    let workspace = workspace();
    let harmock = crate::support::binary();
    let ended = Harmock::run(&workspace, "replay", &["--", harmock.to_str().unwrap(), "doctor", "--client", "java"]);
    let ended = ended.expect(0);
    assert!(ended.stdout.contains("the proxy is up and has seen nothing"), "{}", ended.stdout);
}
