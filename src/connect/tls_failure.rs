//! A TLS handshake that fails on purpose, as with a server that has no certificate for the name.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;

/// Reads the client's greeting and answers it with a fatal alert.
pub async fn fail_handshake<S: AsyncRead + AsyncWrite + Unpin>(stream: S) {
    let provider = Arc::new(default_provider());
    let Ok(builder) = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions() else {
        return;
    };
    let config = builder.with_no_client_auth().with_cert_resolver(Arc::new(NoCertificate));
    // That it fails is the point.
    let _failed = TlsAcceptor::from(Arc::new(config)).accept(stream).await;
}

#[derive(Debug)]
struct NoCertificate;

impl ResolvesServerCert for NoCertificate {
    fn resolve(&self, _client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        None
    }
}
