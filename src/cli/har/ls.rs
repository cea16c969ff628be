//! `harmock har ls`: what is in an archive, one line per entry.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use serde::Serialize;

use super::super::CommandResult;
use super::{print, visible};
use crate::archive::{Archive, EntrySummary, Limits};
use crate::record::readable;

/// List the entries of archives, one per line.
///
/// The columns are: entry, method, status, size in bytes, media type, URL. An entry that replay does not use (odd, a
/// WebSocket, a data: URL) has a `!` behind its number.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Archives, or folders of them
    #[arg(value_name = "ARCHIVE", default_value = "hars")]
    files: Vec<PathBuf>,
    /// Print a JSON array of objects
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> CommandResult {
    let mut listed = Vec::new();
    let files = readable(&args.files)?;
    for file in &files {
        let path = &file.archive;
        let archive = Archive::open_unchecked(&file.path, &Limits::default())?;
        if let Some(note) = file.note() {
            anstream::eprintln!("{}", visible(&note, &[]));
        }
        for ordinal in 0..archive.entry_count() {
            let summary = archive.summary(ordinal).with_context(|| format!("entry {ordinal}"))?;
            listed.extend(summary.map(|entry| (path, entry)));
        }
        for warning in archive.warnings() {
            anstream::eprintln!("warning: {}: {}", path.display(), visible(&warning.to_string(), &[]));
        }
    }
    if args.json {
        let rows: Vec<_> = listed.iter().map(|(path, entry)| Row::of(path.display().to_string(), entry)).collect();
        print((serde_json::to_string_pretty(&rows)? + "\n").as_bytes())?;
    } else {
        print(table(&listed, files.len() > 1).as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    archive: String,
    entry: usize,
    method: &'a str,
    url: &'a str,
    status: Option<i64>,
    size: Option<u64>,
    #[serde(rename = "mimeType")]
    mime_type: &'a str,
    #[serde(rename = "_file")]
    payload: Option<&'a str>,
    usable: bool,
}

impl<'a> Row<'a> {
    fn of(archive: String, entry: &'a EntrySummary) -> Self {
        Self {
            archive,
            entry: entry.ordinal,
            method: &entry.method,
            url: &entry.url,
            status: entry.status,
            size: entry.size,
            mime_type: &entry.mime_type,
            payload: entry.payload.as_deref(),
            usable: entry.usable,
        }
    }
}

fn table(listed: &[(&PathBuf, EntrySummary)], several: bool) -> String {
    let rows: Vec<[String; 6]> = listed.iter().map(|(_, entry)| columns(entry)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2), width(3), width(4).min(32)];
    let mut table = String::new();
    for ((path, _), [ordinal, method, status, size, mime_type, url]) in listed.iter().zip(&rows) {
        if several {
            _ = write!(table, "{}: ", path.display());
        }
        let [w0, w1, w2, w3, w4] = widths;
        _ = writeln!(table, "{ordinal:>w0$} {method:<w1$} {status:>w2$} {size:>w3$} {mime_type:<w4$} {url}");
    }
    table
}

fn columns(entry: &EntrySummary) -> [String; 6] {
    let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { visible(text, &[]) };
    let number = |number: Option<String>| number.unwrap_or_else(|| "-".to_owned());
    let mime_type = entry.mime_type.split(';').next().unwrap_or_default().trim();
    [
        format!("{}{}", entry.ordinal, if entry.usable { ' ' } else { '!' }),
        or_dash(&entry.method),
        number(entry.status.map(|status| status.to_string())),
        number(entry.size.map(|size| size.to_string())),
        or_dash(mime_type),
        or_dash(&entry.url),
    ]
}
