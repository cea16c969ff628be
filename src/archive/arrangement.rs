//! Which entries a new version of an archive has, and in which order: those of this run, those that were there, and
//! for each that changed in nothing but volatile fields the bytes that it had.

use std::collections::HashMap;
use std::fmt;

use super::entry_spool::EntrySpool;
use super::previous::{Origin, Previous};
use super::sort_key::Asked;
use super::write_error::WriteError;
use super::writer::WriterOptions;
use super::{BodyStorage, Update};
use crate::har::{Detail, Volatile};

/// One entry of the new version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A carried entry, by its place among these.
    Carried(usize),
    /// An entry of this run, by its place among these.
    New(usize),
    /// The text that an entry had in the previous version, in the place of the one of this run.
    Unchanged { previous: usize, new: usize },
}

/// An entry that somebody edited by hand, and that was kept although the run saw its request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptEdit {
    /// Its place in the new version, from zero.
    pub entry: usize,
    /// Its method.
    pub method: String,
    /// Its URL.
    pub url: String,
    /// Its payload files that were edited.
    pub payloads: Vec<String>,
}

impl fmt::Display for KeptEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {}: {} {}", self.entry, self.method, self.url)?;
        if !self.payloads.is_empty() {
            write!(f, " (payload {})", self.payloads.join(", "))?;
        }
        Ok(())
    }
}

/// What a new version consists of.
#[derive(Debug, Default)]
pub(crate) struct Arranged {
    /// Its entries, in order.
    pub(crate) pieces: Vec<Piece>,
    /// What was left as somebody edited it.
    pub(crate) kept_edits: Vec<KeptEdit>,
}

/// Arranges the entries of a spool whose new ones are sorted.
pub(crate) struct Arrangement<'a> {
    pub(crate) spool: &'a EntrySpool,
    pub(crate) previous: Option<&'a Previous>,
    pub(crate) options: &'a WriterOptions,
    pub(crate) volatile: Volatile,
}

impl Arrangement<'_> {
    /// Decides.
    pub(crate) fn arrange(&self) -> Result<Arranged, WriteError> {
        match self.previous {
            Some(previous) if self.options.update == Update::Merge => self.merge(previous),
            _ => self.behind_carried(),
        }
    }

    /// Carried entries as they came, and all new ones behind them.
    fn behind_carried(&self) -> Result<Arranged, WriteError> {
        let mut pieces: Vec<Piece> = (0..self.spool.carried()).map(Piece::Carried).collect();
        let mut turns: HashMap<Asked, usize> = HashMap::new();
        for new in 0..self.spool.added() {
            let asked = self.asked(new);
            let before = self.previous.map(|previous| {
                let turn = turns.entry(asked.clone()).or_default();
                *turn += 1;
                previous.nth(&asked, *turn - 1)
            });
            pieces.push(self.unless_unchanged(before.flatten(), new)?);
        }
        Ok(Arranged { pieces, kept_edits: Vec::new() })
    }

    /// The new entries, and of those that were there the ones that the run did not see or that somebody edited.
    fn merge(&self, previous: &Previous) -> Result<Arranged, WriteError> {
        let mut placed = Placed::default();
        let mut seen = self.seen();
        for ordinal in 0..previous.len() {
            let Some(asked) = previous.asked(ordinal) else {
                placed.put(previous.said(ordinal), ordinal, Piece::Carried(ordinal));
                continue;
            };
            let Some(group) = seen.get_mut(asked) else {
                placed.put(asked.clone(), ordinal, Piece::Carried(ordinal));
                continue;
            };
            let (turn, new) = (group.turn, group.new.get(group.turn).copied());
            let origin = previous.origin(ordinal)?;
            if origin == Origin::Example {
                // It stands beside what is recorded, in the place of none of it.
                placed.put(asked.clone(), turn, Piece::Carried(ordinal));
                continue;
            }
            group.turn += 1;
            let origin = if self.options.overwrite_edits { Origin::Recorded } else { origin };
            if let Origin::Edited(payloads) = origin {
                placed.put(asked.clone(), turn, Piece::Carried(ordinal));
                placed.edits.push((ordinal, asked.clone(), payloads));
            } else if let Some(new) = new {
                placed.put(asked.clone(), turn, self.unless_unchanged(Some(ordinal), new)?);
            }
        }
        for (asked, group) in seen {
            for (turn, new) in group.new.iter().enumerate().skip(group.turn) {
                placed.put(asked.clone(), turn, Piece::New(*new));
            }
        }
        Ok(placed.in_order(self.options.detail))
    }

    /// The new entries by what they were asked with. An entry that does not say which payload it was asked with is
    /// seen again with any.
    fn seen(&self) -> HashMap<Asked, Group> {
        let mut seen: HashMap<Asked, Group> = HashMap::new();
        for new in 0..self.spool.added() {
            let asked = self.asked(new);
            if asked.payload.is_some() {
                seen.entry(Asked { payload: Some(Asked::UNKNOWN), ..asked.clone() }).or_default();
            }
            seen.entry(asked).or_default().new.push(new);
        }
        seen
    }

    fn asked(&self, new: usize) -> Asked {
        let asked = self.spool.asked(new);
        if self.options.storage == BodyStorage::Omit { asked.without_body() } else { asked.clone() }
    }

    /// The entry that was there, where the new one differs in volatile fields alone; full entries have times that do.
    fn unless_unchanged(&self, before: Option<usize>, new: usize) -> Result<Piece, WriteError> {
        let (Some(previous), Some(ordinal)) = (self.previous, before) else { return Ok(Piece::New(new)) };
        if self.options.detail == Detail::Full || !Previous::compares(self.spool.length(new)) {
            return Ok(Piece::New(new));
        }
        let was = previous.steady_hash(ordinal, &self.volatile)?;
        let unchanged = was.is_some() && was == self.volatile.steady_hash(&self.spool.text(new)?);
        Ok(if unchanged { Piece::Unchanged { previous: ordinal, new } } else { Piece::New(new) })
    }
}

/// The new entries of one request, and how many of the previous ones have had their turn.
#[derive(Debug, Default)]
struct Group {
    new: Vec<usize>,
    turn: usize,
}

/// Entries with what sorts them.
#[derive(Debug, Default)]
struct Placed {
    pieces: Vec<(Asked, usize, Piece)>,
    edits: Vec<(usize, Asked, Vec<String>)>,
}

impl Placed {
    fn put(&mut self, asked: Asked, turn: usize, piece: Piece) {
        self.pieces.push((asked, turn, piece));
    }

    /// Sorted as a recording is; full entries in the order in which they were there, and this run's behind them.
    fn in_order(mut self, detail: Detail) -> Arranged {
        match detail {
            Detail::Minimal => self.pieces.sort_by(|(a, m, _), (b, n, _)| (a, m).cmp(&(b, n))),
            Detail::Full => self.pieces.sort_by_key(|(_, _, piece)| match piece {
                Piece::Carried(ordinal) => (0, *ordinal),
                Piece::New(new) | Piece::Unchanged { new, .. } => (1, *new),
            }),
        }
        let pieces: Vec<Piece> = self.pieces.into_iter().map(|(_, _, piece)| piece).collect();
        let mut kept_edits: Vec<KeptEdit> = self
            .edits
            .into_iter()
            .map(|(ordinal, asked, payloads)| KeptEdit {
                entry: pieces.iter().position(|piece| *piece == Piece::Carried(ordinal)).unwrap_or_default(),
                method: asked.method.into(),
                url: asked.url.into(),
                payloads,
            })
            .collect();
        kept_edits.sort_by_key(|edit| edit.entry);
        Arranged { pieces, kept_edits }
    }
}
