//! `harmock send`: recorded requests, played at a server.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::ValueHint;
use http::{HeaderName, HeaderValue};
use tokio::time::Instant;

use super::CommandResult;
use super::har::{find, print, visible};
use super::reached::{ReachedFlags, upstream};
use super::report::count;
use super::settings::Layers;
use super::settings::value::flag;
use super::templates::{Compiled, TemplateFlags, Templates};
use crate::archive::{Archive, Limits};
use crate::message::CanonicalUrl;
use crate::record::Readable;
use crate::redact::shown_text;
use crate::templates::Scene;
use crate::treatment::Chance;
use crate::webhooks::{Delivery, GivenField, Outcome, Outgoing, Sender, Signature};

/// Sends recorded requests, such as webhooks, to a server
///
/// `harmock send hars/webhooks.har --to http://localhost:3000/hooks` plays the requests of an archive in their order. An
/// answer of 2xx says that the server has taken a request; each answer is a line of standard output. Exit code 1 says
/// that one was not taken, with all its tries.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The archive whose requests are sent
    #[arg(value_name = "ARCHIVE", value_hint = ValueHint::FilePath)]
    archive: PathBuf,
    /// Where they are sent; a URL without a path keeps that of each request
    #[arg(long, value_name = "URL")]
    to: String,
    /// Send this one alone: its number in `har ls`, its name, its URL or a part of it; repeatable
    #[arg(long, value_name = "ENTRY")]
    entry: Vec<String>,
    /// A field in the place of the recorded one, `NAME: VALUE`; `NAME:` takes it away; repeatable
    #[arg(long, value_name = "FIELD")]
    header: Vec<String>,
    /// A field that is computed for each request; repeatable
    ///
    /// `--sign 'X-Signature: sha256=hmac(env.SECRET, body)'` takes the key from the variable SECRET, of --env or else of the
    /// process. Behind the body may
    /// stand sha1, sha256 or sha512, and hex or base64. What is signed may be joined: `timestamp + '.' + body`; in the
    /// value `{timestamp}` is the time in seconds.
    #[arg(long, value_name = "FIELD")]
    sign: Vec<String>,
    /// Wait so long from one request to the next [default: 0s]
    #[arg(long, value_name = "TIME", value_parser = flag::<Duration>())]
    every: Option<Duration>,
    /// Play the requests so many times [default: 1]
    #[arg(long, value_name = "N", default_value_t = 1, hide_default_value = true)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    count: u64,
    /// Send a request that was not taken so many times more [default: 0]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    retry: u32,
    /// Wait so long before the second try, and twice as long before each further one [default: 1s]
    #[arg(long, value_name = "TIME", value_parser = flag::<Duration>())]
    backoff: Option<Duration>,
    /// The config file [default: harmock.toml here or in a folder above]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
    #[command(flatten)]
    templates: TemplateFlags,
    #[command(flatten)]
    reached: ReachedFlags,
}

pub(crate) fn run(args: &Args) -> CommandResult {
    let mut layers = Layers::load(args.config.as_deref())?;
    let config = args.reached.config(&mut layers)?;
    let templates = args.templates.read(&mut layers)?;
    let fields = args.header.iter().map(|text| field(text)).collect::<anyhow::Result<Vec<_>>>()?;
    let requests = args.requests(&templates, &fields)?;
    let is_web = |url: &CanonicalUrl| url.as_str().starts_with("http:") || url.as_str().starts_with("https:");
    let to = CanonicalUrl::parse(&args.to).filter(is_web).context("--to is not an http or https URL")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
    let undelivered = runtime.block_on(async {
        let sender = Sender {
            upstream: upstream(&config)?,
            to,
            fields,
            signatures: args.signatures(&templates)?,
            retry: args.retry,
            backoff: args.backoff.unwrap_or(Duration::from_secs(1)),
            idle: config.idle,
        };
        args.play(&sender, &requests, &templates).await
    });
    runtime.shutdown_background();
    let undelivered = undelivered?;
    let sent = requests.len() as u64 * args.count;
    let delivered = count(sent - undelivered.len() as u64, "request");
    anstream::eprintln!("{delivered} delivered, {} not delivered", undelivered.len());
    undelivered.iter().for_each(|line| anstream::eprintln!("not delivered: {line}"));
    Ok(if undelivered.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A request with what people call it.
struct Called {
    title: String,
    outgoing: Outgoing,
    /// Where it is a template: how, and with which variables it is rendered.
    templates: Option<Compiled>,
}

impl Called {
    /// Sends it as it stands, or rendered: once, however often it has to be sent.
    async fn deliver(&self, sender: &Sender, chance: &Chance) -> Delivery {
        let Some((templates, variables)) = &self.templates else { return sender.deliver(&self.outgoing).await };
        let scene = Scene::new(None, variables, chance);
        match templates.render(&self.outgoing, &sender.fields, &scene) {
            Ok((outgoing, fields)) => Sender { fields, ..sender.clone() }.deliver(&outgoing).await,
            Err(error) => Delivery { attempts: 0, outcome: Outcome::Failed(format!("it cannot be rendered: {error}")) },
        }
    }
}

impl Args {
    fn requests(&self, templates: &Templates, fields: &[GivenField]) -> anyhow::Result<Vec<Called>> {
        let named = || self.archive.display().to_string();
        let file = Readable::of(&self.archive)?;
        let archive = Archive::open_unchecked(&file.path, &Limits::default())?;
        let all = || archive.entries().iter().map(|entry| entry.ordinal);
        let chosen: Vec<usize> = match &self.entry[..] {
            [] => all().collect(),
            wanted => {
                let find = |wanted: &String| self.chosen(&archive, wanted).with_context(named);
                wanted.iter().map(find).collect::<anyhow::Result<_>>()?
            }
        };
        let mut requests = Vec::new();
        for ordinal in chosen {
            let entry = archive.entry(ordinal);
            let entry = entry.with_context(|| format!("entry {ordinal} of {} is no HTTP request", named()))?;
            for place in &entry.redacted {
                let telling = "sends what stands in the place of a secret";
                anstream::eprintln!("warning: {}#{ordinal} {telling} ({place}); --header sends another", named());
            }
            let name = archive.entry_name(ordinal)?;
            let called = name.unwrap_or_else(|| entry.request.url.as_str().to_owned());
            let title = format!("{}#{ordinal} {} {}", named(), entry.request.method, visible(&called, &[]));
            let outgoing = Outgoing::of(&archive, entry).with_context(named)?;
            let compiled = templates.compile(entry, &outgoing, fields);
            let templates = compiled.with_context(|| format!("{}#{ordinal}", named()))?;
            requests.push(Called { title, outgoing, templates });
        }
        if requests.is_empty() {
            bail!("{} holds no request to send", named());
        }
        Ok(requests)
    }

    /// By name, else as the other commands find an entry.
    fn chosen(&self, archive: &Archive, wanted: &str) -> anyhow::Result<usize> {
        for ordinal in 0..archive.entry_count() {
            if archive.entry_name(ordinal)?.as_deref() == Some(wanted) {
                return Ok(ordinal);
            }
        }
        find(archive, wanted)
    }

    fn signatures(&self, templates: &Templates) -> anyhow::Result<Vec<Signature>> {
        let variable = |name: &str| templates.variable(name).or_else(|| std::env::var(name).ok());
        let signatures = self.sign.iter().map(|text| Signature::parse(text, &variable).context("--sign"));
        signatures.collect()
    }

    /// Sends them all, and gives a line for each that was not taken.
    async fn play(&self, sender: &Sender, requests: &[Called], templates: &Templates) -> anyhow::Result<Vec<String>> {
        let mut undelivered = Vec::new();
        let mut due = Instant::now();
        for called in (0..self.count).flat_map(|_| requests) {
            tokio::time::sleep_until(due).await;
            due += self.every.unwrap_or_default();
            let delivery = called.deliver(sender, &templates.chance).await;
            let line = shown_text(&told(called, &delivery)).into_owned();
            print(format!("{line}\n").as_bytes())?;
            if let Outcome::Answered { body, .. } = &delivery.outcome
                && !delivery.is_accepted()
            {
                shown_text(body).lines().take(3).for_each(|line| anstream::eprintln!("    {}", visible(line, &['\t'])));
            }
            if !delivery.is_accepted() {
                undelivered.push(line);
            }
        }
        Ok(undelivered)
    }
}

fn told(called: &Called, delivery: &Delivery) -> String {
    let tries = if delivery.attempts > 1 { format!(", {} tries", delivery.attempts) } else { String::new() };
    format!("{}: {}{tries}", called.title, delivery.outcome)
}

/// A field as people write it; without a value, one that is not to be sent.
fn field(text: &str) -> anyhow::Result<GivenField> {
    let bad = || format!("--header {text:?} is not NAME: VALUE");
    let (name, value) = text.split_once(':').with_context(bad)?;
    let name = HeaderName::from_bytes(name.trim().as_bytes()).with_context(bad)?;
    let value = Some(value.trim()).filter(|value| !value.is_empty());
    Ok((name, value.map(HeaderValue::from_str).transpose().with_context(bad)?))
}
