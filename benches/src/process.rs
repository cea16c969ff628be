//! A server under measurement: a process of its own, on a core of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// The core of the servers; the load has [`LOAD_CORE`].
pub(crate) const SERVER_CORE: &str = "0";
/// The core of the load.
pub(crate) const LOAD_CORE: &str = "1";

/// A server that answers, killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) at: SocketAddr,
    pub(crate) pid: u32,
}

impl Server {
    /// Starts a server that writes its URL as its first line.
    pub(crate) fn start(program: &Path, args: &[&str]) -> Result<Self> {
        Self::start_on(SERVER_CORE, program, args)
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
        let mut command = pinned(SERVER_CORE, program);
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
pub(crate) struct Bench {
    pub(crate) harmock: PathBuf,
    pub(crate) work: PathBuf,
    /// Pairs of runs.
    pub(crate) runs: usize,
    /// Of each run.
    pub(crate) time: Duration,
    /// Everything small: to see that it works.
    pub(crate) smoke: bool,
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

    /// A real server for recordings, with bodies of this many bytes, on the core of the load.
    pub(crate) fn origin(&self, body: usize) -> Result<Server> {
        Server::start_on(LOAD_CORE, &std::env::current_exe()?, &["origin", &body.to_string()])
    }

    /// The bare hyper server with a body of this many bytes.
    pub(crate) fn reference(&self, body: usize) -> Result<Server> {
        let own = std::env::current_exe()?;
        Server::start(&own, &["reference", &body.to_string()])
    }
}
