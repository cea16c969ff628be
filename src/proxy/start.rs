//! From settings to an engine and a listening socket: all that can be wrong is found here, before anything is served.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::config::{Config, Mode};
use super::engine::Engine;
use super::keys::{self, ApiKey, Keys};
use super::listener::Listener;
use super::observed::{Observers, Recent};
use super::places::Places;
use super::prepared::Prepared;
use super::reload::{Reloads, ReloadsAsked};
use super::start_error::StartError;
use super::summary::Tally;
use crate::ca::CertAuthority;
use crate::log::Log;
use crate::pages::PageFacts;
use crate::redact::also_hide;
use crate::report::TraceWriter;
use crate::route::GlobList;
use crate::upstream::Upstream;

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
