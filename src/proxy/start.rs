//! From settings to an engine and a listening socket: all that can be wrong is found here, before anything is served.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::config::{Config, Mode, NotFound, OutOfScope, RecordConfig, ReplayConfig, Update};
use super::engine::{Engine, EngineMode, RecordState, ReplayState};
use super::summary::Tally;
use crate::archive::WriterOptions;
use crate::ca::{self, CertAuthority};
use crate::log::Log;
use crate::pages::{PageFacts, PageMode};
use crate::record::{self, Finished, Recorder, RunSettings, Tell};
use crate::replay::{OpenError, Replayer, Sessions};
use crate::route::{GlobError, GlobList, Scope};
use crate::upstream::{SetupError, Upstream};

/// Why a proxy did not start. Each is one line that says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The archives.
    #[error(transparent)]
    Archives(#[from] OpenError),
    /// The certificate authority.
    #[error(transparent)]
    Authority(#[from] ca::Error),
    /// A glob.
    #[error(transparent)]
    Glob(#[from] GlobError),
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}{}", listen_hint(source))]
    Listen {
        /// What was asked for.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// An address that others can reach, without leave.
    #[error("{0} can be reached from other machines; add --public to allow that, or listen on 127.0.0.1")]
    NotLoopback(SocketAddr),
    /// The archive to write.
    #[error(transparent)]
    Record(#[from] record::Error),
    /// The way to the upstream.
    #[error(transparent)]
    Upstream(#[from] SetupError),
}

fn listen_hint(source: &io::Error) -> &'static str {
    if source.kind() == io::ErrorKind::AddrInUse { "; end what listens there, or choose another --listen" } else { "" }
}

/// A proxy that is ready to accept.
pub(super) struct Started {
    pub(super) engine: Engine,
    pub(super) listener: TcpListener,
    pub(super) warnings: Vec<String>,
}

/// Globs, archives, authority, address, recording, upstream: in this order, so that what only reads comes before what
/// makes files, and a taken port leaves no trace.
pub(super) async fn start(config: Config, log: Log) -> Result<Started, StartError> {
    if !config.listen.ip().is_loopback() && !config.public {
        return Err(StartError::NotLoopback(config.listen));
    }
    let tunnel = GlobList::compile(&host_globs(&config.tunnel))?;
    let mut warnings = Vec::new();
    let prepared = Prepared::of(config.mode, &mut warnings)?;
    let ca = CertAuthority::load_or_create(config.ca_dir.as_deref())?;
    let listen_error = |source| StartError::Listen { address: config.listen, source };
    let listener = TcpListener::bind(config.listen).await.map_err(listen_error)?;
    let listen = listener.local_addr().map_err(listen_error)?;
    let upstream = if prepared.needs_upstream(!tunnel.is_empty()) {
        Some(Upstream::new(&config.upstream, vec![listen])?)
    } else {
        None
    };
    warnings.extend(upstream.iter().flat_map(|upstream| upstream.notes().iter().cloned()));
    let engine = Engine {
        listen,
        limits: config.limits,
        pages: prepared.page_facts(listen, &ca),
        ca,
        tunnel,
        mode: prepared.engine_mode(&log)?,
        upstream_idle: config.upstream.idle,
        upstream,
        log,
        tally: Tally::default(),
        ending: CancellationToken::new(),
        tasks: TaskTracker::new(),
        refusals: Mutex::default(),
    };
    Ok(Started { engine, listener, warnings })
}

/// What the mode's settings turn into without making any file.
enum Prepared {
    Record { config: RecordConfig, scope: Scope },
    Replay { config: ReplayConfig, scope: Scope, ignore: GlobList, replayer: Box<Replayer>, killed: Option<Finished> },
}

impl Prepared {
    fn of(mode: Mode, warnings: &mut Vec<String>) -> Result<Self, StartError> {
        let mut scope = |glob: &[String], exclude: &[String]| {
            let scope = Scope { include: GlobList::compile(glob)?, exclude: GlobList::compile(exclude)? };
            warnings.extend(scope.warnings());
            Ok::<_, StartError>(scope)
        };
        let config = match mode {
            Mode::Record(config) => {
                let scope = scope(&config.glob, &config.exclude)?;
                return Ok(Self::Record { config, scope });
            }
            Mode::Replay(config) => config,
        };
        let scope = scope(&config.glob, &config.exclude)?;
        let ignore = GlobList::compile(&config.ignore_miss)?;
        warnings.extend(ignore.warnings());
        // What a killed run had recorded is to be served, too.
        let killed = if adds_misses(&config) { record::finish_killed(&config.har)? } else { None };
        let opened = Replayer::open(&config.archives, config.cache_size, config.strict_archives)?;
        warnings.extend(opened.warnings.iter().map(|(path, warning)| format!("{}: {warning}", path.display())));
        Ok(Self::Replay { config, scope, ignore, replayer: Box::new(opened.replayer), killed })
    }

    /// Whether anything of this run may go to a real server. `tunnels`: some hosts are passed on unopened.
    fn needs_upstream(&self, tunnels: bool) -> bool {
        let Self::Replay { config, .. } = self else { return true };
        let out_of_scope = !config.glob.is_empty() || !config.exclude.is_empty();
        let asks = tunnels
            || matches!(config.not_found, NotFound::Fallback | NotFound::Record)
            || (config.out_of_scope == OutOfScope::Pass && out_of_scope);
        asks && !config.offline
    }

    fn page_facts(&self, listen: SocketAddr, ca: &CertAuthority) -> PageFacts {
        let (mode, glob, archives) = match self {
            Self::Record { config, .. } => (PageMode::Record, &config.glob, vec![config.har.display().to_string()]),
            Self::Replay { config, replayer, .. } => {
                let archives = replayer.archive_paths().map(|path| path.display().to_string()).collect();
                (PageMode::Replay, &config.glob, archives)
            }
        };
        PageFacts { archives, glob: glob.clone(), ..PageFacts::new(listen, mode, ca) }
    }

    /// Opens the recording where there is one.
    fn engine_mode(self, log: &Log) -> Result<EngineMode, StartError> {
        let log = log.clone();
        let tell = Tell::new(move |line| log.alarm(line));
        Ok(match self {
            Self::Record { config, scope } => {
                let archive = WriterOptions {
                    storage: config.content,
                    detail: config.detail,
                    keep_payloads: config.keep_payloads,
                };
                let recorder = Recorder::open(&config.har, &RunSettings { archive, update: config.update }, tell)?;
                EngineMode::Record(RecordState { recorder: Arc::new(recorder), scope, raw: config.raw })
            }
            Self::Replay { config, scope, ignore, replayer, killed } => {
                let settings = RunSettings { update: Update::Append, ..RunSettings::default() };
                let recorder =
                    if adds_misses(&config) { Some(Recorder::open(&config.har, &settings, tell)?) } else { None };
                EngineMode::Replay(ReplayState {
                    replayer: Arc::from(replayer),
                    sessions: Sessions::default(),
                    scope,
                    not_found: config.not_found,
                    out_of_scope: config.out_of_scope,
                    redirects: config.redirects,
                    cors: config.cors,
                    ignore,
                    recorder: recorder.map(Arc::new),
                    killed: killed.map(Box::new),
                })
            }
        })
    }
}

/// Whether what the archives lack is recorded.
fn adds_misses(config: &ReplayConfig) -> bool {
    config.not_found == NotFound::Record && !config.offline
}

/// `--tunnel` takes hosts; as URL globs they name every URL of the host, on any port where none is given.
fn host_globs(hosts: &[String]) -> Vec<String> {
    hosts
        .iter()
        .flat_map(|host| {
            if host.contains("://") {
                return vec![host.clone()];
            }
            let with_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
            let mut globs = vec![format!("http{{s,}}://{host}/**")];
            if !with_port {
                globs.push(format!("http{{s,}}://{host}:*/**"));
            }
            globs
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::host_globs;
    use crate::message::Scheme;
    use crate::route::GlobList;

    #[test]
    fn a_host_pattern_covers_the_host_on_every_port_unless_it_names_one() {
        let any = GlobList::compile(&host_globs(&["*.pinned.example".into()])).unwrap();
        assert!(any.covers_origin(Scheme::Https, "api.pinned.example", 443));
        assert!(any.covers_origin(Scheme::Https, "api.pinned.example", 8443));
        assert!(!any.covers_origin(Scheme::Https, "other.example", 443));
        let one = GlobList::compile(&host_globs(&["a.example:8443".into()])).unwrap();
        assert!(one.covers_origin(Scheme::Https, "a.example", 8443));
        assert!(!one.covers_origin(Scheme::Https, "a.example", 443));
    }
}
