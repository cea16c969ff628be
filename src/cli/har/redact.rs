//! `harmock har redact`: takes the secrets out of an archive that is there.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::whole;
use crate::archive::{Payloads, WriteError, rewrite};
use crate::cli::CommandResult;
use crate::cli::settings::Layers;
use crate::cli::settings::value::{Item, flag};
use crate::record::hold_existing;
use crate::redact::{
    Bodies, Echoes, LARGEST_BODY, Numbering, Place, RewrittenLog, Rules, Sought, Spec, is_har, rewrite_log,
};

/// Replaces the secrets in an archive, as recording does, whatever program wrote it.
///
/// The archive is changed in place, in one step; everything but the values stays byte for byte. Payload files that change get
/// the names of their new hashes. Running it again changes nothing.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A `.har` or a `.zip`
    #[arg(value_name = "ARCHIVE")]
    archive: PathBuf,
    /// Write another archive and leave this one as it is
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrite a file that is there
    #[arg(long)]
    force: bool,
    /// Also replace the values of this place, such as json:$.user.iban; repeatable
    #[arg(long, value_name = "PLACE", value_parser = flag::<Item<Spec>>())]
    redact: Vec<Item<Spec>>,
}

pub(crate) fn run(args: Args) -> CommandResult {
    let rules = rules(&args.redact)?;
    let target = args.output.as_deref().unwrap_or(&args.archive);
    if args.output.is_some() && target.exists() && !args.force {
        return Err(WriteError::Exists { path: target.to_path_buf() }.into());
    }
    let _held = hold_existing(target)?;
    let source = whole(&args.archive)?;
    let redacted = rewrite(&source.path, target, |text, payloads| redact(&args.archive, text, &rules, payloads))?;
    let entries = if redacted == 1 { "entry" } else { "entries" };
    anstream::eprintln!("{}: secrets replaced in {redacted} {entries}", target.display());
    Ok(ExitCode::SUCCESS)
}

/// The documented list, and what flags, variables and the file add to it.
pub(super) fn rules(more: &[Item<Spec>]) -> anyhow::Result<Rules> {
    let mut layers = Layers::load(None)?;
    Ok(Rules::listed_and(&layers.list("redact", more, Vec::new())?))
}

fn redact(
    archive: &Path,
    text: &str,
    rules: &Rules,
    payloads: &mut Payloads<'_>,
) -> Result<(String, usize), WriteError> {
    if !is_har(text) {
        let reason = "it has no log.entries".to_owned();
        return Err(WriteError::Existing { path: archive.to_path_buf(), reason });
    }
    let failed = |error: io::Error| WriteError::Existing { path: archive.to_path_buf(), reason: error.to_string() };
    let (mut numbering, mut sought) = (Numbering::default(), Sought::default());
    // What is redacted already keeps its number, so it has to be known before the first number is given; and a value may
    // stand elsewhere in front of its place.
    let mut look = |place: &Place| {
        numbering.note(place);
        sought.note(place);
        String::from_utf8_lossy(&place.secret).into_owned()
    };
    rewrite_log(text, rules, None, &mut look, &mut Looking(payloads)).map_err(failed)?;
    numbering.number_noted();
    let echoes = Echoes::of(sought);
    let mut with = |place: &Place| numbering.replacement(place);
    let RewrittenLog { text, entries } =
        rewrite_log(text, rules, echoes.as_ref(), &mut with, &mut Changing(payloads)).map_err(failed)?;
    Ok((text, entries))
}

/// Payloads that are read and stay as they are.
pub(super) struct Looking<'a, 'p>(pub(super) &'a mut Payloads<'p>);

impl Bodies for Looking<'_, '_> {
    fn read(&mut self, name: &str) -> io::Result<Option<Vec<u8>>> {
        self.0.read(name, LARGEST_BODY).map_err(io::Error::other)
    }

    fn hash(&mut self, name: &str) -> io::Result<Option<[u8; 32]>> {
        self.0.hash(name).map_err(io::Error::other)
    }

    fn keep(&mut self, name: &str, _content: Vec<u8>) -> io::Result<String> {
        Ok(name.to_owned())
    }
}

/// Payloads that give way to what becomes of them.
struct Changing<'a, 'p>(&'a mut Payloads<'p>);

impl Bodies for Changing<'_, '_> {
    fn read(&mut self, name: &str) -> io::Result<Option<Vec<u8>>> {
        Looking(self.0).read(name)
    }

    fn hash(&mut self, name: &str) -> io::Result<Option<[u8; 32]>> {
        Looking(self.0).hash(name)
    }

    fn keep(&mut self, name: &str, content: Vec<u8>) -> io::Result<String> {
        self.0.keep(name, &content).map_err(io::Error::other)
    }
}
