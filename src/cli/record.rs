//! `harmock record`: pass traffic on and write it to an archive.

use std::ffi::OsString;

use clap::{Args, ValueHint};

use super::flags::{AFTER_HELP, ScopeFlags, SharedFlags, name_variable};
use super::settings::value::{Item, flag};
use super::settings::{FieldName, RecordSettings};
use super::{CommandResult, run};
use crate::archive::BodyStorage;
use crate::proxy::{Detail, Update};

const RECORDING: &str = "Recording";

/// Passes traffic to the real servers and writes it to an archive
///
/// Point a client at the proxy, or name a command after `--` that then runs with every proxy and trust variable set:
/// `harmock record --glob '**/api/**' -- npm test`. The archive is written when the run ends with at least one
/// exchange; an existing one is never lost to an empty run.
#[derive(Debug, Args)]
#[command(mut_args(name_variable), after_help = AFTER_HELP)]
pub(crate) struct RecordArgs {
    #[command(flatten)]
    pub(crate) scope: ScopeFlags,
    #[command(flatten)]
    pub(crate) record: RecordFlags,
    #[command(flatten)]
    pub(crate) shared: SharedFlags,

    /// A command that runs while the proxy records; its exit code is harmock's if it is not 0
    #[arg(last = true, value_name = "CMD", value_hint = ValueHint::CommandWithArguments)]
    pub(crate) command: Vec<OsString>,
}

/// What recording alone takes.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct RecordFlags {
    /// Where bodies go [default: attach]
    #[arg(long, value_name = "WHERE", value_parser = flag::<BodyStorage>(), help_heading = RECORDING)]
    pub(crate) content: Option<BodyStorage>,

    /// How much an entry says [default: minimal]
    #[arg(long, value_name = "MODE", value_parser = flag::<Detail>(), help_heading = RECORDING)]
    pub(crate) mode: Option<Detail>,

    /// What becomes of the entries that are there [default: replace]
    #[arg(long, value_name = "HOW", value_parser = flag::<Update>(), help_heading = RECORDING)]
    pub(crate) update: Option<Update>,

    /// Changes nothing on the way but hop-by-hop fields
    ///
    /// Without it, conditional fields, codings that harmock cannot decode, WebSocket extensions and `Alt-Svc` are
    /// taken out, so that what is recorded is whole and readable.
    #[arg(long, value_name = "BOOL", value_parser = flag::<bool>(), help_heading = RECORDING)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) raw: Option<bool>,

    /// Passes conditional fields on, so that a 304 is recorded as one
    ///
    /// Without it, `If-None-Match`, `If-Modified-Since` and `If-Range` (with its `Range`) are taken out, so that the
    /// content is recorded; `harmock replay` then answers such a request with the 304 or 206 itself.
    #[arg(long, value_name = "BOOL", value_parser = flag::<bool>(), help_heading = RECORDING)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) keep_conditional: Option<bool>,

    /// Leaves payload files that no archive names any more
    #[arg(long, value_name = "BOOL", value_parser = flag::<bool>(), help_heading = RECORDING)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) keep_payloads: Option<bool>,

    /// Exchanges in a merge also what was edited by hand
    ///
    /// Without it, `--update merge` leaves entries and payload files alone that are not as harmock wrote them, and lists
    /// them.
    #[arg(long, value_name = "BOOL", value_parser = flag::<bool>(), help_heading = RECORDING)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) overwrite_edits: Option<bool>,

    /// Header fields that say something else each time; repeatable
    ///
    /// An entry that differs from the one in the archive in such fields alone keeps what it had, so that a diff shows
    /// what changed. Dates, request ids and the like need not be named: `--volatile x-build --volatile 'x-debug-*'`.
    #[arg(long, value_name = "NAME", value_parser = flag::<Item<FieldName>>(), help_heading = RECORDING)]
    pub(crate) volatile: Vec<Item<FieldName>>,
}

pub(crate) fn run(args: &RecordArgs) -> CommandResult {
    let settings = RecordSettings::from_args(args)?;
    run::run(settings.config, &settings.run, run::Task::of(settings.command))
}
