//! Instructions for each request, counted by callgrind: steadier than any clock.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::archive::{Kind, Plan, Storage};
use crate::load::{Load, Protocol, Stop};
use crate::pairs::Traffic;
use crate::process::{Bench, Server};
use crate::table;

/// Requests that are counted.
const COUNTED: u64 = 4_000;
/// Less processor time than this in a second is what an idle server takes under valgrind.
const IDLE: Duration = Duration::from_millis(50);

/// Whether a lookup costs the same however large the archive is.
pub(crate) fn flatness(bench: &Bench) -> Result<()> {
    table::section("Instructions for each request (callgrind), harmock's process alone");
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("valgrind is not installed.");
        return Ok(());
    }
    println!("| requests | entries | 100 entries | so many | growth |");
    println!("| --- | --- | --- | --- | --- |");
    for protocol in [Protocol::Plain, Protocol::Http2] {
        println!("| the reference, {} | | {} | | |", protocol.name(), table::thousands(reference(bench, protocol)?));
    }
    let [few, many, most] = bench.sizes();
    let kinds = [
        ("GET, embedded", Protocol::Plain, Kind::Get, Storage::Embedded, most),
        ("GET, attached", Protocol::Plain, Kind::Get, Storage::Attached, most),
        ("GET over HTTP/2, embedded", Protocol::Http2, Kind::Get, Storage::Embedded, most),
        ("POST by payload, a URL each", Protocol::Plain, Kind::Post, Storage::Attached, most),
        ("POST by payload, one URL (GraphQL)", Protocol::Plain, Kind::GraphQl, Storage::Attached, many),
        ("100 candidates that differ in a header", Protocol::Plain, Kind::Headers, Storage::Embedded, most),
    ];
    for (name, protocol, kind, storage, most) in kinds {
        let mut counts = Vec::new();
        for entries in [few, most] {
            let plan = Plan { kind, ..Plan::gets(protocol.scheme(), entries, storage) };
            counts.push(for_each_request(bench, protocol, &plan)?);
        }
        let growth = (counts[1] / counts[0] - 1.0) * 100.0;
        let counts: Vec<String> = counts.into_iter().map(table::thousands).collect();
        println!("| {name} | {} | {} | {growth:+.1}% |", table::thousands(most as f64), counts.join(" | "));
    }
    Ok(())
}

fn for_each_request(bench: &Bench, protocol: Protocol, plan: &Plan) -> Result<f64> {
    let archive = plan.make(&bench.work)?.display().to_string();
    let ca = bench.work.join("ca").display().to_string();
    let args = ["replay", &archive, "--listen", "127.0.0.1:0", "--ca-dir", &ca, "--log", "off", "-q"];
    counted(bench, &bench.harmock, &args, protocol, plan)
}

fn reference(bench: &Bench, protocol: Protocol) -> Result<f64> {
    let plan = Plan::gets(protocol.scheme(), 100, Storage::Embedded);
    counted(bench, &std::env::current_exe()?, &["reference", "1024"], protocol, &plan)
}

/// Waits until what a start leaves for later is over: keys are made, which takes as long as a hundred thousand requests.
fn settled(server: &Server) -> Result<()> {
    let (mut before, started) = (server.cpu()?, Instant::now());
    while started.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_secs(1));
        let now = server.cpu()?;
        if now.saturating_sub(before) < IDLE {
            break;
        }
        before = now;
    }
    Ok(())
}

/// Instructions for each request after every URL has been asked for. Nothing is counted before: a start takes minutes
/// when it is.
fn counted(bench: &Bench, program: &Path, args: &[&str], protocol: Protocol, plan: &Plan) -> Result<f64> {
    let out = bench.work.join("callgrind.out");
    let _ = fs::remove_file(&out);
    let (out_flag, program) = (format!("--callgrind-out-file={}", out.display()), program.display().to_string());
    let mut all = vec!["--tool=callgrind", "--instr-atstart=no", "-q", &out_flag, &program];
    all.extend(args);
    let server = Server::start(Path::new("valgrind"), &all)?;
    let traffic = Traffic::new(protocol, *plan, 100);
    let mut load = Load::open(server.at, protocol, plan, traffic.urls, traffic.connections, traffic.streams)?;
    load.run(Stop::Answers(2_000))?;
    settled(&server)?;
    let control = |flags: &[&str]| -> Result<()> {
        let done = Command::new("callgrind_control").args(flags).arg(server.pid.to_string()).output()?;
        if done.status.success() { Ok(()) } else { bail!("callgrind_control {} failed", flags.join(" ")) }
    };
    control(&["-i", "on"])?;
    load.run(Stop::Answers(COUNTED))?;
    control(&["-d"])?;
    let dump = bench.work.join("callgrind.out.1");
    let text = fs::read_to_string(&dump).with_context(|| format!("no {}", dump.display()))?;
    let _ = fs::remove_file(dump);
    let total: f64 = text
        .lines()
        .filter_map(|line| line.strip_prefix("totals:").or(line.strip_prefix("summary:")))
        .find_map(|line| line.split_whitespace().next()?.parse().ok())
        .context("callgrind wrote no total")?;
    Ok(total / COUNTED as f64)
}
