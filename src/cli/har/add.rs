//! `harmock har add`: an answer that no traffic has.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use bytes::Bytes;
use clap::ValueHint;

use super::find::find;
use super::kept::{KeptFlags, runtime, told};
use crate::archive::{Archive, Limits, Update, media_type_of};
use crate::cli::CommandResult;
use crate::cli::reached::{ReachedFlags, upstream};
use crate::cli::report::count;
use crate::cli::settings::value::flag;
use crate::cli::settings::{ArchivePath, Layers};
use crate::examples::{Example, call, curl, example_of, history, text_fields};
use crate::har::fields::is_token;
use crate::message::CanonicalUrl;
use crate::record::Readable;
use crate::redact::shown_url;

const EXAMPLE: &str = "An example written here";
const CALL: &str = "An example from a call";
const HISTORY: &str = "Examples from what happened";
const WRITING: &str = "Writing";

/// Add an example: an answer that no traffic has.
///
/// `harmock har add hars/api.har --url https://api.example.com/users/7 --status 404 --body '{"error":"no such user"}'`
/// writes an entry that replay answers with. Several answers to one URL stand side by side. `--from-request 'curl …'`
/// makes the call and adds what comes back; `--from trace.har` takes entries of a trace or of another HAR. A later
/// `harmock record --update merge` leaves examples alone.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The `.har` or `.zip` to add to; made where there is none
    #[arg(value_name = "FILE", value_parser = flag::<ArchivePath>(), value_hint = ValueHint::FilePath)]
    archive: ArchivePath,
    /// What the example is called
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    written: Written,
    /// Make the call of this curl command, and add its answer
    ///
    /// The text is what browsers, Postman and Insomnia copy "as cURL", for a POSIX shell or for Windows. No shell and no
    /// curl is run; files that the text names are read from the current folder and those in it alone.
    #[arg(long, value_name = "CURL", help_heading = CALL, conflicts_with_all = ["url", "from"])]
    from_request: Option<String>,
    /// Take entries of this trace, or of any other HAR
    #[arg(long, value_name = "HAR", help_heading = HISTORY, conflicts_with = "url", value_hint = ValueHint::FilePath)]
    from: Option<PathBuf>,
    /// The entry's number in `har ls`, its URL, or a part of the URL that only this entry has; repeatable
    #[arg(long, value_name = "ENTRY", help_heading = HISTORY, requires = "from")]
    entry: Vec<String>,
    /// Take every entry that holds an answer
    #[arg(long, help_heading = HISTORY, requires = "from", conflicts_with = "entry")]
    all: bool,
    #[command(flatten, next_help_heading = WRITING)]
    kept: KeptFlags,
    #[command(flatten)]
    reached: ReachedFlags,
}

/// An example from flags alone.
#[derive(Debug, clap::Args)]
struct Written {
    /// The URL that is asked for
    #[arg(long, value_name = "URL", help_heading = EXAMPLE)]
    url: Option<String>,
    /// The method that it is asked for with [default: GET]
    #[arg(long, value_name = "METHOD", help_heading = EXAMPLE, requires = "url")]
    method: Option<String>,
    /// The request's payload, or the file behind an `@`; without one, any payload is answered
    #[arg(long, value_name = "TEXT", help_heading = EXAMPLE, requires = "url")]
    payload: Option<String>,
    /// The answer's status [default: 200]
    #[arg(long, value_name = "STATUS", help_heading = EXAMPLE, requires = "url")]
    #[arg(value_parser = clap::value_parser!(u16).range(100..=999))]
    status: Option<u16>,
    /// A field of the answer, `NAME: VALUE`; repeatable
    #[arg(long, value_name = "FIELD", help_heading = EXAMPLE, requires = "url")]
    header: Vec<String>,
    /// The answer's body, or the file behind an `@`
    #[arg(long, value_name = "TEXT", help_heading = EXAMPLE, requires = "url")]
    body: Option<String>,
}

pub(crate) fn run(args: &Args) -> CommandResult {
    let mut layers = Layers::load(args.kept.config.as_deref())?;
    let keeping = args.kept.keeping(&mut layers)?;
    let mut examples = args.examples(&mut layers)?;
    if let (Some(name), Some(last)) = (&args.name, examples.last_mut()) {
        last.name.clone_from(name);
    }
    let archive = &args.archive.0;
    let finished = keeping.keep(archive, &examples, Update::Append)?;
    for example in &examples {
        let name = if example.name.is_empty() { String::new() } else { format!(" ({})", example.name) };
        let url = shown_url(example.url.as_str());
        anstream::eprintln!("{} {url}: {}{name}", example.method, example.status);
    }
    let added = count(examples.len() as u64, "example");
    anstream::eprintln!("{}: {added} added{}", archive.display(), told(&finished));
    Ok(ExitCode::SUCCESS)
}

impl Args {
    fn examples(&self, layers: &mut Layers) -> anyhow::Result<Vec<Example>> {
        match (&self.written.url, &self.from_request, &self.from) {
            (Some(url), ..) => Ok(vec![self.written.example(url)?]),
            (None, Some(text), _) => self.called(text, layers),
            (None, None, Some(_)) => self.happened(),
            (None, None, None) => {
                bail!("there is nothing to add; name a --url, or take --from-request 'curl …' or --from trace.har")
            }
        }
    }

    fn called(&self, text: &str, layers: &mut Layers) -> anyhow::Result<Vec<Example>> {
        let call = curl::Call::parse(text).context("--from-request")?;
        let mut config = self.reached.config(layers)?;
        config.insecure |= call.insecure;
        let idle = config.idle;
        let runtime = runtime()?;
        let answers = runtime.block_on(async {
            let upstream = upstream(&config)?;
            Ok::<_, anyhow::Error>(call::perform(&call, &upstream, idle).await?)
        });
        runtime.shutdown_background();
        answers
    }

    fn happened(&self) -> anyhow::Result<Vec<Example>> {
        let Some(path) = &self.from else { return Ok(Vec::new()) };
        let file = Readable::of(path)?;
        let archive = Archive::open_unchecked(&file.path, &Limits::default())?;
        if !self.all && self.entry.is_empty() {
            bail!(
                "which of the {} of {}? Name them with --entry, as `harmock har ls` lists them, or take --all",
                count(archive.entry_count() as u64, "entry"),
                path.display()
            );
        }
        let mut examples = Vec::new();
        for wanted in &self.entry {
            let ordinal = find(&archive, wanted).with_context(|| path.display().to_string())?;
            examples.push(history::example(&archive, ordinal).with_context(|| path.display().to_string())?);
        }
        for ordinal in (0..archive.entry_count()).filter(|_| self.all) {
            match history::example(&archive, ordinal) {
                Ok(example) => examples.push(example),
                Err(error) => anstream::eprintln!("left out: {}: {error}", path.display()),
            }
        }
        if examples.is_empty() {
            bail!("{} holds no answer that could be taken", path.display());
        }
        Ok(examples)
    }
}

impl Written {
    fn example(&self, url: &str) -> anyhow::Result<Example> {
        let is_web = |url: &CanonicalUrl| url.as_str().starts_with("http:") || url.as_str().starts_with("https:");
        let url = CanonicalUrl::parse(url).filter(is_web);
        let url = url.context("--url is not an http or https URL")?;
        let method = self.method.as_deref().unwrap_or("GET");
        if !is_token(method) {
            bail!("--method {method:?} is not a method");
        }
        let mut example = example_of(method, url, self.status.unwrap_or(200));
        let mut fields = self.header.iter().map(|text| field(text)).collect::<anyhow::Result<Vec<_>>>()?;
        if let Some(body) = &self.body {
            let (bytes, media_type) = content("--body", body)?;
            if !bytes.is_empty() && fields.iter().all(|(name, _)| name != "content-type") {
                fields.insert(0, ("content-type".to_owned(), media_type));
            }
            example.body = bytes;
        }
        if let Some(payload) = &self.payload {
            let (bytes, media_type) = content("--payload", payload)?;
            example.payload = bytes;
            example.request_fields = text_fields(vec![("content-type".to_owned(), media_type)]);
        }
        example.fields = text_fields(fields);
        Ok(example)
    }
}

/// A field as people write it.
fn field(text: &str) -> anyhow::Result<(String, String)> {
    let (name, value) = text.split_once(':').with_context(|| format!("--header {text:?} is not NAME: VALUE"))?;
    let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().to_owned());
    if !is_token(&name) || value.contains(|char: char| char.is_control() && char != '\t') {
        bail!("--header {text:?} is not a field that HTTP can carry");
    }
    if matches!(name.as_str(), "content-encoding" | "transfer-encoding") {
        bail!("--header {name}: a body is written without a coding; replay sends it so");
    }
    Ok((name, value))
}

/// The text, or the file behind its `@`, and what it looks like.
fn content(flag: &str, text: &str) -> anyhow::Result<(Bytes, String)> {
    let Some(path) = text.strip_prefix('@') else {
        return Ok((Bytes::from(text.to_owned()), looks_like(text.as_bytes()).to_owned()));
    };
    let bytes = std::fs::read(path).with_context(|| format!("{flag}: cannot read {path}"))?;
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    let media_type = media_type_of(extension).unwrap_or_else(|| looks_like(&bytes).to_owned());
    Ok((bytes.into(), media_type))
}

fn looks_like(bytes: &[u8]) -> &'static str {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.trim_start().starts_with(['{', '[']) && is_json(text) => "application/json",
        Ok(_) => "text/plain; charset=utf-8",
        Err(_) => "application/octet-stream",
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}
