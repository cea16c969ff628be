//! The files beside the CA certificate that clients read to trust it: a PEM bundle, a Java trust store, a PHP setting.
//!
//! Most variables that name a file of certificates *replace* a client's own roots, so what they name has to hold the
//! platform's roots too, or tunnelled hosts would fail.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::{Error, pkcs12};

/// Where the files are, and what became of the platform's roots in them.
#[derive(Debug, Clone)]
pub struct TrustFiles {
    /// The CA certificate and the platform's roots, PEM: `bundle.pem`.
    pub bundle: PathBuf,
    /// The same certificates for Java: `truststore.p12`, PKCS#12, password [`TrustFiles::PASSWORD`].
    pub truststore: PathBuf,
    /// A folder for `PHP_INI_SCAN_DIR` whose one file points PHP's curl and streams at the bundle.
    pub php: PathBuf,
    /// A settings file for `SYSTEM_WGETRC` that points wget at the bundle.
    pub wgetrc: PathBuf,
    /// How many roots of the platform are in the bundle. 0: it has none, and clients that are pointed at the bundle
    /// trust nothing but the CA.
    pub roots: usize,
    /// Parts of the platform's roots that could not be read, one line each.
    pub warnings: Vec<String>,
}

impl TrustFiles {
    /// The password that clients are told for the trust store. It keeps nothing secret: the certificates are public.
    pub const PASSWORD: &'static str = "changeit";

    /// Writes the files into `dir`, each by rename and only where its content changes, so that clients that are
    /// reading one see either the old or the new.
    ///
    /// # Errors
    /// [`Error::CaCertificate`] where `ca_pem` holds no certificate, [`Error::Write`] where a file cannot be written.
    pub fn write(ca_pem: &[u8], dir: &Path) -> Result<Self, Error> {
        let ca = ca_certificate(ca_pem)?;
        let mut files = Self::named(dir);
        let (roots, warnings) = platform_roots(&ca, &files.bundle);
        files.roots = roots.len();
        files.warnings = warnings;

        write_if_changed(&files.bundle, bundle(&ca, &roots).as_bytes())?;
        write_if_changed(&files.truststore, &pkcs12::trust_store(&ca, &roots))?;
        write_if_changed(&files.php_ini(), php_ini(&files.bundle).as_bytes())?;
        write_if_changed(&files.wgetrc, wgetrc(&files.bundle).as_bytes())?;
        Ok(files)
    }

    /// The files as an earlier run wrote them for this authority; none where one is missing. They hold the platform's
    /// roots of that time: reading those anew takes longer than a small archive.
    pub fn present(ca_pem: &[u8], dir: &Path) -> Option<Self> {
        let files = Self::named(dir);
        let bundled = fs::read(&files.bundle).ok()?;
        let own = bundle(&ca_certificate(ca_pem).ok()?, &[]);
        let roots = memchr::memmem::find_iter(bundled.strip_prefix(own.as_bytes())?, b"-----BEGIN ").count();
        let others = [&files.truststore, &files.php_ini(), &files.wgetrc];
        others.iter().all(|file| file.is_file()).then_some(Self { roots, ..files })
    }

    fn named(dir: &Path) -> Self {
        Self {
            bundle: dir.join("bundle.pem"),
            truststore: dir.join("truststore.p12"),
            php: dir.join("php"),
            wgetrc: dir.join("wgetrc"),
            roots: 0,
            warnings: Vec::new(),
        }
    }

    fn php_ini(&self) -> PathBuf {
        self.php.join("harmock.ini")
    }
}

fn ca_certificate(pem: &[u8]) -> Result<Vec<u8>, Error> {
    CertificateDer::from_pem_slice(pem)
        .map(|certificate| certificate.to_vec())
        .map_err(|error| Error::CaCertificate { reason: error.to_string() })
}

/// The roots that a client has without us, in a stable order, and what could not be read of them.
///
/// `SSL_CERT_FILE` counts as the platform's roots, for that is how people name their own. In a run inside a run it
/// names our own bundle, whose first certificate is the authority of that time and no root.
fn platform_roots(ca: &[u8], own_bundle: &Path) -> (Vec<Vec<u8>>, Vec<String>) {
    let loaded = rustls_native_certs::load_native_certs();
    let mut roots: Vec<Vec<u8>> = loaded.certs.iter().map(|certificate| certificate.to_vec()).collect();
    let earlier = std::env::var_os("SSL_CERT_FILE")
        .filter(|file| same_file(Path::new(file), own_bundle))
        .and_then(|_| fs::read(own_bundle).ok())
        .and_then(|pem| ca_certificate(&pem).ok());
    roots.retain(|root| root != ca && Some(root) != earlier.as_ref());
    roots.sort();
    roots.dedup();
    (roots, loaded.errors.iter().map(ToString::to_string).collect())
}

fn same_file(one: &Path, other: &Path) -> bool {
    match (fs::canonicalize(one), fs::canonicalize(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

/// The authority first: [`platform_roots`] counts on it.
fn bundle(ca: &[u8], roots: &[Vec<u8>]) -> String {
    let mut text = String::with_capacity(2048 * (roots.len() + 1));
    for certificate in std::iter::once(ca).chain(roots.iter().map(Vec::as_slice)) {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        let encoded = STANDARD.encode(certificate);
        for line in encoded.as_bytes().chunks(64) {
            text.extend(line.iter().map(|byte| char::from(*byte)));
            text.push('\n');
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    text
}

fn php_ini(bundle: &Path) -> String {
    // In a double-quoted value of an ini file a backslash makes these themselves; `${` would name a setting.
    let path = bundle.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$");
    format!("curl.cainfo=\"{path}\"\nopenssl.cafile=\"{path}\"\n")
}

/// wget takes all of the line behind the equals sign for the value.
fn wgetrc(bundle: &Path) -> String {
    format!("ca_certificate = {}\n", bundle.display())
}

fn write_if_changed(path: &Path, content: &[u8]) -> Result<(), Error> {
    if fs::read(path).is_ok_and(|present| present == content) {
        return Ok(());
    }
    write_atomically(path, content).map_err(|source| Error::Write { path: path.to_owned(), source })
}

/// Writes a sibling file that everyone may read and renames it into place; makes the folder where there is none.
pub(crate) fn write_atomically(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".harmock-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The file's default is 0600; these are read by clients that may run as another user.
        builder.permissions(fs::Permissions::from_mode(0o644));
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(content)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
