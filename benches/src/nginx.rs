//! nginx as a further contender, where it is installed.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::archive::{FIELDS, Plan, Storage, body};
use crate::load::Protocol;
use crate::pairs::{Traffic, keep_alive};
use crate::process::{Bench, Server};
use crate::table;

/// `return 200` with the same fields and body, plain.
pub(crate) fn against(bench: &Bench) -> Result<()> {
    table::section("nginx `return 200` with the same fields and body, plain");
    let Some(program) = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/bin/nginx"]
        .map(Path::new)
        .into_iter()
        .find(|path| path.exists())
    else {
        println!("nginx is not installed.");
        return Ok(());
    };
    let at = free_address()?;
    let folder = bench.work.join("nginx");
    fs::create_dir_all(&folder)?;
    let config = folder.join("nginx.conf");
    fs::write(&config, configuration(&folder, at))?;
    let config = config.display().to_string();
    let flags = ["-c", &config, "-e", "stderr", "-p", &folder.display().to_string()];
    if !Command::new(program).arg("-t").args(flags).output()?.status.success() {
        println!("nginx does not take its configuration.");
        return Ok(());
    }
    let nginx = Server::start_at(program, &flags, at)?;
    let plan = Plan::gets("http", 10_000, Storage::Embedded);
    let harmock = bench.replay(&plan.make(&bench.work)?, &[])?;
    table::pairs_head("the reference here is nginx");
    table::pairs_row(
        "plain, 10,000, embedded",
        &keep_alive(bench, &nginx, &harmock, &Traffic::new(Protocol::Plain, plan, 1_000))?,
    );
    Ok(())
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

fn configuration(folder: &Path, at: SocketAddr) -> String {
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
