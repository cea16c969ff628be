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

/// Whether a lookup costs the same however large the archive is.
pub(crate) fn flatness(bench: &Bench) -> Result<()> {
    table::section("Instructions for each request (callgrind), harmock's process alone");
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("valgrind is not installed.");
        return Ok(());
    }
    println!("| requests | 100 entries | 100,000 | growth |");
    println!("| --- | --- | --- | --- |");
    let reference = reference(bench)?;
    println!("| the reference, plain | {} | | |", table::thousands(reference));
    let kinds = [
        ("GET, embedded", Kind::Get, Storage::Embedded),
        ("GET, attached", Kind::Get, Storage::Attached),
        ("POST by payload, a URL each", Kind::Post, Storage::Attached),
        ("POST by payload, one URL (GraphQL)", Kind::GraphQl, Storage::Attached),
        ("100 candidates that differ in a header", Kind::Headers, Storage::Embedded),
    ];
    for (name, kind, storage) in kinds {
        let mut counts = Vec::new();
        for entries in [bench.sizes()[0], bench.sizes()[2]] {
            let plan = Plan { kind, ..Plan::gets("http", entries, storage) };
            counts.push(for_each_request(bench, &plan)?);
        }
        let growth = (counts[1] / counts[0] - 1.0) * 100.0;
        let counts: Vec<String> = counts.into_iter().map(table::thousands).collect();
        println!("| {name} | {} | {growth:+.1}% |", counts.join(" | "));
    }
    Ok(())
}

fn for_each_request(bench: &Bench, plan: &Plan) -> Result<f64> {
    let archive = plan.make(&bench.work)?.display().to_string();
    let ca = bench.work.join("ca").display().to_string();
    let args = ["replay", &archive, "--listen", "127.0.0.1:0", "--ca-dir", &ca, "--log", "off", "-q"];
    counted(bench, &bench.harmock, &args, plan)
}

fn reference(bench: &Bench) -> Result<f64> {
    let plan = Plan::gets("http", 100, Storage::Embedded);
    counted(bench, &std::env::current_exe()?, &["reference", "1024"], &plan)
}

/// Waits until what a start leaves for later is over: keys are made, which takes as long as a hundred thousand requests.
fn settled(server: &Server) -> Result<()> {
    let (mut before, started) = (Duration::MAX, Instant::now());
    while server.cpu()? != before && started.elapsed() < Duration::from_secs(60) {
        before = server.cpu()?;
        std::thread::sleep(Duration::from_secs(1));
    }
    Ok(())
}

/// Instructions for each request after every URL has been asked for.
fn counted(bench: &Bench, program: &Path, args: &[&str], plan: &Plan) -> Result<f64> {
    let out = bench.work.join("callgrind.out");
    let _ = fs::remove_file(&out);
    let (out_flag, program) = (format!("--callgrind-out-file={}", out.display()), program.display().to_string());
    let mut all = vec!["--tool=callgrind", "-q", &out_flag, &program];
    all.extend(args);
    let server = Server::start(Path::new("valgrind"), &all)?;
    let traffic = Traffic::new(Protocol::Plain, *plan, 100);
    let mut load = Load::open(server.at, Protocol::Plain, plan, traffic.urls, 8, 1)?;
    load.run(Stop::Answers(2_000))?;
    settled(&server)?;
    let control = |flag: &str| -> Result<()> {
        let done = Command::new("callgrind_control").args([flag, &server.pid.to_string()]).output()?;
        if done.status.success() { Ok(()) } else { bail!("callgrind_control {flag} failed") }
    };
    control("-z")?;
    load.run(Stop::Answers(COUNTED))?;
    control("-d")?;
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
