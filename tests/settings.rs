//! Settings through the real binary: where the file is found, what wins, and how mistakes end.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::support::has_program;

/// Runs harmock in a folder with these variables and none of the caller's own.
fn harmock(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_harmock"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("HARMOCK_")) {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied()).args(arguments).current_dir(folder).stdin(Stdio::null()).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A folder that is the root of a repository, so that no file above it counts.
fn repository(file: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(".git")).unwrap();
    fs::write(folder.path().join("harmock.toml"), file).unwrap();
    folder
}

/// The line of a setting in `config show`.
fn shown(folder: &Path, variables: &[(&str, &str)], flags: &[&str], name: &str) -> String {
    let output = harmock(folder, variables, &[&["config", "show"], flags].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stdout(&output);
    text.lines().find(|line| line.starts_with(&format!("{name} = "))).unwrap_or_else(|| panic!("{text}")).to_owned()
}

#[test]
fn a_flag_outranks_a_variable_and_a_variable_the_file() {
    let folder = repository("\nnot-found = \"abort\"\n");
    let variable = [("HARMOCK_NOT_FOUND", "fallback")];
    let line = |variables: &[(&str, &str)], flags: &[&str]| shown(folder.path(), variables, flags, "not-found");
    assert_eq!(line(&[], &[]), "not-found = \"abort\"  # harmock.toml:2");
    assert_eq!(line(&variable, &[]), "not-found = \"fallback\"  # HARMOCK_NOT_FOUND");
    assert_eq!(line(&variable, &["--not-found", "record"]), "not-found = \"record\"  # flag");
    assert_eq!(line(&[("HARMOCK_NOT_FOUND", "")], &[]), "not-found = \"abort\"  # harmock.toml:2");
}

#[test]
fn the_file_is_found_from_a_folder_below_and_its_paths_and_the_defaults_lie_beside_it() {
    let root = repository("har = \"hars/new.har\"\n");
    let below = root.path().join("a/b");
    fs::create_dir_all(&below).unwrap();
    let base = |name: &str, depth: usize| {
        let table: toml::Table = shown(&below, &[], &[], name).parse().unwrap();
        let value = table[name].as_str().or_else(|| table[name][0].as_str()).unwrap();
        Path::new(value).ancestors().nth(depth).unwrap().canonicalize().unwrap()
    };
    let real = root.path().canonicalize().unwrap();
    assert_eq!((base("har", 2), base("archives", 1)), (real.clone(), real));
    assert_eq!(shown(&below, &[], &["--har", "x.har"], "har"), "har = \"x.har\"  # flag");
    assert_eq!(shown(root.path(), &[], &[], "archives"), "archives = [\"hars\"]  # default");
}

#[test]
fn the_search_ends_at_the_root_of_the_repository() {
    let outer = tempfile::tempdir().unwrap();
    fs::write(outer.path().join("harmock.toml"), "not-found = \"abort\"").unwrap();
    let inner = outer.path().join("inner");
    fs::create_dir_all(inner.join("sub")).unwrap();
    assert!(shown(&inner.join("sub"), &[], &[], "not-found").contains("abort"));
    fs::create_dir(inner.join(".git")).unwrap();
    assert_eq!(shown(&inner.join("sub"), &[], &[], "not-found"), "not-found = \"fail\"  # default");
    assert_eq!(shown(&inner, &[], &[], "not-found"), "not-found = \"fail\"  # default");
}

#[cfg(unix)]
#[test]
fn a_file_in_a_folder_where_everybody_may_write_is_not_found_from_below() {
    use std::os::unix::fs::PermissionsExt;
    let shared = tempfile::tempdir().unwrap();
    fs::write(shared.path().join("harmock.toml"), "not-found = \"abort\"").unwrap();
    fs::set_permissions(shared.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    let mine = shared.path().join("mine");
    fs::create_dir(&mine).unwrap();
    assert_eq!(shown(&mine, &[], &[], "not-found"), "not-found = \"fail\"  # default");
    assert!(shown(shared.path(), &[], &[], "not-found").contains("abort"));
}

#[test]
fn another_file_is_named_by_flag_or_variable() {
    let folder = repository("grace = \"1s\"");
    fs::write(folder.path().join("ci.toml"), "grace = \"2s\"").unwrap();
    let line = |variables: &[(&str, &str)], flags: &[&str]| shown(folder.path(), variables, flags, "grace");
    assert_eq!(line(&[], &["--config", "ci.toml"]), "grace = \"2s\"  # ci.toml:1");
    assert_eq!(line(&[("HARMOCK_CONFIG", "ci.toml")], &[]), "grace = \"2s\"  # ci.toml:1");
    assert_eq!(
        line(&[("HARMOCK_CONFIG", "ci.toml")], &["--config", "harmock.toml"]),
        "grace = \"1s\"  # harmock.toml:1"
    );
}

#[test]
fn wrong_usage_ends_with_2_and_a_bad_file_with_1_each_in_one_line() {
    let good = repository("");
    let bad = repository("globs = [\"a\"]\nraw = 1\n");
    for (folder, variables, arguments, code, said) in [
        (
            &good,
            vec![],
            vec!["replay", "--not-found", "explode"],
            2,
            "expected `fail`, `abort`, `fallback` or `record`",
        ),
        (&good, vec![("HARMOCK_GRACE", "5")], vec!["replay"], 2, "harmock: HARMOCK_GRACE=5: the unit is missing"),
        (&good, vec![], vec!["record", "--listen", "0.0.0.0:0"], 2, "add --public"),
        (&good, vec![], vec!["record", "--update", "mix"], 2, "expected `replace`, `merge` or `append`"),
        (&good, vec![], vec!["replay", "--config", "none.toml"], 1, "harmock: none.toml cannot be read: "),
        (
            &bad,
            vec![],
            vec!["replay"],
            1,
            "harmock: harmock.toml:1:1: unknown key `globs`; the nearest known one is `glob`",
        ),
        (&bad, vec![], vec!["record"], 1, "(1 more: run `harmock config check`)"),
    ] {
        let output = harmock(folder.path(), &variables, &arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(said), "{arguments:?}: {}", stderr(&output));
        assert!(code == 2 || stderr(&output).lines().count() == 1, "{}", stderr(&output));
        assert_eq!(stdout(&output), "");
    }
}

#[test]
fn config_check_says_ok_or_every_problem_on_a_line_of_its_own() {
    let output = harmock(repository("glob = []").path(), &[], &["config", "check"]);
    assert_eq!((output.status.code(), stdout(&output), stderr(&output)), (Some(0), String::new(), "ok\n".to_owned()));

    let folder = repository("publik = 1\npublic = true\n");
    let output = harmock(folder.path(), &[("HARMOCK_OFFLINE", "maybe")], &["config", "check"]);
    let said = stderr(&output);
    let lines: Vec<_> = said.lines().collect();
    assert_eq!((output.status.code(), lines.len()), (Some(1), 3), "{said}");
    assert!(lines[0].starts_with("harmock.toml:1:1: unknown key `publik`"), "{said}");
    assert!(lines[1].starts_with("harmock.toml:2:1: `public` counts only as the flag --public"), "{said}");
    assert!(lines[2].starts_with("HARMOCK_OFFLINE=maybe: "), "{said}");
}

#[test]
fn what_config_show_prints_is_toml_without_passwords() {
    let folder = repository("glob = [\"**/a\"]");
    let variables = [("HARMOCK_UPSTREAM_PROXY", "http://ada:s3cret@proxy:3128"), ("HARMOCK_GLOB", "+**/b.{js,css}")];
    let text = stdout(&harmock(folder.path(), &variables, &["config", "show", "--offline"]));
    assert!(text.contains("glob = [\"**/a\", \"**/b.{js,css}\"]  # harmock.toml:1, HARMOCK_GLOB\n"), "{text}");
    assert!(text.contains("upstream-proxy = \"http://ada:****@proxy:3128\"  # HARMOCK_UPSTREAM_PROXY\n"), "{text}");
    let table: toml::Table = text.parse().unwrap();
    assert_eq!(table["offline"].as_bool(), Some(true));
    assert!(!text.contains("s3cret"));

    let wrong = harmock(folder.path(), &[("HARMOCK_UPSTREAM_PROXY", "ftp://ada:s3cret@proxy")], &["config", "show"]);
    assert!(!stderr(&wrong).contains("s3cret"), "{}", stderr(&wrong));
    let wrong = harmock(folder.path(), &[], &["config", "show", "--upstream-proxy", "ftp://ada:s3cret@proxy"]);
    assert!(!stderr(&wrong).contains("s3cret"), "{}", stderr(&wrong));
}

#[test]
fn a_token_that_is_none_is_shown_in_no_message() {
    let folder = repository("");
    let variable = [("HARMOCK_TOKEN", "hunter2")];
    for (variables, arguments) in
        [(&variable[..], &["replay"][..]), (&variable, &["config", "check"]), (&[], &["replay", "--token", "hunter2"])]
    {
        let output = harmock(folder.path(), variables, arguments);
        let said = stdout(&output) + &stderr(&output);
        assert!(!output.status.success() && said.contains("at least 16 printable characters"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn config_show_says_the_same_as_json() {
    let folder = repository("cache-size = \"1KiB\"");
    let output = harmock(folder.path(), &[("HARMOCK_RAW", "yes")], &["config", "show", "--json", "-vv"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["cache-size"]["value"], "1KiB");
    assert_eq!(json["cache-size"]["sources"][0]["line"], 1);
    assert_eq!(json["raw"]["value"], true);
    assert_eq!(json["raw"]["sources"][0]["name"], "HARMOCK_RAW");
    assert_eq!(json["verbose"]["value"], 2);
    assert_eq!(json["verbose"]["sources"][0]["from"], "flag");
    assert!(json["ca-dir"]["value"].is_null());
}

#[test]
fn completions_load_in_bash_and_complete_a_command() {
    let folder = repository("");
    let script = harmock(folder.path(), &[], &["completions", "bash"]);
    fs::write(folder.path().join("harmock.bash"), &script.stdout).unwrap();
    let program = "source ./harmock.bash && COMP_WORDS=(harmock rep) COMP_CWORD=1 && _harmock harmock rep harmock \
                   && printf '%s\\n' \"${COMPREPLY[@]}\" && complete -p harmock";
    if !has_program("bash", "--version") {
        return;
    }
    let output = Command::new("bash").args(["--norc", "-c", program]).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success() && stderr(&output).is_empty(), "{}", stderr(&output));
    assert!(stdout(&output).starts_with("replay\n"), "{}", stdout(&output));
}

#[test]
fn every_shell_gets_completions() {
    let folder = repository("");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = harmock(folder.path(), &[], &["completions", shell]);
        assert!(output.status.success() && stdout(&output).contains("not-found"), "{shell}");
    }
    assert_eq!(harmock(folder.path(), &[], &["completions", "csh"]).status.code(), Some(2));
}

#[test]
fn every_command_has_a_manual_page_that_renders() {
    let folder = repository("");
    let output = harmock(folder.path(), &[], &["man", "--dir", "man/man1"]);
    assert!(output.status.success(), "{}", stderr(&output));
    for name in ["harmock", "harmock-record", "harmock-replay", "harmock-config-show", "harmock-completions"] {
        let page = folder.path().join(format!("man/man1/{name}.1"));
        let source = fs::read_to_string(&page).unwrap();
        assert!(source.contains(&format!(".TH {}", name.to_ascii_uppercase())), "{name}");
        if let Ok(groff) = Command::new("groff").args(["-man", "-Tascii", "-ww"]).arg(&page).output() {
            assert!(groff.status.success() && stderr(&groff).is_empty(), "{name}: {}", stderr(&groff));
            assert!(stdout(&groff).len() > 400, "{name}");
        }
    }
    let one = harmock(folder.path(), &[], &["man", "config", "show"]);
    assert_eq!(one.stdout, fs::read(folder.path().join("man/man1/harmock-config-show.1")).unwrap());
    let unknown = harmock(folder.path(), &[], &["man", "nonsense"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(stderr(&unknown).contains("there is no command `nonsense`"), "{}", stderr(&unknown));
}
