//! What all connections of a run share.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use http::uri::Authority;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::callback::Callbacks;
use super::config::{Cors, Limits, NotFound, OutOfScope, RedirectPolicy};
use super::keys::Keys;
use super::observed::Observers;
use super::places;
use super::reload::{Reloaded, Reloads};
use super::summary::Tally;
use crate::ca::CertAuthority;
use crate::log::Log;
use crate::matching::{OriginMap, Rules};
use crate::message::rehome::Origin;
use crate::message::{Destination, Scheme};
use crate::pages::{self, PageFacts};
use crate::record::{Finished, Readable, Recorder};
use crate::replay::{Replayer, Sessions, StreamSpeed};
use crate::route::{GlobList, Mounts, Scope};
use crate::treatment::{Chance, Patch};
use crate::upstream::Upstream;

/// Different refusals that are told one by one.
const REFUSALS_TOLD: usize = 1_000;

/// The state of a run.
pub(super) struct Engine {
    /// The first one is the one that clients are told.
    pub(super) listen: SocketAddr,
    /// All of them.
    pub(super) listeners: Vec<Listening>,
    /// Who names no session is asked for one.
    pub(super) sessions_required: bool,
    /// Who shows none of these is refused.
    pub(super) keys: Keys,
    /// The origins whose URLs clients ask for at the proxy's own address.
    pub(super) mounts: Mounts,
    /// Clients may speak TLS to the proxy itself.
    pub(super) tls: bool,
    /// Requests may say by `x-mock-*` fields what their answer is to be.
    pub(super) mock_headers: bool,
    /// What they draw from.
    pub(super) chance: Arc<Chance>,
    pub(super) limits: Limits,
    pub(super) ca: CertAuthority,
    /// Hosts whose TLS is never opened.
    pub(super) tunnel: GlobList,
    pub(super) mode: EngineMode,
    /// `None`: no socket and no DNS query, whatever is asked for.
    pub(super) upstream: Option<Upstream>,
    /// A body from the upstream without a frame for this long is broken off.
    pub(super) upstream_idle: Duration,
    pub(super) pages: PageFacts,
    pub(super) log: Log,
    pub(super) tally: Tally,
    pub(super) observers: Observers,
    /// What changes through the control API need.
    pub(super) token: String,
    /// Whoever watches the archives, where there are such.
    pub(super) reloads: Option<Reloads>,
    /// Cancelled when the run is told to end.
    pub(super) ending: CancellationToken,
    /// Connections and tunnels.
    pub(super) tasks: TaskTracker,
    /// Hosts and clients whose refusal of a certificate has been told.
    pub(super) refusals: Mutex<HashSet<String>>,
    /// What clients of a base URL cannot keep or reach, as far as that has been told.
    pub(super) told: Mutex<HashSet<String>>,
}

/// An address on which a proxy listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listening {
    /// With the port that it really has.
    pub address: SocketAddr,
    /// The session of the clients that come there, where it has one.
    pub session: Option<String>,
}

/// Record or replay, with what each needs.
pub(super) enum EngineMode {
    Record(RecordState),
    Replay(ReplayState),
}

pub(super) struct RecordState {
    pub(super) recorder: Arc<Recorder>,
    pub(super) scope: Scope,
    pub(super) raw: bool,
    pub(super) keep_conditional: bool,
    /// What is done to the answers that clients get.
    pub(super) rules: Arc<Rules>,
}

pub(super) struct ReplayState {
    /// Another one after a reload: a request keeps the one with which it began.
    pub(super) replayer: ArcSwap<Replayer>,
    pub(super) sessions: Sessions,
    pub(super) scope: Scope,
    /// Origins that stand for each other.
    pub(super) origins: OriginMap,
    /// Text names the origin asked for, too.
    pub(super) move_text: bool,
    pub(super) not_found: NotFound,
    pub(super) out_of_scope: OutOfScope,
    pub(super) redirects: RedirectPolicy,
    pub(super) cors: Cors,
    pub(super) stream_speed: StreamSpeed,
    pub(super) ignore: GlobList,
    /// Requests that entries ask for; `None`: none is sent.
    pub(super) callbacks: Option<Box<Callbacks>>,
    /// For misses under [`NotFound::Record`].
    pub(super) recorder: Option<Arc<Recorder>>,
    /// What stands in for an archive is there as long as this is.
    pub(super) _archives: Vec<Readable>,
    /// What a killed run had left in the journal of that archive.
    pub(super) killed: Option<Box<Finished>>,
}

impl ReplayState {
    /// Whether a URL, or one that the map lets stand for it, is for the archives to answer.
    pub(super) fn covers(&self, url: &str) -> bool {
        covers(&self.scope, &self.origins, url)
    }
}

/// Whether a URL, or one that the map lets stand for it, is in scope.
pub(super) fn covers(scope: &Scope, origins: &OriginMap, url: &str) -> bool {
    scope.contains(url) || origins.stand_ins(url).any(|url| scope.contains(&url))
}

/// The archives, as pages name them.
pub(super) fn archive_names(replayer: &Replayer) -> Vec<String> {
    replayer.archive_names().map(str::to_owned).collect()
}

impl Engine {
    /// What the own pages tell. The files beside the CA are made by whoever runs the proxy, when it listens already.
    pub(super) fn page_facts(&self) -> PageFacts {
        let beside_ca = |name: &str| Some(self.ca.dir().join(name)).filter(|path| path.exists());
        let archives = match &self.mode {
            EngineMode::Record(_) => self.pages.archives.clone(),
            EngineMode::Replay(state) => archive_names(&state.replayer.load()),
        };
        PageFacts {
            archives,
            origins: places::reached(self).into_iter().map(|reached| (reached.url, reached.origin)).collect(),
            bundle_path: beside_ca("bundle.pem"),
            java_store_path: beside_ca("truststore.p12"),
            requests: self.tally.requests(),
            refused: self.refusals.lock().unwrap_or_else(PoisonError::into_inner).len() as u64,
            ..self.pages.clone()
        }
    }

    /// Reads what has changed without waiting for the next look; none where nothing is replayed.
    pub(super) async fn reload(&self) -> Option<Reloaded> {
        self.reloads.as_ref()?.ask().await
    }

    /// Whether clients may take this proxy for a server, and so speak any kind of HTTP to it.
    pub(super) fn is_server(&self) -> bool {
        self.tls || !self.mounts.is_empty()
    }

    /// Whether an authority is one under which clients reach this proxy as a server, whatever its port.
    pub(super) fn is_called(&self, authority: &Authority) -> bool {
        let ips = self.listeners.iter().map(|listener| listener.address.ip());
        ips.into_iter().any(|ip| pages::is_called(authority, ip, &self.pages.allowed_hosts))
    }

    /// Whether a host and port are this proxy's own: its page's name, or the address on which it listens.
    pub(super) fn is_own(&self, host: &str, port: u16) -> bool {
        let mut listeners = self.listeners.iter().map(|listener| listener.address);
        let allowed = self.pages.allowed_hosts.iter().any(|name| name.eq_ignore_ascii_case(host));
        host.eq_ignore_ascii_case(pages::HOST)
            || listeners.any(|listen| port == listen.port() && (allowed || Self::listens_on(listen.ip(), host)))
    }

    fn listens_on(ip: IpAddr, host: &str) -> bool {
        match host.parse::<IpAddr>() {
            Ok(asked) => asked == ip || (ip.is_unspecified() && asked.is_loopback()),
            Err(_name) => host == "localhost" && (ip.is_loopback() || ip.is_unspecified()),
        }
    }

    /// Whether the TLS to a destination stays closed, because the user says so or because nothing in it can concern
    /// this run.
    pub(super) fn leaves_closed(&self, to: &Destination) -> bool {
        if self.is_own(&to.host, to.port) {
            return false;
        }
        self.tunnel.covers_origin(to.scheme, &to.host, to.port) || !self.may_concern(to)
    }

    fn may_concern(&self, to: &Destination) -> bool {
        // Plain HTTP may be inside a CONNECT, too.
        let schemes = [Scheme::Https, Scheme::Http];
        let may = |scope: &Scope| schemes.iter().any(|scheme| scope.may_contain_origin(*scheme, &to.host, to.port));
        match &self.mode {
            EngineMode::Record(state) => may(&state.scope),
            EngineMode::Replay(state) => {
                let stand_ins = schemes.iter().filter_map(|scheme| Origin::of(*scheme, &to.host, to.port));
                let may_stand_in = |origin: Origin| {
                    let mut others = state.origins.others(origin.as_str()).into_iter();
                    others.any(|other| state.scope.may_contain_origin(other.scheme(), other.host(), other.port()))
                };
                let mapped = !state.origins.is_empty() && stand_ins.into_iter().any(may_stand_in);
                state.out_of_scope == OutOfScope::Fail || may(&state.scope) || mapped
            }
        }
    }

    /// Whether this has not been told yet.
    pub(super) fn is_new(&self, what: &str) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.len() < REFUSALS_TOLD && told.insert(what.to_owned())
    }

    /// Whether this client's refusal of this host's certificate has not been told yet: clients retry.
    pub(super) fn first_refusal(&self, host: &str, user_agent: Option<&str>) -> bool {
        let mut told = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        told.len() < REFUSALS_TOLD && told.insert(format!("{host} {}", user_agent.unwrap_or_default()))
    }

    /// What the answer of a real server is patched with, if anything.
    pub(super) fn patch(&self, url: &str) -> Option<Patch> {
        let rules = match &self.mode {
            EngineMode::Record(state) => Arc::clone(&state.rules),
            EngineMode::Replay(state) => state.replayer.load().rules(),
        };
        if !rules.treat() {
            return None;
        }
        Some(rules.treatment(url).patch).filter(|patch| !patch.is_empty())
    }

    /// Whether the next TLS handshake of a host is to fail, and what is told of it.
    pub(super) fn tls_fault(&self, to: &Destination) -> Option<String> {
        let EngineMode::Replay(state) = &self.mode else { return None };
        state.replayer.load().rules().tls_fault(&to.host, to.port)
    }

    /// Whether bytes that are neither TLS nor HTTP are passed on.
    pub(super) fn passes_opaque(&self) -> bool {
        matches!(self.mode, EngineMode::Record(_))
    }
}
