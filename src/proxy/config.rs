//! All that a proxy is told before it starts. Nothing here is checked against the disk or the network.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::keys::ApiKey;
use crate::archive::BodyStorage;
pub use crate::archive::Update;
pub use crate::har::Detail;
use crate::matching::{OriginPair, Rule};
use crate::redact::Rules;
pub use crate::replay::StreamSpeed;
use crate::route::Mount;
use crate::treatment::Spec;
use crate::upstream::UpstreamConfig;

/// The settings of one proxy.
#[derive(Debug, Clone)]
pub struct Config {
    /// What people call this run, where it has a name.
    pub name: Option<String>,
    /// Where it listens; port 0 picks one.
    pub listen: SocketAddr,
    /// Further addresses on which it listens.
    pub more: Vec<ListenAt>,
    /// The session of the clients that come to the first one.
    pub session: Option<String>,
    /// Who names no session is asked for one: 407, after which browsers send the credentials of their proxy.
    pub sessions: bool,
    /// Allows an address that is not loopback.
    pub public: bool,
    /// Origins whose URLs clients ask for at the proxy's own address.
    pub origins: Vec<Mount>,
    /// Clients may speak TLS to the proxy itself.
    pub tls: bool,
    /// Names beside `localhost` under which clients reach that address.
    pub allowed_hosts: Vec<String>,
    /// Who shows none of these is refused; empty: nobody is.
    pub api_keys: Vec<ApiKey>,
    /// A file with the hashes of more keys.
    pub api_key_file: Option<PathBuf>,
    /// The folder of the certificate authority; `None`: the platform's data folder.
    pub ca_dir: Option<PathBuf>,
    /// Host globs (`*.example.com`, `host:port`) or URL globs whose TLS is never opened.
    pub tunnel: Vec<String>,
    /// How the real servers are reached.
    pub upstream: UpstreamConfig,
    /// Requests may say by `x-mock-*` fields what their answer is to be.
    pub mock_headers: bool,
    /// Time and number limits.
    pub limits: Limits,
    /// Answers say in `X-Harmock` what answered.
    pub annotate: bool,
    /// A HAR that names what answered each request, written while the run lasts.
    pub trace: Option<PathBuf>,
    /// How many of the last exchanges the control API can tell.
    pub exchanges: usize,
    /// What changes through the control API need; `None`: a token of this run's own.
    pub token: Option<String>,
    /// Record or replay.
    pub mode: Mode,
}

impl Config {
    /// The defaults of a mode: `127.0.0.1:8899`.
    pub fn new(mode: impl Into<Mode>) -> Self {
        Self {
            name: None,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8899)),
            more: Vec::new(),
            session: None,
            sessions: false,
            public: false,
            origins: Vec::new(),
            tls: false,
            allowed_hosts: Vec::new(),
            api_keys: Vec::new(),
            api_key_file: None,
            ca_dir: None,
            tunnel: Vec::new(),
            upstream: UpstreamConfig::default(),
            mock_headers: false,
            limits: Limits::default(),
            annotate: false,
            trace: None,
            exchanges: 0,
            token: None,
            mode: mode.into(),
        }
    }

    /// Whether `x-mock-*` fields of a request say what its answer is to be, and go no further.
    pub(super) fn takes_mock_headers(&self) -> bool {
        self.mock_headers || !self.origins.is_empty()
    }
}

/// An address to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenAt {
    /// Port 0 picks one.
    pub address: SocketAddr,
    /// The session of the clients that come there, where it has one.
    pub session: Option<String>,
}

/// What the proxy does with a request.
#[derive(Debug, Clone)]
pub enum Mode {
    /// Pass it on and keep the exchange.
    Record(Box<RecordConfig>),
    /// Answer it from the archive.
    Replay(Box<ReplayConfig>),
}

impl From<RecordConfig> for Mode {
    fn from(config: RecordConfig) -> Self {
        Self::Record(Box::new(config))
    }
}

impl From<ReplayConfig> for Mode {
    fn from(config: ReplayConfig) -> Self {
        Self::Replay(Box::new(config))
    }
}

/// Record mode.
#[derive(Debug, Clone)]
pub struct RecordConfig {
    /// The archive to write: `.har`, or `.zip`.
    pub har: PathBuf,
    /// URL globs of what is written; empty: everything.
    pub glob: Vec<String>,
    /// URL globs of what is not.
    pub exclude: Vec<String>,
    /// Where bodies go.
    pub content: BodyStorage,
    /// Which fields entries have.
    pub detail: Detail,
    /// What becomes of the entries that are there.
    pub update: Update,
    /// Change nothing on the way but hop-by-hop fields.
    pub raw: bool,
    /// Pass conditions on (`If-None-Match`, `If-Modified-Since`, `If-Range`), so that a 304 is recorded as one.
    pub keep_conditional: bool,
    /// Leave payload files that no archive names any more.
    pub keep_payloads: bool,
    /// A merge exchanges also what was edited by hand.
    pub overwrite_edits: bool,
    /// Header fields that do not make two entries different, beside the usual ones.
    pub volatile: Vec<String>,
    /// Which values are replaced because they are secrets.
    pub redact: Rules,
    /// Rules, of which those count that patch what clients get; a later one outranks an earlier one.
    pub rules: Vec<Rule>,
}

impl Default for RecordConfig {
    fn default() -> Self {
        Self {
            har: PathBuf::from("hars/recording.har"),
            glob: Vec::new(),
            exclude: Vec::new(),
            content: BodyStorage::Attach,
            detail: Detail::Minimal,
            update: Update::Replace,
            raw: false,
            keep_conditional: false,
            keep_payloads: false,
            overwrite_edits: false,
            volatile: Vec::new(),
            redact: Rules::default(),
            rules: Vec::new(),
        }
    }
}

/// Replay mode.
#[derive(Debug, Clone)]
pub struct ReplayConfig {
    /// Archives, or folders of archives, in the order in which they count.
    pub archives: Vec<PathBuf>,
    /// Scope: URL globs of what must be answered from the archive; empty: everything.
    pub glob: Vec<String>,
    /// URL globs that are out of scope.
    pub exclude: Vec<String>,
    /// What a request in scope without an entry gets.
    pub not_found: NotFound,
    /// What a request out of scope gets.
    pub out_of_scope: OutOfScope,
    /// Whether clients that are no navigations get recorded redirects or their end.
    pub redirects: RedirectPolicy,
    /// Whether CORS fields are made to fit the live origin.
    pub cors: Cors,
    /// The pace of recorded streams.
    pub stream_speed: StreamSpeed,
    /// What may vary between a request and its entry, by URL; a later rule outranks an earlier one.
    pub rules: Vec<Rule>,
    /// Origins that stand for each other: what was recorded of one answers for the other.
    pub map: Vec<OriginPair>,
    /// Text that names a mapped origin names the one asked for.
    pub map_bodies: bool,
    /// What is done to every answer that no rule says something else about.
    pub treatment: Spec,
    /// URL globs that get a 404 and never count as misses.
    pub ignore_miss: Vec<String>,
    /// Bytes of payloads kept in memory.
    pub cache_size: u64,
    /// Entries that say so of themselves are templates (`_harmock.template`).
    pub allow_templates: bool,
    /// Files with the variables that templates can read; a later one outranks an earlier one.
    pub env: Vec<PathBuf>,
    /// Variables of this process that they can read too.
    pub env_pass: Vec<String>,
    /// URL globs to which entries may have requests sent (`_harmock.callback`).
    pub allow_callbacks: Vec<String>,
    /// No upstream socket and no DNS query whatever the other settings say.
    pub offline: bool,
    /// An odd entry stops the start.
    pub strict_archives: bool,
    /// The archive that [`NotFound::Record`] adds to.
    pub har: PathBuf,
    /// Which values are replaced in it because they are secrets.
    pub redact: Rules,
}

impl Default for ReplayConfig {
    fn default() -> Self {
        Self {
            archives: vec![PathBuf::from("hars")],
            glob: Vec::new(),
            exclude: Vec::new(),
            not_found: NotFound::default(),
            out_of_scope: OutOfScope::default(),
            redirects: RedirectPolicy::default(),
            cors: Cors::default(),
            stream_speed: StreamSpeed::default(),
            rules: Vec::new(),
            map: Vec::new(),
            map_bodies: false,
            treatment: Spec::default(),
            ignore_miss: Vec::new(),
            cache_size: 64 << 20,
            allow_templates: false,
            env: Vec::new(),
            env_pass: Vec::new(),
            allow_callbacks: Vec::new(),
            offline: false,
            strict_archives: false,
            har: PathBuf::from("hars/recording.har"),
            redact: Rules::default(),
        }
    }
}

/// What a miss gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NotFound {
    /// 502 with the nearest entry; counted.
    #[default]
    Fail,
    /// A reset connection or stream; counted.
    Abort,
    /// The upstream's answer; reported.
    Fallback,
    /// The upstream's answer, which is added to the archive; reported.
    Record,
}

/// What a request out of scope gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OutOfScope {
    /// The upstream's answer, counted by host.
    #[default]
    Pass,
    /// The same as a miss under `fail`.
    Fail,
}

/// What a request that is no navigation gets for a recorded redirect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RedirectPolicy {
    /// The answer at the end of the recorded chain.
    #[default]
    Follow,
    /// The recorded 3xx.
    Serve,
}

/// CORS fields on replayed answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cors {
    /// Made to fit the live `Origin`; preflights that are not recorded are answered.
    #[default]
    Auto,
    /// As recorded.
    Recorded,
}

/// Time and number limits of a proxy.
#[derive(Debug, Clone)]
pub struct Limits {
    /// To decide what a `CONNECT` carries; then it is a tunnel.
    pub detect: Duration,
    /// A connection without traffic is closed after this.
    pub idle: Duration,
    /// A TLS handshake with a client.
    pub tls: Duration,
    /// Connections at a time; further ones wait.
    pub connections: usize,
    /// For exchanges in flight when the run ends.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            detect: Duration::from_secs(1),
            idle: Duration::from_secs(600),
            tls: Duration::from_secs(10),
            connections: 10_000,
            grace: Duration::from_secs(5),
        }
    }
}
