//! A connection to an origin, whatever lies on the way: TCP, a further proxy, TLS.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::dial::dial;
use super::proxies::{Proxies, ProxyServer};
use super::trust::Trust;
use super::wire::Wire;
use super::{Failure, UpstreamConfig};
use crate::message::{Destination, FailureCause, Scheme};

/// The head of an answer to `CONNECT` may be this long.
const PROXY_HEAD: usize = 64 << 10;

/// Opens connections as the settings say.
pub(super) struct Connector {
    pub(super) config: UpstreamConfig,
    pub(super) own: Vec<SocketAddr>,
    pub(super) proxies: Proxies,
    pub(super) trust: Trust,
}

/// How an origin is reached.
#[derive(Debug, Clone)]
pub(super) enum Way {
    /// Straight.
    Direct,
    /// Requests go to a further proxy in absolute form.
    Forwarded(ProxyServer),
    /// Through a tunnel that a further proxy opens.
    Tunnelled(ProxyServer),
}

/// What a new connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Requests in HTTP/2 or HTTP/1.1.
    Requests,
    /// Requests in HTTP/2 to an origin that is known to speak it without TLS (RFC 9113 section 3.3).
    PriorHttp2,
    /// One request that changes the protocol, in HTTP/1.1.
    Upgrade,
    /// Bytes: TLS to the origin, if any, is the client's own.
    Bytes,
}

/// An open connection.
pub(super) struct Opened {
    pub(super) wire: Wire,
    /// HTTP/2 was agreed on, or is known.
    pub(super) http2: bool,
    /// The origin's address, unless a further proxy is between.
    pub(super) remote: Option<SocketAddr>,
    pub(super) phases: Phases,
}

/// How long the parts of opening a connection took.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Phases {
    pub(super) dns: Option<Duration>,
    pub(super) connect: Option<Duration>,
    pub(super) tls: Option<Duration>,
}

impl Connector {
    /// The way to `to` for requests.
    pub(super) fn way(&self, to: &Destination) -> Way {
        match (self.proxies.server_for(to.scheme, to), to.scheme) {
            (None, _) => Way::Direct,
            (Some(server), Scheme::Http) => Way::Forwarded(server),
            (Some(server), Scheme::Https) => Way::Tunnelled(server),
        }
    }

    /// The way to `to` for what a further proxy must not look at or change.
    pub(super) fn opaque_way(&self, to: &Destination) -> Way {
        self.proxies.server_for(Scheme::Https, to).map_or(Way::Direct, Way::Tunnelled)
    }

    pub(super) async fn open(&self, to: &Destination, way: &Way, purpose: Purpose) -> Result<Opened, Failure> {
        let mut opened = match way {
            Way::Direct => self.dial(to, &to.authority()).await?,
            Way::Forwarded(server) => self.reach(server).await?,
            Way::Tunnelled(server) => self.tunnel(server, to).await?,
        };
        if to.scheme == Scheme::Https && purpose != Purpose::Bytes {
            let connector = if purpose == Purpose::Upgrade { &self.trust.http1 } else { &self.trust.any };
            let start = Instant::now();
            opened.wire = self.secure(connector, opened.wire, &to.host, &to.authority()).await?;
            opened.phases.tls = Some(start.elapsed());
            opened.http2 = matches!(&opened.wire, Wire::Tls(tls) if tls.get_ref().1.alpn_protocol() == Some(b"h2"));
        } else {
            opened.http2 = purpose == Purpose::PriorHttp2;
        }
        Ok(opened)
    }

    async fn dial(&self, to: &Destination, whom: &str) -> Result<Opened, Failure> {
        let dialled = dial(&to.host, to.port, whom, self.config.connect, &self.own).await?;
        let remote = dialled.stream.peer_addr().ok();
        let phases = Phases { dns: dialled.dns, connect: Some(dialled.connect), tls: None };
        Ok(Opened { wire: Wire::Plain(dialled.stream), http2: false, remote, phases })
    }

    /// A connection to the further proxy itself.
    async fn reach(&self, server: &ProxyServer) -> Result<Opened, Failure> {
        let whom = format!("the proxy {}", server.at);
        let start = Instant::now();
        let mut opened = self.dial(&server.at, &whom).await?;
        if server.at.scheme == Scheme::Https {
            opened.wire = self.secure(&self.trust.http1, opened.wire, &server.at.host, &whom).await?;
        }
        opened.remote = None;
        opened.phases = Phases { dns: None, connect: Some(start.elapsed()), tls: None };
        Ok(opened)
    }

    async fn tunnel(&self, server: &ProxyServer, to: &Destination) -> Result<Opened, Failure> {
        let start = Instant::now();
        let mut opened = self.reach(server).await?;
        let whom = format!("the proxy {}", server.at);
        let limit = self.config.connect;
        timeout(limit, ask_for_tunnel(&mut opened.wire, server, to))
            .await
            .map_err(|_| Failure::slow(&format!("{whom} opened no connection to {to}"), limit))??;
        opened.phases.connect = Some(start.elapsed());
        Ok(opened)
    }

    async fn secure(&self, with: &TlsConnector, wire: Wire, host: &str, whom: &str) -> Result<Wire, Failure> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| Failure::tls_name(host))?;
        let limit = self.config.tls;
        let stream = timeout(limit, with.connect(name, wire))
            .await
            .map_err(|_| Failure::slow(&format!("no TLS handshake with {whom}"), limit))?
            .map_err(|error| Failure::tls_handshake(whom, &error))?;
        Ok(Wire::Tls(Box::new(stream)))
    }
}

async fn ask_for_tunnel(wire: &mut Wire, server: &ProxyServer, to: &Destination) -> Result<(), Failure> {
    let proxy = server.at.authority();
    let broken = |error: std::io::Error| {
        Failure::new(FailureCause::Reset, format!("the proxy {proxy} broke off before it answered for {to} ({error})"))
    };
    let mut request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n").into_bytes();
    if let Some(authorization) = &server.authorization {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(authorization.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    wire.write_all(&request).await.map_err(broken)?;
    wire.flush().await.map_err(broken)?;

    // Byte by byte, because what follows the head is the origin's already.
    let mut head = Vec::with_capacity(256);
    while !head.ends_with(b"\r\n\r\n") && !head.ends_with(b"\n\n") {
        head.push(wire.read_u8().await.map_err(broken)?);
        if head.len() > PROXY_HEAD {
            return Err(Failure::not_http(&format!("the proxy {proxy}"), "its answer to CONNECT has no end"));
        }
    }
    let line = head.split(|&byte| byte == b'\n').next().unwrap_or_default().trim_ascii_end();
    let line = String::from_utf8_lossy(line);
    match line.split_once(' ') {
        Some((version, status)) if version.starts_with("HTTP/1.") && status.starts_with('2') => Ok(()),
        Some((version, status)) if version.starts_with("HTTP/1.") => {
            Err(Failure::proxy_refused(&proxy, &to.authority(), status.trim()))
        }
        _ => Err(Failure::not_http(&format!("the proxy {proxy}"), "its answer to CONNECT has no status")),
    }
}
