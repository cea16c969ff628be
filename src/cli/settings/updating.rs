//! Whether a replay is to record instead, and into which archive.

use std::path::PathBuf;

use super::choice::Updating;
use super::error::SettingsError;
use super::layers::Layers;
use super::place::ArchivePath;
use crate::cli::replay::ReplayArgs;
use crate::proxy::Update;

/// Whether this replay is to record instead. In CI a recording would pass for a test that passed.
pub(super) fn update(layers: &mut Layers, args: &ReplayArgs) -> Result<Option<Update>, SettingsError> {
    let forced = layers.one("force-update", args.force_update.as_ref(), false)?;
    let Updating(update) = layers.one("update", args.update.as_ref(), Updating(None))?;
    let in_ci = std::env::var("CI").is_ok_and(|ci| matches!(ci.as_str(), "true" | "1"));
    if update.is_some() && in_ci && !forced {
        let message = "CI is set, and `update` would record instead of replaying; take it away, or add --force-update";
        return Err(SettingsError::Conflict(message.to_owned()));
    }
    Ok(update)
}

/// The one archive that is named, unless `har` says which one to write; none: the default of `har`.
pub(super) fn archive_to_update(layers: &mut Layers, args: &ReplayArgs) -> Result<Option<PathBuf>, SettingsError> {
    let default = ArchivePath(PathBuf::new());
    let (_, rank) = layers.ranked("har", args.scope.har.as_ref(), default)?;
    if rank > 0 {
        return Ok(None);
    }
    let archives = layers.list("archives", &args.archives, Vec::<PathBuf>::new())?;
    let is_archive =
        |path: &&PathBuf| path.extension().is_some_and(|extension| extension == "har" || extension == "zip");
    let mut named = archives.iter().filter(is_archive);
    match (named.next(), named.next()) {
        (Some(_), Some(_)) => Err(SettingsError::Conflict(
            "--update writes one archive, and several are named; say with --har which one it is".to_owned(),
        )),
        (only, _) => Ok(only.cloned()),
    }
}
