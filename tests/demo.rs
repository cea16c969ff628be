//! The demonstration repository: its app's tests record, replay in CI without the API, and fail where the app changes
//! what it asks for, until the rule that harmock prints is in the config file. The commands are those of `docs/demo.md`.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::readme::{Example, in_order};
use crate::support::{Workspace, binary, chromium_path, free_port, link_packages, needs};

#[test]
fn the_demonstration_records_replays_fails_where_the_app_changes_and_passes_with_the_printed_rule() {
    needs!(Runners, Chromium);
    let demo = Demo::copy();

    let api = Api::start(&demo);
    demo.play(&Example::of("docs/demo.md", "record"), &api);
    let api = api.stop();

    demo.play(&Example::of("docs/demo.md", "replay"), &api);

    let said = demo.play(&Example::of("docs/demo.md", "change"), &api);
    let printed = said.lines().skip_while(|line| *line != "[[rules]]").take(3);
    let printed: String = printed.map(|line| format!("{line}\n")).collect();
    let file = demo.workspace.join("harmock.toml");
    fs::write(&file, fs::read_to_string(&file).unwrap() + &printed).unwrap();
    demo.play(&Example::of("docs/demo.md", "rule"), &api);
}

/// A copy of `tests/demo`, with a home and a port of its own.
struct Demo {
    workspace: Workspace,
    web_port: u16,
}

impl Demo {
    fn copy() -> Self {
        let workspace = Workspace::new();
        copy_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/demo"), workspace.path());
        link_packages(workspace.path());
        Self { workspace, web_port: free_port() }
    }

    /// Runs the commands of an example in the copy; what they print must be what the page shows.
    #[track_caller]
    fn play(&self, example: &Example, api: &Api) -> String {
        let mut said = String::new();
        for block in &example.blocks {
            match block.language.as_str() {
                "sh" => said = self.shell(&block.text, api),
                _ => in_order(&block.text, &said, &example.name),
            }
        }
        said
    }

    #[track_caller]
    fn shell(&self, script: &str, api: &Api) -> String {
        let mut command = self.command("bash");
        command.args(["-c", &format!("exec 2>&1\nset -eu -o pipefail\n{script}")]).env("API_URL", &api.url);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{}\n{script}\nsaid:\n{said}", output.status);
        said
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        self.workspace.isolate(&mut command);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = [binary().parent().unwrap().to_owned()].into_iter().chain(std::env::split_paths(&path));
        command.env("PATH", std::env::join_paths(path).unwrap()).env("HARMOCK_LISTEN", "127.0.0.1:0");
        command.env("WEB_PORT", self.web_port.to_string()).env("API_PORT", "0");
        command.envs(chromium_path().map(|chromium| ("CHROMIUM", chromium)));
        command.stdin(Stdio::null());
        command
    }
}

/// The app's API: running, or only the address at which it was.
struct Api {
    url: String,
    process: Option<Child>,
}

impl Api {
    fn start(demo: &Demo) -> Self {
        let mut process = demo.command("node").arg("api.mjs").stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self { url: url.trim_end().to_owned(), process: Some(process) }
    }

    fn stop(mut self) -> Self {
        self.kill();
        Self { url: std::mem::take(&mut self.url), process: None }
    }

    fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.kill();
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(file.file_name());
        match file.file_type().unwrap().is_dir() {
            true => copy_folder(&file.path(), &target),
            false => drop(fs::copy(file.path(), target).unwrap()),
        }
    }
}
