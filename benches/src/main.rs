//! Measures harmock side by side with a bare hyper server that answers a constant: `cargo run --release`.

mod archive;
mod connections;
mod contenders;
mod instructions;
mod load;
mod origin;
mod pairs;
mod process;
mod record;
mod reference;
mod replay;
mod start;
mod stats;
mod table;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process::{Bench, Cores};

const USAGE: &str = "\
harmock-bench [--seconds S] [--runs N] [--only PART,...] [--harmock FILE] [--work DIR] [--large] [--smoke]
  PART: replay storage http2 log new-connections start body connections record record-memory instructions contenders
  --large also replays 1,000,000 entries; --smoke only sees that everything works
harmock-bench reference BODY_BYTES [one-thread]
harmock-bench origin BODY_BYTES [tls]
harmock-bench load ADDRESS plain|tls|http2 get|post|graphql|headers ENTRIES URLS ANSWERS
harmock-bench archive http|https get|post|graphql|headers ENTRIES BODY_BYTES embedded|attached|zip-stored|zip-deflated DIR";

/// The parts in the order in which they run.
const PARTS: [&str; 12] = [
    "replay",
    "storage",
    "http2",
    "log",
    "new-connections",
    "start",
    "body",
    "connections",
    "record",
    "record-memory",
    "instructions",
    "contenders",
];

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words[..] {
        ["reference", body] => reference::run(body.parse()?, false),
        ["reference", body, "one-thread"] => reference::run(body.parse()?, true),
        ["origin", body] => origin::run(body.parse()?, false),
        ["origin", body, "tls"] => origin::run(body.parse()?, true),
        ["load", ..] => replay::load_by_hand(&words[1..]),
        ["archive", ..] => replay::archive_by_hand(&words[1..]),
        ["-h" | "--help"] => Ok(println!("{USAGE}")),
        _ => measure(&words),
    }
}

fn measure(words: &[&str]) -> Result<()> {
    let mut bench = Bench {
        harmock: PathBuf::new(),
        work: Path::new(env!("CARGO_MANIFEST_DIR")).join("work"),
        runs: 9,
        time: Duration::from_secs(1),
        smoke: false,
        cores: Cores::Apart,
    };
    let (mut parts, mut large) = (PARTS.to_vec(), false);
    let mut rest = words.iter();
    while let Some(flag) = rest.next() {
        let mut value = || rest.next().with_context(|| format!("{flag} needs a value\n{USAGE}"));
        match *flag {
            "--seconds" => bench.time = Duration::from_secs_f64(value()?.parse()?),
            "--runs" => bench.runs = value()?.parse()?,
            "--harmock" => bench.harmock = PathBuf::from(value()?),
            "--work" => bench.work = PathBuf::from(value()?),
            "--only" => parts = value()?.split(',').collect(),
            "--large" => large = true,
            "--smoke" => (bench.smoke, bench.time, bench.runs) = (true, Duration::from_millis(50), 2),
            other => bail!("unknown: {other}\n{USAGE}"),
        }
    }
    if let Some(unknown) = parts.iter().find(|part| !PARTS.contains(part)) {
        bail!("unknown part: {unknown}\n{USAGE}");
    }
    if bench.harmock.as_os_str().is_empty() {
        bench.harmock = build_harmock()?;
    }
    std::fs::create_dir_all(&bench.work)?;
    bench.cores.place_load()?;
    table::machine();
    for part in parts {
        match part {
            "replay" => replay::by_size(&bench, large)?,
            "storage" => replay::by_storage(&bench)?,
            "http2" => replay::http2(&bench)?,
            "log" => replay::with_log(&bench)?,
            "new-connections" => connections::fresh(&bench)?,
            "start" => start::start(&bench)?,
            "body" => connections::large_body(&bench)?,
            "connections" => connections::memory(&bench)?,
            "record" => record::rates(&bench)?,
            "record-memory" => record::memory(&bench)?,
            "instructions" => instructions::flatness(&bench)?,
            _ => contenders::side_by_side(&bench)?,
        }
    }
    Ok(())
}

fn build_harmock() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("benches/ has no parent")?;
    let built =
        Command::new("cargo").args(["build", "--release", "--manifest-path"]).arg(root.join("Cargo.toml")).status()?;
    if !built.success() {
        bail!("harmock does not build");
    }
    Ok(root.join("target/release/harmock"))
}
