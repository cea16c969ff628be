//! The entries of one method and URL, and which of them fits a request best.

use std::sync::OnceLock;

use http::HeaderMap;

use crate::har::{Entry, RecordedPayload};

use super::header_ranking::{HeaderRanking, overlap};
use super::index::{EntryRef, Index};
use super::lookup::PayloadUnreadable;
use super::payload_table::PayloadTable;
use super::request::PayloadSource;
use super::required_headers::RequiredHeaders;

/// Below this number, comparing fields entry by entry is cheaper than a table.
const FEW: usize = 4;

/// What decides between entries of one method and URL.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) method: &'a str,
    pub(super) fields: &'a HeaderMap,
    pub(super) payload: &'a [u8],
}

/// Entries of one method and URL, all answered or all failed, in the order in which they count.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    pub(super) members: Vec<EntryRef>,
    /// A member has a payload.
    pub(super) laden: bool,
    /// A member is known to have had none on the wire.
    pub(super) known_bare: bool,
    /// A member has redacted places.
    pub(super) redacted: bool,
    pub(super) payloads: OnceLock<Box<PayloadTable>>,
    pub(super) headers: OnceLock<Box<HeaderRanking>>,
    pub(super) required: OnceLock<Box<RequiredHeaders>>,
}

impl Candidates {
    pub(super) fn add(&mut self, entry: EntryRef, recorded: &Entry) {
        self.members.push(entry);
        let absent = recorded.request.payload == RecordedPayload::Absent;
        self.laden |= !absent;
        self.known_bare |= absent && recorded.recorded_by_harmock;
        self.redacted |= !recorded.redacted.is_empty();
    }

    pub(super) fn first(&self) -> Option<EntryRef> {
        self.members.first().copied()
    }

    /// The member that fits best; none where none may answer.
    pub(super) fn best(
        &self,
        index: &Index,
        asked: &Asked<'_>,
        payloads: &dyn PayloadSource,
    ) -> Result<Option<EntryRef>, PayloadUnreadable> {
        if self.members.is_empty() || self.answers_anything(index, asked) {
            return Ok(self.first());
        }
        if !self.laden && (asked.payload.is_empty() || !self.known_bare) {
            return Ok(self.best_by_fields(index, asked, None));
        }
        let table = self.payloads.get_or_init(|| Box::new(PayloadTable::build(index, &self.members, payloads, None)));
        let equal = table.equal_to(index, &self.members, asked, payloads)?;
        let ranked = if equal.is_empty() { table.second_rank(asked) } else { &*equal };
        Ok(self.best_by_fields(index, asked, Some(ranked).filter(|ranked| ranked.len() < self.members.len())))
    }

    /// Whether [`Candidates::best`] may read recorded payloads.
    pub(super) fn may_read(&self, index: &Index, asked: &Asked<'_>) -> bool {
        self.laden
            && !self.answers_anything(index, asked)
            && self.payloads.get().is_none_or(|table| table.is_incomplete())
    }

    /// A single member that no payload could keep from answering: nothing has to be read.
    fn answers_anything(&self, index: &Index, asked: &Asked<'_>) -> bool {
        let [only] = self.members[..] else { return false };
        asked.payload.is_empty() || asked.method != "POST" && !index.entry(only).recorded_by_harmock
    }

    /// Among these positions (or all), the one with the most header fields that the request has too, then the first.
    pub(super) fn best_by_fields(&self, index: &Index, asked: &Asked<'_>, among: Option<&[u32]>) -> Option<EntryRef> {
        let position = match among {
            Some([]) => return None,
            Some(&[only]) => only,
            None if self.members.len() == 1 => 0,
            Some(few) if few.len() <= FEW => self.best_of_few(index, asked, few),
            _ => {
                let ranking = self.headers.get_or_init(|| Box::new(HeaderRanking::build(index, &self.members)));
                ranking.best(asked.fields, among)
            }
        };
        self.members.get(position as usize).copied()
    }

    fn best_of_few(&self, index: &Index, asked: &Asked<'_>, few: &[u32]) -> u32 {
        let score = |position: u32| overlap(index.entry(self.members[position as usize]), asked.fields);
        let scored = few.iter().map(|&position| (score(position), position));
        scored.reduce(|best, next| if next.0 > best.0 { next } else { best }).map_or(0, |(_, position)| position)
    }
}
