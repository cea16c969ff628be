//! Where an example is played as a reader would: a folder with the sample archive, harmock on the `PATH`, and an
//! internet in which the sample's hosts exist.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use super::document::{Block, Example};
use crate::support::{Harmock, Workspace, binary, chromium_path, free_port, in_clients, link_packages, signal};

/// What takes longer than this has gone wrong; nothing waits for it to pass.
const PATIENCE: Duration = Duration::from_secs(120);

/// The folder and the machine of one example.
pub(super) struct Sandbox {
    workspace: Workspace,
    /// Stands in for 8899, which another program may have.
    port: u16,
    /// Answers for the hosts of the sample archive, as the proxy behind the one under test; until it is gone.
    internet: Option<Harmock>,
    /// What the proxy under test is told of it.
    upstream: [(&'static str, OsString); 2],
    _internet_folder: Workspace,
    server: Option<Server>,
    output: String,
}

impl Sandbox {
    pub(super) fn new() -> Self {
        let (workspace, internet_folder) = (Workspace::new(), Workspace::new());
        let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
        let sample = repository.join("hars");
        for file in fs::read_dir(&sample).unwrap().map(Result::unwrap).filter(|file| file.path().is_file()) {
            fs::copy(file.path(), workspace.join("hars").join(file.file_name())).unwrap();
        }
        let internet =
            Harmock::replay(&internet_folder, &[sample.to_str().unwrap(), "--redirects", "serve", "--log", "off"]);
        let upstream = [
            ("HARMOCK_UPSTREAM_PROXY", internet.url().into()),
            ("HARMOCK_UPSTREAM_CA", internet.ca().as_os_str().to_owned()),
        ];
        programs(&workspace);
        Self {
            workspace,
            port: free_port(),
            internet: Some(internet),
            upstream,
            _internet_folder: internet_folder,
            server: None,
            output: String::new(),
        }
    }

    /// Plays the blocks one after the other; a proxy that was left running is stopped by Ctrl-C and must end well.
    pub(super) fn play(mut self, example: &Example) {
        for block in &example.blocks {
            self.block(example, block);
        }
        if let Some(server) = self.server.take() {
            server.interrupt().ended_with(0);
        }
    }

    /// Plays the example while recording, and again from that recording with the internet gone: its client asks for the
    /// same and sees the same.
    pub(super) fn play_recorded(mut self, example: &Example) {
        self.pass(example, "record --har hars/own.har");
        self.internet = None;
        self.pass(example, "replay --offline hars/own.har");
    }

    /// Plays the blocks in this mode: below the proxy where the example says so, else beside one.
    fn pass(&mut self, example: &Example, mode: &str) {
        let below = "harmock replay -- ";
        if !example.blocks.iter().any(|block| block.text.contains(below)) {
            self.start(&format!("harmock {mode}"));
        }
        for block in &example.blocks {
            let text = block.text.replace(below, &format!("harmock {mode} -- "));
            self.block(example, &Block { language: block.language.clone(), text });
        }
        if let Some(server) = self.server.take() {
            server.interrupt().ended_with(0);
        }
    }

    /// Writes the files of an example, and does nothing else.
    pub(super) fn paste(&self, example: &Example) {
        for block in &example.blocks {
            if let Some(name) = block.file_name() {
                self.workspace.write(name, self.here(&block.text));
            }
        }
    }

    /// A page's text with the port and the home of this machine.
    pub(super) fn here(&self, text: &str) -> String {
        let home = self.workspace.join("home");
        text.replace("8899", &self.port.to_string()).replace("/home/you", home.to_str().unwrap())
    }

    /// Plays the blocks, waits until the program that was left running says `until`, stops it, and gives what it said.
    pub(super) fn play_until(mut self, example: &Example, until: &str) -> String {
        for block in &example.blocks {
            self.block(example, block);
        }
        let mut server = self.server.take().expect("nothing was left running");
        server.wait_for(until);
        server.interrupt().ended_with(0)
    }

    /// Runs a line of shell that is no block of its own.
    pub(super) fn shell(&self, script: &str) -> String {
        let mut command = self.command();
        command.args(["-c", &format!("exec 2>&1\nset -eu -o pipefail\n{script}")]);
        let output = command.stdin(Stdio::null()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{}\n{script}\nsaid:\n{text}", output.status);
        text
    }

    /// Starts a line of shell that goes on until it is interrupted, and waits until its proxy listens.
    pub(super) fn start(&mut self, line: &str) {
        let mut command = self.command();
        command.args(["-c", &format!("exec 2>&1; exec {line}")]);
        let mut server = Server::spawn(command);
        server.wait_for(&format!(" on http://127.0.0.1:{} ", self.port));
        self.server = Some(server);
    }

    fn block(&mut self, example: &Example, block: &Block) {
        let text = self.here(&block.text);
        if let Some(name) = block.file_name() {
            self.workspace.write(name, &text);
            return;
        }
        match block.language.as_str() {
            "sh" => match goes_on(&text) {
                true => self.start(text.trim_end()),
                false => self.output = self.shell(&text),
            },
            "text" => in_order(&text, &self.output, &example.name),
            other => panic!("{}: no way to play a block of {other}", example.name),
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new("bash");
        self.workspace.isolate(&mut command);
        let own = [self.workspace.join("bin"), binary().parent().unwrap().to_owned(), in_clients(".venv/bin")];
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths(own.into_iter().chain(env::split_paths(&path))).unwrap();
        command.env("PATH", path).env("SHELL", "/bin/bash");
        // A cold cache would compile Go's standard library in every example.
        command.env("GOCACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("go-build"));
        command.env("HARMOCK_LISTEN", format!("127.0.0.1:{}", self.port));
        command.env("HARMOCK_PROXY_URL", format!("http://127.0.0.1:{}", self.port));
        command.envs(self.upstream.clone());
        if let Some(chromium) = chromium_path() {
            command.env("CHROMIUM", &chromium).env("HARMOCK_BROWSER", &chromium).env("HARMOCK_HEADLESS", "true");
        }
        command
    }
}

/// One line that starts a proxy or a browser and waits for Ctrl-C.
fn goes_on(text: &str) -> bool {
    let line = text.trim_end().replace("cargo run --release --locked -- ", "harmock ");
    let starts = ["harmock record", "harmock replay", "harmock open"].iter().any(|start| line.starts_with(start));
    starts && !line.contains('\n') && !line.contains(" -- ") && !line.ends_with('&')
}

/// Each line of `expected` is in a line of `output`, in this order; `…` stands for anything.
#[track_caller]
pub(crate) fn in_order(expected: &str, output: &str, name: &str) {
    let mut lines = output.lines();
    for wanted in expected.lines() {
        let found = lines.by_ref().any(|line| {
            let mut rest = line;
            wanted.split('…').all(|part| match rest.find(part) {
                Some(at) => {
                    rest = &rest[at + part.len()..];
                    true
                }
                None => false,
            })
        });
        assert!(found, "{name}: {wanted:?} is not in its place in:\n{output}");
    }
}

/// The programs of the reader's own machine that are not tested here: cargo has built harmock, `npm test` is a shop's
/// client.
fn programs(workspace: &Workspace) {
    fs::create_dir_all(workspace.join("target/release")).unwrap();
    std::os::unix::fs::symlink(binary(), workspace.join("target/release/harmock")).unwrap();
    for (name, script) in [("cargo", CARGO), ("npm", NPM)] {
        let path = workspace.write(&format!("bin/{name}"), script);
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    link_packages(workspace.path());
}

const CARGO: &str = r#"#!/bin/sh
case "$*" in
"run --release --locked -- "*) shift 4; exec harmock "$@" ;;
"install --locked --path "*) test $# = 4 ;;
*) echo "cargo $*?"; exit 2 ;;
esac
"#;

const NPM: &str = r#"#!/bin/sh
case "$*" in
ci) ;;
test)
    curl -sS https://api.shop.example/v1/products/7
    curl -sS -H 'content-type: application/json' -d '{"product":7,"quantity":2}' https://api.shop.example/v1/orders ;;
*) echo "npm $*?"; exit 2 ;;
esac
"#;

/// A program that goes on, with what it has said so far.
struct Server {
    child: Child,
    lines: Receiver<String>,
    said: String,
}

/// How it ended.
struct Ended {
    code: Option<i32>,
    said: String,
}

impl Server {
    fn spawn(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, lines, said: String::new() }
    }

    #[track_caller]
    fn wait_for(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.said.contains(text) {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.said.extend([&line, "\n"]),
                Err(why) => panic!("{text:?} was not said ({why}):\n{}", self.said),
            }
        }
    }

    fn interrupt(mut self) -> Ended {
        signal(self.child.id(), "INT");
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => self.said.extend([&line, "\n"]),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(why) => panic!("it does not end ({why}):\n{}", self.said),
            }
        }
        let code = self.child.wait().unwrap().code();
        Ended { code, said: std::mem::take(&mut self.said) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl Ended {
    #[track_caller]
    fn ended_with(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "it said:\n{}", self.said);
        self.said
    }
}
