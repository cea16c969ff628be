//! A run of the proxy around a command, a browser, or until a signal: what `record`, `replay` and `open` share.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;

use super::env::trust_warnings;
use super::open;
use super::report;
use super::reports;
use super::settings::{LogFormat, LogTarget, RunOptions, keys};
use super::signals::Signals;
use crate::ca::CertAuthority;
use crate::launch::child::{self, ChildCommand, ChildExit};
use crate::launch::{ProxyFacts, ReadyFile, ReadyListener, ReadyOrigin, TrustFiles, variables};
use crate::log::{Format, Log, Target};
use crate::proxy::{Config, Mode, Proxy, Summary};

/// After this nobody waits for the start any more.
const STARTED: Duration = Duration::from_millis(200);
/// Ended by a second signal: as a shell tells of SIGINT.
const ENDED_AT_ONCE: u8 = 130;

/// What the proxy runs for.
pub(crate) enum Task<'a> {
    /// Until a signal comes.
    UntilSignal,
    /// While this command runs.
    Command(ChildCommand),
    /// While a browser is open.
    Browser(&'a open::Args, PathBuf),
}

impl Task<'_> {
    /// While the command runs that was given after `--`, else until a signal comes.
    pub(crate) fn of(command: Option<(OsString, Vec<OsString>)>) -> Self {
        match command {
            Some((program, args)) => Self::Command(ChildCommand { program, args }),
            None => Self::UntilSignal,
        }
    }
}

/// Starts the proxy, runs the task, ends in good order and says what happened.
pub(crate) fn run(config: Config, options: &RunOptions, task: Task<'_>) -> super::CommandResult {
    let runtime = runtime().context("cannot start threads")?;
    let code = runtime.block_on(run_async(config, options, task));
    // Neither a tunnel that outlived the grace nor a run that failed to start holds up the exit.
    runtime.shutdown_background();
    code
}

/// With one processor, handing tasks from thread to thread would take a fifth of what a request takes, for nothing.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let is_alone = std::thread::available_parallelism().is_ok_and(|processors| processors.get() == 1);
    let mut builder = match is_alone {
        true => tokio::runtime::Builder::new_current_thread(),
        false => tokio::runtime::Builder::new_multi_thread(),
    };
    builder.enable_all().build()
}

async fn run_async(config: Config, options: &RunOptions, task: Task<'_>) -> super::CommandResult {
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    let log = open_log(options)?;
    let expected = report::Expected::of(&config.mode);
    let heading = heading(&config);
    let keys = Keys::of(&config);
    let proxy = Proxy::start(config, log.clone()).await?;
    let address = proxy.address();
    let (host, port) = (address.ip().to_string(), address.port());
    let earlier = earlier_files(&task, options, proxy.ca());
    let is_earlier = earlier.is_some();
    let mut facts = match earlier {
        Some(files) => ProxyFacts::with_files(&host, port, proxy.ca(), files),
        None => ProxyFacts::new(&host, port, proxy.ca())?,
    };
    facts.token = Some(proxy.token().to_owned());
    facts.key.clone_from(&keys.first);
    facts.base_url = proxy.origins().first().map(|reached| reached.url.clone());
    if options.verbosity >= 0 {
        announce(&proxy, &facts, &heading, &keys);
    }
    if !is_earlier {
        tell_of_files(&facts.trust, options.verbosity);
    }
    // Whoever reads the first line may be gone already; the proxy serves all the same.
    let _ = writeln!(std::io::stdout(), "{}", facts.url);
    if is_earlier {
        tokio::spawn(renew_files(proxy.ca().clone(), options.verbosity));
    }
    if let Some(path) = &options.ready_file
        && let Err(error) = ready_file(&proxy, &facts).write(path)
    {
        // Nobody will wait for this run; its tasks hold the log open as long as they live.
        let _ = proxy.stop().await;
        return Err(error.into());
    }
    let counter = Counter::start(&proxy, options);
    let exit = perform(task, &facts, &mut signals).await;
    counter.stop();
    // Nobody is to come any more.
    if let Some(path) = &options.ready_file {
        let _ = std::fs::remove_file(path);
    }
    let bar = FinishBar::start(&proxy, options);
    let summary = tokio::select! {
        stopped = proxy.stop() => Some(stopped),
        _second = signals.next() => None,
    };
    bar.stop();
    let Some(summary) = summary else { return Ok(ended_at_once(&expected)) };
    log.finish();
    finish(exit, summary, &expected, options)
}

/// What whoever waits for the proxy has to know of it.
fn ready_file(proxy: &Proxy, facts: &ProxyFacts) -> ReadyFile {
    ReadyFile {
        url: facts.url.clone(),
        port: facts.port,
        ca: facts.ca.clone(),
        pid: std::process::id(),
        listeners: listeners(proxy),
        origins: proxy.origins().into_iter().map(|at| ReadyOrigin { url: at.url, origin: at.origin }).collect(),
    }
}

/// The exit code, in the order of what weighs most: the command's own, an error, misses.
fn finish(
    exit: anyhow::Result<ChildExit>,
    summary: Result<Summary, crate::record::Error>,
    expected: &report::Expected,
    options: &RunOptions,
) -> super::CommandResult {
    let verdict = match summary {
        Ok(summary) => {
            let verdict = report::Verdict::of(&summary, expected, options.limits);
            report::print(&summary, expected, &verdict, options.verbosity);
            let told = options.reports.write(&reports::of_run(&summary, expected, options.limits, verdict));
            match told {
                Ok(()) => verdict.exit_code(),
                Err(error) => {
                    anstream::eprintln!("harmock: {}", super::one_line(&error));
                    report::Verdict::Error.exit_code()
                }
            }
        }
        Err(error) => {
            anstream::eprintln!("harmock: {error}");
            1
        }
    };
    let exit = exit?;
    Ok(ExitCode::from(if exit.success() { verdict } else { exit.code() }))
}

async fn perform(task: Task<'_>, facts: &ProxyFacts, signals: &mut Signals) -> anyhow::Result<ChildExit> {
    match task {
        Task::UntilSignal => {
            signals.next().await;
            Ok(ChildExit::Code(0))
        }
        Task::Command(command) => {
            // The command may run harmock itself, with settings of its own.
            let own: Vec<String> = keys::KEYS.iter().map(keys::Key::variable).collect();
            Ok(child::run(&command, &variables(facts), &own, signals).await?)
        }
        Task::Browser(args, browser) => {
            // What the browser was closed with is no verdict on the recording.
            args.browse(&browser, facts, signals).await.map(|_exit| ChildExit::Code(0))
        }
    }
}

/// The files for clients that an earlier run has left, where nobody is known to read them as soon as the proxy listens:
/// they will do until they have been written again.
fn earlier_files(task: &Task<'_>, options: &RunOptions, authority: &CertAuthority) -> Option<TrustFiles> {
    if options.ready_file.is_some() || !matches!(task, Task::UntilSignal) {
        return None;
    }
    TrustFiles::present(authority.cert_pem().as_bytes(), authority.dir())
}

/// Writes the files for clients again, once the start is over.
async fn renew_files(authority: CertAuthority, verbosity: i8) {
    tokio::time::sleep(STARTED).await;
    let write = move || TrustFiles::write(authority.cert_pem().as_bytes(), authority.dir());
    match tokio::task::spawn_blocking(write).await {
        Ok(Ok(files)) => tell_of_files(&files, verbosity),
        Ok(Err(error)) => anstream::eprintln!("harmock: warning: {error}"),
        // The run is over.
        Err(_cancelled) => {}
    }
}

fn tell_of_files(files: &TrustFiles, verbosity: i8) {
    if verbosity >= 0 {
        trust_warnings(files).iter().for_each(|line| anstream::eprintln!("harmock: {line}"));
    }
}

fn ended_at_once(expected: &report::Expected) -> ExitCode {
    anstream::eprintln!("harmock: ended at once{}", report::kept_in_journal(expected));
    ExitCode::from(ENDED_AT_ONCE)
}

fn open_log(options: &RunOptions) -> anyhow::Result<Log> {
    let target = match &options.log {
        // Quiet people still want the log file that they asked for.
        LogTarget::Stderr if options.verbosity < 0 => Target::Off,
        LogTarget::Stderr => Target::Stderr,
        LogTarget::File(path) => Target::File(path.clone()),
        LogTarget::Off => Target::Off,
    };
    let format = match options.log_format {
        LogFormat::Text => Format::Text,
        LogFormat::Json => Format::Json,
    };
    Log::open(&target, format).with_context(|| match &options.log {
        LogTarget::File(path) => {
            format!("cannot open the log {}, name another with --log or switch it off", path.display())
        }
        _ => "cannot start the log".to_owned(),
    })
}

/// What the run is about, for the first line to people.
fn heading(config: &Config) -> String {
    let name = config.name.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
    match &config.mode {
        Mode::Record(config) => format!("{name}recording into {}", config.har.display()),
        Mode::Replay(_) => format!("{name}replaying"),
    }
}

/// What people and commands need to know of the keys.
struct Keys {
    /// Whether any is asked for.
    asked: bool,
    /// The first one whose text is known.
    first: Option<String>,
}

impl Keys {
    fn of(config: &Config) -> Self {
        let first = config.api_keys.iter().find_map(|key| key.text().map(str::to_owned));
        Self { asked: first.is_some() || config.api_key_file.is_some(), first }
    }
}

/// Everywhere that it listens, where that is more than its URL tells.
fn listeners(proxy: &Proxy) -> Vec<ReadyListener> {
    let listeners = proxy.listeners();
    if listeners.len() == 1 && listeners.iter().all(|listener| listener.session.is_none()) {
        return Vec::new();
    }
    let told = listeners.iter().map(|listener| ReadyListener {
        url: format!("http://{}", listener.address),
        session: listener.session.clone(),
    });
    told.collect()
}

fn announce(proxy: &Proxy, facts: &ProxyFacts, heading: &str, keys: &Keys) {
    let entries = match proxy.entries() {
        0 => String::new(),
        1 => " 1 entry".to_owned(),
        entries => format!(" {entries} entries"),
    };
    anstream::eprintln!("harmock: {heading}{entries} on {} (CA {})", facts.url, facts.ca.display());
    anstream::eprintln!("harmock: control API on {}/__harmock/ (token {})", facts.url, proxy.token());
    for listener in listeners(proxy) {
        let whose = listener.session.map(|session| format!(" (session {session})")).unwrap_or_default();
        anstream::eprintln!("harmock: listening on {}{whose}", listener.url);
    }
    for reached in proxy.origins() {
        anstream::eprintln!("harmock: {} stands for {}", reached.url, reached.origin);
    }
    if keys.asked {
        anstream::eprintln!(
            "harmock: private: clients show a key in the field x-api-key, or as the password of the proxy"
        );
    } else if proxy.listeners().iter().any(|listener| !listener.address.ip().is_loopback()) {
        anstream::eprintln!(
            "harmock: WARNING: --public: {} is open to everyone who can reach this machine; they can read recordings \
             and send requests through it",
            proxy.address()
        );
    }
    proxy.warnings().iter().for_each(|line| anstream::eprintln!("harmock: warning: {line}"));
    if let Some(finished) = proxy.recovered() {
        anstream::eprintln!(
            "harmock: a recording that had been left unfinished was finished: {}{}{}",
            report::count(finished.exchanges as u64, "exchange"),
            if finished.cut { ", the last one cut off" } else { "" },
            report::bodies_lost(finished),
        );
    }
}

/// Whether what moves may be drawn on standard error.
fn draws(options: &RunOptions) -> bool {
    let plain = std::env::var_os("NO_COLOR").is_some() || std::env::var_os("CI").is_some();
    !plain && options.verbosity >= 0 && std::io::stderr().is_terminal()
}

/// A bar for an archive that takes longer than a moment to write, on a terminal.
struct FinishBar(Option<(indicatif::ProgressBar, tokio::task::JoinHandle<()>)>);

impl FinishBar {
    fn start(proxy: &Proxy, options: &RunOptions) -> Self {
        let Some(progress) = proxy.finishing().filter(|_| draws(options)) else { return Self(None) };
        let bar = indicatif::ProgressBar::hidden();
        let shown = bar.clone();
        let task = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let mut ticks = tokio::time::interval(Duration::from_millis(100));
            loop {
                ticks.tick().await;
                let (written, all) = progress.counts();
                if all == 0 {
                    // Exchanges in flight have their grace.
                    continue;
                }
                if shown.is_hidden() {
                    shown.set_draw_target(indicatif::ProgressDrawTarget::stderr());
                }
                shown.set_length(all);
                shown.set_position(written);
            }
        });
        Self(Some((bar, task)))
    }

    fn stop(self) {
        if let Some((bar, task)) = self.0 {
            task.abort();
            bar.finish_and_clear();
        }
    }
}

/// A live count on a terminal, where nothing else is written to it.
struct Counter(Option<(indicatif::ProgressBar, tokio::task::JoinHandle<()>)>);

impl Counter {
    fn start(proxy: &Proxy, options: &RunOptions) -> Self {
        if options.log == LogTarget::Stderr || !draws(options) {
            return Self(None);
        }
        let bar = indicatif::ProgressBar::new_spinner();
        let progress = proxy.progress();
        let shown = bar.clone();
        let task = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(200));
            loop {
                ticks.tick().await;
                shown.set_message(progress());
                shown.tick();
            }
        });
        Self(Some((bar, task)))
    }

    fn stop(self) {
        if let Some((bar, task)) = self.0 {
            task.abort();
            bar.finish_and_clear();
        }
    }
}
