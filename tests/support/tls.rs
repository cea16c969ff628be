//! The certificate authority of the origins: made once per test process, thrown away with it.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose, SanType};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;

/// Signs what the origins show; harmock is told to trust it with `--upstream-ca`.
pub(crate) struct OriginCa {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl OriginCa {
    /// The one of this process.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<OriginCa> = OnceLock::new();
        SHARED.get_or_init(Self::generate)
    }

    /// The PEM file of its certificate.
    pub(crate) fn pem(&self) -> PathBuf {
        self.folder.path().join("origin-ca.pem")
    }

    fn generate() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, "origin of the tests");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("origin-ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    /// A leaf for the loopback names and `*.example.test`.
    fn leaf(&self) -> (rcgen::Certificate, KeyPair) {
        let names = vec!["localhost".to_owned(), "*.example.test".to_owned()];
        let mut params = CertificateParams::new(names).unwrap();
        params.subject_alt_names.push(SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        params.subject_alt_names.push(SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)));
        params.use_authority_key_identifier_extension = true;
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    /// The certificate and the key of such a leaf, for an origin that reads files.
    pub(crate) fn leaf_pem(&self) -> (String, String) {
        let (leaf, key) = self.leaf();
        (leaf.pem(), key.serialize_pem())
    }

    /// What a TLS origin serves with: a leaf, and these protocols.
    pub(crate) fn server_config(&self, alpn: &[&str]) -> Arc<rustls::ServerConfig> {
        let (leaf, key) = self.leaf();
        let mut config = rustls::ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    }
}

/// A client that trusts the certificates of this PEM file alone, with webpki's checks as they are.
pub(crate) fn client_config(trusted: &Path, alpn: &[&str]) -> Arc<rustls::ClientConfig> {
    use rustls::pki_types::pem::PemObject as _;
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(trusted).unwrap() {
        roots.add(certificate.unwrap()).unwrap();
    }
    let mut config = rustls::ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}
