//! TLS settings towards clients: one per host asked for, all with the same key material, tickets and sessions.

use std::fmt;
use std::sync::Arc;

use quick_cache::sync::Cache;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{self, Ticketer};
use rustls::server::{ClientHello, ResolvesServerCert, ServerSessionMemoryCache};
use rustls::sign::CertifiedKey;

use super::Error;
use super::host::HostName;
use super::leaf::Leaves;
use super::root::Root;

/// Settings kept; the same bound as for leaf certificates, for the same reason.
const KEPT: usize = 4096;
/// TLS 1.2 sessions of clients that resume without tickets.
const SESSIONS: usize = 4096;

/// Which protocols a client is offered by ALPN (RFC 7301).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Alpn {
    /// HTTP/2 and HTTP/1, the client's choice.
    #[default]
    Http2AndHttp1,
    /// HTTP/1 alone.
    Http1,
}

impl Alpn {
    /// In order of preference. A client that names protocols, and none of these, ends its handshake with an alert, so
    /// the one that `curl --http1.0` names is among them.
    fn protocols(self) -> Vec<Vec<u8>> {
        let names: &[&[u8]] = match self {
            Self::Http2AndHttp1 => &[b"h2", b"http/1.1", b"http/1.0"],
            Self::Http1 => &[b"http/1.1", b"http/1.0"],
        };
        names.iter().map(|name| name.to_vec()).collect()
    }
}

/// Gives each connection its settings.
pub(super) struct ServerConfigs {
    leaves: Arc<Leaves>,
    base: ServerConfig,
    both: Cache<String, Arc<ServerConfig>>,
    http1: Cache<String, Arc<ServerConfig>>,
}

impl ServerConfigs {
    pub(super) fn new(root: Arc<Root>) -> Result<Self, Error> {
        let leaves = Arc::new(Leaves::new(root)?);
        // The base is only ever cloned; its resolver answers nobody.
        let nobody = Arc::new(LeafResolver { leaves: Arc::clone(&leaves), fallback: None });
        let provider: Arc<CryptoProvider> = Arc::new(aws_lc_rs::default_provider());
        let mut base = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::crypto("set up TLS", error))?
            .with_no_client_auth()
            .with_cert_resolver(nobody);
        base.session_storage = ServerSessionMemoryCache::new(SESSIONS);
        base.ticketer = Ticketer::new().map_err(|error| Error::crypto("make a ticket key", error))?;
        Ok(Self { leaves, base, both: Cache::new(KEPT), http1: Cache::new(KEPT) })
    }

    pub(super) fn for_host(&self, host: &str, alpn: Alpn) -> Result<Arc<ServerConfig>, Error> {
        let cache = match alpn {
            Alpn::Http2AndHttp1 => &self.both,
            Alpn::Http1 => &self.http1,
        };
        cache.get_or_insert_with(host, || {
            let fallback = Some(HostName::parse(host)?);
            let mut config = self.base.clone();
            config.alpn_protocols = alpn.protocols();
            config.cert_resolver = Arc::new(LeafResolver { leaves: Arc::clone(&self.leaves), fallback });
            Ok(Arc::new(config))
        })
    }

    pub(super) fn leaves_minted(&self) -> u64 {
        self.leaves.minted()
    }
}

/// Picks the certificate of one connection: for the name that the client sends, else for the host it connected to.
struct LeafResolver {
    leaves: Arc<Leaves>,
    fallback: Option<HostName>,
}

impl ResolvesServerCert for LeafResolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let parsed;
        let host = match hello.server_name() {
            Some(name) => {
                if let Some(certified) = self.leaves.cached(name) {
                    return Some(certified);
                }
                parsed = HostName::parse(name).ok();
                parsed.as_ref().or(self.fallback.as_ref())?
            }
            None => self.fallback.as_ref()?,
        };
        self.leaves.for_host(host).ok()
    }
}

impl fmt::Debug for LeafResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeafResolver").field("fallback", &self.fallback).finish_non_exhaustive()
    }
}
