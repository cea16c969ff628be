//! A client that does not trust the CA: which of its settings would make it.

use rustls::AlertDescription;

/// Whether a failed handshake says that the client rejects the certificate, and with which alert.
///
/// TLS 1.2 and 1.3 clients choose among these (RFC 8446 section 6.2): OpenSSL says `unknown_ca`, BoringSSL and Java
/// `certificate_unknown`, Go `bad_certificate`.
pub fn rejected_certificate(error: &std::io::Error) -> Option<&'static str> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    match error {
        rustls::Error::AlertReceived(AlertDescription::UnknownCA) => Some("unknown_ca"),
        rustls::Error::AlertReceived(AlertDescription::BadCertificate) => Some("bad_certificate"),
        rustls::Error::AlertReceived(AlertDescription::CertificateUnknown) => Some("certificate_unknown"),
        rustls::Error::AlertReceived(AlertDescription::CertificateExpired) => Some("certificate_expired"),
        rustls::Error::AlertReceived(AlertDescription::UnsupportedCertificate) => Some("unsupported_certificate"),
        rustls::Error::AlertReceived(AlertDescription::AccessDenied) => Some("access_denied"),
        _ => None,
    }
}

/// The setting that makes a client trust the CA, by the `User-Agent` of its `CONNECT`.
pub fn trust_setting(user_agent: Option<&str>) -> &'static str {
    let agent = user_agent.unwrap_or_default().to_ascii_lowercase();
    let settings = [
        ("curl/", "curl: --cacert CA, or CURL_CA_BUNDLE"),
        ("wget/", "wget: --ca-certificate=CA"),
        ("git/", "git: -c http.sslCAInfo=CA, or GIT_SSL_CAINFO"),
        ("python-requests", "requests: REQUESTS_CA_BUNDLE"),
        ("python-httpx", "httpx: SSL_CERT_FILE"),
        ("aiohttp", "aiohttp: SSL_CERT_FILE"),
        ("python", "Python: SSL_CERT_FILE"),
        ("firefox", "Firefox: import the CA under Settings, Certificates, or `harmock ca install --store nss`"),
        ("chrom", "Chromium: `harmock open URL`, or `harmock ca install --store nss`"),
        ("go-http-client", "Go: SSL_CERT_FILE"),
        ("java", "Java: -Djavax.net.ssl.trustStore, which `harmock env` sets"),
        ("okhttp", "Java: -Djavax.net.ssl.trustStore, which `harmock env` sets"),
        ("deno", "Deno: DENO_CERT"),
        ("bun/", "Bun: NODE_EXTRA_CA_CERTS"),
        ("node", "Node: NODE_EXTRA_CA_CERTS"),
        ("undici", "Node: NODE_EXTRA_CA_CERTS"),
        ("axios", "Node: NODE_EXTRA_CA_CERTS"),
        ("ruby", "Ruby: SSL_CERT_FILE"),
    ];
    settings.iter().find(|(name, _)| agent.contains(name)).map_or(
        "NODE_EXTRA_CA_CERTS for Node, SSL_CERT_FILE for OpenSSL, Python and Go, or run the client with `-- CMD`",
        |(_, setting)| setting,
    )
}

#[cfg(test)]
mod tests {
    use super::trust_setting;

    #[test]
    fn the_setting_is_that_of_the_client_at_hand() {
        assert!(trust_setting(Some("curl/8.5.0")).contains("CURL_CA_BUNDLE"));
        assert!(trust_setting(Some("python-requests/2.32")).contains("REQUESTS_CA_BUNDLE"));
        assert!(trust_setting(Some("Mozilla/5.0 … Chrome/140.0 Safari/537.36")).contains("harmock open"));
        assert!(trust_setting(None).contains("NODE_EXTRA_CA_CERTS"));
    }
}
