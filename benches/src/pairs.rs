//! Two servers in turn under the same load.

use std::time::Duration;

use anyhow::Result;

use crate::archive::Plan;
use crate::load::{Fresh, Load, Protocol, Served, Stop, fresh_connections};
use crate::process::{Bench, Server};
use crate::stats::Sample;

/// What is sent.
#[derive(Clone, Copy)]
pub(crate) struct Traffic {
    pub(crate) protocol: Protocol,
    pub(crate) plan: Plan,
    /// Different URLs that are asked for.
    pub(crate) urls: usize,
    pub(crate) connections: usize,
    /// Requests on their way at a time on each HTTP/2 connection.
    pub(crate) streams: usize,
}

impl Traffic {
    /// Keep-alive: 32 connections; of HTTP/2, 32 requests on 4 connections.
    pub(crate) fn new(protocol: Protocol, plan: Plan, urls: usize) -> Self {
        let (connections, streams) = if protocol == Protocol::Http2 { (4, 8) } else { (32, 1) };
        Self { protocol, plan, urls, connections, streams }
    }
}

/// Requests per second and processor time of two servers, and their ratios pair by pair.
#[derive(Default)]
pub(crate) struct Pairs {
    pub(crate) reference: Sample,
    pub(crate) contender: Sample,
    /// Requests per second, contender to reference.
    pub(crate) ratio: Sample,
    /// Microseconds of the reference's processor for each request.
    pub(crate) reference_cpu: Sample,
    pub(crate) contender_cpu: Sample,
    /// Requests per processor second, contender to reference.
    pub(crate) cpu_ratio: Sample,
}

impl Pairs {
    pub(crate) fn push(&mut self, reference: Measured, contender: Measured) {
        self.reference.push(reference.rate);
        self.contender.push(contender.rate);
        self.ratio.push(contender.rate / reference.rate);
        self.reference_cpu.push(reference.cpu);
        self.contender_cpu.push(contender.cpu);
        self.cpu_ratio.push(reference.cpu / contender.cpu);
    }
}

/// What one run came to.
#[derive(Clone, Copy)]
pub(crate) struct Measured {
    rate: f64,
    cpu: f64,
}

/// Keep-alive load: reference, contender, reference, contender, ...
pub(crate) fn keep_alive(bench: &Bench, reference: &Server, contender: &Server, traffic: &Traffic) -> Result<Pairs> {
    let open = |server: &Server| {
        let Traffic { protocol, plan, urls, connections, streams } = traffic;
        Load::open(server.at, *protocol, plan, *urls, *connections, *streams)
    };
    let (mut to_reference, mut to_contender) = (open(reference)?, open(contender)?);
    // Every URL is asked for a few times before the clock starts.
    to_contender.run(Stop::Answers(traffic.urls as u64 * 5))?;
    to_reference.run(Stop::After(Duration::from_millis(200)))?;
    in_turn(bench, (reference, &mut to_reference), (contender, &mut to_contender))
}

/// Two servers and their loads: reference, contender, reference, contender, ...
pub(crate) fn in_turn(
    bench: &Bench,
    (reference, to_reference): (&Server, &mut Load),
    (contender, to_contender): (&Server, &mut Load),
) -> Result<Pairs> {
    let mut pairs = Pairs::default();
    for _ in 0..bench.runs {
        let first = measured(reference, || to_reference.run(Stop::After(bench.time)))?;
        let second = measured(contender, || to_contender.run(Stop::After(bench.time)))?;
        pairs.push(first, second);
    }
    Ok(pairs)
}

/// New connections: TCP, `CONNECT`, TLS, one request. Also how much of the contender's handshakes was resumed.
pub(crate) fn new_connections(
    bench: &Bench,
    reference: &Server,
    contender: &Server,
    plan: &Plan,
    resume: bool,
) -> Result<(Pairs, f64)> {
    let fresh = Fresh { resume, threads: 8, time: bench.time };
    fresh_connections(contender.at, plan, Fresh { time: Duration::from_millis(100), ..fresh })?;
    let mut pairs = Pairs::default();
    let (mut answers, mut resumed) = (0, 0);
    for _ in 0..bench.runs {
        let first = measured(reference, || Ok(fresh_connections(reference.at, plan, fresh)?.0))?;
        let second = measured(contender, || {
            let (served, with_resumption) = fresh_connections(contender.at, plan, fresh)?;
            (answers, resumed) = (answers + served.answers, resumed + with_resumption);
            Ok(served)
        })?;
        pairs.push(first, second);
    }
    Ok((pairs, resumed as f64 / answers as f64))
}

/// Runs a load, and tells how much of its processor the server needed for it.
pub(crate) fn measured(server: &Server, run: impl FnOnce() -> Result<Served>) -> Result<Measured> {
    let before = server.cpu()?;
    let served = run()?;
    let cpu = server.cpu()?.saturating_sub(before);
    let answers = served.answers as f64;
    Ok(Measured { rate: answers / served.elapsed.as_secs_f64(), cpu: cpu.as_secs_f64() * 1e6 / answers })
}
