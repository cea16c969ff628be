//! Where the proxy is, for commands that speak of one which another process runs.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use clap::ValueHint;

use super::settings::{Layers, load_problems};
use super::wait::ProxyUrl;
use crate::ca::CertAuthority;
use crate::launch::{ProxyFacts, ReadyFile};
use crate::proxy::{Config, ReplayConfig};

/// The flags that say where the proxy is.
#[derive(Debug, clap::Args)]
pub(crate) struct LocationFlags {
    /// The file that `record` or `replay` writes once it listens; what it says goes before the other flags
    #[arg(long, value_name = "FILE", env = "HARMOCK_READY_FILE", value_hint = ValueHint::FilePath)]
    ready_file: Option<PathBuf>,

    /// Where the proxy listens [default: `listen` of the settings, else http://127.0.0.1:8899]
    #[arg(long, visible_alias = "listen", value_name = "URL", env = "HARMOCK_PROXY_URL")]
    proxy: Option<ProxyUrl>,

    /// The folder of the certificate authority
    #[arg(long, value_name = "DIR", env = "HARMOCK_CA_DIR", value_hint = ValueHint::DirPath)]
    ca_dir: Option<PathBuf>,

    /// The config file [default: harmock.toml here or in a folder above]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
}

/// Where the proxy is.
#[derive(Debug)]
pub(crate) struct Location {
    /// Its host, an IPv6 address without brackets.
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: u16,
    /// The folder of its authority, where it is not the user's own.
    pub(crate) ca_dir: Option<PathBuf>,
}

impl LocationFlags {
    /// What the ready file says, else the flags and variables, else the settings.
    pub(crate) fn location(&self) -> anyhow::Result<Location> {
        if let Some(file) = &self.ready_file {
            let ready = ReadyFile::read(file)?
                .with_context(|| format!("{} is not there: does the proxy that writes it run?", file.display()))?;
            let proxy: ProxyUrl = ready.url.parse().map_err(|error: String| anyhow!("{}: {error}", file.display()))?;
            let ca_dir = ready.ca.parent().map(PathBuf::from);
            return Ok(Location { host: proxy.host, port: proxy.port, ca_dir });
        }
        let (host, port) = match &self.proxy {
            Some(proxy) => (proxy.host.clone(), proxy.port),
            None => self.settings()?,
        };
        Ok(Location { host, port, ca_dir: self.ca_dir.clone().or_else(ca_dir_of_environment) })
    }

    /// What is wrong with the config file and the variables of the settings, one line each.
    pub(crate) fn problems(&self) -> Vec<String> {
        load_problems(self.config.as_deref())
    }

    fn settings(&self) -> anyhow::Result<(String, u16)> {
        let default = Config::new(ReplayConfig::default()).listen;
        let listen: SocketAddr = Layers::load(self.config.as_deref())?.one("listen", None, default)?;
        if listen.port() == 0 {
            bail!(
                "the settings leave the port open (listen = \"{listen}\"); name the proxy with --ready-file or --proxy"
            );
        }
        Ok((listen.ip().to_string(), listen.port()))
    }
}

/// That of the proxy below which this process runs, or whose variables its shell has.
fn ca_dir_of_environment() -> Option<PathBuf> {
    let ca = std::env::var_os("HARMOCK_CA").filter(|ca| !ca.is_empty())?;
    Path::new(&ca).parent().map(Path::to_owned)
}

impl Location {
    /// What clients of the proxy need; the files for them are written beside the authority.
    pub(crate) fn facts(&self) -> anyhow::Result<ProxyFacts> {
        let authority = CertAuthority::load_or_create(self.ca_dir.as_deref())?;
        Ok(ProxyFacts::new(&self.host, self.port, &authority)?)
    }
}
