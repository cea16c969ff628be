//! Which entry of a group answers where rules hold for its URL, or where recorded values were redacted.

use std::borrow::Cow;

use super::bindings;
use super::candidates::{Asked, Candidates};
use super::header_ranking::HeaderRanking;
use super::index::{EntryRef, Index};
use super::lookup::PayloadUnreadable;
use super::memory::{Memory, Sequence};
use super::payload_table::PayloadTable;
use super::request::PayloadSource;
use super::required_headers::RequiredHeaders;
use super::rules::{Exhausted, MatchBody, Repeat, Terms};

/// How many entries that differ in redacted places alone are compared with what the session has bound.
const COMPARED: usize = 256;

/// What decides beyond the request.
#[derive(Clone, Copy)]
pub(super) struct Court<'a> {
    pub(super) index: &'a Index,
    pub(super) payloads: &'a dyn PayloadSource,
    pub(super) memory: &'a Memory,
    /// What holds for the request's URL.
    pub(super) terms: Option<&'a Terms>,
    /// The request's URL.
    pub(super) url: &'a str,
    /// How far the group is from the request already: sequences of different groups are not the same.
    pub(super) tier: u8,
}

/// What a group has for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// This entry. `by_rules`: its payload is another, which a rule allows.
    Answer { entry: EntryRef, by_rules: bool },
    /// All answers of the sequence that begins with this entry have been given.
    Exhausted(EntryRef),
    /// No entry.
    Nothing,
}

impl Candidates {
    /// The member that answers. An equal payload goes first, then one that is equal but for redacted places, then one
    /// that is equal but for what rules hide, then what is left to the method or to `match-body`.
    pub(super) fn judge(&self, asked: &Asked<'_>, court: &Court<'_>) -> Result<Verdict, PayloadUnreadable> {
        if self.members.is_empty() {
            return Ok(Verdict::Nothing);
        }
        let body = court.terms.map(Terms::match_body).unwrap_or_default();
        if !self.laden && (asked.payload.is_empty() || !self.known_bare) {
            return Ok(self.choose(asked, court, None, false));
        }
        let table = self.payload_table(court);
        let equal = match table.equal_to(court.index, &self.members, asked, court.payloads) {
            Err(_) if matches!(body, MatchBody::None | MatchBody::Closest) => Cow::Borrowed(&[][..]),
            equal => equal?,
        };
        let verdict = self.choose(asked, court, Some(&equal), false);
        if verdict != Verdict::Nothing {
            return Ok(verdict);
        }
        let (redacted, alike) = table.alike(asked, court, &self.members);
        for (positions, by_rules) in [(redacted, false), (alike, true)] {
            let verdict = self.choose(asked, court, Some(&positions), by_rules);
            if verdict != Verdict::Nothing {
                return Ok(verdict);
            }
        }
        let strict = table.second_rank(asked);
        Ok(match body {
            MatchBody::Post | MatchBody::GraphQl => self.choose(asked, court, Some(strict), false),
            MatchBody::All => self.choose(asked, court, Some(&table.unknown(asked)), false),
            MatchBody::None => self.choose(asked, court, None, true),
            MatchBody::Closest => self.choose(asked, court, Some(&table.closest(asked, None)), true),
        })
    }

    /// Whether [`Candidates::judge`] may read recorded payloads.
    pub(super) fn judging_may_read(&self, asked: &Asked<'_>) -> bool {
        let decides = self.laden && !asked.payload.is_empty();
        decides && (self.redacted || self.payloads.get().is_none_or(|table| table.is_incomplete()))
            || self.laden && self.payloads.get().is_none()
    }

    pub(super) fn payload_table(&self, court: &Court<'_>) -> &PayloadTable {
        self.payloads
            .get_or_init(|| Box::new(PayloadTable::build(court.index, &self.members, court.payloads, court.terms)))
    }

    /// Of these positions (or all) the one that required headers, the place in a sequence, or the header fields and
    /// what the session has bound decide on.
    pub(super) fn choose(
        &self,
        asked: &Asked<'_>,
        court: &Court<'_>,
        among: Option<&[u32]>,
        by_rules: bool,
    ) -> Verdict {
        let allowed = self.with_required_fields(asked, court);
        let both = match (among, &allowed) {
            (Some(among), Some(allowed)) => Some(Cow::Owned(in_both(among, allowed))),
            (Some(only), None) => Some(Cow::Borrowed(only)),
            (None, Some(only)) => Some(Cow::Borrowed(&**only)),
            (None, None) => None,
        };
        let positions = both.as_deref();
        if positions.is_some_and(<[u32]>::is_empty) {
            return Verdict::Nothing;
        }
        let entry = match court.terms.map(|terms| terms.repeat).unwrap_or_default() {
            Repeat::First if self.redacted => self.best_bound(asked, court, positions),
            Repeat::First => self.best_by_fields(court.index, asked, positions),
            Repeat::Sequence | Repeat::Cycle => return self.next_in_sequence(court, positions, by_rules),
        };
        entry.map_or(Verdict::Nothing, |entry| Verdict::Answer { entry, by_rules })
    }

    /// The positions that have the fields that a rule wants to be equal; `None`: no rule wants any.
    pub(super) fn with_required_fields(&self, asked: &Asked<'_>, court: &Court<'_>) -> Option<Vec<u32>> {
        let required = court.terms.map(|terms| &*terms.match_headers).unwrap_or_default();
        (!required.is_empty()).then(|| {
            let table =
                self.required.get_or_init(|| Box::new(RequiredHeaders::build(court.index, &self.members, required)));
            table.equal_to(asked.fields, required)
        })
    }

    fn next_in_sequence(&self, court: &Court<'_>, positions: Option<&[u32]>, by_rules: bool) -> Verdict {
        let Some(terms) = court.terms else { return Verdict::Nothing };
        let length = positions.map_or(self.members.len(), <[u32]>::len);
        let at = |n: usize| {
            let position = positions.map_or(n, |positions| positions.get(n).map_or(n, |position| *position as usize));
            self.members.get(position).copied()
        };
        let Some(first) = at(0) else { return Verdict::Nothing };
        let asked_before = court.memory.advance(Sequence { first, tier: court.tier, by_rules });
        let n = match terms.repeat {
            Repeat::Cycle => asked_before % length,
            _ if asked_before < length => asked_before,
            _ if terms.exhausted == Exhausted::Miss => return Verdict::Exhausted(first),
            _ => length - 1,
        };
        at(n).map_or(Verdict::Nothing, |entry| Verdict::Answer { entry, by_rules })
    }

    /// Of those with the most header fields in common, the one whose redacted values are those that the session has
    /// bound, then the first. What it was chosen with is bound.
    fn best_bound(&self, asked: &Asked<'_>, court: &Court<'_>, positions: Option<&[u32]>) -> Option<EntryRef> {
        let ranking = self.headers.get_or_init(|| Box::new(HeaderRanking::build(court.index, &self.members)));
        let best = ranking.all_best(asked.fields, positions, self.members.len() as u32);
        let mut chosen: Option<(EntryRef, Vec<bindings::Binding>, bindings::Agreement)> = None;
        for position in best.into_iter().take(COMPARED) {
            let Some(&entry) = self.members.get(position as usize) else { continue };
            let values = bindings::of(court, entry, asked);
            let agreement = court.memory.agreement(&values);
            if chosen.as_ref().is_none_or(|(.., best)| agreement > *best) {
                chosen = Some((entry, values, agreement));
            }
        }
        let (entry, values, _) = chosen?;
        court.memory.bind(values);
        Some(entry)
    }
}

/// Two sorted lists have these in common.
pub(super) fn in_both(one: &[u32], other: &[u32]) -> Vec<u32> {
    let (few, many) = if one.len() < other.len() { (one, other) } else { (other, one) };
    few.iter().filter(|position| many.binary_search(position).is_ok()).copied().collect()
}
