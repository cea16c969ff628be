//! Upstreams that show the very certificate that the user gave: trusted as it is, whatever it says it is for.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, SignatureScheme};
use x509_parser::time::ASN1Time;

/// Asks another verifier first, and then whether the certificate is one of those given.
///
/// Development servers show a certificate that signs itself and calls itself an authority (what `openssl req -x509`
/// makes); no verifier of chains takes that from a server. Name and dates count all the same.
#[derive(Debug)]
pub(super) struct GivenCertificates {
    given: Vec<CertificateDer<'static>>,
    others: Arc<dyn ServerCertVerifier>,
}

impl GivenCertificates {
    pub(super) fn before(given: Vec<CertificateDer<'static>>, others: Arc<dyn ServerCertVerifier>) -> Self {
        Self { given, others }
    }
}

impl ServerCertVerifier for GivenCertificates {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let error = match self.others.verify_server_cert(shown, intermediates, name, ocsp, now) {
            Ok(verified) => return Ok(verified),
            Err(error) => error,
        };
        if !self.given.iter().any(|given| given == shown) {
            return Err(error);
        }
        verify_server_name(&ParsedCertificate::try_from(shown)?, name)?;
        verify_dates(shown, now)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.others.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.others.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.others.supported_verify_schemes()
    }
}

fn verify_dates(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), CertificateError> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let now = ASN1Time::from_timestamp(seconds).map_err(|_| CertificateError::BadEncoding)?;
    let validity = parsed.validity();
    if now < validity.not_before {
        return Err(CertificateError::NotValidYet);
    }
    if now > validity.not_after { Err(CertificateError::Expired) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;
    use rustls::crypto::aws_lc_rs;

    use super::*;

    /// What `openssl req -x509` makes: signed by itself, and an authority.
    fn self_signed(name: &str) -> CertificateDer<'static> {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_before = (SystemTime::now() - Duration::from_secs(3600)).into();
        params.not_after = (SystemTime::now() + Duration::from_secs(3600)).into();
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().into()
    }

    fn verdict(given: &CertificateDer<'static>, shown: &CertificateDer<'static>, name: &str, later: u64) -> bool {
        let mut roots = RootCertStore::empty();
        roots.add(given.clone()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let others = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let verifier = GivenCertificates::before(vec![given.clone()], others);
        let now = UnixTime::since_unix_epoch(
            SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap() + Duration::from_secs(later),
        );
        let name = ServerName::try_from(name.to_owned()).unwrap();
        verifier.verify_server_cert(shown, &[], &name, &[], now).is_ok()
    }

    #[test]
    fn a_certificate_that_was_given_itself_is_trusted_for_its_name_while_it_is_valid() {
        let (given, another) = (self_signed("dev.test"), self_signed("dev.test"));
        assert!(verdict(&given, &given, "dev.test", 0));
        assert!(!verdict(&given, &given, "other.test", 0), "another name");
        assert!(!verdict(&given, &given, "dev.test", 2 * 3600), "expired");
        assert!(!verdict(&given, &another, "dev.test", 0), "another certificate");
    }
}
