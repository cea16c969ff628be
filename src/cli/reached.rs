//! How servers are reached by a command that runs no proxy of its own.

use std::path::PathBuf;

use clap::ValueHint;

use super::flags::SharedFlags;
use super::settings::value::{Item, flag};
use super::settings::{Layers, TimeLimit, upstream_settings};
use crate::upstream::{Upstream, UpstreamConfig, UpstreamProxy};

const UPSTREAM: &str = "Upstream";

/// The flags that say so, with the names that they have for the proxy.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct ReachedFlags {
    /// Trusts the certificates of a PEM file beside the system's; repeatable
    #[arg(long, value_name = "PEM", value_parser = flag::<Item<PathBuf>>(), value_hint = ValueHint::FilePath)]
    #[arg(help_heading = UPSTREAM)]
    upstream_ca: Vec<Item<PathBuf>>,
    /// The proxy on the way: a URL, `none` or `env` [default: env]
    #[arg(long, value_name = "URL", value_parser = flag::<UpstreamProxy>(), help_heading = UPSTREAM)]
    upstream_proxy: Option<UpstreamProxy>,
    /// Accepts any certificate
    #[arg(long, value_name = "BOOL", value_parser = flag::<bool>(), help_heading = UPSTREAM)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    insecure_upstream: Option<bool>,
    /// Time from the end of a request's head to the response's head [default: 2m]
    #[arg(long, value_name = "TIME", value_parser = flag::<TimeLimit>(), help_heading = UPSTREAM)]
    first_byte_timeout: Option<TimeLimit>,
}

impl ReachedFlags {
    /// With the variables and the file under them.
    pub(crate) fn config(&self, layers: &mut Layers) -> anyhow::Result<UpstreamConfig> {
        let shared = SharedFlags {
            upstream_ca: self.upstream_ca.clone(),
            upstream_proxy: self.upstream_proxy.clone(),
            insecure_upstream: self.insecure_upstream,
            first_byte_timeout: self.first_byte_timeout,
            ..SharedFlags::default()
        };
        Ok(upstream_settings(layers, &shared)?)
    }
}

/// The way to servers; what of the environment is ignored is told.
pub(crate) fn upstream(config: &UpstreamConfig) -> anyhow::Result<Upstream> {
    let upstream = Upstream::new(config, Vec::new())?;
    upstream.notes().iter().for_each(|note| anstream::eprintln!("warning: {note}"));
    Ok(upstream)
}
