//! A server under measurement: a process of its own, on a core of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::load::Protocol;

/// Where servers and load run.
#[derive(Clone, Copy)]
pub(crate) enum Cores {
    /// The servers on one core, the load on another.
    Apart,
    /// All on both, as the system places them.
    Shared,
}

impl Cores {
    fn of_servers(self) -> &'static str {
        if let Self::Apart = self { "0" } else { "0,1" }
    }

    fn of_load(self) -> &'static str {
        if let Self::Apart = self { "1" } else { "0,1" }
    }

    /// Puts this thread, which is the load, where it belongs.
    pub(crate) fn place_load(self) -> Result<()> {
        let own = std::process::id().to_string();
        match Command::new("taskset").args(["-cp", self.of_load(), &own]).output() {
            Ok(output) if output.status.success() => Ok(()),
            _ => bail!("taskset (util-linux) is needed to give servers and load a core each"),
        }
    }
}

/// A server that answers, killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) at: SocketAddr,
    pub(crate) pid: u32,
}

impl Server {
    /// Starts a server that writes its URL as its first line.
    pub(crate) fn start(program: &Path, args: &[&str]) -> Result<Self> {
        Self::start_on(Cores::Apart.of_servers(), program, args)
    }

    fn start_on(core: &str, program: &Path, args: &[&str]) -> Result<Self> {
        let mut child = pinned(core, program).args(args).stdout(Stdio::piped()).stdin(Stdio::null()).spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("no standard output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let Some(at) = line.trim().strip_prefix("http://").and_then(|at| at.trim_end_matches('/').parse().ok()) else {
            let _ = child.kill();
            let _ = child.wait();
            bail!("{} {} did not start: {line:?}", program.display(), args.join(" "));
        };
        // `taskset` becomes the server, so the number is the server's own.
        let pid = child.id();
        Ok(Self { child, at, pid })
    }

    /// A server at a known address, waited for.
    pub(crate) fn start_at(program: &Path, args: &[&str], at: SocketAddr) -> Result<Self> {
        let mut command = pinned(Cores::Apart.of_servers(), program);
        let child = command.args(args).stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null()).spawn()?;
        let mut server = Self { pid: child.id(), child, at };
        let started = Instant::now();
        while std::net::TcpStream::connect(at).is_err() {
            if server.has_ended()? || started.elapsed() > Duration::from_secs(60) {
                bail!("{} does not answer at {at}", program.display());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// Whether it has given up.
    pub(crate) fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Processor time of all its threads so far.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let mut total = Duration::ZERO;
        for task in fs::read_dir(format!("/proc/{}/task", self.pid))? {
            // A thread may end while it is looked at.
            let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
            let nanoseconds = text.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or_default();
            total += Duration::from_nanos(nanoseconds);
        }
        Ok(total)
    }

    /// The most kilobytes that it has had in memory; none when it has ended.
    pub(crate) fn most_resident(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.split_whitespace().next()?.parse().ok()
    }

    /// Asks it to end in good order.
    pub(crate) fn interrupt(&self) -> Result<()> {
        let status = Command::new("kill").args(["-INT", &self.pid.to_string()]).status()?;
        if !status.success() {
            bail!("no process {}", self.pid);
        }
        Ok(())
    }

    /// Kilobytes of a line of `smaps_rollup`: `Rss`, `Anonymous`.
    pub(crate) fn memory(&self, line: &str) -> Result<u64> {
        let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.pid))?;
        let found = text.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(':'));
        let number = found.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        number.with_context(|| format!("no {line} in smaps_rollup"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn pinned(core: &str, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", core]).arg(program);
    command
}

/// The programs and folders of a run.
#[derive(Clone)]
pub(crate) struct Bench {
    pub(crate) harmock: PathBuf,
    pub(crate) work: PathBuf,
    /// Pairs of runs.
    pub(crate) runs: usize,
    /// Of each run.
    pub(crate) time: Duration,
    /// Everything small: to see that it works.
    pub(crate) smoke: bool,
    pub(crate) cores: Cores,
}

impl Bench {
    /// Numbers of entries, small, middle and large.
    pub(crate) fn sizes(&self) -> [usize; 3] {
        if self.smoke { [100, 200, 300] } else { [100, 10_000, 100_000] }
    }

    /// A number, or one that is good enough to see that it works.
    pub(crate) fn scaled(&self, number: usize, smoke: usize) -> usize {
        if self.smoke { smoke } else { number }
    }

    /// harmock, replaying an archive.
    pub(crate) fn replay(&self, archive: &Path, more: &[&str]) -> Result<Server> {
        let (archive, ca) = (archive.display().to_string(), self.work.join("ca").display().to_string());
        let mut args = vec!["replay", &archive, "--listen", "127.0.0.1:0", "--ca-dir", &ca, "-q"];
        if !more.contains(&"--log") {
            args.extend(["--log", "off"]);
        }
        args.extend(more);
        Server::start(&self.harmock, &args)
    }

    /// harmock with these arguments.
    pub(crate) fn harmock(&self, args: &[&str]) -> Result<Server> {
        Server::start_on(self.cores.of_servers(), &self.harmock, args)
    }

    /// A real server for recordings, with bodies of this many bytes, where the load is.
    pub(crate) fn origin(&self, body: usize, protocol: Protocol) -> Result<Server> {
        let body = body.to_string();
        let mut args = vec!["origin", &body];
        args.extend((protocol == Protocol::Tls).then_some("tls"));
        Server::start_on(self.cores.of_load(), &std::env::current_exe()?, &args)
    }

    /// The bare hyper server with a body of this many bytes.
    pub(crate) fn reference(&self, body: usize) -> Result<Server> {
        let own = std::env::current_exe()?;
        Server::start(&own, &["reference", &body.to_string()])
    }
}
