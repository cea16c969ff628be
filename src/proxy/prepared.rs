//! What a run answers from and writes to, made of its mode's settings: read first, and opened for writing last.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::callback::Callbacks;
use super::config::{Mode, NotFound, OutOfScope, RecordConfig, ReplayConfig, Update};
use super::engine::{EngineMode, Listening, RecordState, ReplayState, archive_names};
use super::rendering;
use super::start_error::StartError;
use crate::archive::WriterOptions;
use crate::ca::CertAuthority;
use crate::log::Log;
use crate::matching::{OriginMap, Rules};
use crate::pages::{PageFacts, PageMode};
use crate::record::{self, Finished, Readable, Recorder, RunSettings, Tell};
use crate::replay::{Replayer, Sessions};
use crate::route::{GlobList, Scope};
use crate::templates::Variables;
use crate::treatment::{Chance, Spec};
use crate::upstream::{Upstream, UpstreamConfig};

/// What the mode's settings turn into without making any file.
pub(super) enum Prepared {
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
    pub(super) fn of(mode: Mode, warnings: &mut Vec<String>) -> Result<Self, StartError> {
        let (glob, exclude) = match &mode {
            Mode::Record(config) => (&config.glob, &config.exclude),
            Mode::Replay(config) => (&config.glob, &config.exclude),
        };
        let scope = Scope { include: GlobList::compile(glob)?, exclude: GlobList::compile(exclude)? };
        warnings.extend(scope.warnings());
        match mode {
            Mode::Record(config) => {
                let rules = Arc::new(Rules::compile(config.rules.clone(), Spec::default())?);
                Ok(Self::Record { config, scope, rules })
            }
            Mode::Replay(config) => Self::replay(config, scope, warnings),
        }
    }

    fn replay(config: Box<ReplayConfig>, scope: Scope, warnings: &mut Vec<String>) -> Result<Self, StartError> {
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
        warnings.extend(unsent_callbacks(&config, &replayer));
        let variables = Arc::clone(templates.environments.of(None));
        Ok(Self::Replay { config, scope, ignore, replayer, archives, paths, killed, variables })
    }

    /// Whether anything of this run may go to a real server. `tunnels`: some hosts are passed on unopened.
    pub(super) fn needs_upstream(&self, tunnels: bool) -> bool {
        let Self::Replay { config, .. } = self else { return true };
        let out_of_scope = !config.glob.is_empty() || !config.exclude.is_empty();
        let asks = tunnels
            || matches!(config.not_found, NotFound::Fallback | NotFound::Record)
            || (config.out_of_scope == OutOfScope::Pass && out_of_scope);
        asks && !config.offline
    }

    /// What requests draw from that ask for something by chance.
    pub(super) fn chance(&self) -> Arc<Chance> {
        let seed = match self {
            Self::Record { .. } => 0,
            Self::Replay { config, .. } => config.treatment.seed.unwrap_or_default(),
        };
        Arc::new(Chance::new(seed, "requests"))
    }

    /// What entries may have sent.
    pub(super) fn callbacks(
        &self,
        upstream: &UpstreamConfig,
        own: &[Listening],
    ) -> Result<Option<Box<Callbacks>>, StartError> {
        let Self::Replay { config, variables, .. } = self else { return Ok(None) };
        if config.allow_callbacks.is_empty() || config.offline {
            return Ok(None);
        }
        let allowed = GlobList::compile(&config.allow_callbacks)?;
        let way = Upstream::new(upstream, own.iter().map(|own| own.address).collect())?;
        Ok(Some(Box::new(Callbacks::new(allowed, way, upstream.idle, Arc::clone(variables)))))
    }

    /// Where archives are that are watched, and whether an odd entry counts as broken.
    pub(super) fn watched(&self) -> Option<(Vec<PathBuf>, bool)> {
        let Self::Replay { config, paths, .. } = self else { return None };
        Some((paths.clone(), config.strict_archives))
    }

    /// What the pages say of the run.
    pub(super) fn page_facts(&self, listen: SocketAddr, ca: &CertAuthority) -> PageFacts {
        let (mode, glob, archives) = match self {
            Self::Record { config, .. } => (PageMode::Record, &config.glob, vec![config.har.display().to_string()]),
            Self::Replay { config, replayer, .. } => (PageMode::Replay, &config.glob, archive_names(replayer)),
        };
        PageFacts { archives, glob: glob.clone(), ..PageFacts::new(listen, mode, ca) }
    }

    /// Opens the recording where there is one.
    pub(super) fn engine_mode(self, log: &Log, callbacks: Option<Box<Callbacks>>) -> Result<EngineMode, StartError> {
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

/// What is said of callbacks that no request is sent for.
fn unsent_callbacks(config: &ReplayConfig, replayer: &Replayer) -> Option<String> {
    if !config.allow_callbacks.is_empty() && !config.offline {
        return None;
    }
    let asking = replayer.entries().filter(|entry| replayer.entry(*entry).callback.is_some()).count();
    let flag = if config.offline { "--offline forbids it" } else { "--allow-callbacks GLOB allows it" };
    let entries = match asking {
        0 => return None,
        1 => "1 entry wants".to_owned(),
        asking => format!("{asking} entries want"),
    };
    Some(format!("{entries} to have a request sent (_harmock.callback), and none is sent; {flag}"))
}

/// Whether what the archives lack is recorded.
fn adds_misses(config: &ReplayConfig) -> bool {
    config.not_found == NotFound::Record && !config.offline
}
