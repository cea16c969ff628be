//! What is looked at: the environment, the settings, the authority, and what the proxy says of itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use url::Url;

use crate::ca::CertAuthority;
use crate::ca::stores::{Anchor, Machine};
use crate::cli::ask;
use crate::cli::location::{Location, LocationFlags};

/// For each question to the proxy.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is looked at.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) variables: BTreeMap<String, String>,
    /// What is wrong with `harmock.toml` and the variables of the settings.
    pub(super) settings: Vec<String>,
    pub(super) host: String,
    pub(super) port: u16,
    /// The URL that is to go through the proxy.
    pub(super) target: Option<Url>,
    pub(super) authority: Authority,
    pub(super) proxy: Proxy,
    pub(super) machine: Machine,
}

/// The authority in its folder.
#[derive(Debug)]
pub(super) enum Authority {
    Good(Anchor),
    /// There is none.
    None(PathBuf),
    /// It cannot be used; one line.
    Bad(String),
}

/// What answers at the proxy's address.
#[derive(Debug)]
pub(super) enum Proxy {
    /// harmock.
    Up { authority: Option<Vec<u8>>, requests: Option<u64>, refused: u64 },
    /// Nothing; why.
    Down(String),
    /// Something else, with this status line.
    Foreign(String),
}

impl Scene {
    pub(super) fn of_process(flags: &LocationFlags, target: Option<Url>) -> anyhow::Result<Self> {
        let settings = flags.problems();
        let location = flags.location()?;
        let variables = std::env::vars_os();
        let variables =
            variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Ok(Self {
            variables: variables.filter(|(_, value)| !value.is_empty()).collect(),
            settings,
            authority: Authority::of(&location)?,
            proxy: Proxy::at(&location.host, location.port),
            host: location.host,
            port: location.port,
            target,
            machine: Machine::this(),
        })
    }

    /// `http://HOST:PORT`
    pub(super) fn url(&self) -> String {
        match self.host.contains(':') {
            true => format!("http://[{}]:{}", self.host, self.port),
            false => format!("http://{}:{}", self.host, self.port),
        }
    }

    /// The first of these variables that is set, and its value.
    pub(super) fn first<'a>(&self, names: &[&'a str]) -> Option<(&'a str, &str)> {
        names.iter().find_map(|name| Some((*name, self.variables.get(*name)?.as_str())))
    }

    /// The certificate that clients must trust: the running proxy's, else the one in the folder.
    pub(super) fn certificate(&self) -> Option<Vec<u8>> {
        match (&self.proxy, &self.authority) {
            (Proxy::Up { authority: Some(der), .. }, _) => Some(der.clone()),
            (_, Authority::Good(anchor)) => first_certificate(anchor.pem.as_bytes()),
            _ => None,
        }
    }

    /// Whether the URL that is asked about is this machine's own.
    pub(super) fn target_is_loopback(&self) -> bool {
        self.target.as_ref().and_then(Url::host_str).is_some_and(is_loopback)
    }
}

impl Authority {
    fn of(location: &Location) -> anyhow::Result<Self> {
        let dir = match &location.ca_dir {
            Some(dir) => dir.clone(),
            None => CertAuthority::default_dir()?,
        };
        Ok(match Anchor::read(&dir) {
            Ok(None) => Self::None(dir),
            Err(error) => Self::Bad(error.to_string()),
            // There is a certificate, so none is made; expiry and the key are checked.
            Ok(Some(anchor)) => match CertAuthority::load_or_create(Some(&dir)) {
                Ok(_) => Self::Good(anchor),
                Err(error) => Self::Bad(error.to_string()),
            },
        })
    }
}

impl Proxy {
    fn at(host: &str, port: u16) -> Self {
        let ask = |path: &str| ask::page(host, port, path, PATIENCE);
        let health = match ask("/__harmock/health") {
            Err(error) => return Self::Down(error.to_string()),
            Ok(answer) => answer,
        };
        let facts: Option<serde_json::Value> = serde_json::from_slice(&health.body).ok();
        let Some(facts) = facts.filter(|facts| health.is_good() && facts["status"] == "ok") else {
            return Self::Foreign(health.status_line);
        };
        let authority = ask("/__harmock/ca.pem").ok().filter(ask::Answer::is_good);
        Self::Up {
            authority: authority.and_then(|answer| first_certificate(&answer.body)),
            requests: facts["requests"].as_u64(),
            refused: facts["refused"].as_u64().unwrap_or_default(),
        }
    }
}

/// The certificate of a PEM text that holds one.
pub(super) fn first_certificate(pem: &[u8]) -> Option<Vec<u8>> {
    CertificateDer::from_pem_slice(pem).ok().map(|certificate| certificate.to_vec())
}

/// Every certificate of a file.
pub(super) fn certificates(file: &Path) -> Result<Vec<Vec<u8>>, String> {
    let all = CertificateDer::pem_file_iter(file).map_err(|error| error.to_string())?;
    Ok(all.filter_map(Result::ok).map(|certificate| certificate.to_vec()).collect())
}

/// Whether a host, an IPv6 address with or without brackets, is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let name = host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost");
    name || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
