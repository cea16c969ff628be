//! `harmock snippet`: what a client needs, ready to be pasted.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context;
use clap::builder::PossibleValuesParser;

use super::CommandResult;
use super::location::LocationFlags;
use crate::launch::ProxyFacts;
use crate::recipes::{self, Snippet, Values};

/// Print the settings of a client, with the real port and paths
///
/// Standard output holds what is to be pasted and nothing else; where it is a file, standard error says how to name it
/// and what to run. Without a name all of them are listed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  harmock snippet playwright > playwright.config.ts
  harmock snippet curl --ready-file ready.json | sh")]
pub(crate) struct Args {
    /// Which one
    #[arg(value_name = "NAME", value_parser = PossibleValuesParser::new(recipes::all().map(|(_, snippet)| snippet.name)))]
    #[arg(hide_possible_values = true)]
    name: Option<String>,

    #[command(flatten)]
    location: LocationFlags,
}

pub(crate) fn run(args: &Args) -> CommandResult {
    let text = match args.name.as_deref().and_then(recipes::find) {
        None => list(),
        Some(snippet) => {
            let facts = args.location.location()?.facts()?;
            say_what_to_do(snippet);
            snippet.text(&values(&facts))
        }
    };
    std::io::stdout().write_all(text.as_bytes()).context("cannot write to standard output")?;
    Ok(ExitCode::SUCCESS)
}

fn list() -> String {
    let width = recipes::all().map(|(_, snippet)| snippet.name.len()).max().unwrap_or_default();
    let lines = recipes::all().map(|(client, snippet)| {
        let more = [snippet.label, snippet.file.unwrap_or_default()].into_iter().filter(|part| !part.is_empty());
        let about = std::iter::once(client.name).chain(more).collect::<Vec<_>>().join("; ");
        format!("{:width$}  {about}\n", snippet.name)
    });
    lines.collect()
}

fn say_what_to_do(snippet: &Snippet) {
    match (snippet.file, snippet.run) {
        (None, _) => {}
        (Some(file), "") => anstream::eprintln!("harmock: save it as {file}"),
        (Some(file), run) => anstream::eprintln!("harmock: save it as {file}, then: {run}"),
    }
}

fn values(facts: &ProxyFacts) -> Values {
    Values {
        url: facts.url.clone(),
        host: facts.host.clone(),
        port: facts.port,
        ca: facts.ca.clone(),
        bundle: facts.trust.bundle.clone(),
        truststore: Some(facts.trust.truststore.clone()),
        spki: facts.spki.clone(),
    }
}
