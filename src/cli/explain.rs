//! `harmock explain`: which entry would answer a request, or why none does.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, ValueHint};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::CommandResult;
use super::flags::{AFTER_HELP, ScopeFlags, name_variable};
use super::replay::ReplayFlags;
use super::settings::replay_settings;
use super::settings::value::{Item, Value, flag};
use crate::matching::{OriginPair, Rule};
use crate::message::CanonicalUrl;
use crate::proxy::{Question, explain};

/// Says which recorded entry would answer a request, or why none does
///
/// Without an archive those of the settings count. Ends with 0 when an entry answers and with 3 when none does; then it
/// names the nearest ones and the lines of harmock.toml that would help: `harmock explain GET
/// 'https://api.example.com/search?q=tea'`.
#[derive(Debug, Args)]
#[command(mut_args(name_variable), after_help = AFTER_HELP)]
#[command(override_usage = "harmock explain [OPTIONS] [ARCHIVE]... <METHOD> <URL>")]
pub(crate) struct ExplainArgs {
    /// Archives or folders of them, as replay takes them; then the method and the URL
    #[arg(value_name = "ARCHIVE… METHOD URL", num_args = 2.., required = true, value_hint = ValueHint::AnyPath)]
    words: Vec<OsString>,

    /// The payload of the request: a text, or `@FILE`
    #[arg(long, value_name = "TEXT")]
    data: Option<OsString>,

    /// A header field of the request; repeatable
    #[arg(long, value_name = "NAME: VALUE")]
    header: Vec<String>,

    /// What may vary, as for replay; repeatable
    #[arg(long, value_name = "RULE", value_parser = flag::<Item<Rule>>())]
    rules: Vec<Item<Rule>>,

    /// An origin that is asked for, and the one that was recorded, as for replay; repeatable
    #[arg(long, value_name = "ASKED=RECORDED", value_parser = flag::<Item<OriginPair>>())]
    map: Vec<Item<OriginPair>>,

    /// The config file [default: harmock.toml here or in a folder above]
    #[arg(long, value_name = "FILE", value_parser = flag::<PathBuf>(), value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
}

pub(crate) fn run(args: &ExplainArgs) -> CommandResult {
    let [archives @ .., method, url] = &args.words[..] else { bail!("expected a method and a URL") };
    let archives: Result<Vec<Item<PathBuf>>, String> = archives.iter().map(|path| Item::parse(path)).collect();
    let archives = archives.map_err(anyhow::Error::msg)?;
    let scope = ScopeFlags { rules: args.rules.clone(), ..ScopeFlags::default() };
    let flags = ReplayFlags { map: args.map.clone(), ..ReplayFlags::default() };
    let config = replay_settings(args.config.as_deref(), &archives, &scope, &flags)?;
    let explanation = explain(&config, &question(args, method, url)?)?;
    for line in &explanation.lines {
        anstream::println!("{line}");
    }
    Ok(if explanation.answered { ExitCode::SUCCESS } else { ExitCode::from(3) })
}

fn question(args: &ExplainArgs, method: &OsStr, url: &OsStr) -> anyhow::Result<Question> {
    let method = method.to_string_lossy().into_owned();
    if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-') {
        bail!("{method:?} is not a method; the order is `harmock explain [ARCHIVE]... METHOD URL`");
    }
    let text = url.to_string_lossy();
    let url = CanonicalUrl::parse(&text).filter(|url| url.as_str().starts_with("http"));
    let Some(url) = url else { bail!("{text:?} is not an http or https URL") };
    let mut fields = HeaderMap::new();
    for line in &args.header {
        let (name, value) = line.split_once(':').with_context(|| format!("{line:?}: expected `NAME: VALUE`"))?;
        let name: HeaderName =
            name.trim().parse().with_context(|| format!("{line:?}: not the name of a header field"))?;
        let value = HeaderValue::from_str(value.trim())
            .with_context(|| format!("{line:?}: not the value of a header field"))?;
        fields.append(name, value);
    }
    Ok(Question { method, url, fields, payload: payload(args)? })
}

fn payload(args: &ExplainArgs) -> anyhow::Result<Vec<u8>> {
    let Some(data) = &args.data else { return Ok(Vec::new()) };
    match data.to_str().and_then(|text| text.strip_prefix('@')) {
        Some(file) => std::fs::read(file).with_context(|| format!("--data @{file} cannot be read")),
        None => Ok(data.to_string_lossy().into_owned().into_bytes()),
    }
}
