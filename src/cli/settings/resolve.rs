//! The settings of a run, from every layer, checked as far as that goes without touching disk or network.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use super::address::is_loopback;
use super::choice::LogFormat;
use super::error::SettingsError;
use super::layers::Layers;
use super::place::{ArchivePath, LogTarget};
use super::quantity::{ByteSize, TimeLimit};
use super::token::ApiKeys;
use super::updating::{archive_to_update, update};
use super::value::Item;
use crate::cli::flags::{ScopeFlags, SharedFlags};
use crate::cli::record::{RecordArgs, RecordFlags};
use crate::cli::replay::{ReplayArgs, ReplayFlags};
use crate::cli::report::Limits as Verdicts;
use crate::cli::reports::ReportFiles;
use crate::proxy::{ApiKey, Config, Limits, ListenAt, Mode, RecordConfig, ReplayConfig, Update};
use crate::redact::Rules;
use crate::route::{MountPoint, check_mounts};
use crate::treatment::Spec;
use crate::upstream::UpstreamConfig;

/// What the command line does around the proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunOptions {
    /// Where the line of each exchange goes.
    pub(crate) log: LogTarget,
    /// How it is written.
    pub(crate) log_format: LogFormat,
    /// Above 0: say more; below: say less.
    pub(crate) verbosity: i8,
    /// Written once the proxy listens.
    pub(crate) ready_file: Option<PathBuf>,
    /// What a replay is allowed.
    pub(crate) limits: Verdicts,
    /// What is written for machines when the run ends.
    pub(crate) reports: ReportFiles,
}

/// The settings of `harmock record`.
#[derive(Debug, Clone)]
pub(crate) struct RecordSettings {
    /// In [`Mode::Record`].
    pub(crate) config: Config,
    /// What happens around the proxy.
    pub(crate) run: RunOptions,
    /// The program to run meanwhile, and its arguments.
    pub(crate) command: Option<(OsString, Vec<OsString>)>,
}

/// The settings of `harmock replay`.
#[derive(Debug, Clone)]
pub(crate) struct ReplaySettings {
    /// In [`Mode::Replay`].
    pub(crate) config: Config,
    /// What happens around the proxy.
    pub(crate) run: RunOptions,
    /// The program to run meanwhile, and its arguments.
    pub(crate) command: Option<(OsString, Vec<OsString>)>,
}

impl RecordSettings {
    /// Those of these arguments, this environment and the config file.
    pub(crate) fn from_args(args: &RecordArgs) -> Result<Self, SettingsError> {
        Self::from_flags(&args.shared, &args.scope, &args.record, &args.command)
    }

    /// The same for a command that has flags of its own: it fills in those of `record`.
    pub(crate) fn from_flags(
        shared: &SharedFlags,
        scope: &ScopeFlags,
        record: &RecordFlags,
        command: &[OsString],
    ) -> Result<Self, SettingsError> {
        let mut layers = Layers::load(shared.config.as_deref())?;
        let mode = record_config(&mut layers, scope, record)?.into();
        let (config, run) = config(&mut layers, shared, mode)?;
        check(&config)?;
        Ok(Self { config, run, command: split_command(command) })
    }
}

impl ReplaySettings {
    /// Those of these arguments, this environment and the config file.
    pub(crate) fn from_args(args: &ReplayArgs) -> Result<Self, SettingsError> {
        let mut layers = Layers::load(args.shared.config.as_deref())?;
        match update(&mut layers, args)? {
            Some(update) => Self::updating(layers, update, args),
            None => Self::from_layers(layers, &args.shared, &args.archives, &args.scope, &args.replay, &args.command),
        }
    }

    /// The same command line records what it would have replayed.
    fn updating(mut layers: Layers, update: Update, args: &ReplayArgs) -> Result<Self, SettingsError> {
        let record = RecordFlags { update: Some(update), ..RecordFlags::default() };
        let mut recording = record_config(&mut layers, &args.scope, &record)?;
        if let Some(archive) = archive_to_update(&mut layers, args)? {
            recording.har = archive;
        }
        let offline = layers.one("offline", args.replay.offline.as_ref(), false)?;
        if offline {
            let message = "--update asks the real servers, and --offline forbids that; take one of them away";
            return Err(SettingsError::Conflict(message.to_owned()));
        }
        let (config, run) = config(&mut layers, &args.shared, recording.into())?;
        check(&config)?;
        Ok(Self { config, run, command: split_command(&args.command) })
    }

    /// The same for a command that has flags of its own: it fills in those of `replay`.
    pub(crate) fn from_flags(
        shared: &SharedFlags,
        archives: &[Item<PathBuf>],
        scope: &ScopeFlags,
        replay: &ReplayFlags,
        command: &[OsString],
    ) -> Result<Self, SettingsError> {
        let layers = Layers::load(shared.config.as_deref())?;
        Self::from_layers(layers, shared, archives, scope, replay, command)
    }

    fn from_layers(
        mut layers: Layers,
        shared: &SharedFlags,
        archives: &[Item<PathBuf>],
        scope: &ScopeFlags,
        replay: &ReplayFlags,
        command: &[OsString],
    ) -> Result<Self, SettingsError> {
        let mode = replay_config(&mut layers, archives, scope, replay)?.into();
        let (limits, reports) = verdicts(&mut layers, replay)?;
        let (mut config, run) = config(&mut layers, shared, mode)?;
        observe(&mut layers, replay, &mut config)?;
        check(&config)?;
        Ok(Self { config, run: RunOptions { limits, reports, ..run }, command: split_command(command) })
    }
}

/// What a replay reads and by which rules it matches, without a proxy around it.
pub(crate) fn replay_settings(
    config: Option<&Path>,
    archives: &[Item<PathBuf>],
    scope: &ScopeFlags,
    flags: &ReplayFlags,
) -> Result<ReplayConfig, SettingsError> {
    replay_config(&mut Layers::load(config)?, archives, scope, flags)
}

/// Asks for every setting there is, so that the layers note it; one that both modes have is noted once.
pub(crate) fn all_settings(
    layers: &mut Layers,
    archives: &[Item<PathBuf>],
    scope: &ScopeFlags,
    record: &RecordFlags,
    replay: &ReplayFlags,
    shared: &SharedFlags,
) -> Result<(), SettingsError> {
    let replay_config = replay_config(layers, archives, scope, replay)?;
    verdicts(layers, replay)?;
    let mut observed = Config::new(replay_config.clone());
    observe(layers, replay, &mut observed)?;
    record_config(layers, scope, record)?;
    config(layers, shared, replay_config.into())?;
    layers.note_others()
}

/// The shared settings, in the order in which they are shown.
pub(super) fn config(
    layers: &mut Layers,
    shared: &SharedFlags,
    mode: Mode,
) -> Result<(Config, RunOptions), SettingsError> {
    let defaults = Config::new(mode);
    let first = ListenAt { address: defaults.listen, session: None };
    let mut listen = layers.list("listen", &shared.listen, vec![first.clone()])?.into_iter();
    let first = listen.next().unwrap_or(first);
    let mut config = Config {
        listen: first.address,
        session: first.session,
        more: listen.collect(),
        name: layers.optional("name", shared.name.as_ref(), "none")?.map(|name| name.0),
        origins: layers.list("origin", &shared.origin, defaults.origins)?,
        tls: layers.one("tls", shared.tls.as_ref(), defaults.tls)?,
        allowed_hosts: layers
            .list("allow-host", &shared.allow_host, Vec::new())?
            .into_iter()
            .map(|host| host.0)
            .collect(),
        api_keys: api_keys(layers, shared)?,
        api_key_file: layers.optional("api-key-file", shared.api_key_file.as_ref(), "none")?,
        sessions: layers.one("sessions", shared.sessions.as_ref(), defaults.sessions)?,
        public: layers.one("public", shared.public.as_ref(), defaults.public)?,
        token: layers.optional("token", shared.token.as_ref(), "made anew for each run")?.map(|token| token.0),
        ca_dir: layers.optional("ca-dir", shared.ca_dir.as_ref(), "in the platform's data folder")?,
        tunnel: layers.list("tunnel", &shared.tunnel, defaults.tunnel)?,
        upstream: upstream(layers, shared, defaults.upstream)?,
        ..defaults
    };
    set_limits(layers, shared, &mut config.limits, &mut config.upstream)?;
    Ok((config, run_options(layers, shared)?))
}

fn api_keys(layers: &mut Layers, shared: &SharedFlags) -> Result<Vec<ApiKey>, SettingsError> {
    let flags = ApiKeys(shared.api_key.iter().flat_map(|keys| keys.0.clone()).collect());
    let flags = Some(&flags).filter(|flags| !flags.0.is_empty());
    Ok(layers.optional("api-key", flags, "everybody is let in")?.unwrap_or_default().0)
}

/// How servers are reached by a command that runs no proxy of its own.
pub(crate) fn upstream_settings(layers: &mut Layers, shared: &SharedFlags) -> Result<UpstreamConfig, SettingsError> {
    let mut config = upstream(layers, shared, UpstreamConfig::default())?;
    set_limits(layers, shared, &mut Limits::default(), &mut config)?;
    Ok(config)
}

fn upstream(
    layers: &mut Layers,
    shared: &SharedFlags,
    defaults: UpstreamConfig,
) -> Result<UpstreamConfig, SettingsError> {
    Ok(UpstreamConfig {
        ca: layers.list("upstream-ca", &shared.upstream_ca, defaults.ca)?,
        proxy: layers.one("upstream-proxy", shared.upstream_proxy.as_ref(), defaults.proxy)?,
        insecure: layers.one("insecure-upstream", shared.insecure_upstream.as_ref(), defaults.insecure)?,
        ..defaults
    })
}

fn set_limits(
    layers: &mut Layers,
    shared: &SharedFlags,
    limits: &mut Limits,
    upstream: &mut UpstreamConfig,
) -> Result<(), SettingsError> {
    let mut time = |name, flag: &Option<TimeLimit>, default| {
        layers.one(name, flag.as_ref(), TimeLimit(default)).map(|limit| limit.0)
    };
    upstream.connect = time("connect-timeout", &shared.connect_timeout, upstream.connect)?;
    limits.tls = time("tls-timeout", &shared.tls_timeout, limits.tls)?;
    upstream.tls = limits.tls;
    upstream.first_byte = time("first-byte-timeout", &shared.first_byte_timeout, upstream.first_byte)?;
    limits.idle = time("idle-timeout", &shared.idle_timeout, limits.idle)?;
    upstream.idle = limits.idle;
    limits.detect = time("detect-timeout", &shared.detect_timeout, limits.detect)?;
    limits.grace = layers.one("grace", shared.grace.as_ref(), limits.grace)?;
    let connections = NonZeroUsize::new(limits.connections).unwrap_or(NonZeroUsize::MIN);
    limits.connections = layers.one("max-connections", shared.max_connections.as_ref(), connections)?.get();
    Ok(())
}

fn run_options(layers: &mut Layers, shared: &SharedFlags) -> Result<RunOptions, SettingsError> {
    let given = |times: u8| (times > 0).then_some(times);
    let log = layers.one("log", shared.log.as_ref(), LogTarget::default())?;
    let log_format = layers.one("log-format", shared.log_format.as_ref(), LogFormat::default())?;
    let verbose = layers.ranked("verbose", given(shared.verbose).as_ref(), 0)?;
    let quiet = layers.ranked("quiet", given(shared.quiet).as_ref(), 0)?;
    Ok(RunOptions {
        log,
        log_format,
        verbosity: verbosity(verbose, quiet),
        ready_file: layers.optional("ready-file", shared.ready_file.as_ref(), "none")?,
        limits: Verdicts::default(),
        reports: ReportFiles::default(),
    })
}

/// The higher layer decides alone, so that `-v` wins over `quiet = true` in the file.
fn verbosity((verbose, verbose_rank): (u8, u8), (quiet, quiet_rank): (u8, u8)) -> i8 {
    let more = if verbose_rank >= quiet_rank { verbose } else { 0 };
    let less = if quiet_rank >= verbose_rank { quiet } else { 0 };
    more.min(9).cast_signed() - less.min(9).cast_signed()
}

fn record_config(layers: &mut Layers, scope: &ScopeFlags, flags: &RecordFlags) -> Result<RecordConfig, SettingsError> {
    let defaults = RecordConfig::default();
    Ok(RecordConfig {
        har: har(layers, scope, defaults.har)?,
        glob: layers.list("glob", &scope.glob, defaults.glob)?,
        exclude: layers.list("exclude", &scope.exclude, defaults.exclude)?,
        content: layers.one("content", flags.content.as_ref(), defaults.content)?,
        detail: layers.one("mode", flags.mode.as_ref(), defaults.detail)?,
        update: layers.one("update", flags.update.as_ref(), defaults.update)?,
        raw: layers.one("raw", flags.raw.as_ref(), defaults.raw)?,
        keep_conditional: layers.one("keep-conditional", flags.keep_conditional.as_ref(), defaults.keep_conditional)?,
        keep_payloads: layers.one("keep-payloads", flags.keep_payloads.as_ref(), defaults.keep_payloads)?,
        overwrite_edits: layers.one("overwrite-edits", flags.overwrite_edits.as_ref(), defaults.overwrite_edits)?,
        volatile: layers.list("volatile", &flags.volatile, Vec::new())?.into_iter().map(|name| name.0).collect(),
        redact: redact(layers, scope)?,
        rules: layers.list("rules", &scope.rules, defaults.rules)?,
    })
}

fn replay_config(
    layers: &mut Layers,
    archives: &[Item<PathBuf>],
    scope: &ScopeFlags,
    flags: &ReplayFlags,
) -> Result<ReplayConfig, SettingsError> {
    let defaults = ReplayConfig::default();
    let folders = defaults.archives.into_iter().map(|path| layers.beside_file(path)).collect();
    Ok(ReplayConfig {
        archives: layers.list("archives", archives, folders)?,
        har: har(layers, scope, defaults.har)?,
        glob: layers.list("glob", &scope.glob, defaults.glob)?,
        exclude: layers.list("exclude", &scope.exclude, defaults.exclude)?,
        not_found: layers.one("not-found", flags.not_found.as_ref(), defaults.not_found)?,
        out_of_scope: layers.one("out-of-scope", flags.out_of_scope.as_ref(), defaults.out_of_scope)?,
        redirects: layers.one("redirects", flags.redirects.as_ref(), defaults.redirects)?,
        cors: layers.one("cors", flags.cors.as_ref(), defaults.cors)?,
        stream_speed: layers.one("stream-speed", flags.stream_speed.as_ref(), defaults.stream_speed)?,
        rules: layers.list("rules", &scope.rules, defaults.rules)?,
        map: layers.list("map", &flags.map, defaults.map)?,
        map_bodies: layers.one("map-bodies", flags.map_bodies.as_ref(), defaults.map_bodies)?,
        treatment: treatment(layers, flags)?,
        ignore_miss: layers.list("ignore-miss", &flags.ignore_miss, defaults.ignore_miss)?,
        cache_size: layers.one("cache-size", flags.cache_size.as_ref(), ByteSize(defaults.cache_size))?.0,
        allow_templates: layers.one("allow-templates", flags.allow_templates.as_ref(), defaults.allow_templates)?,
        env: layers.list("env", &flags.env, defaults.env)?,
        env_pass: layers.list("env-pass", &flags.env_pass, Vec::new())?.into_iter().map(|name| name.0).collect(),
        allow_callbacks: layers.list("allow-callbacks", &flags.allow_callbacks, defaults.allow_callbacks)?,
        offline: layers.one("offline", flags.offline.as_ref(), defaults.offline)?,
        strict_archives: layers.one("strict-archives", flags.strict_archives.as_ref(), defaults.strict_archives)?,
        redact: redact(layers, scope)?,
    })
}

/// What is done to every answer.
fn treatment(layers: &mut Layers, flags: &ReplayFlags) -> Result<Spec, SettingsError> {
    Ok(Spec {
        delay: layers.optional("delay", flags.delay.as_ref(), "no answer waits")?,
        bandwidth: layers.optional("bandwidth", flags.bandwidth.as_ref(), "bodies come at once")?,
        seed: Some(layers.one("seed", flags.seed.as_ref(), 0)?),
        ..Spec::default()
    })
}

/// Which values are replaced in what is written.
pub(crate) fn redact(layers: &mut Layers, scope: &ScopeFlags) -> Result<Rules, SettingsError> {
    let more = layers.list("redact", &scope.redact, Vec::new())?;
    let off = layers.one("no-redact", scope.no_redact.as_ref(), false)?;
    Ok(if off { Rules::off() } else { Rules::listed_and(&more) })
}

/// What the exit code hangs on, and the reports that say so.
fn verdicts(layers: &mut Layers, flags: &ReplayFlags) -> Result<(Verdicts, ReportFiles), SettingsError> {
    let max_misses = layers.optional("max-misses", flags.max_misses.as_ref(), "none may be missed")?.unwrap_or(0);
    let fail_on_unused = layers.one("fail-on-unused", flags.fail_on_unused.as_ref(), false)?;
    let reports = ReportFiles {
        files: layers.list("report", &flags.report, Vec::new())?,
        format: layers.optional("report-format", flags.report_format.as_ref(), "as the extensions say")?,
    };
    for file in &reports.files {
        reports.format_of(file).map_err(SettingsError::Conflict)?;
    }
    Ok((Verdicts { max_misses, fail_on_unused }, reports))
}

/// What concerns each exchange: what it may ask for, and who wants to know of it.
fn observe(layers: &mut Layers, flags: &ReplayFlags, config: &mut Config) -> Result<(), SettingsError> {
    config.mock_headers = layers.one("mock-headers", flags.mock_headers.as_ref(), config.mock_headers)?;
    config.trace = layers.optional("trace", flags.trace.as_ref(), "none")?;
    config.annotate = layers.one("annotate", flags.annotate.as_ref(), config.annotate)?;
    let exchanges = layers.one("exchanges", flags.exchanges.as_ref(), 0)?;
    config.exchanges = usize::try_from(exchanges).unwrap_or(usize::MAX);
    Ok(())
}

fn har(layers: &mut Layers, scope: &ScopeFlags, default: PathBuf) -> Result<PathBuf, SettingsError> {
    let default = ArchivePath(layers.beside_file(default));
    layers.one("har", scope.har.as_ref(), default).map(|har| har.0)
}

/// Only a value that is good by itself comes here; what is left is how values go together.
fn check(config: &Config) -> Result<(), SettingsError> {
    check_mounts(&config.origins).map_err(|error| SettingsError::Conflict(error.to_string()))?;
    let of_origins = config.origins.iter().filter_map(|mount| match mount.at {
        MountPoint::Address(address) => Some(address),
        MountPoint::Path(_) => None,
    });
    let listening = std::iter::once(config.listen).chain(config.more.iter().map(|more| more.address));
    let is_private = !config.api_keys.is_empty() || config.api_key_file.is_some();
    let exposed = listening.chain(of_origins).find(|address| !config.public && !is_private && !is_loopback(*address));
    exposed.map_or(Ok(()), |address| {
        Err(SettingsError::Conflict(format!(
            "{address} can be reached from other machines; ask for a key with --api-key, add --public if everybody may use the \
             proxy, or listen on 127.0.0.1"
        )))
    })
}

fn split_command(words: &[OsString]) -> Option<(OsString, Vec<OsString>)> {
    words.split_first().map(|(program, arguments)| (program.clone(), arguments.to_vec()))
}
