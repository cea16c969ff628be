//! From settings to an engine and a listening socket: all that can be wrong is found here, before anything is served.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::config::{Config, Mode, NotFound, OutOfScope, RecordConfig, ReplayConfig, Update};
use super::engine::{Engine, EngineMode, RecordState, ReplayState};
use super::summary::Tally;
use crate::archive::{BodyStorage, WriterOptions};
use crate::ca::{self, CertAuthority};
use crate::log::Log;
use crate::pages::{PageFacts, PageMode};
use crate::record::{self, Recorder};
use crate::replay::{OpenError, Opened, Replayer};
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

/// Globs, authority, archives, address, recording, upstream: in this order, so that what only reads comes before what
/// makes files, and a taken port leaves no trace.
pub(super) async fn start(config: Config, log: Log) -> Result<Started, StartError> {
    if !config.listen.ip().is_loopback() && !config.public {
        return Err(StartError::NotLoopback(config.listen));
    }
    let tunnel = GlobList::compile(&host_globs(&config.tunnel))?;
    let mut prepared = Prepared::of(&config.mode, !config.tunnel.is_empty())?;
    let ca = CertAuthority::load_or_create(config.ca_dir.as_deref())?;
    let listen_error = |source| StartError::Listen { address: config.listen, source };
    let listener = TcpListener::bind(config.listen).await.map_err(listen_error)?;
    let listen = listener.local_addr().map_err(listen_error)?;
    let upstream = if prepared.needs_upstream { Some(Upstream::new(&config.upstream, vec![listen])?) } else { None };
    let recorder = prepared.recorder(&config.mode)?;
    let pages = page_facts(&config, listen, &ca, &prepared);
    let mut warnings = std::mem::take(&mut prepared.warnings);
    warnings.extend(upstream.iter().flat_map(|upstream| upstream.notes().iter().cloned()));
    let mode = prepared.engine_mode(config.mode, recorder);
    let engine = Engine {
        listen,
        limits: config.limits,
        ca,
        tunnel,
        mode,
        upstream_idle: config.upstream.idle,
        upstream,
        pages,
        log,
        tally: Tally::default(),
        ending: CancellationToken::new(),
        tasks: TaskTracker::new(),
        refusals: std::sync::Mutex::default(),
    };
    Ok(Started { engine, listener, warnings })
}

/// What the mode's settings turn into without making any file.
struct Prepared {
    scope: Scope,
    ignore: GlobList,
    replayer: Option<Replayer>,
    needs_upstream: bool,
    warnings: Vec<String>,
}

impl Prepared {
    fn of(mode: &Mode, tunnels: bool) -> Result<Self, StartError> {
        let (glob, exclude) = match mode {
            Mode::Record(RecordConfig { glob, exclude, .. }) | Mode::Replay(ReplayConfig { glob, exclude, .. }) => {
                (glob, exclude)
            }
        };
        let scope = Scope { include: GlobList::compile(glob)?, exclude: GlobList::compile(exclude)? };
        let mut warnings = scope.warnings();
        let Mode::Replay(config) = mode else {
            return Ok(Self { scope, ignore: GlobList::default(), replayer: None, needs_upstream: true, warnings });
        };
        let ignore = GlobList::compile(&config.ignore_miss)?;
        warnings.extend(ignore.warnings());
        let Opened { replayer, warnings: odd, left_out: _ } =
            Replayer::open(&config.archives, config.cache_size, config.strict_archives)?;
        warnings.extend(odd.iter().map(|(path, warning)| format!("{}: {warning}", path.display())));
        let asks = tunnels
            || matches!(config.not_found, NotFound::Fallback | NotFound::Record)
            || (config.out_of_scope == OutOfScope::Pass && !(glob.is_empty() && exclude.is_empty()));
        let needs_upstream = asks && !config.offline;
        Ok(Self { scope, ignore, replayer: Some(replayer), needs_upstream, warnings })
    }

    fn recorder(&self, mode: &Mode) -> Result<Option<Arc<Recorder>>, StartError> {
        let (har, options, append) = match mode {
            Mode::Record(config) => {
                let options = WriterOptions {
                    storage: config.content,
                    detail: config.detail,
                    keep_payloads: config.keep_payloads,
                };
                (&config.har, options, config.update == Update::Append)
            }
            Mode::Replay(config) if config.not_found == NotFound::Record && self.needs_upstream => {
                let options = WriterOptions { storage: BodyStorage::Attach, ..WriterOptions::default() };
                (&config.har, options, true)
            }
            Mode::Replay(_) => return Ok(None),
        };
        Ok(Some(Arc::new(Recorder::open(har, options, append)?)))
    }

    fn engine_mode(self, mode: Mode, recorder: Option<Arc<Recorder>>) -> EngineMode {
        match (mode, recorder, self.replayer) {
            (Mode::Record(config), Some(recorder), _) => {
                EngineMode::Record(RecordState { recorder, scope: self.scope, raw: config.raw })
            }
            (Mode::Replay(config), recorder, Some(replayer)) => EngineMode::Replay(ReplayState {
                replayer: Arc::new(replayer),
                scope: self.scope,
                not_found: config.not_found,
                out_of_scope: config.out_of_scope,
                redirects: config.redirects,
                cors: config.cors,
                ignore: self.ignore,
                recorder,
            }),
            _ => unreachable!("record mode has a recorder and replay mode has archives"),
        }
    }
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

fn page_facts(config: &Config, listen: SocketAddr, ca: &CertAuthority, prepared: &Prepared) -> PageFacts {
    let (mode, glob, archives) = match &config.mode {
        Mode::Record(record) => (PageMode::Record, &record.glob, vec![record.har.display().to_string()]),
        Mode::Replay(replay) => {
            let paths = prepared.replayer.iter().flat_map(Replayer::archive_paths);
            (PageMode::Replay, &replay.glob, paths.map(|path| path.display().to_string()).collect())
        }
    };
    PageFacts { archives, glob: glob.clone(), ..PageFacts::new(listen, mode, ca) }
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
