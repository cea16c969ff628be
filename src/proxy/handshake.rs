//! TLS with a client: accepted under a time limit; one line for a client that does not trust the certificate.

use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::engine::Engine;
use crate::ca::Alpn;
use crate::connect::refusal::{rejected_certificate, trust_setting};
use crate::connect::{ClientStream, Prefixed};

/// A handshake that is to come.
pub(super) struct Handshake<'a> {
    pub(super) engine: &'a Engine,
    /// Whom the certificate is for, where the client names nobody.
    pub(super) host: &'a str,
    /// What the client calls itself, as far as that is known.
    pub(super) user_agent: Option<&'a str>,
}

impl Handshake<'_> {
    /// The opened stream, and whether HTTP/2 is to be spoken on it.
    pub(super) async fn accept(
        &self,
        stream: Prefixed<ClientStream>,
    ) -> Option<(TlsStream<Prefixed<ClientStream>>, bool)> {
        let engine = self.engine;
        let config = match engine.ca.server_config(self.host, Alpn::Http2AndHttp1) {
            Ok(config) => config,
            Err(error) => {
                engine.log.notice(&format!("TLS with a client of {}: {error}", self.host));
                return None;
            }
        };
        let accepting = timeout(engine.limits.tls, TlsAcceptor::from(config).accept(stream));
        let accepted = tokio::select! {
            accepted = accepting => accepted,
            // No exchange is under way in a handshake.
            () = engine.ending.cancelled() => return None,
        };
        match accepted {
            Ok(Ok(tls)) => {
                let http2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
                return Some((tls, http2));
            }
            Ok(Err(error)) => self.tell_refusal(&error),
            Err(_elapsed) => {
                engine.log.notice(&format!("a client of {} took too long over its TLS handshake", self.host));
            }
        }
        None
    }

    /// One line for a client that rejects the certificate: it names the setting that is missing.
    fn tell_refusal(&self, error: &std::io::Error) {
        if let Some(alert) = rejected_certificate(error)
            && self.engine.first_refusal(self.host, self.user_agent)
        {
            self.engine.log.notice(&format!(
                "{client} refused the certificate for {host} ({alert}): make it trust {ca} by {setting}",
                client = self.user_agent.unwrap_or("a client"),
                host = self.host,
                ca = self.engine.ca.cert_path().display(),
                setting = trust_setting(self.user_agent),
            ));
        }
    }
}
