//! Putting examples into an archive, as a recording would put what passed.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::ValueHint;

use crate::archive::{Archive, BodyStorage, Limits, Update, WriterOptions};
use crate::cli::flags::ScopeFlags;
use crate::cli::report::count;
use crate::cli::settings::value::{Item, flag};
use crate::cli::settings::{Layers, redact};
use crate::har::StoredBody;
use crate::record::{Example, Finished, Recorder, RunSettings, Tell};
use crate::redact::{Rules, Spec};

/// How what is written is written.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct KeptFlags {
    /// Where bodies go [default: where those of the archive are, else attach]
    #[arg(long, value_name = "WHERE", value_parser = flag::<BodyStorage>())]
    content: Option<BodyStorage>,
    /// Also replaces the values of this place, such as json:$.user.iban; repeatable
    #[arg(long, value_name = "PLACE", value_parser = flag::<Item<Spec>>())]
    redact: Vec<Item<Spec>>,
    /// The requests are to be sent by `harmock send`, and not to be answered: marks the archive so
    #[arg(long)]
    outgoing: bool,
    /// Writes secrets as they are
    #[arg(long, value_name = "BOOL", value_parser = flag::<bool>())]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    no_redact: Option<bool>,
    /// The config file [default: harmock.toml here or in a folder above]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) config: Option<PathBuf>,
}

/// What the flags come to.
pub(super) struct Keeping {
    content: Option<BodyStorage>,
    outgoing: bool,
    rules: Rules,
}

impl KeptFlags {
    /// With the variables and the file under them.
    pub(super) fn keeping(&self, layers: &mut Layers) -> anyhow::Result<Keeping> {
        let scope = ScopeFlags { redact: self.redact.clone(), no_redact: self.no_redact, ..ScopeFlags::default() };
        let content = match layers.ranked("content", self.content.as_ref(), BodyStorage::Attach)? {
            (content, rank) if rank > 0 => Some(content),
            _ => None,
        };
        Ok(Keeping { content: self.content.or(content), outgoing: self.outgoing, rules: redact(layers, &scope)? })
    }
}

impl Keeping {
    /// Writes the examples: behind the entries of the archive, or in their place. Blocks.
    pub(super) fn keep(&self, archive: &Path, examples: &[Example], update: Update) -> anyhow::Result<Finished> {
        // An example without its body is none.
        let content = used(archive).or(self.content).filter(|content| *content != BodyStorage::Omit);
        let options = WriterOptions {
            storage: content.unwrap_or_default(),
            update,
            outgoing: self.outgoing,
            ..WriterOptions::default()
        };
        let settings = RunSettings { archive: options, redact: self.rules.clone() };
        let tell = Tell::new(|line| anstream::eprintln!("{line}"));
        let recorder = Recorder::open(archive, &settings, tell)?;
        runtime()?.block_on(async {
            for example in examples {
                recorder.keep(example).await;
            }
        });
        let recorded = recorder.close()?;
        if let Some(first) = &recorded.spooled.first_error {
            anyhow::bail!(
                "{}: {} of {} examples could not be written: {first}",
                archive.display(),
                recorded.spooled.lost,
                examples.len()
            );
        }
        recorded.finished.context("there was nothing to write")
    }
}

/// A runtime for a command that waits for one thing at a time.
pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")
}

/// Where the archive that is there has its bodies; none where it has none, or cannot be read.
fn used(archive: &Path) -> Option<BodyStorage> {
    let archive = Archive::open_unchecked(archive, &Limits::default()).ok()?;
    let bodies = || archive.entries().iter().flat_map(|entry| entry.bodies());
    let attached = bodies().any(|body| matches!(body, StoredBody::File(_)));
    let embedded = bodies().any(|body| matches!(body, StoredBody::Embedded { span, .. } if !span.is_empty()));
    match (attached, embedded) {
        (true, _) => Some(BodyStorage::Attach),
        (false, true) => Some(BodyStorage::Embed),
        (false, false) => None,
    }
}

/// The secrets that were replaced, for people.
pub(super) fn told(finished: &Finished) -> String {
    match finished.redacted {
        0 => String::new(),
        entries => format!("; secrets replaced in {} (--no-redact keeps them)", count(entries as u64, "entry")),
    }
}
