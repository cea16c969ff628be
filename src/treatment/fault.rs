//! What goes wrong on purpose: always, or with a probability.

use std::fmt;

use super::By;
use super::chance::Chance;

/// Something that goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// What.
    pub kind: FaultKind,
    /// How often, from 0 to 1.
    pub probability: f64,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// Another answer than the recorded one.
    Answer {
        /// Its status.
        status: u16,
        /// Its body; empty where there is none.
        body: Box<str>,
        /// What the body is; none: JSON or text, as it looks.
        content_type: Option<Box<str>>,
    },
    /// The connection ends without an answer.
    Empty,
    /// The connection is reset before the answer.
    Reset,
    /// It is reset in the middle of the body.
    ResetBody,
    /// Nothing comes after the middle of the body.
    StallBody,
    /// The TLS handshake fails.
    Tls,
    /// The body is shorter than its length says.
    WrongLength,
}

impl FaultKind {
    /// The kinds that have a name of their own, and nothing else to say.
    pub const NAMED: [(&'static str, Self); 6] = [
        ("empty", Self::Empty),
        ("reset", Self::Reset),
        ("reset-body", Self::ResetBody),
        ("stall-body", Self::StallBody),
        ("tls", Self::Tls),
        ("wrong-length", Self::WrongLength),
    ];

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMED.into_iter().find(|(known, _)| *known == name).map(|(_, kind)| kind)
    }
}

/// `reset`, or the status of another answer.
impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer { status, .. } => write!(f, "{status}"),
            other => f.write_str(Self::NAMED.iter().find(|(_, kind)| kind == other).map_or("", |(name, _)| name)),
        }
    }
}

/// The faults of one rule, each with its own draws.
#[derive(Debug)]
pub struct Faults {
    by: By,
    armed: Vec<(Fault, Chance)>,
}

impl Faults {
    pub(super) fn new(faults: &[Fault], by: By, seed: u64) -> Self {
        let armed = faults.iter().zip(1..).map(|(fault, number)| {
            let purpose = format!("{} {number}", by.name("fault"));
            (fault.clone(), Chance::new(seed, &purpose))
        });
        Self { by, armed: armed.collect() }
    }

    /// What goes wrong with the next answer, and what is told of it; the first fault that strikes.
    pub fn draw(&self) -> Option<(&FaultKind, String)> {
        self.strike(|kind| *kind != FaultKind::Tls)
    }

    /// Whether the next handshake fails, and what is told of it.
    pub fn draw_tls(&self) -> Option<String> {
        self.strike(|kind| *kind == FaultKind::Tls).map(|(_, what)| what)
    }

    fn strike(&self, counts: impl Fn(&FaultKind) -> bool) -> Option<(&FaultKind, String)> {
        let mut counting = self.armed.iter().filter(|(fault, _)| counts(&fault.kind));
        let (fault, _) = counting.find(|(fault, chance)| chance.fraction() < fault.probability)?;
        Some((&fault.kind, self.by.name(&format!("fault {}", fault.kind))))
    }

    /// What they are.
    pub fn lines(&self) -> impl Iterator<Item = String> + '_ {
        self.armed.iter().map(|(fault, _)| {
            let often = if fault.probability < 1.0 { format!(" with {}", fault.probability) } else { String::new() };
            format!("{}{often}", self.by.name(&format!("fault {}", fault.kind)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_strike_as_often_as_they_should_the_first_of_them_first() {
        let fault = |kind, probability| Fault { kind, probability };
        let faults = [fault(FaultKind::Reset, 0.2), fault(FaultKind::Empty, 0.5), fault(FaultKind::Tls, 1.0)];
        let drawn = |seed| {
            let faults = Faults::new(&faults, By::Rule(1), seed);
            (0..10_000).map(|_| faults.draw().map(|(kind, _)| kind.clone())).collect::<Vec<_>>()
        };
        let first = drawn(1);
        let count = |kind| first.iter().filter(|drawn| **drawn == kind).count();
        assert!((1_800..2_200).contains(&count(Some(FaultKind::Reset))));
        assert!((3_700..4_300).contains(&count(Some(FaultKind::Empty))));
        assert_eq!(count(Some(FaultKind::Tls)), 0, "a handshake is none of an answer");
        assert!(first == drawn(1) && first != drawn(2));
    }

    #[test]
    fn what_is_told_names_the_rule_and_the_fault() {
        let kind = FaultKind::Answer { status: 503, body: "".into(), content_type: None };
        let faults = Faults::new(&[Fault { kind, probability: 1.0 }], By::Rule(2), 0);
        assert_eq!(faults.draw().map(|(_, what)| what).as_deref(), Some("rule 2 fault 503"));
        assert_eq!(FaultKind::named("reset-body"), Some(FaultKind::ResetBody));
    }
}
