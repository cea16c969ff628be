//! From settings to an engine and a listening socket: all that can be wrong is found here, before anything is served.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::callback::Callbacks;
use super::config::{Config, Mode, NotFound, OutOfScope, RecordConfig, ReplayConfig, Update};
use super::engine::{Engine, EngineMode, Listening, RecordState, ReplayState, archive_names};
use super::keys::{self, ApiKey, KeyFileError, Keys};
use super::listener::Listener;
use super::observed::{Observers, Recent};
use super::places::Places;
use super::reload::{Reloads, ReloadsAsked};
use super::rendering;
use super::summary::Tally;
use crate::archive::WriterOptions;
use crate::ca::{self, CertAuthority};
use crate::log::Log;
use crate::matching::{OriginMap, RuleError, Rules};
use crate::pages::{PageFacts, PageMode};
use crate::record::{self, Finished, Readable, Recorder, RunSettings, Tell};
use crate::redact::also_hide;
use crate::replay::{OpenError, Replayer, Sessions};
use crate::report::TraceWriter;
use crate::route::{GlobError, GlobList, MountError, Scope};
use crate::templates::{Variables, VariablesError};
use crate::treatment::{Chance, Spec};
use crate::upstream::{SetupError, Upstream, UpstreamConfig};

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
    /// The file of keys says what it may not.
    #[error("{}: {source}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        source: KeyFileError,
    },
    /// The file of keys cannot be read.
    #[error("the keys in {} cannot be read: {source}; name another file with --api-key-file", path.display())]
    KeyFileUnreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}{}", listen_hint(source))]
    Listen {
        /// What was asked for.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// Two origins at one place.
    #[error(transparent)]
    Mounts(#[from] MountError),
    /// A file of keys that holds none would leave everybody out, or let everybody in.
    #[error("{} holds no key; add a line such as the one that `printf %s KEY | sha256sum` makes, after `sha256:`", .0.display())]
    NoKey(PathBuf),
    /// An address that others can reach, without leave.
    #[error(
        "{0} can be reached from other machines; ask for a key with --api-key, add --public to let everybody in, or listen on 127.0.0.1"
    )]
    NotLoopback(SocketAddr),
    /// The archive to write.
    #[error(transparent)]
    Record(#[from] record::Error),
    /// What a killed recording left of an archive.
    #[error(transparent)]
    Unfinished(#[from] record::ReadableError),
    /// A rule.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// The system's random numbers.
    #[error("the system gives no random numbers for the token of the control API; name one with --token")]
    Random,
    /// The trace.
    #[error("the trace {} cannot be written: {source}; name another file with --trace", path.display())]
    Trace {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The way to the upstream.
    #[error(transparent)]
    Upstream(#[from] SetupError),
    /// The variables that templates can read.
    #[error(transparent)]
    Variables(#[from] VariablesError),
}

fn listen_hint(source: &io::Error) -> &'static str {
    if source.kind() == io::ErrorKind::AddrInUse { "; end what listens there, or choose another --listen" } else { "" }
}

/// A proxy that is ready to accept.
pub(super) struct Started {
    pub(super) engine: Engine,
    pub(super) listeners: Vec<Listener>,
    pub(super) warnings: Vec<String>,
    /// Where archives are that are watched, and whether an odd entry counts as broken.
    pub(super) watched: Option<(Vec<PathBuf>, bool)>,
    /// Who asks for a reload.
    pub(super) asked: ReloadsAsked,
}

/// Globs, archives, authority, address, recording, upstream: in this order, so that what only reads comes before what
/// makes files, and a taken port leaves no trace.
pub(super) async fn start(config: Config, log: Log) -> Result<Started, StartError> {
    let mock_headers = config.takes_mock_headers();
    let places = Places::of(&config)?;
    let keys = keys(config.api_keys, config.api_key_file)?;
    if let Some(exposed) = places.exposed().filter(|_| !config.public && keys.is_empty()) {
        return Err(StartError::NotLoopback(exposed));
    }
    let tunnel = GlobList::compile(&host_globs(&config.tunnel))?;
    also_hide(match &config.mode {
        Mode::Record(config) => &config.redact,
        Mode::Replay(config) => &config.redact,
    });
    let mut warnings = Vec::new();
    let prepared = Prepared::of(config.mode, &mut warnings)?;
    let ca = CertAuthority::load_or_create(config.ca_dir.as_deref())?;
    let mounts = places.mounts();
    let (listeners, listening) = places.bind().await?;
    let listen = listening.first().map_or(config.listen, |first| first.address);
    let upstream = if prepared.needs_upstream(!tunnel.is_empty()) {
        Some(Upstream::new(&config.upstream, listening.iter().map(|own| own.address).collect())?)
    } else {
        None
    };
    let callbacks = prepared.callbacks(&config.upstream, &listening)?;
    let watched = prepared.watched();
    warnings.extend(upstream.iter().flat_map(|upstream| upstream.notes().iter().cloned()));
    let trace =
        config.trace.map(|path| TraceWriter::create(&path).map_err(|source| StartError::Trace { path, source }));
    let (reloads, asked) = Reloads::new();
    let recent = (config.exchanges > 0).then(|| Recent::new(config.exchanges));
    let engine = Engine {
        listen,
        listeners: listening,
        sessions_required: config.sessions,
        keys,
        mounts,
        tls: config.tls,
        mock_headers,
        chance: prepared.chance(),
        limits: config.limits,
        pages: PageFacts { name: config.name, allowed_hosts: config.allowed_hosts, ..prepared.page_facts(listen, &ca) },
        ca,
        tunnel,
        mode: prepared.engine_mode(&log, callbacks)?,
        upstream_idle: config.upstream.idle,
        upstream,
        log,
        tally: Tally::default(),
        observers: Observers { annotate: config.annotate, trace: trace.transpose()?.map(Arc::new), recent },
        token: config.token.map_or_else(new_token, Ok)?,
        reloads: watched.is_some().then_some(reloads),
        ending: CancellationToken::new(),
        tasks: TaskTracker::new(),
        refusals: Mutex::default(),
        told: Mutex::default(),
    };
    Ok(Started { engine, listeners, warnings, watched, asked })
}

/// What the mode's settings turn into without making any file.
enum Prepared {
    Record {
        config: Box<RecordConfig>,
        scope: Scope,
        rules: Arc<Rules>,
    },
    Replay {
        config: Box<ReplayConfig>,
        scope: Scope,
        ignore: GlobList,
        replayer: Box<Replayer>,
        archives: Vec<Readable>,
        /// The files and folders that were read.
        paths: Vec<PathBuf>,
        killed: Option<Box<Finished>>,
        /// What templates can read.
        variables: Arc<Variables>,
    },
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
                let rules = Arc::new(Rules::compile(config.rules.clone(), Spec::default())?);
                return Ok(Self::Record { config, scope, rules });
            }
            Mode::Replay(config) => config,
        };
        let scope = scope(&config.glob, &config.exclude)?;
        let ignore = GlobList::compile(&config.ignore_miss)?;
        warnings.extend(ignore.warnings());
        let rules = Rules::compile(config.rules.clone(), config.treatment.clone())?;
        let rules = Arc::new(rules.across(OriginMap::new(config.map.clone())));
        // What a killed run had recorded is to be served, too.
        let killed = if adds_misses(&config) { record::finish_killed(&config.har)?.map(Box::new) } else { None };
        let archives = record::readable(&config.archives)?;
        warnings.extend(archives.iter().filter_map(Readable::note));
        // Folders are watched for archives that come; what stands in for one stands still.
        let stand_ins = archives.iter().any(|archive| archive.unfinished.is_some());
        let files = || archives.iter().map(|archive| archive.path.clone()).collect();
        let paths = if stand_ins { files() } else { config.archives.clone() };
        let templates = rendering::settings(&config)?;
        let (size, strict) = (config.cache_size, config.strict_archives);
        let opened = Replayer::open(&paths, size, strict, rules, templates.clone())?;
        let mut replayer = Box::new(opened.replayer);
        let stand_in = |path: &Path| archives.iter().find(|archive| archive.path == path);
        warnings.extend(opened.warnings.iter().map(|(path, warning)| {
            let name = stand_in(path).map_or(&**path, |archive| &archive.archive);
            format!("{}: {warning}", name.display())
        }));
        archives.iter().for_each(|archive| replayer.call(&archive.path, &archive.archive));
        warnings.extend(rendering::warnings(&config, &templates, &replayer));
        let skipped = opened.outgoing.iter().map(|path| {
            let path = path.display();
            format!(
                "{path}: its requests are to be sent, and replay skips it; `harmock send {path} --to URL` sends them"
            )
        });
        warnings.extend(skipped);
        if config.allow_callbacks.is_empty() || config.offline {
            let asking = replayer.entries().filter(|entry| replayer.entry(*entry).callback.is_some()).count();
            let flag = if config.offline { "--offline forbids it" } else { "--allow-callbacks GLOB allows it" };
            warnings.extend((asking > 0).then(|| {
                let entries = if asking == 1 { "1 entry wants".to_owned() } else { format!("{asking} entries want") };
                format!("{entries} to have a request sent (_harmock.callback), and none is sent; {flag}")
            }));
        }
        let variables = Arc::clone(templates.environments.of(None));
        Ok(Self::Replay { config, scope, ignore, replayer, archives, paths, killed, variables })
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

    /// What requests draw from that ask for something by chance.
    fn chance(&self) -> Arc<Chance> {
        let seed = match self {
            Self::Record { .. } => 0,
            Self::Replay { config, .. } => config.treatment.seed.unwrap_or_default(),
        };
        Arc::new(Chance::new(seed, "requests"))
    }

    /// What entries may have sent.
    fn callbacks(&self, upstream: &UpstreamConfig, own: &[Listening]) -> Result<Option<Box<Callbacks>>, StartError> {
        let Self::Replay { config, variables, .. } = self else { return Ok(None) };
        if config.allow_callbacks.is_empty() || config.offline {
            return Ok(None);
        }
        let allowed = GlobList::compile(&config.allow_callbacks)?;
        let way = Upstream::new(upstream, own.iter().map(|own| own.address).collect())?;
        Ok(Some(Box::new(Callbacks::new(allowed, way, upstream.idle, Arc::clone(variables)))))
    }

    fn watched(&self) -> Option<(Vec<PathBuf>, bool)> {
        let Self::Replay { config, paths, .. } = self else { return None };
        Some((paths.clone(), config.strict_archives))
    }

    fn page_facts(&self, listen: SocketAddr, ca: &CertAuthority) -> PageFacts {
        let (mode, glob, archives) = match self {
            Self::Record { config, .. } => (PageMode::Record, &config.glob, vec![config.har.display().to_string()]),
            Self::Replay { config, replayer, .. } => (PageMode::Replay, &config.glob, archive_names(replayer)),
        };
        PageFacts { archives, glob: glob.clone(), ..PageFacts::new(listen, mode, ca) }
    }

    /// Opens the recording where there is one.
    fn engine_mode(self, log: &Log, callbacks: Option<Box<Callbacks>>) -> Result<EngineMode, StartError> {
        let log = log.clone();
        let tell = Tell::new(move |line| log.alert(line));
        Ok(match self {
            Self::Record { config, scope, rules } => {
                let archive = WriterOptions {
                    storage: config.content,
                    detail: config.detail,
                    keep_payloads: config.keep_payloads,
                    update: config.update,
                    outgoing: false,
                    overwrite_edits: config.overwrite_edits,
                    volatile: config.volatile.clone(),
                };
                let settings = RunSettings { archive, redact: config.redact };
                let recorder = Recorder::open(&config.har, &settings, tell)?;
                EngineMode::Record(RecordState {
                    recorder: Arc::new(recorder),
                    scope,
                    raw: config.raw,
                    keep_conditional: config.keep_conditional,
                    rules,
                })
            }
            Self::Replay { config, scope, ignore, replayer, archives, killed, .. } => {
                let config = *config;
                let archive = WriterOptions { update: Update::Append, ..WriterOptions::default() };
                let settings = RunSettings { archive, redact: config.redact.clone() };
                let recorder =
                    if adds_misses(&config) { Some(Recorder::open(&config.har, &settings, tell)?) } else { None };
                EngineMode::Replay(ReplayState {
                    replayer: ArcSwap::from_pointee(*replayer),
                    sessions: Sessions::default(),
                    scope,
                    origins: OriginMap::new(config.map),
                    move_text: config.map_bodies,
                    not_found: config.not_found,
                    out_of_scope: config.out_of_scope,
                    redirects: config.redirects,
                    cors: config.cors,
                    stream_speed: config.stream_speed,
                    ignore,
                    callbacks,
                    recorder: recorder.map(Arc::new),
                    _archives: archives,
                    killed,
                })
            }
        })
    }
}

/// The keys that were named, and those of the file.
fn keys(mut keys: Vec<ApiKey>, file: Option<PathBuf>) -> Result<Keys, StartError> {
    if let Some(path) = file {
        let text = std::fs::read_to_string(&path)
            .map_err(|source| StartError::KeyFileUnreadable { path: path.clone(), source })?;
        let read = keys::parse_file(&text).map_err(|source| StartError::KeyFile { path: path.clone(), source })?;
        if read.is_empty() {
            return Err(StartError::NoKey(path));
        }
        keys.extend(read);
    }
    Ok(Keys(keys))
}

/// A token that nobody guesses. The system's own random numbers make it: those of the TLS library gather entropy first,
/// which takes longer than the rest of the start.
fn new_token() -> Result<String, StartError> {
    let mut bytes = [0; 24];
    getrandom::fill(&mut bytes).map_err(|_| StartError::Random)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
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
