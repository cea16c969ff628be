//! `harmock env`: lines for a shell that point every client at the proxy and make it trust the authority.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, anyhow};

use super::shell::Shell;
use super::{CommandResult, wait::ProxyUrl};
use crate::ca::CertAuthority;
use crate::launch::{ProxyFacts, TrustFiles, Variable, variables};

/// Print shell lines that point every client at the proxy
///
/// Sets the proxy and trust variables of curl, git, Node, Deno, Python, Go, Ruby, Java, .NET, PHP, npm, pip, cargo,
/// gRPC and others, and takes NO_PROXY away. The CA is made if there is none yet; nothing is installed in the system.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  eval \"$(harmock env)\"
  harmock env --shell fish | source
  harmock env --shell powershell | Out-String | Invoke-Expression
  harmock env --shell github >> \"$GITHUB_ENV\"")]
pub(crate) struct Args {
    /// Who reads the lines; by default the shell that $SHELL names
    #[arg(long, value_enum, value_name = "SHELL")]
    shell: Option<Shell>,

    /// Where the proxy listens
    #[arg(
        long,
        visible_alias = "listen",
        value_name = "URL",
        env = "HARMOCK_PROXY_URL",
        default_value = "http://127.0.0.1:8899"
    )]
    proxy: ProxyUrl,

    /// The folder of the certificate authority
    #[arg(long, value_name = "DIR", env = "HARMOCK_CA_DIR")]
    ca_dir: Option<PathBuf>,
}

pub(crate) fn run(args: Args) -> CommandResult {
    let authority = CertAuthority::load_or_create(args.ca_dir.as_deref())?;
    let facts = ProxyFacts::new(&args.proxy.host, args.proxy.port, &authority)?;
    for line in trust_warnings(&facts.trust) {
        anstream::eprintln!("harmock: {line}");
    }
    let shell = args.shell.unwrap_or_else(|| Shell::of_user(std::env::var_os("SHELL")));
    let lines = shell.text(&values(&variables(&facts))?);
    std::io::stdout().write_all(lines.as_bytes()).context("cannot write to standard output")?;
    Ok(ExitCode::SUCCESS)
}

/// What a person should know about the files that were written; one line each.
pub(crate) fn trust_warnings(trust: &TrustFiles) -> Vec<String> {
    let mut lines: Vec<String> = trust
        .warnings
        .iter()
        .map(|warning| format!("warning: a part of the system's roots is missing: {warning}"))
        .collect();
    if trust.roots == 0 {
        lines.push(
            "warning: this system has no root certificates, so clients will trust the hosts that harmock opens and no \
             others; install the package ca-certificates or set SSL_CERT_FILE"
                .to_owned(),
        );
    }
    lines
}

/// Each variable with its value in the present environment.
fn values(variables: &[Variable]) -> anyhow::Result<Vec<(&'static str, Option<String>)>> {
    variables
        .iter()
        .map(|variable| {
            let value = variable.value(std::env::var_os(variable.name).as_deref());
            let text = value.map(|value| value.into_string()).transpose().map_err(|value| {
                anyhow!(
                    "{} would be {}, which is not UTF-8 and cannot be written down; choose another folder with --ca-dir",
                    variable.name,
                    value.display()
                )
            });
            Ok((variable.name, text?))
        })
        .collect()
}
