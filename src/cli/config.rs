//! `harmock config`: check the config file, and show which settings are in force and why.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueHint};
use serde_json::json;

use super::CommandResult;
use super::flags::{ScopeFlags, SharedFlags, name_variable};
use super::record::RecordFlags;
use super::replay::ReplayFlags;
use super::settings::layers::{Note, NotedValue, Source};
use super::settings::value::{Item, Scalar, flag};
use super::settings::{Layers, SettingsError, all_settings, load_problems};

/// Checks and shows the settings
///
/// A flag outranks a variable, a variable the file, the file the default. In a list an item written `+x` adds: a layer
/// whose items all have a `+` is put behind what the layers under it say, any other layer takes their place. A list in
/// a variable has one item per line or, on a single line, commas between items (not inside `{a,b}`).
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    Check(CheckArgs),
    Show(Box<ShowArgs>),
}

/// Says what is wrong with harmock.toml and the variables, one line each
///
/// Ends with 0 and `ok` when nothing is, with 1 otherwise: `harmock config check --config ci/harmock.toml`.
#[derive(Debug, Args)]
#[command(mut_args(name_variable))]
struct CheckArgs {
    /// The config file [default: harmock.toml here or in a folder above]
    #[arg(long, value_name = "FILE", value_parser = flag::<PathBuf>(), value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
}

/// Prints every setting in force as TOML, each with where it comes from
///
/// Takes the flags of `record` and `replay`, to see what they would change: `harmock config show --not-found fallback`.
#[derive(Debug, Args)]
#[command(mut_args(name_variable))]
struct ShowArgs {
    /// Prints JSON: for each setting its `value`, and in `sources` where it comes from
    #[arg(long)]
    json: bool,

    /// Archives or folders of them, as replay takes them
    #[arg(value_name = "ARCHIVE", value_parser = flag::<Item<PathBuf>>(), value_hint = ValueHint::AnyPath)]
    archives: Vec<Item<PathBuf>>,

    #[command(flatten)]
    scope: ScopeFlags,
    #[command(flatten)]
    record: RecordFlags,
    #[command(flatten)]
    replay: ReplayFlags,
    #[command(flatten)]
    shared: SharedFlags,
}

pub(crate) fn run(args: &ConfigArgs) -> CommandResult {
    match &args.command {
        ConfigCommand::Check(args) => Ok(check(args)),
        ConfigCommand::Show(args) => show(args),
    }
}

fn check(args: &CheckArgs) -> ExitCode {
    let problems = load_problems(args.config.as_deref());
    for problem in &problems {
        anstream::eprintln!("{problem}");
    }
    if problems.is_empty() {
        anstream::eprintln!("ok");
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn show(args: &ShowArgs) -> CommandResult {
    let notes = notes(args)?;
    let text = if args.json { json(&notes)? } else { toml(&notes) };
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn notes(args: &ShowArgs) -> Result<Vec<Note>, SettingsError> {
    let mut layers = Layers::load(args.shared.config.as_deref())?;
    all_settings(&mut layers, &args.archives, &args.scope, &args.record, &args.replay, &args.shared)?;
    Ok(layers.into_notes())
}

fn toml(notes: &[Note]) -> String {
    let mut text = String::new();
    for Note { name, value, sources } in notes {
        let from = sources.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        // Writing to a string cannot fail.
        let _ = match value {
            NotedValue::One(value) => writeln!(text, "{name} = {value}  # {from}"),
            NotedValue::List(values) => writeln!(text, "{name} = [{}]  # {from}", joined(values)),
            NotedValue::Unset(meaning) => writeln!(text, "# {name} is not set: {meaning}  # {from}"),
        };
    }
    text
}

fn joined(values: &[Scalar]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn json(notes: &[Note]) -> serde_json::Result<String> {
    let settings = notes.iter().map(|Note { name, value, sources }| {
        let value = match value {
            NotedValue::One(value) => value.to_json(),
            NotedValue::List(values) => values.iter().map(Scalar::to_json).collect(),
            NotedValue::Unset(_) => serde_json::Value::Null,
        };
        let sources: Vec<_> = sources.iter().map(source).collect();
        ((*name).to_owned(), json!({ "value": value, "sources": sources }))
    });
    serde_json::to_string_pretty(&settings.collect::<serde_json::Map<_, _>>()).map(|text| text + "\n")
}

fn source(source: &Source) -> serde_json::Value {
    match source {
        Source::Default => json!({ "from": "default" }),
        Source::File { path, line } => json!({ "from": "file", "path": path.to_string_lossy(), "line": line }),
        Source::Variable(name) => json!({ "from": "variable", "name": name }),
        Source::Flag => json!({ "from": "flag" }),
    }
}
