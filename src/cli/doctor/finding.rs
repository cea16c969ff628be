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
    /// The variable, file or address; several variables that have the same fault.
    #[serde(rename = "where", serialize_with = "joined")]
    pub(super) place: Vec<String>,
    pub(super) what: String,
    /// Empty where `what` says it already.
    #[serde(rename = "do")]
    pub(super) remedy: String,
}

impl Finding {
    pub(super) fn fault(place: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { weight: Weight::Fault, place: vec![place.into()], what: what.into(), remedy: remedy.into() }
    }

    pub(super) fn note(place: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { weight: Weight::Note, ..Self::fault(place, what, remedy) }
    }
}

/// One finding for what is wrong in several places alike, in the order of the first ones.
pub(super) fn merged(findings: Vec<Finding>) -> Vec<Finding> {
    let mut told: Vec<Finding> = Vec::new();
    for finding in findings {
        let Finding { weight, what, remedy, .. } = &finding;
        let known = told.iter_mut().find(|known| (&known.weight, &known.what, &known.remedy) == (weight, what, remedy));
        match known {
            Some(known) => {
                let new = finding.place.into_iter().filter(|place| !known.place.contains(place)).collect::<Vec<_>>();
                known.place.extend(new);
            }
            None => told.push(finding),
        }
    }
    told
}

fn joined<S: serde::Serializer>(places: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&places.join(", "))
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { weight, place, what, remedy } = self;
        let note = if *weight == Weight::Note { "note: " } else { "" };
        write!(f, "{note}{}: {what}", place.join(", "))?;
        if remedy.is_empty() { Ok(()) } else { write!(f, "; {remedy}") }
    }
}
