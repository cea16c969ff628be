//! The order of exchanges that asked for the same: that in which they came, unless nobody can tell it from their
//! answers. Clients that run side by side come in another order each time, and the archive is to be the same.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use super::Error;
use super::journal::{JournalReader, Record};
use super::redaction::Redaction;
use super::restored::{BodyFolders, Restored, RestoredRequest, started};
use crate::archive::{SortKey, WriteError, payload_hash};
use crate::har::{Field, Volatile};

/// A record's place in the archive and in the journal.
pub(super) struct Placed {
    pub(super) key: SortKey,
    pub(super) position: u64,
    pub(super) ended: SystemTime,
}

/// Settles the order of equal requests.
pub(super) struct Ties<'a> {
    pub(super) folders: BodyFolders<'a>,
    pub(super) redaction: &'a Redaction,
    pub(super) volatile: &'a Volatile,
}

/// The fields that count, in order.
type Fields = Vec<(String, String)>;

impl Ties<'_> {
    /// Puts those of equal requests whose order tells nothing in the order of their fields: all, where they have the
    /// same answer, else those that were under way at the same time. `places` are sorted.
    pub(super) fn settle(&self, places: &mut Vec<Placed>, reader: &mut JournalReader) -> Result<(), Error> {
        let mut settled = Vec::with_capacity(places.len());
        let mut rest = std::mem::take(places).into_iter().peekable();
        while let Some(first) = rest.next() {
            let mut group = vec![first];
            while let Some(next) = rest.next_if(|next| next.key.asks_the_same(&group[0].key)) {
                group.push(next);
            }
            if group.len() > 1 {
                self.settle_group(&mut group, reader)?;
            }
            settled.append(&mut group);
        }
        *places = settled;
        Ok(())
    }

    fn settle_group(&self, group: &mut Vec<Placed>, reader: &mut JournalReader) -> Result<(), Error> {
        let mut asked = Vec::with_capacity(group.len());
        for place in group.drain(..) {
            let record = reader.record_at(place.position)?;
            let mut request = RestoredRequest::of(&record, self.folders.spool)?;
            self.redaction.mask(&mut request)?;
            asked.push((self.steady(&request.fields), place));
        }
        let differ = asked.iter().any(|(fields, _)| *fields != asked[0].0);
        if differ {
            let free = self.answered_alike(&asked, reader)?;
            for together in overlapping(&mut asked, free) {
                together.sort_by(|(one, _), (other, _)| one.cmp(other));
            }
        }
        group.extend(asked.into_iter().map(|(_, place)| place));
        Ok(())
    }

    fn answered_alike(&self, asked: &[(Fields, Placed)], reader: &mut JournalReader) -> Result<bool, Error> {
        let mut first = None;
        for (_, place) in asked {
            let record = reader.record_at(place.position)?;
            let answer = self.answer(&record)?;
            if *first.get_or_insert_with(|| answer.clone()) != answer {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Status, fields and body of an answer, or why there is none.
    fn answer(&self, record: &Record) -> Result<(String, Fields, Option<[u8; 32]>), Error> {
        let exchange = Restored::of(record, self.folders)?;
        let body = exchange.response.as_new_body();
        let hash = payload_hash(&body).map_err(|source| self.unreadable(source))?;
        Ok((exchange.outcome(), self.steady(&exchange.response_fields), hash))
    }

    fn steady(&self, fields: &[Field]) -> Fields {
        let texts: Vec<_> =
            fields.iter().map(|field| (Cow::Borrowed(&*field.name), String::from_utf8_lossy(&field.value))).collect();
        let steady = self.volatile.steady(&texts);
        steady.into_iter().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
    }

    fn unreadable(&self, source: WriteError) -> Error {
        let path = self.folders.spool.to_owned();
        Error::Read { path, source: std::io::Error::other(source) }
    }
}

/// When an exchange was over.
pub(super) fn ended(record: &Record) -> SystemTime {
    let times = record.facts.times;
    let milliseconds = times.dns.unwrap_or(0.0) + times.connect.unwrap_or(0.0) + times.wait + times.receive;
    started(&record.facts) + Duration::try_from_secs_f64(milliseconds / 1000.0).unwrap_or_default()
}

/// Exchanges in order of start, apart where one began after all before it were over; `free`: all together.
fn overlapping(asked: &mut [(Fields, Placed)], free: bool) -> Vec<&mut [(Fields, Placed)]> {
    let mut latest = SystemTime::UNIX_EPOCH;
    let mut bounds = Vec::new();
    for (n, (_, place)) in asked.iter().enumerate() {
        if n > 0 && !free && place.key.started.is_none_or(|started| started > latest) {
            bounds.push(n);
        }
        latest = latest.max(place.ended);
    }
    let (mut parts, mut rest, mut at) = (Vec::new(), asked, 0);
    for bound in bounds {
        let (part, others) = rest.split_at_mut(bound - at);
        parts.push(part);
        (rest, at) = (others, bound);
    }
    parts.push(rest);
    parts
}
