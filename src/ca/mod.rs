//! The certificate authority: its store, and the leaf certificates that it signs.
//!
//! There is one authority per user. [`CertAuthority::load_or_create`] reads it, or makes it on first use; then
//! [`CertAuthority::server_config`] gives the TLS settings with which the proxy answers a client that asked for a
//! host. Neither HTTP nor an async runtime is needed here: a handshake that needs a new leaf waits some fifty
//! microseconds for its signature, and any later one finds it in a cache.
//!
//! The private key stays inside: no accessor gives it, and `Debug` leaves it out.

mod error;
mod host;
mod leaf;
mod root;
mod store;
pub mod stores;
mod tls;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::ServerConfig;
use time::OffsetDateTime;

pub use error::Error;
pub use tls::Alpn;

use root::Root;
use tls::ServerConfigs;

/// The user's certificate authority, ready to answer TLS handshakes. Cloning is cheap and shares the caches.
#[derive(Clone)]
pub struct CertAuthority {
    shared: Arc<Shared>,
}

struct Shared {
    dir: PathBuf,
    cert_path: PathBuf,
    root: Arc<Root>,
    /// Made for the first TLS connection: the random numbers that it takes are most of what a start would cost.
    configs: OnceLock<ServerConfigs>,
    making: Mutex<()>,
}

impl CertAuthority {
    /// Reads the authority of `dir` (`None`: [`CertAuthority::default_dir`]), and makes it when there is none.
    ///
    /// Two processes that start at once on an empty folder end up with the same authority. The folder gets mode
    /// 0700 when it is made here, the key file has mode 0600 from its first byte on, and both files appear whole.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made or read, when the key is garbled, readable by other users or not the
    /// certificate's, and when the certificate is no authority or is not valid today.
    pub fn load_or_create(dir: Option<&Path>) -> Result<Self, Error> {
        let dir = match dir {
            Some(dir) => {
                std::path::absolute(dir).map_err(|cause| Error::Io { doing: "resolve", path: dir.to_owned(), cause })?
            }
            None => Self::default_dir()?,
        };
        let root = Arc::new(store::load_or_create(&dir)?);
        let (cert_path, configs, making) = (store::cert_path(&dir), OnceLock::new(), Mutex::default());
        Ok(Self { shared: Arc::new(Shared { cert_path, dir, root, configs, making }) })
    }

    /// The folder in which a user's authority lives: `~/.local/share/harmock` (or below `XDG_DATA_HOME`),
    /// `~/Library/Application Support/harmock`, `%APPDATA%\harmock`.
    ///
    /// # Errors
    ///
    /// When the user has no home folder.
    pub fn default_dir() -> Result<PathBuf, Error> {
        use etcetera::BaseStrategy;
        let strategy = etcetera::base_strategy::choose_native_strategy().map_err(|_| Error::NoHome)?;
        Ok(strategy.data_dir().join("harmock"))
    }

    /// The TLS settings for a connection to `host`: a DNS name, an IPv4 or an IPv6 address (with or without
    /// brackets), without port. The certificate is the one for the name that the client sends (SNI, RFC 6066),
    /// else for `host`.
    ///
    /// Settings are kept per host, and sessions resume across all of them; call this once per connection.
    ///
    /// # Errors
    ///
    /// [`Error::Host`] when no certificate can carry `host`.
    pub fn server_config(&self, host: &str, alpn: Alpn) -> Result<Arc<ServerConfig>, Error> {
        self.shared.configs()?.for_host(host, alpn)
    }

    /// Makes what the first [`CertAuthority::server_config`] would otherwise make: a key, and a key for tickets. Takes
    /// some milliseconds of processor time.
    ///
    /// # Errors
    ///
    /// When the system has no random numbers.
    pub fn prepare(&self) -> Result<(), Error> {
        self.shared.configs().map(|_configs| ())
    }

    /// The folder of the authority, absolute.
    pub fn dir(&self) -> &Path {
        &self.shared.dir
    }

    /// The certificate file that clients are told to trust, absolute.
    pub fn cert_path(&self) -> &Path {
        &self.shared.cert_path
    }

    /// The certificate as one PEM block.
    pub fn cert_pem(&self) -> &str {
        self.shared.root.pem()
    }

    /// The certificate as DER.
    pub fn cert_der(&self) -> &[u8] {
        self.shared.root.der()
    }

    /// The common name, for instance `harmock CA 1f3a9c02`.
    pub fn name(&self) -> &str {
        &self.shared.root.facts().name
    }

    /// SHA-256 of the certificate as `openssl x509 -fingerprint -sha256` writes it: `AB:CD:…`.
    pub fn fingerprint(&self) -> &str {
        &self.shared.root.facts().fingerprint
    }

    /// Base64 of the SHA-256 of the certificate's public key (SubjectPublicKeyInfo): the value of Chromium's
    /// `--ignore-certificate-errors-spki-list`.
    pub fn spki_sha256_base64(&self) -> &str {
        &self.shared.root.facts().spki
    }

    /// The certificate's serial number in hexadecimal digits.
    pub fn serial(&self) -> &str {
        &self.shared.root.facts().serial
    }

    /// The first moment at which the certificate is valid.
    pub fn not_before(&self) -> OffsetDateTime {
        self.shared.root.facts().not_before
    }

    /// The last moment at which the certificate is valid.
    pub fn not_after(&self) -> OffsetDateTime {
        self.shared.root.facts().not_after
    }

    /// How many leaf certificates were signed since the start.
    pub fn leaves_minted(&self) -> u64 {
        self.shared.configs.get().map_or(0, ServerConfigs::leaves_minted)
    }
}

impl Shared {
    fn configs(&self) -> Result<&ServerConfigs, Error> {
        if let Some(made) = self.configs.get() {
            return Ok(made);
        }
        let _one_at_a_time = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = self.configs.get() {
            return Ok(made);
        }
        let configs = ServerConfigs::new(Arc::clone(&self.root))?;
        Ok(self.configs.get_or_init(|| configs))
    }
}

impl fmt::Debug for CertAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertAuthority")
            .field("name", &self.name())
            .field("cert_path", &self.cert_path())
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
