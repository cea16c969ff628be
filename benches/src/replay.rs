//! Keep-alive replay: by number of entries, by where bodies are, over HTTP/2, with a log.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Result, bail};

use crate::archive::{Kind, Plan, Storage};
use crate::load::{Load, Protocol, Stop};
use crate::pairs::{Traffic, keep_alive};
use crate::process::Bench;
use crate::table;

/// Different URLs that the load asks for, unless it says otherwise.
const URLS: usize = 1_000;

/// 100 to 100,000 entries, embedded, plain and TLS.
pub(crate) fn by_size(bench: &Bench, large: bool) -> Result<()> {
    table::section("1 KiB GETs over keep-alive, embedded bodies, no log");
    table::pairs_head("protocol, entries");
    for protocol in [Protocol::Plain, Protocol::Tls] {
        for entries in bench.sizes().into_iter().chain(large.then_some(1_000_000)) {
            row(bench, protocol, Plan::gets(protocol.scheme(), entries, Storage::Embedded), URLS, &[])?;
        }
        let most = bench.sizes()[2];
        row(bench, protocol, Plan::gets(protocol.scheme(), most, Storage::Embedded), most, &[])?;
    }
    Ok(())
}

/// The same with attached and zipped bodies.
pub(crate) fn by_storage(bench: &Bench) -> Result<()> {
    table::section("1 KiB GETs over keep-alive, by where bodies are, no log");
    table::pairs_head("protocol, entries");
    for protocol in [Protocol::Plain, Protocol::Tls] {
        for storage in [Storage::Attached, Storage::ZipStored, Storage::ZipDeflated] {
            for entries in bench.sizes() {
                row(bench, protocol, Plan::gets(protocol.scheme(), entries, storage), URLS, &[])?;
            }
        }
    }
    Ok(())
}

/// HTTP/2 to the client.
pub(crate) fn http2(bench: &Bench) -> Result<()> {
    table::section("1 KiB GETs over HTTP/2, 32 at a time on 4 connections, no log");
    table::pairs_head("protocol, entries");
    for entries in bench.sizes() {
        row(bench, Protocol::Http2, Plan::gets("https", entries, Storage::Embedded), URLS, &[])?;
    }
    Ok(())
}

/// With every exchange written to a file.
pub(crate) fn with_log(bench: &Bench) -> Result<()> {
    table::section("1 KiB GETs over keep-alive, with the log written to a file");
    table::pairs_head("protocol, entries");
    let log = bench.work.join("bench.log");
    for protocol in [Protocol::Plain, Protocol::Tls] {
        let _ = std::fs::remove_file(&log);
        let plan = Plan::gets(protocol.scheme(), bench.sizes()[1], Storage::Embedded);
        row(bench, protocol, plan, URLS, &["--log", &log.display().to_string()])?;
    }
    let _ = std::fs::remove_file(&log);
    Ok(())
}

fn row(bench: &Bench, protocol: Protocol, plan: Plan, urls: usize, flags: &[&str]) -> Result<()> {
    let archive = plan.make(&bench.work)?;
    let (reference, harmock) = (bench.reference(plan.body)?, bench.replay(&archive, flags)?);
    let pairs = keep_alive(bench, &reference, &harmock, &Traffic::new(protocol, plan, urls))?;
    let over = if urls > URLS { ", load over all" } else { "" };
    let entries = table::thousands(plan.entries as f64);
    table::pairs_row(&format!("{}, {entries}, {}{over}", protocol.name(), plan.storage.name()), &pairs);
    Ok(())
}

/// Load on a server that somebody else has started, for profiles.
pub(crate) fn load_by_hand(words: &[&str]) -> Result<()> {
    let [at, protocol, kind, entries, urls, answers] = words else { bail!("load takes six values") };
    let protocol = match *protocol {
        "plain" => Protocol::Plain,
        "tls" => Protocol::Tls,
        _ => Protocol::Http2,
    };
    let at: SocketAddr = at.trim_start_matches("http://").parse()?;
    let plan = Plan { kind: kind_of(kind)?, ..Plan::gets(protocol.scheme(), entries.parse()?, Storage::Embedded) };
    let traffic = Traffic::new(protocol, plan, urls.parse()?);
    let mut load = Load::open(at, protocol, &plan, traffic.urls, traffic.connections, traffic.streams)?;
    let served = load.run(Stop::Answers(answers.parse()?))?;
    let rate = served.answers as f64 / served.elapsed.as_secs_f64();
    println!("{} answers, {} /s", served.answers, table::thousands(rate));
    Ok(())
}

/// An archive alone.
pub(crate) fn archive_by_hand(words: &[&str]) -> Result<()> {
    let [scheme, kind, entries, body, storage, folder] = words else { bail!("archive takes six values") };
    let storage = match *storage {
        "embedded" => Storage::Embedded,
        "attached" => Storage::Attached,
        "zip-stored" => Storage::ZipStored,
        "zip-deflated" => Storage::ZipDeflated,
        other => bail!("unknown storage: {other}"),
    };
    let scheme = if *scheme == "https" { "https" } else { "http" };
    let plan = Plan { scheme, kind: kind_of(kind)?, entries: entries.parse()?, body: body.parse()?, storage };
    println!("{}", plan.make(Path::new(folder))?.display());
    Ok(())
}

fn kind_of(word: &str) -> Result<Kind> {
    Ok(match word {
        "get" => Kind::Get,
        "post" => Kind::Post,
        "graphql" => Kind::GraphQl,
        "headers" => Kind::Headers,
        other => bail!("unknown kind: {other}"),
    })
}
