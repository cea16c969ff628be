//! `record` and `replay` with a command: how it is started, told of the proxy, and what becomes of its exit code.

use std::fs;

use crate::support::{Ended, Harmock, Origin, Workspace, entry, needs, python_path};

/// `harmock replay -- sh -c SCRIPT ARGUMENTS…` with an archive of one entry.
fn replay_sh(script: &str, arguments: &[&str]) -> Ended {
    let workspace = Workspace::new();
    workspace.write_har("one.har", &[entry("GET", "http://api.example.test/there", 200, "there")]);
    Harmock::run(&workspace, "replay", &[&["--", "sh", "-c", script, "sh"], arguments].concat())
}

#[test]
fn the_commands_own_code_is_the_runs() {
    replay_sh("exit 0", &[]).expect(0);
    replay_sh("exit 7", &[]).expect(7);
}

#[test]
fn misses_end_with_3_unless_the_command_failed_itself() {
    needs!(Curl);
    replay_sh("curl -s http://api.example.test/there", &[]).expect(0);
    replay_sh("curl -s http://api.example.test/none", &[]).expect(3);
    replay_sh("curl -s http://api.example.test/none; exit 7", &[]).expect(7);
}

#[test]
fn a_command_that_cannot_be_started_ends_with_127_or_126() {
    let workspace = Workspace::new();
    workspace.write_har("one.har", &[entry("GET", "http://a.test/", 200, "a")]);
    let file = workspace.write("not-executable", "echo no");
    Harmock::run(&workspace, "replay", &["--", "no-such-command-anywhere"])
        .expect(127)
        .says("no-such-command-anywhere");
    Harmock::run(&workspace, "replay", &["--", file.to_str().unwrap()]).expect(126).says("not-executable");
}

#[test]
fn a_command_that_died_of_a_signal_ends_with_128_and_its_number() {
    replay_sh("kill -TERM $$", &[]).expect(143);
    replay_sh("kill -KILL $$", &[]).expect(137);
}

#[test]
fn signals_are_forwarded_to_the_command() {
    for (name, code) in [("INT", 21), ("TERM", 22)] {
        let workspace = Workspace::new();
        workspace.write_har("one.har", &[entry("GET", "http://a.test/", 200, "a")]);
        // The shell runs its trap when the read is interrupted or gives up: a signal that arrives between two commands
        // interrupts nothing. Nothing ever comes through the pipe.
        let script = "trap 'exit 21' INT; trap 'exit 22' TERM; mkfifo never; echo ready; \
             while :; do read -t 0.1 line <> never; done";
        let mut proxy = Harmock::replay(&workspace, &["--", "bash", "-c", script]);
        assert_eq!(proxy.next_line(), "ready");
        let ended = if name == "INT" { proxy.interrupt() } else { proxy.terminate() };
        ended.expect(code);
    }
}

#[test]
fn the_command_starts_when_the_proxy_answers_and_knows_it_by_both_spellings() {
    let ended = replay_sh(
        r#"echo "$http_proxy $HTTP_PROXY $https_proxy $HTTPS_PROXY ${NO_PROXY-unset}${no_proxy-unset}""#,
        &[],
    )
    .expect(0);
    let mut lines = ended.stdout.lines();
    let url = lines.next().unwrap();
    let told = lines.next().unwrap();
    assert!(told.split(' ').take(4).all(|proxy| proxy.trim_end_matches('/') == url), "{url}: {told}");
    assert!(matches!(told.split(' ').nth(4), Some("unsetunset" | "")), "{told}");
}

#[test]
fn curl_needs_no_settings_of_its_own() {
    needs!(Curl);
    record_then_replay("curl -sSf \"$1\" && curl -sSf \"$2\"");
}

#[test]
fn python_needs_no_settings_of_its_own() {
    needs!(Python);
    let python = python_path();
    let requests = "import requests, sys; [print(requests.get(u).text) for u in sys.argv[1:]]";
    record_then_replay(&format!("'{}' -c '{requests}' \"$1\" \"$2\"", python.display()));
    let httpx = "import httpx, sys; [print(httpx.get(u).text) for u in sys.argv[1:]]";
    record_then_replay(&format!("'{}' -c '{httpx}' \"$1\" \"$2\"", python.display()));
    let urllib = "import urllib.request as r, sys; [print(r.urlopen(u).read().decode()) for u in sys.argv[1:]]";
    record_then_replay(&format!("'{}' -c '{urllib}' \"$1\" \"$2\"", python.display()));
}

#[test]
fn openssl_trusts_the_bundle_that_the_command_is_given() {
    needs!(Openssl);
    replay_sh("openssl x509 -in \"$NODE_EXTRA_CA_CERTS\" -noout && openssl x509 -in \"$SSL_CERT_FILE\" -noout", &[])
        .expect(0);
}

/// The script asks an HTTP and an HTTPS origin while recording, and gets the same with both stopped.
#[track_caller]
fn record_then_replay(script: &str) {
    let (workspace, http, https) = (Workspace::new(), Origin::http(), Origin::https());
    let (first, second) = (http.url("/json"), https.url("/json"));
    let command = ["--", "sh", "-c", script, "sh", &first, &second];
    let recorded = Harmock::run(&workspace, "record", &command).expect(0);
    assert!(http.stop().len() == 1 && https.stop().len() == 1, "the command went past the proxy");
    assert_eq!(workspace.entries("hars/recording.har").len(), 2);
    let replayed = Harmock::run(&workspace, "replay", &command).expect(0);
    let output = |ended: &Ended| ended.stdout.lines().skip(1).collect::<Vec<_>>().join("\n");
    assert_eq!(output(&replayed), output(&recorded));
    assert_eq!(output(&replayed).matches("origin").count(), 2);
}

#[test]
fn a_recording_with_a_command_that_fails_keeps_what_it_saw() {
    needs!(Curl);
    let (workspace, origin) = (Workspace::new(), Origin::http());
    let url = origin.url("/json");
    Harmock::run(&workspace, "record", &["--", "sh", "-c", "curl -sS \"$1\"; exit 5", "sh", &url]).expect(5);
    assert_eq!(workspace.entries("hars/recording.har").len(), 1);
    assert!(fs::read_dir(workspace.join("hars")).unwrap().count() >= 2, "the payload lies beside the archive");
}
