//! One thing that was found, as a line and as JSON.

use std::fmt;

use serde::Serialize;

/// How much it weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Weight {
    /// It keeps a client from the proxy, or from trusting it.
    Fault,
    /// It may be so on purpose.
    Note,
}

/// What was found, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) weight: Weight,
    /// The variable, file or address.
    #[serde(rename = "where")]
    pub(super) place: String,
    pub(super) what: String,
    /// Empty where `what` says it already.
    #[serde(rename = "do")]
    pub(super) remedy: String,
}

impl Finding {
    pub(super) fn fault(place: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { weight: Weight::Fault, place: place.into(), what: what.into(), remedy: remedy.into() }
    }

    pub(super) fn note(place: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { weight: Weight::Note, ..Self::fault(place, what, remedy) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { weight, place, what, remedy } = self;
        let note = if *weight == Weight::Note { "note: " } else { "" };
        write!(f, "{note}{place}: {what}")?;
        if remedy.is_empty() { Ok(()) } else { write!(f, "; {remedy}") }
    }
}
