//! Which upstream certificates are trusted, and the TLS settings made of that.

use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_rustls::TlsConnector;

use super::given::GivenCertificates;
use super::{SetupError, UpstreamConfig};

/// The TLS settings towards upstreams: the same trust and sessions under two offers of protocols.
pub(super) struct Trust {
    /// Offers HTTP/2 and HTTP/1.1.
    pub(super) any: TlsConnector,
    /// Offers HTTP/1.1 alone: for upgrades, and for further proxies.
    pub(super) http1: TlsConnector,
}

impl Trust {
    pub(super) fn new(config: &UpstreamConfig) -> Result<Self, SetupError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        // The files are read under `insecure` too: a path that is wrong is worth an error whatever else is set.
        let extra = read_all(&config.ca)?;
        let verifier: Arc<dyn ServerCertVerifier> = if config.insecure {
            Arc::new(AnyCertificate(provider.clone()))
        } else {
            let others = verifier(extra.clone(), provider.clone()).map_err(SetupError::Tls)?;
            if extra.is_empty() { others } else { Arc::new(GivenCertificates::before(extra, others)) }
        };
        let mut http1 = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| SetupError::Tls(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        http1.alpn_protocols = vec![b"http/1.1".to_vec()];
        let mut any = http1.clone();
        any.alpn_protocols.insert(0, b"h2".to_vec());
        Ok(Self { any: Arc::new(any).into(), http1: Arc::new(http1).into() })
    }
}

fn read_all(files: &[impl AsRef<Path>]) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    let mut all = Vec::new();
    for path in files {
        let path = path.as_ref();
        let pem =
            std::fs::read(path).map_err(|source| SetupError::CaUnreadable { path: path.to_path_buf(), source })?;
        all.extend(certificates(&pem).map_err(|detail| SetupError::CaInvalid { path: path.to_path_buf(), detail })?);
    }
    Ok(all)
}

/// The certificates of a PEM text; each one must be usable as a root.
fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let mut roots = RootCertStore::empty();
    let mut found = Vec::new();
    for (place, certificate) in CertificateDer::pem_slice_iter(pem).enumerate() {
        let certificate = certificate.map_err(|error| format!("certificate {}: {error:?}", place + 1))?;
        roots.add(certificate.clone()).map_err(|error| format!("certificate {}: {error}", place + 1))?;
        found.push(certificate);
    }
    if found.is_empty() { Err("it holds no certificate".into()) } else { Ok(found) }
}

/// The roots of the system's files, or those of Mozilla where the system has none, and the extra ones.
#[cfg(all(unix, not(target_vendor = "apple")))]
fn verifier(
    extra: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots.add_parsable_certificates(extra);
    rustls::client::WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map(|verifier| verifier as Arc<dyn ServerCertVerifier>)
        .map_err(|error| error.to_string())
}

/// The system decides, as it does for its own programs, and trusts the extra roots beside its own.
#[cfg(not(all(unix, not(target_vendor = "apple"))))]
fn verifier(
    extra: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, String> {
    rustls_platform_verifier::Verifier::new_with_extra_roots(extra, provider)
        .map(|verifier| Arc::new(verifier) as Arc<dyn ServerCertVerifier>)
        .map_err(|error| error.to_string())
}

/// Accepts whatever the upstream shows, also what does not parse.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pem: &[u8]) -> (tempfile::TempDir, UpstreamConfig) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, pem).unwrap();
        (folder, UpstreamConfig { ca: vec![path], ..UpstreamConfig::default() })
    }

    fn refusal(config: &UpstreamConfig) -> String {
        Trust::new(config).err().expect("refused").to_string()
    }

    #[test]
    fn a_missing_file_is_named() {
        let config = UpstreamConfig { ca: vec!["/nowhere/ca.pem".into()], ..UpstreamConfig::default() };
        assert!(refusal(&config).starts_with("cannot read the upstream CA /nowhere/ca.pem: "));
    }

    #[test]
    fn a_file_without_a_certificate_is_refused_in_one_line() {
        let (_folder, config) = config(b"hello\n");
        let line = refusal(&config);
        assert!(line.contains("it holds no certificate; give a PEM file"), "{line}");
        assert!(!line.contains('\n'));
    }

    #[test]
    fn a_certificate_that_does_not_parse_is_refused_by_its_place() {
        let (_folder, config) = config(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        assert!(refusal(&config).contains("certificate 1: "));
    }

    #[test]
    fn a_wrong_file_is_refused_under_insecure_too() {
        let (_folder, mut config) = config(b"hello\n");
        config.insecure = true;
        assert!(refusal(&config).contains("it holds no certificate"));
    }
}
