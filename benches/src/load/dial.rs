//! Opening a connection: TCP, and for TLS a `CONNECT` and a handshake.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme};

use super::Protocol;

/// A connection that requests to `authority` (host and port) may be sent on.
pub(crate) fn dial(
    at: SocketAddr,
    protocol: Protocol,
    authority: &str,
) -> Result<(TcpStream, Option<ClientConnection>)> {
    let tcp = TcpStream::connect(at)?;
    tcp.set_nodelay(true)?;
    if protocol == Protocol::Plain {
        return Ok((tcp, None));
    }
    let (tcp, tls) = dial_with(tcp, &client_config(protocol, false)?, authority)?;
    Ok((tcp, Some(tls)))
}

/// `CONNECT` and TLS on a connection that is open.
pub(crate) fn dial_with(
    mut tcp: TcpStream,
    config: &Arc<ClientConfig>,
    authority: &str,
) -> Result<(TcpStream, ClientConnection)> {
    tcp.write_all(format!("CONNECT {authority} HTTP/1.1\r\nhost: {authority}\r\n\r\n").as_bytes())?;
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    while !head.ends_with(b"\r\n\r\n") {
        let read = tcp.read(&mut buffer)?;
        if read == 0 {
            bail!("closed after CONNECT");
        }
        head.extend_from_slice(&buffer[..read]);
    }
    if !head.starts_with(b"HTTP/1.1 200") {
        bail!("CONNECT was refused: {}", String::from_utf8_lossy(&head));
    }
    let host = authority.rsplit_once(':').map_or(authority, |(host, _port)| host).to_owned();
    let mut tls = ClientConnection::new(Arc::clone(config), ServerName::try_from(host)?)?;
    while tls.is_handshaking() {
        tls.complete_io(&mut tcp).context("the TLS handshake failed")?;
    }
    Ok((tcp, tls))
}

/// TLS settings as browsers have them, but for trust: whose certificate it is does not matter here.
pub(crate) fn client_config(protocol: Protocol, resume: bool) -> Result<Arc<ClientConfig>> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anything))
        .with_no_client_auth();
    config.alpn_protocols = vec![if protocol == Protocol::Http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
    if !resume {
        config.resumption = Resumption::disabled();
    }
    Ok(Arc::new(config))
}

/// Takes every certificate: checking one would cost the load more than signing costs the server.
#[derive(Debug)]
struct Anything;

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
