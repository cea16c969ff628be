//! The authority's own certificate and key: how they are made, and what is checked when they are read.

use std::fmt;
use std::path::Path;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PublicKeyData, SerialNumber,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};
use x509_parser::certificate::X509Certificate;

use super::Error;

/// Ten years: longer than any project's recordings, and what other local authorities use.
const VALIDITY: Duration = Duration::days(3650);
/// Clocks of containers and phones lag; a certificate that starts now would not be valid there yet.
const BACKDATED: Duration = Duration::days(2);

/// The authority: its certificate and the key that signs.
pub(super) struct Root {
    der: CertificateDer<'static>,
    pem: String,
    facts: Facts,
    issuer: Issuer<'static, KeyPair>,
}

/// What is read from the certificate once.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) name: String,
    pub(super) fingerprint: String,
    pub(super) spki: String,
    pub(super) serial: String,
    pub(super) not_before: OffsetDateTime,
    pub(super) not_after: OffsetDateTime,
}

impl Root {
    /// Puts a certificate and its key together; the paths are for the messages.
    pub(super) fn from_pem(cert: &[u8], cert_path: &Path, key: &str, key_path: &Path) -> Result<Self, Error> {
        let key = KeyPair::from_pem(key)
            .map_err(|error| Error::Key { path: key_path.to_owned(), reason: error.to_string() })?;
        let unreadable = |reason: String| Error::Certificate { path: cert_path.to_owned(), reason };
        let der = CertificateDer::from_pem_slice(cert).map_err(|error| unreadable(error.to_string()))?;
        let facts = {
            let (_, parsed) =
                x509_parser::parse_x509_certificate(&der).map_err(|error| unreadable(error.to_string()))?;
            if parsed.public_key().raw != key.subject_public_key_info() {
                return Err(Error::Mismatch { key: key_path.to_owned(), cert: cert_path.to_owned() });
            }
            if let Some(reason) = no_authority(&parsed) {
                return Err(Error::NotAnAuthority { path: cert_path.to_owned(), reason });
            }
            Facts::of(&der, &parsed)
        };
        let now = OffsetDateTime::now_utc();
        if now < facts.not_before || now > facts.not_after {
            let (not_before, not_after) = (facts.not_before, facts.not_after);
            return Err(Error::NotValidNow { path: cert_path.to_owned(), not_before, not_after });
        }
        // Copies the subject key identifier from the certificate, so that a leaf's authority key identifier equals
        // it whoever made the certificate and by whatever hash.
        let issuer = Issuer::from_ca_cert_der(&der, key).map_err(|error| unreadable(error.to_string()))?;
        Ok(Self { pem: certificate_pem(&der), der, facts, issuer })
    }

    pub(super) fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    pub(super) fn facts(&self) -> &Facts {
        &self.facts
    }

    pub(super) fn issuer(&self) -> &Issuer<'static, KeyPair> {
        &self.issuer
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Root").field("facts", &self.facts).finish_non_exhaustive()
    }
}

impl Facts {
    fn of(der: &[u8], parsed: &X509Certificate<'_>) -> Self {
        let name = parsed.subject().iter_common_name().find_map(|name| name.as_str().ok());
        Self {
            name: name.map_or_else(|| parsed.subject().to_string(), str::to_owned),
            fingerprint: colon_hex(&Sha256::digest(der)),
            spki: STANDARD.encode(Sha256::digest(parsed.public_key().raw)),
            serial: parsed.raw_serial().iter().map(|byte| format!("{byte:02x}")).collect(),
            not_before: parsed.validity().not_before.to_datetime(),
            not_after: parsed.validity().not_after.to_datetime(),
        }
    }
}

/// Reads a certificate without its key, and gives it as one PEM block.
pub(super) fn read_certificate(cert: &[u8], path: &Path) -> Result<(Facts, String), Error> {
    let unreadable = |reason: String| Error::Certificate { path: path.to_owned(), reason };
    let der = CertificateDer::from_pem_slice(cert).map_err(|error| unreadable(error.to_string()))?;
    let (_, parsed) = x509_parser::parse_x509_certificate(&der).map_err(|error| unreadable(error.to_string()))?;
    Ok((Facts::of(&der, &parsed), certificate_pem(&der)))
}

/// Makes a new key, as PKCS #8 in PEM.
pub(super) fn new_key() -> Result<String, Error> {
    let key = KeyPair::generate().map_err(|error| Error::crypto("make a key", error))?;
    Ok(key.serialize_pem())
}

/// Makes the certificate of a key, in PEM.
///
/// The name carries eight digits of the public key's hash: no two installations share a name, and a certificate
/// that is made again for the same key still verifies what clients trust already.
pub(super) fn new_certificate(key: &str, key_path: &Path) -> Result<String, Error> {
    let key =
        KeyPair::from_pem(key).map_err(|error| Error::Key { path: key_path.to_owned(), reason: error.to_string() })?;
    let spki = Sha256::digest(key.subject_public_key_info());
    let suffix: String = spki.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let name = format!("harmock CA {suffix}");

    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.distinguished_name.push(DnType::OrganizationName, "harmock (made on this machine)");
    params.serial_number = Some(random_serial()?);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    let now = OffsetDateTime::from(SystemTime::now());
    params.not_before = now - BACKDATED;
    params.not_after = now - BACKDATED + VALIDITY;
    let certificate = params.self_signed(&key).map_err(|error| Error::crypto("sign the CA certificate", error))?;
    Ok(certificate_pem(certificate.der()))
}

/// Sixteen random bytes as a positive number that always takes sixteen bytes (RFC 5280 section 4.1.2.2 allows
/// twenty). Firefox refuses two certificates of one issuer with the same number.
pub(super) fn random_serial() -> Result<SerialNumber, Error> {
    let mut bytes = [0; 16];
    rustls::crypto::aws_lc_rs::default_provider()
        .secure_random
        .fill(&mut bytes)
        .map_err(|_| Error::crypto("give random bytes", "no entropy"))?;
    bytes[0] = bytes[0] & 0x7f | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}

/// Why a certificate may not sign leaf certificates (RFC 5280 sections 4.2.1.3 and 4.2.1.9).
fn no_authority(parsed: &X509Certificate<'_>) -> Option<&'static str> {
    if !parsed.is_ca() {
        return Some("basicConstraints does not say CA");
    }
    match parsed.key_usage() {
        Ok(Some(usage)) if !usage.value.key_cert_sign() => Some("keyUsage lacks keyCertSign"),
        Err(_) => Some("keyUsage does not parse"),
        _ => None,
    }
}

/// A certificate as PEM (RFC 7468): nothing else that its file may hold comes along.
fn certificate_pem(der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let mut pem = String::with_capacity(base64.len() + base64.len() / 64 + 64);
    pem.push_str("-----BEGIN CERTIFICATE-----\n");
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = tail;
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}

fn colon_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}
