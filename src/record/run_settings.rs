//! What a run was asked to make of what it records: kept in its journal, for whoever has to finish that.

use serde::{Deserialize, Serialize};

use crate::archive::WriterOptions;
use crate::redact::Rules;

/// The settings by which a journal becomes an archive. A field that a journal does not have is as it is by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunSettings {
    /// How the archive is written.
    pub archive: WriterOptions,
    /// Which values are replaced because they are secrets.
    pub redact: Rules,
}
