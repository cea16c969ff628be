//! What a run was asked to make of what it records: kept in its journal, for whoever has to finish that.

use serde::{Deserialize, Serialize};

use crate::archive::WriterOptions;

/// The settings by which a journal becomes an archive. A field that a journal does not have is as it is by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunSettings {
    /// How the archive is written.
    pub archive: WriterOptions,
    /// What becomes of the entries that the archive has.
    pub update: Update,
}

/// What a recording does with the entries that its archive holds already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Update {
    /// The new recording takes the place of the old one.
    #[default]
    Replace,
    /// Keep all and add.
    Append,
}
