//! `harmock snippet`: what stands on standard output, and where the address comes from.

use std::process::Output;

use crate::support::{Harmock, Workspace, entry, needs};

fn snippet(workspace: &Workspace, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = workspace.harmock();
    command.arg("snippet").args(arguments).env("HARMOCK_CA_DIR", workspace.ca_dir());
    command.envs(variables.iter().copied()).output().unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn standard_output_holds_the_file_alone_and_standard_error_its_name_and_command() {
    let workspace = Workspace::new();
    let output = snippet(&workspace, &["pytest"], &[]);
    assert!(stdout(&output).starts_with("# conftest.py\n"));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "harmock: save it as conftest.py, then: harmock replay -- pytest\n");
}

#[test]
fn a_ready_file_outranks_a_flag_a_flag_a_variable_and_a_variable_the_config_file() {
    let workspace = Workspace::new();
    let address = |arguments: &[&str], variables: &[(&str, &str)]| {
        let text = stdout(&snippet(&workspace, &[&["curl"], arguments].concat(), variables));
        text.split("http://").nth(1).unwrap().split(' ').next().unwrap().to_owned()
    };
    assert_eq!(address(&[], &[]), "127.0.0.1:8899");
    workspace.write("harmock.toml", "listen = \"127.0.0.1:4001\"");
    assert_eq!(address(&[], &[]), "127.0.0.1:4001");
    assert_eq!(address(&[], &[("HARMOCK_LISTEN", "127.0.0.1:4002")]), "127.0.0.1:4002");
    let variable = [("HARMOCK_PROXY_URL", "http://127.0.0.1:4003"), ("HARMOCK_LISTEN", "127.0.0.1:4002")];
    assert_eq!(address(&[], &variable), "127.0.0.1:4003");
    assert_eq!(address(&["--listen", "127.0.0.1:4004"], &variable), "127.0.0.1:4004");
    let ready = workspace.ca_dir().join("ca.pem");
    let ready = serde_json::json!({ "url": "http://[::1]:4005", "port": 4005, "ca": ready, "pid": 1 });
    workspace.write("ready.json", ready.to_string());
    assert_eq!(address(&["--ready-file", "ready.json", "--proxy", "127.0.0.1:4004"], &variable), "[::1]:4005");
}

#[test]
fn the_snippet_of_a_running_proxy_is_a_line_that_works() {
    needs!(Curl);
    let workspace = Workspace::new();
    workspace.write_har("shop.har", &[entry("GET", "https://api.shop.example/v1/products/7", 200, "a teapot")]);
    let proxy = Harmock::replay(&workspace, &["--ready-file", "ready.json"]);
    let line = stdout(&snippet(&workspace, &["curl", "--ready-file", "ready.json"], &[]));
    let mut shell = std::process::Command::new("sh");
    workspace.isolate(&mut shell);
    assert_eq!(stdout(&shell.args(["-c", &line]).output().unwrap()), "a teapot");
    proxy.interrupt().expect(0);
}

#[test]
fn what_cannot_be_printed_is_said_in_one_line() {
    let workspace = Workspace::new();
    for (arguments, code, said) in [
        (&["playwrihgt"][..], 2, "a similar value exists: 'playwright'"),
        (&["curl", "--ready-file", "none.json"], 1, "none.json is not there: does the proxy that writes it run?"),
        (&["curl", "--proxy", "ftp://x"], 2, "is no proxy URL"),
    ] {
        let output = snippet(&workspace, arguments, &[]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            (output.status.code(), &*String::from_utf8_lossy(&output.stdout)),
            (Some(code), ""),
            "{arguments:?}"
        );
        assert!(stderr.contains(said), "{arguments:?}: {stderr}");
    }
    let open = snippet(&workspace, &["curl"], &[("HARMOCK_LISTEN", "127.0.0.1:0")]);
    assert!(String::from_utf8_lossy(&open.stderr).contains("name the proxy with --ready-file or --proxy"));
}
