//! The order of exchanges that asked for the same: that in which they came, unless it tells nothing: where all have the
//! same answer, and where they were under way at the same time. Clients that run side by side come in another order each
//! time, and the archive is to be the same. Exchanges that differ in secrets alone are told apart by where else these stand.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use super::Error;
use super::journal::{JournalReader, Record};
use super::redaction::Redaction;
use super::restored::{BodyFolders, Restored, RestoredRequest, started};
use crate::archive::{SortKey, WriteError, payload_hash};
use crate::har::{Field, Volatile};
use crate::redact::Place;

/// A record's place in the archive and in the journal.
pub(super) struct Placed {
    pub(super) key: SortKey,
    pub(super) position: u64,
    pub(super) ended: SystemTime,
    /// Whether secrets are in their places in it.
    pub(super) holds_places: bool,
    /// Tells other secrets from these, wherever they stand; none: it holds none.
    pub(super) secrets: Option<u64>,
}

/// Settles the order of equal requests.
pub(super) struct Ties<'a> {
    pub(super) folders: BodyFolders<'a>,
    pub(super) redaction: &'a Redaction,
    pub(super) volatile: &'a Volatile,
}

/// The fields that count, in order.
type Fields = Vec<(String, String)>;

/// What an exchange is beside its secrets: what was asked and answered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Told {
    fields: Fields,
    /// Made of status, fields and body of the answer, or of why there is none.
    answer: [u8; 32],
    /// Where its secrets stand in other exchanges.
    traces: Vec<u64>,
}

/// For each secret, in what exchanges it stands: the same whenever it is used for the same.
#[derive(Debug, Default)]
struct Traces(HashMap<Vec<u8>, u64>);

impl Traces {
    fn add(&mut self, told: &Told, key: &SortKey, places: &[Place]) {
        let exchange = format!("{} {} {:?} {told:?}", key.method, key.url, key.payload);
        for place in places {
            let digest = Sha256::new().chain_update(&place.label).chain_update(&exchange).finalize();
            let trace = digest.iter().take(8).fold(0, |trace, byte| trace << 8 | u64::from(*byte));
            // In whatever order they come.
            let sum = self.0.entry(place.secret.clone()).or_default();
            *sum = sum.wrapping_add(trace);
        }
    }

    fn of(&self, places: &[Place]) -> Vec<u64> {
        places.iter().map(|place| self.0.get(&place.secret).copied().unwrap_or_default()).collect()
    }
}

impl Ties<'_> {
    /// Puts those of equal requests whose order tells nothing in the order of their fields, of their answers and of the
    /// traces of their secrets: all, where they have the same answer, else those that were under way at the same time.
    /// `places` are sorted.
    pub(super) fn settle(&self, places: &mut Vec<Placed>, reader: &mut JournalReader) -> Result<(), Error> {
        let traces = self.traces(places, reader)?;
        let mut settled = Vec::with_capacity(places.len());
        let mut rest = std::mem::take(places).into_iter().peekable();
        while let Some(first) = rest.next() {
            let mut group = vec![first];
            while let Some(next) = rest.next_if(|next| next.key.asks_the_same(&group[0].key)) {
                group.push(next);
            }
            if group.len() > 1 {
                self.settle_group(&mut group, &traces, reader)?;
            }
            settled.append(&mut group);
        }
        *places = settled;
        Ok(())
    }

    /// Where secrets stand, if that may have to tell exchanges apart.
    fn traces(&self, places: &[Placed], reader: &mut JournalReader) -> Result<Traces, Error> {
        let mut traces = Traces::default();
        let differ = |pair: &[Placed]| pair[0].key.asks_the_same(&pair[1].key) && pair[0].secrets != pair[1].secrets;
        if places.windows(2).any(differ) {
            for place in places.iter().filter(|place| place.secrets.is_some()) {
                let record = reader.record_at(place.position)?;
                let (told, held) = self.told(&record)?;
                traces.add(&told, &place.key, &held);
            }
        }
        Ok(traces)
    }

    fn settle_group(&self, group: &mut Vec<Placed>, traces: &Traces, reader: &mut JournalReader) -> Result<(), Error> {
        let first = group[0].secrets;
        let mut differ =
            group.iter().any(|place| place.secrets != first) || overlapping(group, false).len() < group.len();
        let mut fields = None;
        for place in &*group {
            if differ {
                break;
            }
            let record = reader.record_at(place.position)?;
            let mut request = RestoredRequest::of(&record, self.folders.spool)?;
            self.redaction.mask(&mut request)?;
            let steady = self.steady(&request.fields);
            differ = *fields.get_or_insert_with(|| steady.clone()) != steady;
        }
        if !differ {
            return Ok(());
        }
        let mut told = HashMap::new();
        for place in &*group {
            let record = reader.record_at(place.position)?;
            let (mut exchange, held) = self.told(&record)?;
            exchange.traces = traces.of(&held);
            told.insert(place.position, exchange);
        }
        let answer = |place: &Placed| told.get(&place.position).map(|told| told.answer);
        let free = group.iter().all(|place| answer(place) == answer(&group[0]));
        for together in overlapping(group, free) {
            together.sort_by(|one, other| told.get(&one.position).cmp(&told.get(&other.position)));
        }
        Ok(())
    }

    /// What an exchange is, and the places of its secrets.
    fn told(&self, record: &Record) -> Result<(Told, Vec<Place>), Error> {
        let mut exchange = Restored::of(record, self.folders)?;
        let held = self.redaction.mask_whole(&mut exchange)?;
        let content = payload_hash(&exchange.response.as_new_body()).map_err(|source| self.unreadable(source))?;
        let answer = (exchange.outcome(), self.steady(&exchange.response_fields), content);
        let told = Told {
            fields: self.steady(&exchange.request.fields),
            answer: Sha256::digest(format!("{answer:?}")).into(),
            traces: Vec::new(),
        };
        Ok((told, held))
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
fn overlapping(group: &mut [Placed], free: bool) -> Vec<&mut [Placed]> {
    let mut latest = SystemTime::UNIX_EPOCH;
    group
        .chunk_by_mut(|one, next| {
            latest = latest.max(one.ended);
            free || next.key.started.is_some_and(|started| started <= latest)
        })
        .collect()
}
