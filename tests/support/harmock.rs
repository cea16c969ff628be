//! A harmock process under test: started on port 0, ended by a signal or by itself, killed when it is dropped.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::workspace::binary;
use super::{OriginCa, Workspace};

/// A step that takes longer than this has gone wrong; no test waits for it to pass.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running `harmock record` or `harmock replay`.
pub(crate) struct Harmock {
    process: Process,
    url: String,
    ca: PathBuf,
    scratch: PathBuf,
}

/// How a run of harmock ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit code; `None`: a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Harmock {
    /// `harmock record ARGUMENTS…` in the workspace, listening.
    pub(crate) fn record<S: AsRef<OsStr>>(workspace: &Workspace, arguments: &[S]) -> Self {
        Self::start(workspace, Self::command(workspace, "record", arguments))
    }

    /// `harmock replay ARGUMENTS…` in the workspace, listening.
    pub(crate) fn replay<S: AsRef<OsStr>>(workspace: &Workspace, arguments: &[S]) -> Self {
        Self::start(workspace, Self::command(workspace, "replay", arguments))
    }

    /// `harmock MODE -- …` run to its end, as a user's script would.
    pub(crate) fn run<S: AsRef<OsStr>>(workspace: &Workspace, mode: &str, arguments: &[S]) -> Ended {
        Process::spawn(Self::command(workspace, mode, arguments)).wait()
    }

    /// The command that [`Harmock::record`] and [`Harmock::replay`] start.
    pub(crate) fn command<S: AsRef<OsStr>>(workspace: &Workspace, mode: &str, arguments: &[S]) -> Command {
        let mut command = workspace.harmock();
        Self::arguments(&mut command, workspace, mode, arguments);
        command
    }

    /// The same, below another program (`strace …`) whose arguments come first.
    pub(crate) fn below<S: AsRef<OsStr>>(
        mut outer: Command,
        workspace: &Workspace,
        mode: &str,
        arguments: &[S],
    ) -> Self {
        workspace.isolate(&mut outer);
        outer.arg(binary());
        Self::arguments(&mut outer, workspace, mode, arguments);
        Self::start(workspace, outer)
    }

    fn arguments<S: AsRef<OsStr>>(command: &mut Command, workspace: &Workspace, mode: &str, arguments: &[S]) {
        command.args([mode, "--listen", "127.0.0.1:0", "--ca-dir"]).arg(workspace.ca_dir());
        command.arg("--upstream-ca").arg(OriginCa::shared().pem()).args(arguments);
    }

    /// Starts a command that [`Harmock::command`] made, and waits until it listens.
    pub(crate) fn start(workspace: &Workspace, command: Command) -> Self {
        let ca = workspace.ca();
        let mut process = Process::spawn(command);
        let url = process.next_line();
        Self { process, url, ca, scratch: workspace.join("scratch") }
    }

    /// The proxy's URL: the first line of its standard output.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// `HOST:PORT` of the proxy.
    pub(crate) fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap_or_else(|| panic!("no proxy URL: {:?}", self.url)).trim_end_matches('/')
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.process.child.id()
    }

    /// The certificate that its clients trust.
    pub(crate) fn ca(&self) -> &Path {
        &self.ca
    }

    /// A folder for what clients leave behind.
    pub(crate) fn scratch(&self) -> &Path {
        &self.scratch
    }

    /// The next line of its standard output: what a command that it runs prints.
    pub(crate) fn next_line(&mut self) -> String {
        self.process.next_line()
    }

    /// Waits for a line of its standard error that says this. What came before it is passed over, and is still in
    /// [`Ended::stderr`].
    pub(crate) fn told(&mut self, text: &str) -> String {
        self.process.told(text)
    }

    /// SIGINT, then the end of the run.
    pub(crate) fn interrupt(self) -> Ended {
        self.process.signal("INT");
        self.process.wait()
    }

    /// SIGTERM, then the end of the run.
    pub(crate) fn terminate(self) -> Ended {
        self.process.signal("TERM");
        self.process.wait()
    }
}

impl Ended {
    /// Fails the test unless the run ended with this code.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "standard error was:\n{}", self.stderr);
        self
    }

    /// Fails the test unless standard error says this.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "{text:?} is not in standard error:\n{}", self.stderr);
        self
    }
}

/// Lines of a pipe; behind a lock, so that clients in several threads may share a proxy.
type Lines = Mutex<Receiver<String>>;

/// A child whose output is read as it comes, so that it never blocks on a full pipe.
struct Process {
    child: Child,
    stdout: Lines,
    stderr: Lines,
    lines: String,
    /// Of its standard error, what has been taken already.
    heard: String,
}

impl Process {
    fn spawn(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdout = read_lines(child.stdout.take().unwrap());
        let stderr = read_lines(child.stderr.take().unwrap());
        Self { child, stdout, stderr, lines: String::new(), heard: String::new() }
    }

    fn next_line(&mut self) -> String {
        let Ok(line) = self.stdout.get_mut().unwrap().recv_timeout(PATIENCE) else {
            let _ = self.child.kill();
            panic!("harmock printed no line; standard error was:\n{}", drain(&self.stderr));
        };
        self.lines.push_str(&line);
        line.trim_end().to_owned()
    }

    fn told(&mut self, text: &str) -> String {
        loop {
            let line = self.stderr.get_mut().unwrap().recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("no {text:?} on standard error:\n{}", self.heard));
            self.heard.push_str(&line);
            if line.contains(text) {
                return line.trim_end().to_owned();
            }
        }
    }

    fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    fn wait(mut self) -> Ended {
        let stdout = std::mem::take(&mut self.lines) + &drain(&self.stdout);
        let stderr = std::mem::take(&mut self.heard) + &drain(&self.stderr);
        let status = self.child.wait().unwrap();
        Ended { code: status.code(), stdout, stderr }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
            if thread::panicking() {
                eprintln!("standard error of harmock was:\n{}", heard_so_far(&self.stderr));
            }
        }
    }
}

/// `kill -NAME PID`: the standard library sends no signal but SIGKILL.
pub(crate) fn signal(pid: u32, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().unwrap();
    assert!(status.success(), "kill -{name} {pid}: {status}");
}

fn read_lines(pipe: impl Read + Send + 'static) -> Lines {
    let (sender, lines) = channel();
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while pipe.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
            line.clear();
        }
    });
    Mutex::new(lines)
}

/// The lines that have come. A command that outlives its proxy may hold the pipe open, and a panic while another one
/// unwinds would end the whole test run.
fn heard_so_far(lines: &Lines) -> String {
    let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
    std::iter::from_fn(|| lines.recv_timeout(Duration::from_millis(200)).ok()).collect()
}

/// All lines until the pipe is closed.
fn drain(lines: &Lines) -> String {
    let lines = lines.lock().unwrap();
    let mut all = String::new();
    loop {
        match lines.recv_timeout(PATIENCE) {
            Ok(line) => all.push_str(&line),
            Err(RecvTimeoutError::Disconnected) => return all,
            Err(RecvTimeoutError::Timeout) => panic!("harmock did not end; its output was:\n{all}"),
        }
    }
}
