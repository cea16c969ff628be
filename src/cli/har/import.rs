//! `harmock har import`: the examples of a Postman collection or an OpenAPI document.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::ValueHint;

use super::kept::{KeptFlags, told};
use super::visible;
use crate::archive::{Update, WriteError};
use crate::cli::CommandResult;
use crate::cli::report::count;
use crate::cli::settings::value::flag;
use crate::cli::settings::{ArchivePath, Layers};
use crate::examples::{Import, import};
use crate::message::CanonicalUrl;

/// Make an archive of the examples of a Postman collection or an OpenAPI document.
///
/// Postman collections (v2.1) give their saved examples, with folders, variables and authorization; OpenAPI 3.0 and 3.1
/// documents, JSON or YAML, the examples of their responses. What cannot be imported is named, a line each.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The collection or the document
    #[arg(value_name = "DOCUMENT", value_hint = ValueHint::FilePath)]
    document: PathBuf,
    /// The `.har` or `.zip` to write [default: hars/NAME.har, by the document's name]
    #[arg(short, long, value_name = "FILE", value_parser = flag::<ArchivePath>(), value_hint = ValueHint::FilePath)]
    output: Option<ArchivePath>,
    /// Write it anew where it is there
    #[arg(long)]
    force: bool,
    /// The value of a variable of the document, `NAME=VALUE`; repeatable
    #[arg(long = "var", value_name = "NAME=VALUE")]
    variables: Vec<String>,
    /// The server of an OpenAPI document, in the place of those that it names
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    #[command(flatten)]
    kept: KeptFlags,
}

pub(crate) fn run(args: &Args) -> CommandResult {
    let mut layers = Layers::load(args.kept.config.as_deref())?;
    let keeping = args.kept.keeping(&mut layers)?;
    let named = || args.document.display().to_string();
    let output = args.output(&layers)?;
    if output.exists() && !args.force {
        return Err(WriteError::Exists { path: output }.into());
    }
    let text = std::fs::read_to_string(&args.document).with_context(|| format!("cannot read {}", named()))?;
    let imported = import(&text, &args.import()?).with_context(named)?;
    for line in &imported.left_out {
        anstream::eprintln!("left out: {}", visible(line, &[]));
    }
    if imported.examples.is_empty() {
        bail!("{} holds no example that could be imported", named());
    }
    let finished = keeping.keep(&output, &imported.examples, Update::Replace)?;
    let examples = count(imported.examples.len() as u64, "example");
    let left_out = match imported.left_out.len() {
        0 => String::new(),
        lines => format!(", {lines} left out"),
    };
    anstream::eprintln!("{}: {examples} imported{left_out}{}", output.display(), told(&finished));
    Ok(ExitCode::SUCCESS)
}

impl Args {
    fn output(&self, layers: &Layers) -> anyhow::Result<PathBuf> {
        if let Some(output) = &self.output {
            return Ok(output.0.clone());
        }
        let stem = self.document.file_name().and_then(|name| name.to_str()).context("the document has no name")?;
        // `shop.postman_collection.json` is the shop's.
        let stem = stem.split('.').find(|part| !part.is_empty()).unwrap_or(stem);
        Ok(layers.beside_file(Path::new("hars").join(format!("{stem}.har"))))
    }

    fn import(&self) -> anyhow::Result<Import> {
        let mut variables = BTreeMap::new();
        for variable in &self.variables {
            let (name, value) =
                variable.split_once('=').with_context(|| format!("--var {variable:?} is not NAME=VALUE"))?;
            variables.insert(name.to_owned(), value.to_owned());
        }
        if let Some(server) = &self.server {
            let url = CanonicalUrl::parse(server).filter(|url| url.as_str().starts_with("http"));
            url.with_context(|| format!("--server {server:?} is not an http or https URL"))?;
        }
        Ok(Import { variables, server: self.server.clone() })
    }
}
