//! `harmock replay`: answer requests from archives.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::flags::{AFTER_HELP, SCOPE, ScopeFlags, SharedFlags, name_variable};
use super::settings::value::{Item, flag};
use super::settings::{ByteSize, ReplaySettings, Updating, VariableName};
use super::{CommandResult, run};
use crate::matching::OriginPair;
use crate::proxy::{Cors, NotFound, OutOfScope, RedirectPolicy, StreamSpeed};
use crate::report::Format;
use crate::treatment::{Bandwidth, Delay};

const REPLAYING: &str = "Replaying";
const REPORTS: &str = "Reports";

/// Answers requests from recorded archives; nothing in scope leaves the machine
///
/// Without an argument every archive in `hars/` counts. A request that no entry matches fails loudly, and the run then
/// ends with exit code 3: `harmock replay hars/login.har -- npm test`.
#[derive(Debug, Args)]
#[command(mut_args(name_variable), after_help = AFTER_HELP)]
pub(crate) struct ReplayArgs {
    /// Archives (`.har`, `.zip`) or folders of them, in the order in which they count [default: hars]
    #[arg(value_name = "ARCHIVE", value_parser = flag::<Item<PathBuf>>(), value_hint = ValueHint::AnyPath)]
    pub(crate) archives: Vec<Item<PathBuf>>,

    /// Records instead of replaying, and how [default: replace]
    ///
    /// The same scope is recorded into the archive that is named or that --har names, as `harmock record --update` does it. With CI=true it is refused, because a
    /// run that recorded has tested nothing; --force-update allows it.
    #[arg(long, value_name = "HOW", value_parser = flag::<Updating>(), help_heading = REPLAYING)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "replace")]
    pub(crate) update: Option<Updating>,

    /// Lets --update record also with CI=true
    #[arg(long, value_name = "BOOL", value_parser = flag::<bool>(), help_heading = REPLAYING)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) force_update: Option<bool>,

    #[command(flatten)]
    pub(crate) scope: ScopeFlags,
    #[command(flatten)]
    pub(crate) replay: ReplayFlags,
    #[command(flatten)]
    pub(crate) shared: SharedFlags,

    /// A command that runs while the proxy replays; its exit code is harmock's unless it is 0
    #[arg(last = true, value_name = "CMD", value_hint = ValueHint::CommandWithArguments)]
    pub(crate) command: Vec<OsString>,
}

/// What replaying alone takes.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ReplayFlags {
    /// What a request in scope without an entry gets [default: fail]
    #[arg(long, value_name = "WHAT", value_parser = flag::<NotFound>(), help_heading = REPLAYING)]
    pub(crate) not_found: Option<NotFound>,

    /// What a request out of scope gets [default: pass]
    #[arg(long, value_name = "WHAT", value_parser = flag::<OutOfScope>(), help_heading = SCOPE)]
    pub(crate) out_of_scope: Option<OutOfScope>,

    /// What a request that is no navigation gets for a recorded redirect [default: follow]
    #[arg(long, value_name = "WHAT", value_parser = flag::<RedirectPolicy>(), help_heading = REPLAYING)]
    pub(crate) redirects: Option<RedirectPolicy>,

    /// How cross-origin fields are served [default: auto]
    #[arg(long, value_name = "HOW", value_parser = flag::<Cors>(), help_heading = REPLAYING)]
    pub(crate) cors: Option<Cors>,

    /// How fast recorded streams are served: 0 without waiting, 1 as recorded, 10 ten times as fast [default: 0]
    ///
    /// Server-sent events and other streams keep the pieces in which they were recorded at any speed. Only a recording
    /// in `--mode full` knows the times.
    #[arg(long, value_name = "FACTOR", value_parser = flag::<StreamSpeed>(), help_heading = REPLAYING)]
    pub(crate) stream_speed: Option<StreamSpeed>,

    /// URLs that get a 404 and never count as misses; repeatable
    ///
    /// `favicon.ico` and the hosts of browsers' own housekeeping need not be named: `--ignore-miss '**/analytics/**'`.
    #[arg(long, value_name = "GLOB", value_parser = flag::<Item<String>>(), help_heading = REPLAYING)]
    pub(crate) ignore_miss: Vec<Item<String>>,

    /// An origin that is asked for, and the one that was recorded; repeatable
    ///
    /// A line of the file's `[map]`: `--map http://localhost:8080=https://api.example.com` answers requests for the first from what
    /// was recorded of the second, and has redirects, cookies and CORS fields name the first.
    #[arg(long, value_name = "ASKED=RECORDED", value_parser = flag::<Item<OriginPair>>(), help_heading = REPLAYING)]
    pub(crate) map: Vec<Item<OriginPair>>,

    /// Has also text bodies name the origin asked for where they name a mapped one
    #[arg(long, value_name = "BOOL", value_parser = flag::<bool>(), help_heading = REPLAYING)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) map_bodies: Option<bool>,

    /// How long answers wait [default: not at all]
    ///
    /// Milliseconds (`--delay 300`), a duration (`1.5s`), `recorded` or a multiple of it (`recorded*0.5`), `uniform(100ms,
    /// 500ms)`, `lognormal(200ms, 0.5)` with median and sigma, or `stall`: until the client leaves. A rule or an entry may
    /// say something else.
    #[arg(long, value_name = "DELAY", value_parser = flag::<Delay>(), help_heading = REPLAYING)]
    pub(crate) delay: Option<Delay>,

    /// How fast bodies come, in bytes per second [default: at once]
    #[arg(long, value_name = "BYTES", value_parser = flag::<Bandwidth>(), help_heading = REPLAYING)]
    pub(crate) bandwidth: Option<Bandwidth>,

    /// What chance begins with [default: 0]
    ///
    /// Delays and faults by chance are the same in each run with the same seed whose requests come in the same order.
    #[arg(long, value_name = "N", value_parser = flag::<u64>(), help_heading = REPLAYING)]
    pub(crate) seed: Option<u64>,

    /// Lets requests choose their answers by x-mock-response-code, x-mock-response-name and x-mock-delay
    ///
    /// `x-mock-response-code: 404` takes, among the entries of the same method and path, one with that status;
    /// `x-mock-response-name` one by its `_harmock.name` or `comment`; `x-mock-delay: 2000` has it wait. The fields go no further.
    #[arg(long, value_name = "BOOL", value_parser = flag::<bool>(), help_heading = REPLAYING)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) mock_headers: Option<bool>,

    /// Misses up to this number leave the exit code alone [default: 0]
    #[arg(long, value_name = "N", value_parser = flag::<u64>(), help_heading = REPLAYING)]
    pub(crate) max_misses: Option<u64>,

    /// Fails the run when an entry was never asked for
    ///
    /// Entries that no test needs any more are found so; the exit code is 3.
    #[arg(long, value_name = "BOOL", value_parser = flag::<bool>(), help_heading = REPORTS)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) fail_on_unused: Option<bool>,

    /// A file that tells at the end what the run did; repeatable
    ///
    /// JSON (`.json`), JUnit XML (`.xml`), a summary in Markdown (`.md`) or annotations for GitHub Actions (`.github`);
    /// `-` is standard output: `--report harmock.xml --report harmock.json`.
    #[arg(long, value_name = "FILE", value_parser = flag::<Item<PathBuf>>(), value_hint = ValueHint::FilePath)]
    #[arg(help_heading = REPORTS)]
    pub(crate) report: Vec<Item<PathBuf>>,

    /// What the --report files hold [default: as their extensions say]
    #[arg(long, value_name = "FORMAT", value_parser = flag::<Format>(), help_heading = REPORTS)]
    pub(crate) report_format: Option<Format>,

    /// A HAR of what was served, with the entry behind each answer
    ///
    /// It is written while the run lasts, and DevTools opens it. Secrets are replaced, and bodies of more than 1 MiB left out.
    #[arg(long, value_name = "FILE", value_parser = flag::<PathBuf>(), value_hint = ValueHint::FilePath)]
    #[arg(help_heading = REPORTS)]
    pub(crate) trace: Option<PathBuf>,

    /// Says in the field X-Harmock of each answer what answered
    ///
    /// `X-Harmock: hit; entry=hars/shop.har#1; rules=1:ignore-query:ts`, or `miss`, `own`, `upstream`, `recorded`, `error`.
    #[arg(long, value_name = "BOOL", value_parser = flag::<bool>(), help_heading = REPORTS)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) annotate: Option<bool>,

    /// The last exchanges that /__harmock/exchanges tells [default: 0]
    #[arg(long, value_name = "N", value_parser = flag::<u64>(), help_heading = REPORTS)]
    pub(crate) exchanges: Option<u64>,

    /// Bytes of payloads kept in memory [default: 64MiB]
    ///
    /// `MiB`, `KiB` and `GiB` are powers of 1024, `mb`, `kb` and `gb` of 1000; a number alone is bytes.
    #[arg(long, value_name = "BYTES", value_parser = flag::<ByteSize>(), help_heading = REPLAYING)]
    pub(crate) cache_size: Option<ByteSize>,

    /// Has the answers rendered whose entries say that they are templates
    ///
    /// Entries with `_harmock.template = true`, and what they have sent. A rule with `template = true` needs no leave.
    #[arg(long, value_name = "BOOL", value_parser = flag::<bool>(), help_heading = REPLAYING)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) allow_templates: Option<bool>,

    /// A file with the variables that templates can read, in `.env` format; repeatable, a later one wins
    #[arg(long, value_name = "FILE", value_parser = flag::<Item<PathBuf>>(), value_hint = ValueHint::FilePath)]
    #[arg(help_heading = REPLAYING)]
    pub(crate) env: Vec<Item<PathBuf>>,

    /// A variable of this process that templates can read, over those of the files; repeatable [default: none]
    #[arg(long, value_name = "NAME", value_parser = flag::<Item<VariableName>>(), help_heading = REPLAYING)]
    pub(crate) env_pass: Vec<Item<VariableName>>,

    /// URLs to which entries may have requests sent; repeatable [default: none]
    ///
    /// The request of `_harmock.callback` is sent once its entry has answered: `--allow-callbacks 'http://localhost:*/**'`.
    #[arg(long, value_name = "GLOB", value_parser = flag::<Item<String>>(), help_heading = REPLAYING)]
    pub(crate) allow_callbacks: Vec<Item<String>>,

    /// Opens no connection and asks no DNS, whatever the other settings say
    #[arg(long, value_name = "BOOL", value_parser = flag::<bool>(), help_heading = REPLAYING)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) offline: Option<bool>,

    /// Does not start when an archive has an entry that cannot be used
    #[arg(long, value_name = "BOOL", value_parser = flag::<bool>(), help_heading = REPLAYING)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) strict_archives: Option<bool>,
}

pub(crate) fn run(args: &ReplayArgs) -> CommandResult {
    let settings = ReplaySettings::from_args(args)?;
    run::run(settings.config, &settings.run, run::Task::of(settings.command))
}
