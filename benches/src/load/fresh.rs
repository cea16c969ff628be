//! New connections one after the other: TCP, `CONNECT`, TLS, one request, close.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use rustls::{ClientConfig, HandshakeKind, StreamOwned};

use super::http1::{self, Http1};
use super::{Protocol, Served, client_config, dial_with};
use crate::archive::{HOST, Plan};

/// What kind of connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fresh {
    /// Sessions are resumed.
    pub(crate) resume: bool,
    pub(crate) threads: usize,
    pub(crate) time: Duration,
}

/// Opens connections for a while. Also says how many handshakes were resumed.
pub(crate) fn fresh_connections(at: SocketAddr, plan: &Plan, fresh: Fresh) -> Result<(Served, u64)> {
    let started = Instant::now();
    let request = http1::request(Protocol::Tls, &plan.request(0));
    let counts: Vec<Result<(u64, u64)>> = thread::scope(|scope| {
        let worker = || {
            let config = client_config(Protocol::Tls, fresh.resume)?;
            let (mut answers, mut resumed) = (0, 0);
            while started.elapsed() < fresh.time {
                let (_, was_resumed) = one(at, &config, HOST, &request.bytes)?;
                answers += 1;
                resumed += u64::from(was_resumed);
            }
            Ok((answers, resumed))
        };
        let workers: Vec<_> = (0..fresh.threads).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap_or_else(|_| anyhow::bail!("a thread panicked"))).collect()
    });
    let elapsed = started.elapsed();
    let mut total = (0, 0);
    for count in counts {
        let (answers, resumed) = count?;
        total = (total.0 + answers, total.1 + resumed);
    }
    Ok((Served { answers: total.0, elapsed }, total.1))
}

/// One connection with one request: how long it took to the answer, and whether its session was resumed.
pub(crate) fn one(at: SocketAddr, config: &Arc<ClientConfig>, host: &str, request: &[u8]) -> Result<(Duration, bool)> {
    let started = Instant::now();
    let tcp = TcpStream::connect(at)?;
    tcp.set_nodelay(true)?;
    let (tcp, tls) = dial_with(tcp, config, &format!("{host}:443"))?;
    let resumed = tls.handshake_kind() == Some(HandshakeKind::Resumed);
    let mut stream = StreamOwned::new(tls, tcp);
    stream.write_all(request)?;
    let mut http1 = Http1::default();
    let mut buffer = [0; 16 << 10];
    loop {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            anyhow::bail!("closed before the answer");
        }
        if http1.take(&buffer[..read])? > 0 {
            return Ok((started.elapsed(), resumed));
        }
    }
}
