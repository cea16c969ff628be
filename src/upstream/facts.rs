//! What is known about the connection that carried an exchange.

use std::net::SocketAddr;
use std::time::Duration;

/// An answered request: the response with its body still on the way, and the connection that carries it.
#[derive(Debug)]
pub struct Sent {
    /// The final response; 1xx are left out. Its extensions hold the spelling of HTTP/1 field names.
    pub response: http::Response<hyper::body::Incoming>,
    /// What is known about the connection.
    pub connection: ConnectionFacts,
}

/// The connection that carried an exchange, in the terms of HAR `connection`, `serverIPAddress` and `timings`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionFacts {
    /// A number of its own for each connection that this process opened to an upstream.
    pub id: u64,
    /// The origin's address; `None` through a further proxy, which alone knows it.
    pub remote: Option<SocketAddr>,
    /// An earlier exchange used the same connection, or another one opened it.
    pub reused: bool,
    /// What is spoken on it.
    pub protocol: Protocol,
    /// Resolving the name; `None` on a reused connection and for an IP address.
    pub dns: Option<Duration>,
    /// Opening the TCP connection, and through a further proxy its `CONNECT`; `None` on a reused connection.
    pub connect: Option<Duration>,
    /// The TLS handshake; `None` on a reused connection and without TLS.
    pub tls: Option<Duration>,
    /// Informational responses (1xx) that came before the response and were dropped; HTTP/1 alone shows them.
    pub informational: u64,
}

/// The protocol of an upstream connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1 or HTTP/1.0.
    Http1,
    /// HTTP/2.
    Http2,
}
