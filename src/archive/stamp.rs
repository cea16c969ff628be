//! Telling whether a payload file has changed since it was read.

use std::time::SystemTime;

use super::Archive;
use crate::har::StoredBody;

/// The state of a payload file: two different contents have two different stamps, as far as the file system tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
}

impl Archive {
    /// The state of the file behind a body, or `None` where there is no such file: embedded bodies and those in a zip
    /// change only when the archive is loaded anew.
    pub fn stamp(&self, body: &StoredBody) -> Option<Stamp> {
        let StoredBody::File(name) = body else { return None };
        let file = self.path().parent()?.join(&**name);
        let state = std::fs::metadata(file).ok()?;
        Some(Stamp { modified: state.modified().ok(), length: state.len() })
    }
}
