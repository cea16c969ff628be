//! Accepting connections and putting the stages together.
//!
//! [`Proxy::start`] checks everything that it is told before it listens; [`Proxy::stop`] drains, finishes the archive
//! and tells what the run did. The path of a request is in `service`.

mod answering;
mod base_url;
mod callback;
pub mod config;
mod connection;
mod control;
mod engine;
mod exchange;
mod explain;
mod explained;
mod fast;
mod faulty;
mod forward;
mod handshake;
mod hidden;
mod keys;
mod listener;
mod miss;
mod mock_headers;
mod observed;
mod opening;
mod own_address;
mod places;
mod prepared;
mod quiet;
mod reload;
mod rendering;
mod rescue;
mod service;
mod session;
mod start;
mod start_error;
mod streams;
pub mod summary;
mod target;
mod traced_body;
mod treated;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

pub use crate::report::{Applied, Miss, Near, Unused};
pub use config::{
    Config, Cors, Detail, Limits, ListenAt, Mode, NotFound, OutOfScope, RecordConfig, RedirectPolicy, ReplayConfig,
    StreamSpeed, Update,
};
pub use engine::Listening;
pub use explain::{Explanation, Question, explain};
pub use keys::ApiKey;
pub use places::ReachedAt;
pub use start_error::StartError;
pub use summary::{SessionSummary, Summary};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::ca::CertAuthority;
use crate::log::Log;
use crate::matching::EntryRef;
use engine::{Engine, EngineMode};

/// A proxy that listens. Dropping it stops accepting; [`Proxy::stop`] also finishes what it records.
pub struct Proxy {
    engine: Arc<Engine>,
    accepting: JoinHandle<()>,
    warnings: Vec<String>,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy").field("listen", &self.engine.listen).finish_non_exhaustive()
    }
}

impl Proxy {
    /// Starts a proxy.
    ///
    /// # Errors
    ///
    /// When a setting, an archive, the certificate authority or the address cannot be used; nothing listens then.
    pub async fn start(config: Config, log: Log) -> Result<Self, StartError> {
        let started = start::start(config, log).await?;
        let engine = Arc::new(started.engine);
        let accepting = tokio::spawn(listener::accept_all(started.listeners, Arc::clone(&engine)));
        engine.tasks.spawn(prepare(Arc::clone(&engine)));
        if let Some((paths, strict)) = started.watched {
            engine.tasks.spawn(reload::watch(Arc::clone(&engine), paths, strict, started.asked));
        }
        Ok(Self { engine, accepting, warnings: started.warnings })
    }

    /// Replays archives, or folders of archives, on a free port of loopback.
    ///
    /// # Errors
    ///
    /// As [`Proxy::start`].
    pub async fn replay<P: Into<std::path::PathBuf>>(
        archives: impl IntoIterator<Item = P>,
    ) -> Result<Self, StartError> {
        let archives = archives.into_iter().map(Into::into).collect();
        Self::start_on_free_port(ReplayConfig { archives, ..ReplayConfig::default() }).await
    }

    /// Records everything into an archive, on a free port of loopback.
    ///
    /// # Errors
    ///
    /// As [`Proxy::start`].
    pub async fn record(har: impl Into<std::path::PathBuf>) -> Result<Self, StartError> {
        Self::start_on_free_port(RecordConfig { har: har.into(), ..RecordConfig::default() }).await
    }

    async fn start_on_free_port(mode: impl Into<Mode>) -> Result<Self, StartError> {
        let mut config = Config::new(mode);
        config.listen.set_port(0);
        Self::start(config, Log::off()).await
    }

    /// Where it listens, with the port that it really has.
    pub fn address(&self) -> SocketAddr {
        self.engine.listen
    }

    /// Everywhere that it listens, the address that clients are told first.
    pub fn listeners(&self) -> &[Listening] {
        &self.engine.listeners
    }

    /// `http://HOST:PORT`, what clients are told.
    pub fn url(&self) -> String {
        format!("http://{}", self.engine.listen)
    }

    /// The authority whose certificate clients have to trust.
    pub fn ca(&self) -> &CertAuthority {
        &self.engine.ca
    }

    /// The origins that clients reach at the proxy's own addresses, and where.
    pub fn origins(&self) -> Vec<ReachedAt> {
        places::reached(&self.engine)
    }

    /// What changes through the control API need.
    pub fn token(&self) -> &str {
        &self.engine.token
    }

    /// What was odd in settings and archives, a sentence each.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// What a killed run had left in the journal and this start has finished.
    pub fn recovered(&self) -> Option<&crate::record::Finished> {
        match &self.engine.mode {
            EngineMode::Record(state) => state.recorder.recovered(),
            EngineMode::Replay(state) => state.killed.as_deref(),
        }
    }

    /// A short count of what the run did so far, for a line that is drawn again and again.
    pub fn progress(&self) -> impl Fn() -> String + Send + 'static {
        let engine = Arc::clone(&self.engine);
        move || engine.tally.progress()
    }

    /// How far [`Proxy::stop`] has come with the archive; `None` where nothing is recorded.
    pub fn finishing(&self) -> Option<crate::record::Progress> {
        self.recorder().map(|recorder| recorder.progress())
    }

    fn recorder(&self) -> Option<&Arc<crate::record::Recorder>> {
        match &self.engine.mode {
            EngineMode::Record(state) => Some(&state.recorder),
            EngineMode::Replay(state) => state.recorder.as_ref(),
        }
    }

    /// How many entries can be served.
    pub fn entries(&self) -> usize {
        match &self.engine.mode {
            EngineMode::Record(_) => 0,
            EngineMode::Replay(state) => state.replayer.load().entry_count(),
        }
    }

    /// What the run did so far.
    pub fn summary(&self) -> Summary {
        self.engine.summary()
    }

    /// Stops accepting, gives exchanges in flight the time that [`Limits::grace`] allows, and finishes the archive.
    ///
    /// # Errors
    ///
    /// When what was recorded cannot be written; it is then still in the journal.
    pub async fn stop(self) -> Result<Summary, crate::record::Error> {
        let engine = Arc::clone(&self.engine);
        engine.ending.cancel();
        self.accepting.abort();
        engine.tasks.close();
        let recorder = self.recorder().cloned();
        // What is still open after the grace is not kept.
        let _all_done = timeout(engine.limits.grace, async {
            engine.tasks.wait().await;
            if let Some(recorder) = &recorder {
                recorder.settled().await;
            }
        })
        .await;
        if let Err(sentence) = engine.observers.finish() {
            engine.tally.error(sentence);
        }
        let mut summary = engine.summary();
        if let Some(recorder) = recorder {
            let archive = recorder.archive().display().to_string();
            match tokio::task::spawn_blocking(move || recorder.close()).await {
                Ok(recorded) => summary.recorded = Some(recorded?),
                // A task that ended early has kept the journal.
                Err(_panicked) => summary.errors.push(format!(
                    "{archive} was not written; what was recorded is kept beside it and finished by the next `harmock record` on it"
                )),
            }
        }
        Ok(summary)
    }
}

/// After this a start is over, and what it had left out can be made up for.
const STARTED: Duration = Duration::from_millis(200);

/// Makes beforehand what the first TLS connection and the first miss would have to wait for.
async fn prepare(engine: Arc<Engine>) {
    let prepare = |engine: &Engine| {
        // What is wrong is told to the connection that needs it.
        let _ = engine.ca.prepare();
        if let EngineMode::Replay(state) = &engine.mode {
            state.replayer.load_full().prepare_nearest();
        }
    };
    tokio::select! {
        () = engine.ending.cancelled() => {}
        () = sleep(STARTED) => {
            let _ = tokio::task::spawn_blocking(move || prepare(&engine)).await;
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.engine.ending.cancel();
    }
}

impl Engine {
    fn summary(&self) -> Summary {
        let mut summary = self.tally.so_far();
        if let EngineMode::Replay(state) = &self.mode {
            let replayer = state.replayer.load();
            summary.entries = replayer.entry_count();
            let told = |entry| {
                let (name, request) = (replayer.name(entry), &replayer.entry(entry).request);
                Unused {
                    archive: name.archive.to_owned(),
                    entry: name.ordinal as u64,
                    method: request.method.to_string(),
                    url: hidden::shown_url(request.url.as_str()),
                }
            };
            summary.unused = replayer.unused().into_iter().map(told).collect();
            let not_in = |used: &HashSet<EntryRef>| {
                replayer.entries().filter(|entry| !used.contains(entry)).map(told).collect::<Vec<_>>()
            };
            let sessions = self.tally.sessions();
            summary.sessions = sessions.iter().map(|(name, tally)| tally.summary(name, not_in)).collect();
        }
        summary
    }
}
