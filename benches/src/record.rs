//! Recording beside passing on, beside no proxy, beside mitmproxy's HAR dump, and passing on beside hudsucker. The load and
//! the real server share a core; the proxy has the other.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::contenders::installed;
use crate::load::{Load, Protocol, Stop};
use crate::pairs::{Pairs, in_turn, measured};
use crate::process::{Bench, Cores, Server};
use crate::table;

/// Different URLs that are asked for.
const URLS: usize = 10_000;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Large bodies in a row.
const BODIES: u64 = 5;

/// How fast.
pub(crate) fn rates(bench: &Bench) -> Result<()> {
    table::section("Recording: distinct bodies over plain HTTP, no log");
    println!("| what | without /s | with /s | ratio [95%] | µs of processor, without / with |");
    println!("| --- | --- | --- | --- | --- |");
    ratios(bench, KIB, 32)?;
    ratios(bench, 100 * MIB, 1)?;
    let shared = Bench { cores: Cores::Shared, ..bench.clone() };
    for (bench, cores) in [(bench, "one for the proxy"), (&shared, "both for all")] {
        bench.cores.place_load()?;
        for protocol in [Protocol::Plain, Protocol::Tls] {
            row(&format!("100 MiB, {}, recorded, cores: {cores}", protocol.name()), &large(bench, protocol)?);
        }
    }
    Cores::Apart.place_load()
}

/// In how much memory.
pub(crate) fn memory(bench: &Bench) -> Result<()> {
    table::section("Recording: what is in memory, from the start to the end of the run");
    println!("| what | exchanges /s | MB/s | most MiB resident | finished in s |");
    println!("| --- | --- | --- | --- | --- |");
    amounts(bench)
}

/// Pass-through to no proxy, and recording to pass-through.
fn ratios(bench: &Bench, length: usize, connections: usize) -> Result<()> {
    let size = if length < MIB { format!("{} KiB", length / KIB) } else { format!("{} MiB", length / MIB) };
    let origin = bench.origin(length, Protocol::Plain)?;
    let passing = Proxy::passing(bench, &origin, Protocol::Plain)?;
    let mut direct = load(origin.at, &origin, Protocol::Plain, connections)?;
    let mut passed = load(passing.server.at, &origin, Protocol::Plain, connections)?;
    for load in [&mut direct, &mut passed] {
        load.run(Stop::After(Duration::from_millis(200)))?;
    }
    let pairs = in_turn(bench, (&origin, &mut direct), (&passing.server, &mut passed))?;
    row(&format!("{size}, a proxy that records none of it"), &pairs);
    if length < MIB {
        let recording = Proxy::recording(bench)?;
        let mut recorded = load(recording.server.at, &origin, Protocol::Plain, connections)?;
        recorded.run(Stop::After(Duration::from_millis(200)))?;
        let pairs = in_turn(bench, (&passing.server, &mut passed), (&recording.server, &mut recorded))?;
        row(&format!("{size}, recorded"), &pairs);
    }
    drop(passing);
    for other in [Proxy::hudsucker(bench)?, Proxy::mitmproxy(bench, length)?].into_iter().flatten() {
        let mut through = load(other.server.at, &origin, Protocol::Plain, connections)?;
        through.run(Stop::Answers(connections as u64))?;
        let pairs = in_turn(bench, (&origin, &mut direct), (&other.server, &mut through))?;
        row(&format!("{size}, {}, for no proxy", other.name), &pairs);
    }
    Ok(())
}

/// Large bodies, each round by a run of its own, in the place of the one before: pages of memory that no file has used yet
/// cost a virtual machine more than all else, and what piles up has to wait for the disk.
fn large(bench: &Bench, protocol: Protocol) -> Result<Pairs> {
    let origin = bench.origin(100 * MIB, protocol)?;
    let bodies = |proxy: Proxy| {
        let mut load = load(proxy.server.at, &origin, protocol, 1)?;
        // Buffers and windows have grown by then.
        load.run(Stop::Answers(1))?;
        measured(&proxy.server, || load.run(Stop::Answers(BODIES)))
    };
    let mut pairs = Pairs::default();
    for round in 0..=bench.runs {
        let first = bodies(Proxy::passing(bench, &origin, protocol)?)?;
        let second = bodies(Proxy::recording(bench)?)?;
        // The first one has the memory made.
        if round > 0 {
            pairs.push(first, second);
        }
    }
    Ok(pairs)
}

fn row(name: &str, pairs: &Pairs) {
    let (low, high) = pairs.ratio.interval();
    println!(
        "| {name} | {} | {} | **{:.2}** [{low:.2}, {high:.2}] | {:.1} / {:.1} |",
        table::thousands(pairs.reference.median()),
        table::thousands(pairs.contender.median()),
        pairs.ratio.median(),
        pairs.reference_cpu.median(),
        pairs.contender_cpu.median(),
    );
}

/// Amounts that no memory should hold.
fn amounts(bench: &Bench) -> Result<()> {
    let plenty = [(100 * KIB, 10_000, 32), (100 * MIB, 5, 1), (2048 * MIB, 1, 1)];
    for (length, count, connections) in plenty {
        let what = format!("{} × {} KiB down", table::thousands(count as f64), table::thousands((length / KIB) as f64));
        for proxy in [Some(Proxy::recording(bench)?), Proxy::mitmproxy(bench, length)?].into_iter().flatten() {
            let origin = bench.origin(length, Protocol::Plain)?;
            let served = load(proxy.server.at, &origin, Protocol::Plain, connections)?.run(Stop::Answers(count))?;
            amount(&what, proxy, count as usize, length, served.elapsed)?;
        }
    }
    let (proxy, origin) = (Proxy::recording(bench)?, bench.origin(KIB, Protocol::Plain)?);
    let elapsed = upload(proxy.server.at, &origin, 2048 * MIB)?;
    amount("1 × 2,097,152 KiB up", proxy, 1, 2048 * MIB, elapsed)
}

fn amount(what: &str, proxy: Proxy, count: usize, length: usize, elapsed: Duration) -> Result<()> {
    let (name, seconds) = (proxy.name, elapsed.as_secs_f64());
    let ended = proxy.end()?;
    println!(
        "| {what}, {name} | {} | {} | {:.0} | {:.1} |",
        table::thousands(count as f64 / seconds),
        table::thousands((count * length) as f64 / 1e6 / seconds),
        ended.most_kib as f64 / 1024.0,
        ended.finished.as_secs_f64(),
    );
    Ok(())
}

/// Requests in absolute form, which servers take as well as proxies do, or in TLS.
fn load(at: SocketAddr, origin: &Server, protocol: Protocol, connections: usize) -> Result<Load> {
    let authority = origin.at.to_string();
    let start = if protocol == Protocol::Plain { format!("http://{authority}") } else { String::new() };
    let requests = (0..URLS).map(|n| {
        let path = format!("{start}/api/v1/items/{n}?expand=owner&page=1");
        format!("GET {path} HTTP/1.1\r\nhost: {authority}\r\naccept: application/json\r\nuser-agent: bench/1.0\r\n\r\n")
            .into_bytes()
    });
    Load::of_requests(at, protocol, &authority, requests, connections)
}

/// One request with a body of this length; gives how long it took to the answer.
fn upload(at: SocketAddr, origin: &Server, length: usize) -> Result<Duration> {
    let started = Instant::now();
    let mut tcp = TcpStream::connect(at)?;
    let authority = origin.at;
    let head = format!(
        "PUT http://{authority}/upload HTTP/1.1\r\nhost: {authority}\r\ncontent-type: text/plain\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n"
    );
    tcp.write_all(head.as_bytes())?;
    let piece = vec![b'x'; 256 * KIB];
    for at in (0..length).step_by(piece.len()) {
        tcp.write_all(&piece[..piece.len().min(length - at)])?;
    }
    let mut answer = String::new();
    tcp.read_to_string(&mut answer)?;
    if !answer.starts_with("HTTP/1.1 200") {
        bail!("the upload was not taken: {answer}");
    }
    Ok(started.elapsed())
}

/// A proxy, and the folder of what it records.
struct Proxy {
    name: &'static str,
    server: Server,
    folder: PathBuf,
}

/// What a run came to.
struct Ended {
    most_kib: u64,
    finished: Duration,
}

impl Proxy {
    fn recording(bench: &Bench) -> Result<Self> {
        Self::harmock(bench, "harmock", &[])
    }

    /// One that opens the traffic and records none of it.
    fn passing(bench: &Bench, origin: &Server, protocol: Protocol) -> Result<Self> {
        let glob = format!("{}://{}/elsewhere/**", protocol.scheme(), origin.at);
        Self::harmock(bench, "pass-through", &["--glob", &glob])
    }

    fn harmock(bench: &Bench, name: &'static str, more: &[&str]) -> Result<Self> {
        let folder = emptied(&bench.work.join(format!("recorded-{name}")))?;
        let (har, ca) = (folder.join("recording.har"), bench.work.join("ca"));
        let (har, ca) = (har.display().to_string(), ca.display().to_string());
        let mut args = vec!["record", "--har", &har, "--listen", "127.0.0.1:0", "--ca-dir", &ca, "--log", "off", "-q"];
        // Whose certificate the real server has does not matter here.
        args.push("--insecure-upstream");
        args.extend(more);
        Ok(Self { name, server: bench.harmock(&args)?, folder })
    }

    /// hudsucker without a handler, where it is installed: it passes everything on.
    fn hudsucker(bench: &Bench) -> Result<Option<Self>> {
        let Some(program) = installed("hudsucker/target/release/hudsucker-pass-through") else { return Ok(None) };
        let folder = emptied(&bench.work.join("recorded-hudsucker"))?;
        Ok(Some(Self { name: "hudsucker passing on", server: Server::start(&program, &[])?, folder }))
    }

    /// mitmproxy's HAR dump, where mitmproxy is installed; of a body of 2 GiB it would hold more than there is.
    fn mitmproxy(bench: &Bench, length: usize) -> Result<Option<Self>> {
        let Some(program) = installed("venv/bin/mitmdump").filter(|_| length <= 100 * MIB) else { return Ok(None) };
        let folder = emptied(&bench.work.join("recorded-mitmproxy"))?;
        let at = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let dump = format!("hardump={}", folder.join("recording.har").display());
        let own = format!("confdir={}", bench.work.join("mitmproxy").display());
        let port = at.port().to_string();
        let args = ["-q", "--listen-host", "127.0.0.1", "-p", &port, "--set", &dump, "--set", &own];
        Ok(Some(Self { name: "mitmproxy recording", server: Server::start_at(&program, &args, at)?, folder }))
    }

    /// Ends the run in good order, and watches its memory until it is gone.
    fn end(mut self) -> Result<Ended> {
        let started = Instant::now();
        let mut most_kib = self.server.most_resident().context("the proxy has ended early")?;
        self.server.interrupt()?;
        while !self.server.has_ended()? {
            most_kib = most_kib.max(self.server.most_resident().unwrap_or(0));
            std::thread::sleep(Duration::from_millis(5));
        }
        let finished = started.elapsed();
        fs::remove_dir_all(&self.folder)?;
        Ok(Ended { most_kib, finished })
    }
}

fn emptied(folder: &Path) -> Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    Ok(folder.to_path_buf())
}
