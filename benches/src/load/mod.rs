//! The load: one thread, an event loop, and requests that were written before the clock starts.
//!
//! It must cost less than any server that it measures, so it does not parse what it need not know: of an HTTP/1 answer
//! the head is compared with the one before, of HTTP/2 only frame headers are read.

mod dial;
mod fresh;
mod http1;
mod http2;

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use rustls::ClientConnection;

pub(crate) use dial::{client_config, dial_with};

use dial::dial;
pub(crate) use fresh::{Fresh, fresh_connections, one};

use crate::archive::{HOST, Plan};
use http1::Http1;
use http2::Http2;

/// How the requests travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Absolute form on a plain connection to the proxy.
    Plain,
    /// HTTP/1.1 in TLS in a `CONNECT`.
    Tls,
    /// HTTP/2 in TLS in a `CONNECT`.
    Http2,
}

impl Protocol {
    pub(crate) fn scheme(self) -> &'static str {
        if self == Self::Plain { "http" } else { "https" }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Tls => "TLS",
            Self::Http2 => "HTTP/2",
        }
    }
}

/// When the load ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stop {
    After(Duration),
    Answers(u64),
}

/// What came back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Served {
    pub(crate) answers: u64,
    pub(crate) elapsed: Duration,
}

/// A request as bytes, and where in them HTTP/2 wants a stream's number.
pub(crate) struct Prepared {
    bytes: Vec<u8>,
    stream_ids: Vec<usize>,
}

/// Connections that are open and ready.
pub(crate) struct Load {
    poll: Poll,
    connections: Vec<Connection>,
    requests: Vec<Prepared>,
    streams: usize,
    random: u64,
}

impl Load {
    /// Opens `connections` and prepares the requests for the first `urls` entries of a plan.
    pub(crate) fn open(
        at: SocketAddr,
        protocol: Protocol,
        plan: &Plan,
        urls: usize,
        connections: usize,
        streams: usize,
    ) -> Result<Self> {
        let numbers = spread(plan.entries, urls);
        let requests = numbers.map(|n| match protocol {
            Protocol::Http2 => http2::request(&plan.request(n)),
            _ => http1::request(protocol, &plan.request(n)),
        });
        let streams = if protocol == Protocol::Http2 { streams } else { 1 };
        Self::prepared(at, protocol, &format!("{HOST}:443"), requests.collect(), connections, streams)
    }

    /// Opens `connections` for these HTTP/1.1 requests, in TLS to `authority`.
    pub(crate) fn of_requests(
        at: SocketAddr,
        protocol: Protocol,
        authority: &str,
        requests: impl Iterator<Item = Vec<u8>>,
        connections: usize,
    ) -> Result<Self> {
        let requests = requests.map(|bytes| Prepared { bytes, stream_ids: Vec::new() });
        Self::prepared(at, protocol, authority, requests.collect(), connections, 1)
    }

    fn prepared(
        at: SocketAddr,
        protocol: Protocol,
        authority: &str,
        requests: Vec<Prepared>,
        connections: usize,
        streams: usize,
    ) -> Result<Self> {
        let poll = Poll::new()?;
        let mut open = Vec::new();
        for n in 0..connections {
            let mut connection =
                Connection::open(at, protocol, authority).context("the proxy does not take a connection")?;
            poll.registry().register(&mut connection.tcp, Token(n), Interest::READABLE | Interest::WRITABLE)?;
            open.push(connection);
        }
        Ok(Self { poll, connections: open, requests, streams, random: 1 })
    }

    /// Keeps every stream busy until the end, then waits for what is still on its way.
    pub(crate) fn run(&mut self, stop: Stop) -> Result<Served> {
        let mut events = Events::with_capacity(256);
        let (mut asked, mut answers) = (0_u64, 0_u64);
        let most = if let Stop::Answers(most) = stop { most } else { u64::MAX };
        let started = Instant::now();
        let mut buffer = vec![0; 256 << 10];
        for n in 0..self.connections.len() {
            for _ in 0..self.streams {
                if asked < most {
                    self.ask(n);
                    asked += 1;
                }
            }
            self.connections[n].flush()?;
        }
        while answers < asked {
            self.poll.poll(&mut events, Some(Duration::from_secs(20)))?;
            if events.is_empty() {
                bail!("no answer for 20 seconds");
            }
            let ended = matches!(stop, Stop::After(time) if started.elapsed() >= time);
            for event in &events {
                let n = event.token().0;
                if event.is_readable() {
                    let came = self.connections[n].read(&mut buffer)?;
                    answers += came;
                    for _ in 0..came {
                        if !ended && asked < most {
                            self.ask(n);
                            asked += 1;
                        }
                    }
                }
                self.connections[n].flush()?;
            }
        }
        Ok(Served { answers, elapsed: started.elapsed() })
    }

    fn ask(&mut self, connection: usize) {
        // Not the order of the file, and the same one for each contender.
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let request = &self.requests[(self.random >> 33) as usize % self.requests.len()];
        self.connections[connection].ask(request);
    }
}

/// `urls` numbers below `entries`, evenly spread.
fn spread(entries: usize, urls: usize) -> impl Iterator<Item = usize> {
    let urls = urls.min(entries);
    (0..urls).map(move |n| n * entries / urls)
}

/// What a protocol makes of the bytes that come, and of the requests that go.
enum Wire {
    Http1(Http1),
    Http2(Http2),
}

struct Connection {
    tcp: TcpStream,
    tls: Option<ClientConnection>,
    wire: Wire,
    outbox: Vec<u8>,
}

impl Connection {
    fn open(at: SocketAddr, protocol: Protocol, authority: &str) -> Result<Self> {
        let (tcp, tls) = dial(at, protocol, authority)?;
        tcp.set_nonblocking(true)?;
        let mut outbox = Vec::new();
        let wire = match protocol {
            Protocol::Http2 => Wire::Http2(Http2::start(&mut outbox)),
            _ => Wire::Http1(Http1::default()),
        };
        Ok(Self { tcp: TcpStream::from_std(tcp), tls, wire, outbox })
    }

    fn ask(&mut self, request: &Prepared) {
        match &mut self.wire {
            Wire::Http1(_) => self.outbox.extend_from_slice(&request.bytes),
            Wire::Http2(http2) => http2.ask(request, &mut self.outbox),
        }
    }

    /// Reads what there is and says how many answers it completed.
    fn read(&mut self, buffer: &mut [u8]) -> Result<u64> {
        let mut answers = 0;
        loop {
            let read = match &mut self.tls {
                None => self.tcp.read(buffer),
                Some(tls) => tls.read_tls(&mut self.tcp),
            };
            let read = match read {
                Ok(0) => bail!("the server closed a connection"),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(answers),
                Err(error) => return Err(error.into()),
            };
            let Some(tls) = &mut self.tls else {
                answers += self.wire.take(&buffer[..read], &mut self.outbox)?;
                // A socket that gave less than it was asked for is empty, and tells when it is not any more.
                if read < buffer.len() {
                    return Ok(answers);
                }
                continue;
            };
            let state = tls.process_new_packets()?;
            let mut waiting = state.plaintext_bytes_to_read();
            while waiting > 0 {
                let plain = tls.reader().read(buffer)?;
                answers += self.wire.take(&buffer[..plain], &mut self.outbox)?;
                waiting -= plain;
            }
        }
    }

    fn flush(&mut self) -> Result<()> {
        if let Some(tls) = &mut self.tls {
            if !self.outbox.is_empty() {
                tls.writer().write_all(&self.outbox)?;
                self.outbox.clear();
            }
            while tls.wants_write() {
                match tls.write_tls(&mut self.tcp) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    written => _ = written?,
                }
            }
            return Ok(());
        }
        while !self.outbox.is_empty() {
            match self.tcp.write(&self.outbox) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                written => _ = self.outbox.drain(..written?),
            }
        }
        Ok(())
    }
}

impl Wire {
    fn take(&mut self, bytes: &[u8], outbox: &mut Vec<u8>) -> Result<u64> {
        match self {
            Self::Http1(http1) => http1.take(bytes),
            Self::Http2(http2) => http2.take(bytes, outbox),
        }
    }
}
