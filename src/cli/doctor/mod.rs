//! `harmock doctor`: what keeps a client from the proxy, or from trusting it.
//!
//! What is looked at is gathered once in a [`Scene`]; each check is a function from it to findings.

mod clients;
mod finding;
mod java;
mod proxy;
mod scene;
mod trust;
mod variables;

#[cfg(test)]
mod tests;

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context;
use serde_json::json;
use url::Url;

use super::CommandResult;
use super::location::LocationFlags;
use clients::Client;
use finding::{Finding, Weight};
use scene::Scene;

/// Say what is wrong with the set-up: the proxy, the variables, trust, localhost
///
/// Looks at the environment in which it runs, as a client started from there would. One line for each finding: where,
/// what, and what to do. Ends with 1 when something is wrong; a note may be so on purpose and changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  eval \"$(harmock env)\"; harmock doctor
  harmock doctor --client node --url http://localhost:3000/
  harmock replay -- harmock doctor --client java")]
pub(crate) struct Args {
    /// Asks for what this client needs; repeatable [default: what any client needs]
    #[arg(long, value_enum, value_name = "CLIENT")]
    client: Vec<Client>,

    /// A URL that is to go through the proxy: tells whether NO_PROXY and its like leave it out
    #[arg(long, value_name = "URL")]
    url: Option<Url>,

    /// Prints one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    location: LocationFlags,
}

pub(crate) fn run(args: &Args) -> CommandResult {
    let scene = Scene::of_process(&args.location, args.url.clone())?;
    let findings = examine(&scene, &args.client);
    let faults = findings.iter().filter(|finding| finding.weight == Weight::Fault).count();
    let text = if args.json {
        format!("{:#}\n", json!({ "ok": faults == 0, "proxy": scene.url(), "findings": findings }))
    } else {
        findings.iter().map(|finding| format!("{finding}\n")).collect()
    };
    std::io::stdout().write_all(text.as_bytes()).context("cannot write to standard output")?;
    if faults == 0 && !args.json {
        anstream::eprintln!("harmock: nothing is wrong with {}", scene.url());
    }
    Ok(if faults == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// All findings, those that explain others first.
fn examine(scene: &Scene, clients: &[Client]) -> Vec<Finding> {
    let mut findings: Vec<_> = scene.settings.iter().map(|problem| Finding::fault("settings", problem, "")).collect();
    findings.extend(trust::authority(scene));
    findings.extend(proxy::answers(scene));
    if clients.is_empty() {
        findings.extend(variables::any_client(scene));
        findings.extend(trust::any_client(scene));
    }
    for client in clients {
        findings.extend(client.examine(scene));
    }
    findings.extend(proxy::has_seen(scene));
    let mut told = Vec::new();
    findings.retain(|finding| {
        !told.contains(finding) && {
            told.push(finding.clone());
            true
        }
    });
    findings
}
