//! Connections: how fast new ones are served, what open ones cost, and one with a large body.

use std::net::TcpStream;
use std::time::Duration;

use anyhow::Result;

use crate::archive::{HOST, Kind, Plan, Storage};
use crate::load::{Load, Protocol, Stop, client_config, dial_with, one};
use crate::pairs::{Traffic, keep_alive, new_connections};
use crate::process::{Bench, Server};
use crate::stats::Sample;
use crate::table;

/// `CONNECT`, TLS and one request, with and without resumption, and the first connection to a host.
pub(crate) fn fresh(bench: &Bench) -> Result<()> {
    table::section("New connections: TCP, CONNECT, TLS, one 1 KiB GET");
    let plan = Plan::gets("https", 100, Storage::Embedded);
    let archive = plan.make(&bench.work)?;
    let (reference, harmock) = (bench.reference(plan.body)?, bench.replay(&archive, &[])?);
    table::pairs_head("handshake");
    let (full, _) = new_connections(bench, &reference, &harmock, &plan, false)?;
    table::pairs_row("full", &full);
    let (resumed, share) = new_connections(bench, &reference, &harmock, &plan, true)?;
    table::pairs_row(&format!("resumed ({:.1}% of them)", share * 100.0), &resumed);
    let mut times = Sample::default();
    let config = client_config(Protocol::Tls, false)?;
    let request = format!("GET /api/v1/items/0?expand=owner&page=1 HTTP/1.1\r\nhost: {HOST}\r\n\r\n");
    let mut known = Sample::default();
    for n in 0..bench.scaled(200, 2) {
        let (time, _) = one(harmock.at, &config, &format!("host-{n}.test"), request.as_bytes())?;
        times.push(time.as_secs_f64() * 1e3);
        let (time, _) = one(harmock.at, &config, HOST, request.as_bytes())?;
        known.push(time.as_secs_f64() * 1e3);
    }
    let (low, high) = times.interval();
    println!(
        "\nFirst connection to a new host, from TCP to the answer, a leaf minted: {:.2} ms [{low:.2}, {high:.2}] at the median; to a known host {:.2} ms.",
        times.median(),
        known.median()
    );
    Ok(())
}

/// One connection that asks for 100 MiB again and again.
pub(crate) fn large_body(bench: &Bench) -> Result<()> {
    let size = bench.scaled(100 << 20, 4 << 20);
    table::section(&format!("A body of {} MiB over one connection", size >> 20));
    println!(
        "| where | reference MB/s | harmock MB/s | ratio [95%] | ratio by processor [95%] | resident MiB | anonymous MiB |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for protocol in [Protocol::Plain, Protocol::Tls] {
        for storage in [Storage::Attached, Storage::ZipStored, Storage::ZipDeflated, Storage::Embedded] {
            let plan = Plan { scheme: protocol.scheme(), kind: Kind::Get, entries: 1, body: size, storage };
            let archive = plan.make(&bench.work)?;
            let (reference, harmock) = (bench.reference(size)?, bench.replay(&archive, &[])?);
            let traffic = Traffic { protocol, plan, urls: 1, connections: 1, streams: 1 };
            let pairs = keep_alive(bench, &reference, &harmock, &traffic)?;
            let mb = |per_second: f64| table::thousands(per_second * size as f64 / 1e6);
            let ((low, high), (cpu_low, cpu_high)) = (pairs.ratio.interval(), pairs.cpu_ratio.interval());
            println!(
                "| {}, {} | {} | {} | **{:.2}** [{low:.2}, {high:.2}] | **{:.2}** [{cpu_low:.2}, {cpu_high:.2}] | {} | {} |",
                protocol.name(),
                storage.name(),
                mb(pairs.reference.median()),
                mb(pairs.contender.median()),
                pairs.ratio.median(),
                pairs.cpu_ratio.median(),
                harmock.memory("Rss")? >> 10,
                harmock.memory("Anonymous")? >> 10,
            );
        }
    }
    Ok(())
}

/// 1,000 busy and 10,000 idle connections.
pub(crate) fn memory(bench: &Bench) -> Result<()> {
    table::section("Memory of connections");
    println!("| connections | reference KiB each | harmock KiB each |");
    println!("| --- | --- | --- |");
    for protocol in [Protocol::Plain, Protocol::Tls, Protocol::Http2] {
        let plan = Plan::gets(protocol.scheme(), 100, Storage::Embedded);
        let archive = plan.make(&bench.work)?;
        let each = |server: Server, busy: bool| -> Result<f64> {
            let before = server.memory("Anonymous")?;
            let (count, _open) = if busy {
                busy_connections(bench, &server, &plan, protocol)?
            } else {
                idle_connections(bench, &server, protocol)?
            };
            Ok(server.memory("Anonymous")?.saturating_sub(before) as f64 / count as f64)
        };
        for busy in [true, false] {
            if protocol == Protocol::Http2 && !busy {
                continue;
            }
            let reference = each(bench.reference(plan.body)?, busy)?;
            let harmock = each(bench.replay(&archive, &[])?, busy)?;
            let what = if busy { "1,000 busy" } else { "10,000 idle" };
            println!("| {}, {what} | {reference:.1} | {harmock:.1} |", protocol.name());
        }
    }
    Ok(())
}

/// What keeps connections open.
enum Open {
    Busy(#[expect(dead_code, reason = "held for its connections")] Load),
    Idle(#[expect(dead_code, reason = "held for its connections")] Vec<TcpStream>),
}

fn busy_connections(bench: &Bench, server: &Server, plan: &Plan, protocol: Protocol) -> Result<(usize, Open)> {
    let count = bench.scaled(1_000, 10);
    let mut load = Load::open(server.at, protocol, plan, 100, count, 4)?;
    load.run(Stop::After(bench.time))?;
    Ok((count, Open::Busy(load)))
}

/// As many as the limit on open files allows, 10,000 at most.
fn idle_connections(bench: &Bench, server: &Server, protocol: Protocol) -> Result<(usize, Open)> {
    let config = client_config(protocol, false)?;
    let mut open = Vec::new();
    for _ in 0..bench.scaled(10_000, 10) {
        let Ok(tcp) = TcpStream::connect(server.at) else { break };
        open.push(match protocol {
            Protocol::Plain => tcp,
            _ => dial_with(tcp, &config, &format!("{HOST}:443"))?.0,
        });
    }
    // Each was accepted once it is served; a plain one says nothing, so a request on a last one is waited for.
    std::thread::sleep(Duration::from_millis(500));
    Ok((open.len(), Open::Idle(open)))
}
