//! `match = "closest"`: entries by method and path alone, where those are found that no stricter look-up finds.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use http::HeaderValue;
use http::header::CONTENT_TYPE;

use super::candidates::{Asked, Candidates};
use super::digest::{Digest, of_pairs};
use super::index::{EntryRef, Index, Several};
use super::judged::{Court, Verdict, in_both};
use super::lookup::PayloadUnreadable;
use super::multipart::{content_type, is_same_type};
use super::query_fit::QueryFit;
use super::rules::{MatchBody, Rules, Terms};
use crate::har::Outcome;

/// Sequences of what is closest are apart from all stricter ones.
const TIER: u8 = u8::MAX;

/// The table of method and path. It is made when the archives are loaded, of the entries whose URL a rule opens.
#[derive(Debug, Default)]
pub(super) struct Closest(HashMap<Digest, Place>);

/// The entries of one method and path, and how well their queries fit.
#[derive(Debug)]
struct Place {
    several: Several,
    answered: QueryFit,
    failed: QueryFit,
}

impl Closest {
    pub(super) fn build(index: &Index, rules: &Rules) -> Self {
        let mut closest = Self::default();
        if !rules.take_closest() {
            return closest;
        }
        for entry in index.entries() {
            closest.add(index, rules, entry);
        }
        closest
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn add(&mut self, index: &Index, rules: &Rules, entry: EntryRef) {
        let recorded = index.entry(entry);
        let url = recorded.request.url.as_str();
        let Some(terms) = rules.of(url).filter(|terms| terms.takes_closest()) else { return };
        let place = self.0.entry(key(&recorded.request.method, url, &terms)).or_insert_with(|| Place {
            several: Several::under(Some(Arc::clone(&terms))),
            answered: QueryFit::default(),
            failed: QueryFit::default(),
        });
        let before = place.several.answered.members.len();
        index.add(&mut place.several, entry);
        // In a sequence a failure has its place among the answers.
        let joins_answers = place.several.answered.members.len() > before;
        debug_assert!(joins_answers || matches!(recorded.outcome, Outcome::Failed(_)));
        let fit = if joins_answers { &mut place.answered } else { &mut place.failed };
        fit.add(url, Some(&terms));
    }

    /// The entry of the request's method and path whose query fits best. `terms`: what holds for its URL.
    pub(super) fn judge(
        &self,
        asked: &Asked<'_>,
        court: &Court<'_>,
        terms: &Terms,
    ) -> Result<Verdict, PayloadUnreadable> {
        if !terms.takes_closest() {
            return Ok(Verdict::Nothing);
        }
        let Some(place) = self.0.get(&key(asked.method, court.url, terms)) else { return Ok(Verdict::Nothing) };
        let court = Court { terms: Some(terms), tier: TIER, ..*court };
        for (candidates, fit) in [(&place.several.answered, &place.answered), (&place.several.failed, &place.failed)] {
            let verdict = candidates.closest(fit, asked, &court)?;
            if verdict != Verdict::Nothing {
                return Ok(verdict);
            }
        }
        Ok(Verdict::Nothing)
    }
}

impl Candidates {
    /// The query decides among those that required headers and, where a rule asks for that, the payload allow. Of those
    /// that fit equally well one with an equal payload goes first.
    fn closest(&self, fit: &QueryFit, asked: &Asked<'_>, court: &Court<'_>) -> Result<Verdict, PayloadUnreadable> {
        if self.members.is_empty() {
            return Ok(Verdict::Nothing);
        }
        let mut allowed = self.with_required_fields(asked, court);
        let body = court.terms.and_then(|terms| terms.match_body.as_ref()).map(|ruled| ruled.value);
        if let Some(positions) = self.with_the_payload(body, asked, court)? {
            allowed = Some(match allowed {
                Some(allowed) => in_both(&allowed, &positions),
                None => positions,
            });
        }
        let best = fit.best(court.url, court.terms, allowed.as_deref());
        let best = self.by_payload(best, body, asked, court);
        Ok(self.choose(asked, court, Some(&best), true))
    }

    /// The positions whose payload is the request's, its type first; none where payloads do not decide.
    fn with_the_payload(
        &self,
        body: Option<MatchBody>,
        asked: &Asked<'_>,
        court: &Court<'_>,
    ) -> Result<Option<Vec<u32>>, PayloadUnreadable> {
        let decides = match body {
            Some(MatchBody::All) => true,
            Some(MatchBody::Post | MatchBody::GraphQl) => asked.method == "POST" && !asked.payload.is_empty(),
            Some(MatchBody::None | MatchBody::Closest) | None => false,
        };
        if !decides {
            return Ok(None);
        }
        let table = self.payload_table(court);
        let mut positions = table.equal_to(court.index, &self.members, asked, court.payloads)?.into_owned();
        let (redacted, alike) = table.alike(asked, court, &self.members);
        positions.extend(redacted.into_iter().chain(alike));
        positions.extend(table.unknown(asked).iter());
        positions.sort_unstable();
        positions.dedup();
        positions.retain(|&position| self.is_of_the_type(position, asked, court));
        Ok(Some(positions))
    }

    /// Of positions that fit equally well those with the payload that fits best.
    fn by_payload(
        &self,
        positions: Vec<u32>,
        body: Option<MatchBody>,
        asked: &Asked<'_>,
        court: &Court<'_>,
    ) -> Vec<u32> {
        if !self.laden || positions.len() < 2 {
            return positions;
        }
        let table = self.payload_table(court);
        // What cannot be read is equal to nothing.
        let equal = table.equal_to(court.index, &self.members, asked, court.payloads).unwrap_or(Cow::Borrowed(&[]));
        let equal = in_both(&positions, &equal);
        if !equal.is_empty() {
            return equal;
        }
        if body != Some(MatchBody::Closest) {
            return positions;
        }
        let typed: Vec<u32> =
            positions.iter().copied().filter(|&position| self.is_of_the_type(position, asked, court)).collect();
        let among = if typed.is_empty() { positions } else { typed };
        let nearest = table.closest(asked, Some(&among));
        if nearest.is_empty() { among } else { nearest }
    }

    /// Whether an entry's payload has the type of the request's; one that tells no type has any.
    fn is_of_the_type(&self, position: u32, asked: &Asked<'_>, court: &Court<'_>) -> bool {
        let Some(&entry) = self.members.get(position as usize) else { return false };
        let recorded = content_type(&court.index.entry(entry).request.fields);
        let live = asked.fields.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        match (recorded, live) {
            (Some(recorded), Some(live)) => is_same_type(recorded, live),
            (None, _) | (_, None) => true,
        }
    }
}

/// The rules that hold are part of it: what they let vary is the same for all entries of a place.
fn key(method: &str, url: &str, terms: &Terms) -> Digest {
    let place = url.split('?').next().unwrap_or(url);
    let name = terms.name();
    of_pairs([(name.as_bytes(), method.as_bytes()), (place.as_bytes(), &b""[..])].into_iter())
}
