//! Running one command as a client of the proxy, and ending as it ended.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::process::ExitStatus;

use tokio::process::{Child, Command};

use super::{Error, Variable};

/// A program and its arguments.
#[derive(Debug, Clone)]
pub struct ChildCommand {
    /// The program: a path, or a name to look for on `PATH`.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
}

impl ChildCommand {
    /// A command from the words after `--`; `None` where there are none.
    pub fn from_words(words: impl IntoIterator<Item = OsString>) -> Option<Self> {
        let mut words = words.into_iter();
        let program = words.next()?;
        Some(Self { program, args: words.collect() })
    }
}

/// A request to end that this process got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT, or Ctrl-C.
    Interrupt,
    /// SIGTERM, or Windows ending the process.
    Terminate,
    /// SIGHUP: the terminal went away.
    Hangup,
}

/// Where [`run`] learns of signals: what listens to the operating system implements it.
pub trait SignalSource {
    /// Waits for the next signal. Dropping the future loses none.
    fn next(&mut self) -> impl Future<Output = Signal>;
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChildExit {
    /// It gave this code.
    Code(i32),
    /// It died of this signal.
    Signal(i32),
    /// It got a second signal through this process and was ended at once.
    Killed,
}

impl ChildExit {
    /// The exit code of this process: the command's own, or 128+N where it died of signal N, as a shell has it.
    pub fn code(self) -> u8 {
        match self {
            Self::Code(0) => 0,
            // Windows has codes beyond a byte; a failure must not be cut down to a success.
            Self::Code(code) => match (code & 0xff) as u8 {
                0 => 1,
                low => low,
            },
            Self::Signal(number) => 128u8.saturating_add(u8::try_from(number).unwrap_or(127)),
            Self::Killed => 128 + 9,
        }
    }

    /// Whether the command succeeded.
    pub fn success(self) -> bool {
        self == Self::Code(0)
    }
}

impl From<ExitStatus> for ChildExit {
    fn from(status: ExitStatus) -> Self {
        #[cfg(unix)]
        if let Some(number) = std::os::unix::process::ExitStatusExt::signal(&status) {
            return Self::Signal(number);
        }
        Self::Code(status.code().unwrap_or(1))
    }
}

/// Runs `command` with `variables` over this process's environment and its standard streams, and waits for its end.
///
/// The variables named in `without` are taken out of the environment first.
///
/// A signal that this process alone got is passed on; a second one kills the command. Ctrl-C at a terminal reaches
/// every process in the foreground, the command too, so it is not passed on, and the command decides what it means.
///
/// # Errors
/// [`Error::CommandNotFound`], [`Error::InterpreterNotFound`] and [`Error::CommandNotExecutable`] where the command
/// does not start, and [`Error::Wait`].
pub async fn run(
    command: &ChildCommand,
    variables: &[Variable],
    without: &[String],
    signals: &mut impl SignalSource,
) -> Result<ChildExit, Error> {
    let mut process = Command::new(program_file(&command.program));
    process.args(&command.args);
    for name in without {
        process.env_remove(name);
    }
    for variable in variables {
        match variable.value(std::env::var_os(variable.name).as_deref()) {
            Some(value) => process.env(variable.name, value),
            None => process.env_remove(variable.name),
        };
    }
    run_process(process, &command.program.to_string_lossy(), signals).await
}

/// [`run`] for a command that is put together already; `name` is what messages call it.
///
/// # Errors
/// Those of [`run`].
pub async fn run_process(
    mut process: Command,
    name: &str,
    signals: &mut impl SignalSource,
) -> Result<ChildExit, Error> {
    let mut child = process.kill_on_drop(true).spawn().map_err(|source| start_error(name, source))?;
    let waiting = |source| Error::Wait { program: name.to_owned(), source };
    let mut passed_on = false;
    let exit = loop {
        let signal = tokio::select! {
            biased;
            status = child.wait() => break status.map(ChildExit::from).map_err(waiting)?,
            signal = signals.next() => signal,
        };
        if reached_the_child_too(signal) {
            continue;
        }
        if passed_on || !pass_on(&child, signal) {
            child.kill().await.map_err(waiting)?;
            break ChildExit::Killed;
        }
        passed_on = true;
    };
    forget_arrived(signals).await;
    Ok(exit)
}

/// The Ctrl-C that ended the command has arrived here too; it must not count as a second one afterwards.
async fn forget_arrived(signals: &mut impl SignalSource) {
    loop {
        tokio::select! {
            biased;
            _ = signals.next() => {},
            () = std::future::ready(()) => return,
        }
    }
}

fn start_error(name: &str, source: io::Error) -> Error {
    let program = name.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound if is_path(name.as_ref()) && Path::new(name).exists() => {
            Error::InterpreterNotFound { program }
        }
        io::ErrorKind::NotFound => Error::CommandNotFound { program },
        _ => Error::CommandNotExecutable { program, source },
    }
}

fn is_path(program: &OsStr) -> bool {
    Path::new(program).components().count() > 1
}

/// Windows starts `.exe` files by their bare name and nothing else, yet `npm` and its like are `.cmd` files.
#[cfg(windows)]
fn program_file(program: &OsString) -> OsString {
    if is_path(program) || Path::new(program).extension().is_some() {
        return program.clone();
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    for folder in std::env::split_paths(&folders) {
        for extension in ["exe", "cmd", "bat"] {
            let file = folder.join(program).with_extension(extension);
            if file.is_file() {
                return file.into();
            }
        }
    }
    program.clone()
}

#[cfg(not(windows))]
fn program_file(program: &OsString) -> &OsString {
    program
}

/// Whether the terminal has given the signal to the command as well: it sends Ctrl-C and its own end to all of its
/// foreground process group, and the command is in ours.
#[cfg(unix)]
fn reached_the_child_too(signal: Signal) -> bool {
    if signal != Signal::Interrupt {
        return false;
    }
    let Ok(terminal) = std::fs::File::open("/dev/tty") else { return false };
    rustix::termios::tcgetpgrp(&terminal).is_ok_and(|foreground| foreground == rustix::process::getpgrp())
}

/// Every process of a console gets its Ctrl-C.
#[cfg(not(unix))]
fn reached_the_child_too(signal: Signal) -> bool {
    signal == Signal::Interrupt
}

/// Sends the signal to the command; says whether it could.
#[cfg(unix)]
fn pass_on(child: &Child, signal: Signal) -> bool {
    let signal = match signal {
        Signal::Interrupt => rustix::process::Signal::INT,
        Signal::Terminate => rustix::process::Signal::TERM,
        Signal::Hangup => rustix::process::Signal::HUP,
    };
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| rustix::process::kill_process(pid, signal).is_ok())
}

/// There is no signal to pass on elsewhere, so the command is ended.
#[cfg(not(unix))]
fn pass_on(_: &Child, _: Signal) -> bool {
    false
}
