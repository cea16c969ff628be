//! What a request towards an origin fails of, said in one sentence.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use rustls::CertificateError;

use crate::message::FailureCause;

/// A request that got no response head, a connection that did not come about, a tunnel that could not be opened.
///
/// `Display` is one sentence without a full stop that names the cause and the destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The cause that the archive records, and that decides between 502 and 504.
    pub cause: FailureCause,
    /// The request body broke off before it was whole: the client is to blame, not the upstream.
    pub by_client: bool,
    sentence: Box<str>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl StdError for Failure {}

// `whom` is `host:port`, or `the proxy host:port`.
impl Failure {
    /// The sentence that `Display` prints.
    pub fn sentence(&self) -> &str {
        &self.sentence
    }

    /// A failure in the caller's own words: one sentence without a full stop that names cause and destination.
    pub fn new(cause: FailureCause, sentence: impl Into<Box<str>>) -> Self {
        Self { cause, by_client: false, sentence: sentence.into() }
    }

    pub(super) fn unresolved(host: &str, error: &io::Error) -> Self {
        let error = error.to_string();
        let detail = error.strip_prefix("failed to lookup address information: ").unwrap_or(&error);
        Self::new(FailureCause::Dns, format!("{host} does not resolve ({detail})"))
    }

    pub(super) fn unconnected(whom: &str, error: &io::Error) -> Self {
        use io::ErrorKind::{
            ConnectionRefused, ConnectionReset, HostUnreachable, NetworkUnreachable, PermissionDenied, TimedOut,
        };
        match error.kind() {
            ConnectionRefused => Self::new(FailureCause::Refused, format!("connection to {whom} refused")),
            HostUnreachable | NetworkUnreachable => {
                Self::new(FailureCause::Refused, format!("no route to {whom} ({error})"))
            }
            ConnectionReset => Self::new(FailureCause::Reset, format!("{whom} reset the connection at once")),
            PermissionDenied => Self::new(FailureCause::Refused, format!("connection to {whom} forbidden ({error})")),
            TimedOut => Self::new(FailureCause::Timeout, format!("connection to {whom} timed out")),
            _ => Self::new(FailureCause::Refused, format!("connection to {whom} failed ({error})")),
        }
    }

    pub(super) fn own_address(whom: &str) -> Self {
        Self::new(FailureCause::Refused, format!("{whom} is this proxy itself, so the request would go in a circle"))
    }

    pub(super) fn slow(what: &str, limit: Duration) -> Self {
        Self::new(FailureCause::Timeout, format!("{what} within {}", Shown(limit)))
    }

    pub(super) fn tls_handshake(whom: &str, error: &io::Error) -> Self {
        Self::new(FailureCause::Tls, format!("TLS handshake with {whom} failed: {}", tls_detail(error)))
    }

    pub(super) fn tls_name(host: &str) -> Self {
        Self::new(FailureCause::Tls, format!("TLS handshake with {host} not possible: the host is no valid DNS name"))
    }

    /// `CONNECT` to a further proxy got another answer than 2xx.
    pub(super) fn proxy_refused(proxy: &str, to: &str, status: &str) -> Self {
        let cause = if status.starts_with("504") { FailureCause::Timeout } else { FailureCause::Refused };
        let hint = if status.starts_with("407") { "; its URL needs a user and password that it accepts" } else { "" };
        Self::new(cause, format!("the proxy {proxy} answered {status} when asked to connect to {to}{hint}"))
    }

    pub(super) fn not_http(whom: &str, detail: impl fmt::Display) -> Self {
        Self::new(FailureCause::Protocol, format!("{whom} did not answer in HTTP ({detail})"))
    }

    /// An exchange broke before its response head.
    pub(super) fn of_exchange(whom: &str, error: &hyper::Error) -> Self {
        if error.is_user() {
            let sentence = format!("the request to {whom} broke off before its body was whole");
            return Self { by_client: true, ..Self::new(FailureCause::Reset, sentence) };
        }
        let mut kind = Break::Closed;
        let mut next: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(error) = next {
            kind = Break::of(error).unwrap_or(kind);
            next = error.source();
        }
        match kind {
            Break::Closed => Self::new(FailureCause::Reset, format!("{whom} closed the connection before answering")),
            Break::Reset => Self::new(FailureCause::Reset, format!("{whom} reset the connection before answering")),
            Break::Stream(reason) => {
                Self::new(FailureCause::Reset, format!("{whom} reset the stream before answering ({reason})"))
            }
            Break::TimedOut => Self::new(FailureCause::Timeout, format!("the connection to {whom} timed out")),
            Break::Tls(detail) => Self::new(FailureCause::Tls, format!("TLS with {whom} failed: {detail}")),
            Break::Protocol(detail) => Self::not_http(whom, detail),
        }
    }
}

/// How an exchange broke; the innermost error that says something decides.
enum Break {
    Closed,
    Protocol(String),
    Reset,
    Stream(String),
    TimedOut,
    Tls(String),
}

impl Break {
    fn of(error: &(dyn StdError + 'static)) -> Option<Self> {
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            let silent = error.is_canceled() || error.is_closed() || error.is_incomplete_message();
            // What carries a source is told by that.
            let silent = silent || (error.source().is_some() && !error.is_parse());
            return (!silent).then(|| Self::Protocol(error.to_string()));
        }
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            return match error.get_io() {
                Some(error) => Self::of_io(error),
                None if error.is_remote() && error.is_reset() => {
                    Some(Self::Stream(error.reason().map_or_else(String::new, |reason| reason.to_string())))
                }
                None if error.is_remote() => Some(Self::Closed),
                None => Some(Self::Protocol(error.to_string())),
            };
        }
        error.downcast_ref::<io::Error>().and_then(Self::of_io)
    }

    fn of_io(error: &io::Error) -> Option<Self> {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, TimedOut, UnexpectedEof};
        if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) {
            return Some(Self::Tls(tls_detail(error)));
        }
        match error.kind() {
            ConnectionReset | ConnectionAborted | BrokenPipe => Some(Self::Reset),
            NotConnected | UnexpectedEof => Some(Self::Closed),
            TimedOut => Some(Self::TimedOut),
            _ => None,
        }
    }
}

/// What went wrong in TLS, and what helps.
fn tls_detail(error: &io::Error) -> String {
    let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
        return match error.kind() {
            io::ErrorKind::UnexpectedEof => "it closed the connection".into(),
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => "it reset the connection".into(),
            _ => error.to_string(),
        };
    };
    match inner {
        rustls::Error::InvalidCertificate(error) => certificate_detail(error),
        rustls::Error::InvalidMessage(_) => "what it answered is not TLS".into(),
        rustls::Error::AlertReceived(alert) => format!("it sent the alert {alert:?}"),
        rustls::Error::NoApplicationProtocol => "it speaks neither h2 nor http/1.1".into(),
        other => other.to_string(),
    }
}

fn certificate_detail(error: &CertificateError) -> String {
    let ways_out = "pass --upstream-ca or --insecure-upstream";
    match error {
        CertificateError::UnknownIssuer => format!("certificate not trusted (unknown issuer); {ways_out}"),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired; renew it or pass --insecure-upstream".into()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet; check the clock or pass --insecure-upstream".into()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("its certificate is for another name ({error}); pass --insecure-upstream to accept it")
        }
        CertificateError::Revoked => "its certificate is revoked".into(),
        CertificateError::Other(_) if format!("{error:?}").contains("CaUsedAsEndEntity") => {
            format!("it shows an authority's certificate as its own, which is trusted only if given itself; {ways_out}")
        }
        other => format!("certificate not trusted ({other}); {ways_out}"),
    }
}

/// A time limit as people write it: `120 s`, `150 ms`.
pub(super) struct Shown(pub(super) Duration);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.subsec_millis() == 0 {
            write!(f, "{} s", self.0.as_secs())
        } else {
            write!(f, "{} ms", self.0.as_millis())
        }
    }
}
