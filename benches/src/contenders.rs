//! Everybody who is installed, side by side in one run: the reference, harmock, nginx, and the replay proxies of others.

use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::archive::{FIELDS, Plan, Storage, body};
use crate::load::{Load, Protocol, Stop};
use crate::pairs::Traffic;
use crate::process::{Bench, Server};
use crate::stats::Sample;
use crate::table;

/// Time for programs that compile themselves while they run.
const WARM: Duration = Duration::from_secs(3);

/// Plain and TLS, with 100 and 10,000 entries.
pub(crate) fn side_by_side(bench: &Bench) -> Result<()> {
    for protocol in [Protocol::Plain, Protocol::Tls] {
        for entries in [bench.sizes()[0], bench.sizes()[1]] {
            let name =
                format!("Side by side: {}, {} entries of 1 KiB", protocol.name(), table::thousands(entries as f64));
            table::section(&name);
            one_table(bench, protocol, Plan::gets(protocol.scheme(), entries, Storage::Embedded))?;
        }
    }
    Ok(())
}

fn one_table(bench: &Bench, protocol: Protocol, plan: Plan) -> Result<()> {
    let archive = plan.make(&bench.work)?;
    let mut rows = vec![
        Row::new("bare hyper, the reference", bench.reference(plan.body)?),
        Row::new("**harmock**", bench.replay(&archive, &[])?),
    ];
    for (name, start) in CONTENDERS {
        match start(bench, &archive, protocol) {
            Ok(Some(server)) => rows.push(Row::new(name, server)),
            Ok(None) => println!("{name}: not installed, or no proxy for {}.\n", protocol.name()),
            Err(error) => println!("{name}: left out, {error:#}\n"),
        }
    }
    let traffic = Traffic::new(protocol, plan, 1_000);
    // New connections for each turn: some servers close those that are idle while the others have theirs.
    let run = |row: &Row, time| {
        let mut load = Load::open(row.server.at, protocol, &plan, traffic.urls, traffic.connections, traffic.streams)?;
        load.run(Stop::After(time))
    };
    rows.retain(|row| {
        let warmed = run(row, WARM.min(bench.time * 10));
        if let Err(error) = &warmed {
            println!("{}: left out, {error:#}\n", row.name);
        }
        warmed.is_ok()
    });
    for _ in 0..bench.runs {
        let mut reference = 0.0;
        for (place, row) in rows.iter_mut().enumerate() {
            let served = run(row, bench.time)?;
            let rate = served.answers as f64 / served.elapsed.as_secs_f64();
            if place == 0 {
                reference = rate;
            }
            row.rate.push(rate);
            row.ratio.push(rate / reference);
        }
    }
    print(&rows)
}

fn print(rows: &[Row]) -> Result<()> {
    println!("| what | /s | spread | to the reference [95%] | resident MiB |");
    println!("| --- | --- | --- | --- | --- |");
    for row in rows {
        let (low, high) = row.ratio.interval();
        println!(
            "| {} | {} | {:.0}% | {:.4} [{low:.4}, {high:.4}] | {} |",
            row.name,
            table::thousands(row.rate.median()),
            row.rate.spread() * 100.0,
            row.ratio.median(),
            row.server.memory("Rss")? >> 10,
        );
    }
    Ok(())
}

struct Row {
    name: &'static str,
    server: Server,
    rate: Sample,
    ratio: Sample,
}

impl Row {
    fn new(name: &'static str, server: Server) -> Self {
        Self { name, server, rate: Sample::default(), ratio: Sample::default() }
    }
}

/// Starts a program that answers from an archive; none where it is not there, or is no proxy for the protocol.
type Start = fn(&Bench, &Path, Protocol) -> Result<Option<Server>>;

const CONTENDERS: [(&str, Start); 4] = [
    ("nginx `return 200`", nginx),
    ("mockttp, one callback and a map", mockttp),
    ("WireMock", wiremock),
    ("mitmproxy, its own server replay", mitmproxy),
];

/// Where `contenders/install` puts what it installs.
pub(crate) fn installed(name: &str) -> Option<PathBuf> {
    Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("contenders").join(name)).filter(|path| path.exists())
}

/// A program of the system.
fn program(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let folders = std::env::split_paths(&folders).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    folders.map(|folder| folder.join(name)).find(|path| path.is_file())
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

fn mockttp(_bench: &Bench, archive: &Path, _protocol: Protocol) -> Result<Option<Server>> {
    let (Some(node), Some(_installed)) = (program("node"), installed("node_modules/mockttp")) else { return Ok(None) };
    let script = installed("mockttp.mjs").context("mockttp.mjs is gone")?;
    Server::start(&node, &[&script.display().to_string(), &archive.display().to_string()]).map(Some)
}

fn mitmproxy(bench: &Bench, archive: &Path, _protocol: Protocol) -> Result<Option<Server>> {
    let Some(mitmdump) = installed("venv/bin/mitmdump") else { return Ok(None) };
    let at = free_address()?;
    let set = |name: &str, value: &str| [String::from("--set"), format!("{name}={value}")];
    let mut args = vec!["-q".to_owned(), "--listen-host".to_owned(), at.ip().to_string()];
    args.extend(["--listen-port".to_owned(), at.port().to_string()]);
    args.extend(["--server-replay".to_owned(), archive.display().to_string()]);
    for (name, value) in [
        ("server_replay_reuse", "true"),
        ("server_replay_refresh", "false"),
        ("server_replay_extra", "404"),
        ("connection_strategy", "lazy"),
        ("confdir", &bench.work.join("mitmproxy").display().to_string()),
    ] {
        args.extend(set(name, value));
    }
    start_at(&mitmdump, &args, at)
}

fn wiremock(bench: &Bench, archive: &Path, protocol: Protocol) -> Result<Option<Server>> {
    let Some(java) = program("java") else { return Ok(None) };
    let Some(build) = installed("node_modules/wiremock/build") else { return Ok(None) };
    let jar = fs::read_dir(build)?.filter_map(|item| Some(item.ok()?.path()));
    let Some(jar) = jar.into_iter().find(|path| path.extension().is_some_and(|it| it == "jar")) else {
        return Ok(None);
    };
    let (root, at) = (bench.work.join("wiremock"), free_address()?);
    write_mappings(&root, archive)?;
    let (port, root) = (at.port().to_string(), root.display().to_string());
    let mut args = vec!["-jar".to_owned(), jar.display().to_string(), "--port".to_owned(), port];
    args.extend(["--bind-address".to_owned(), at.ip().to_string(), "--root-dir".to_owned(), root]);
    args.extend(["--disable-banner", "--no-request-journal", "--container-threads", "64"].map(str::to_owned));
    if protocol == Protocol::Tls {
        args.push("--enable-browser-proxying".to_owned());
    }
    start_at(&java, &args, at)
}

/// The archive as WireMock's own stubs.
fn write_mappings(root: &Path, archive: &Path) -> Result<()> {
    let _ = fs::remove_dir_all(root);
    fs::create_dir_all(root.join("mappings"))?;
    let har: serde_json::Value = serde_json::from_slice(&fs::read(archive)?)?;
    let entries = har["log"]["entries"].as_array().context("no entries")?;
    let stub = |entry: &serde_json::Value| {
        let url = entry["request"]["url"].as_str().unwrap_or_default();
        let path = url.splitn(4, '/').nth(3).unwrap_or_default();
        let fields = entry["response"]["headers"].as_array().into_iter().flatten();
        let headers: serde_json::Map<_, _> = fields
            .map(|field| (field["name"].as_str().unwrap_or_default().to_owned(), field["value"].clone()))
            .collect();
        serde_json::json!({
            "request": { "method": entry["request"]["method"], "url": format!("/{path}") },
            "response": { "status": 200, "headers": headers, "body": entry["response"]["content"]["text"] },
        })
    };
    let stubs: Vec<_> = entries.iter().map(stub).collect();
    let mut out = fs::File::create(root.join("mappings/all.json"))?;
    Ok(out.write_all(&serde_json::to_vec(&serde_json::json!({ "mappings": stubs }))?)?)
}

fn nginx(bench: &Bench, _archive: &Path, protocol: Protocol) -> Result<Option<Server>> {
    // It takes no CONNECT.
    let Some(program) = program("nginx").filter(|_| protocol == Protocol::Plain) else { return Ok(None) };
    let (at, folder) = (free_address()?, bench.work.join("nginx"));
    fs::create_dir_all(&folder)?;
    let config = folder.join("nginx.conf");
    fs::write(&config, nginx_configuration(&folder, at))?;
    let args =
        ["-c", &config.display().to_string(), "-e", "stderr", "-p", &folder.display().to_string()].map(str::to_owned);
    start_at(&program, &args, at)
}

fn nginx_configuration(folder: &Path, at: SocketAddr) -> String {
    let fields: String = FIELDS
        .iter()
        .filter(|(name, _)| !matches!(*name, "content-type" | "date"))
        .map(|(name, value)| format!("      add_header {name} '{value}';\n"))
        .collect();
    let folder = folder.display();
    let body = body(0, 1024);
    format!(
        "daemon off;\nmaster_process off;\nworker_processes 1;\npid {folder}/nginx.pid;\nerror_log stderr crit;\n\
         events {{ worker_connections 1024; }}\nhttp {{\n  access_log off;\n  keepalive_requests 1000000000;\n  \
         server {{\n    listen {at};\n    location / {{\n      default_type 'application/json; charset=utf-8';\n{fields}      \
         return 200 '{body}';\n    }}\n  }}\n}}\n"
    )
}

fn start_at(program: &Path, args: &[String], at: SocketAddr) -> Result<Option<Server>> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut server = Server::start_at(program, &args, at)?;
    if server.has_ended()? {
        bail!("{} ended at once", program.display());
    }
    Ok(Some(server))
}
