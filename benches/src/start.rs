//! The start: from exec to the first replayed answer, and the memory that an archive takes.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use anyhow::{Result, bail};
use serde_json::value::RawValue;

use crate::archive::{HOST, Kind, Plan, Storage};
use crate::process::Bench;
use crate::stats::Sample;
use crate::table;

/// 10,000 entries of 5 KiB and 100,000 of 1 KiB.
pub(crate) fn start(bench: &Bench) -> Result<()> {
    table::section("Start: from exec to the first replayed answer, files in the page cache");
    println!(
        "| archive | HAR MB | first answer ms [95%] | serde_json alone ms | MB/s of serde_json | anonymous MiB | of the HAR's size | peak resident MiB |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    let [few, many, most] = bench.sizes();
    let plans = [(few, 1024), (many, 5 << 10), (most, 1024)];
    for (entries, body) in plans {
        for storage in [Storage::Embedded, Storage::Attached, Storage::ZipStored] {
            if entries == few && storage != Storage::Embedded {
                continue;
            }
            row(bench, Plan { scheme: "http", kind: Kind::Get, entries, body, storage })?;
        }
    }
    Ok(())
}

fn row(bench: &Bench, plan: Plan) -> Result<()> {
    let archive = plan.make(&bench.work)?;
    let (mut times, mut anonymous, mut peak) = (Sample::default(), 0, 0);
    for _ in 0..bench.runs {
        let started = Instant::now();
        let server = bench.replay(&archive, &[])?;
        first_answer(&mut TcpStream::connect(server.at)?, &plan)?;
        times.push(started.elapsed().as_secs_f64() * 1e3);
        anonymous = server.memory("Anonymous")?;
        peak = peak_resident(server.pid);
    }
    let (low, high) = times.interval();
    let size = fs::metadata(&archive)?.len();
    let parse = match plan.storage {
        Storage::Embedded => {
            let milliseconds = parse_time(&fs::read(&archive)?, bench.runs)?;
            format!("{milliseconds:.0} | {}", table::thousands(size as f64 / milliseconds / 1e3))
        }
        _ => "|".to_owned(),
    };
    println!(
        "| {} x {} B, {} | {:.1} | {:.0} [{low:.0}, {high:.0}] | {parse} | {:.1} | {:.2} | {} |",
        table::thousands(plan.entries as f64),
        plan.body,
        plan.storage.name(),
        size as f64 / 1e6,
        times.median(),
        anonymous as f64 / 1024.0,
        anonymous as f64 * 1024.0 / size as f64,
        peak >> 10,
    );
    Ok(())
}

fn first_answer(tcp: &mut TcpStream, plan: &Plan) -> Result<()> {
    let path = plan.request(plan.entries / 2).path;
    write!(tcp, "GET http://{HOST}{path} HTTP/1.1\r\nhost: {HOST}\r\naccept: application/json\r\n\r\n")?;
    let mut buffer = [0; 64];
    let read = tcp.read(&mut buffer)?;
    if !buffer[..read].starts_with(b"HTTP/1.1 200") {
        bail!("the first answer is {}", String::from_utf8_lossy(&buffer[..read]));
    }
    Ok(())
}

/// Kilobytes that the process had resident at most.
fn peak_resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

/// Milliseconds in which `serde_json` finds the end of the text as one raw value: the least that its parser can do.
fn parse_time(text: &[u8], runs: usize) -> Result<f64> {
    let mut times = Sample::default();
    for _ in 0..runs {
        let started = Instant::now();
        let value: &RawValue = serde_json::from_slice(text)?;
        std::hint::black_box(value);
        times.push(started.elapsed().as_secs_f64() * 1e3);
    }
    Ok(times.median())
}
