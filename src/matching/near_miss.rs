//! The entries that came closest to a request without an answer, and what differs.

use std::collections::HashSet;

use serde_json::Value;

use crate::har::{Entry, RecordedPayload};

use super::difference::{self, Difference, DifferenceKind, distance};
use super::graphql;
use super::index::{EntryRef, Index};
use super::multipart::content_type;
use super::nearby::Nearby;
use super::reduced_payload::Payload;
use super::reduced_url::{parameters, query};
use super::relaxed;
use super::request::{LiveRequest, PayloadSource};
use super::required_headers;
use super::rules::{MatchBody, Terms};
use super::similarity::{features, similarity};

/// How many recorded payloads are read to find the nearest.
const PAYLOADS: usize = 32;

/// An entry that came close.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss {
    /// Which one.
    pub entry: EntryRef,
    /// What differs and counts, the weightiest first. Empty only where the request would not have missed.
    pub differences: Vec<Difference>,
    /// Whether the payloads were compared at all.
    pub payload_counts: bool,
    /// The URL as which the request was compared, where the map lets that stand for its own.
    pub stand_in: Option<String>,
}

/// How a request and an entry compare by one criterion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Equal, or equal under the rules.
    Equal,
    /// Not equal.
    Differs,
    /// It does not decide.
    NotCompared,
}

impl Verdict {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Differs => "differs",
            Self::NotCompared => "not compared",
        }
    }
}

impl NearMiss {
    /// The verdict by criterion, in the order in which they count: method, URL, payload, headers.
    pub fn verdicts(&self) -> [(&'static str, Verdict); 4] {
        let judged = |of: &[&str], counts: bool| match self.differences.iter().any(|d| of.contains(&d.what.criterion()))
        {
            true => Verdict::Differs,
            false if counts => Verdict::Equal,
            false => Verdict::NotCompared,
        };
        [
            ("method", judged(&["method"], true)),
            ("url", judged(&["url"], true)),
            ("payload", judged(&["payload"], self.payload_counts)),
            ("headers", judged(&["headers"], false)),
        ]
    }
}

impl Index {
    /// The entries that come closest to a request that missed, the nearest first; none where no entry shares its host
    /// or its path.
    ///
    /// After a redirect, ask for the URL and method where it leads. Only a bounded number of entries is compared,
    /// however many there are.
    pub fn nearest(&self, request: &LiveRequest<'_>, payloads: &dyn PayloadSource, most: usize) -> Vec<NearMiss> {
        let nearby = self.prepare_nearest();
        let stand_ins: Vec<String> = self.rules.origins().stand_ins(request.url).collect();
        let urls: Vec<&str> = std::iter::once(request.url).chain(stand_ins.iter().map(String::as_str)).collect();
        let mut near = Vec::new();
        for (which, &url) in urls.iter().enumerate() {
            let request = LiveRequest { url, ..*request };
            let found = nearby.around(self, url);
            near.extend(
                found.filter_map(|entry| Some((distance(&self.entry(entry).request, &request)?, entry, which))),
            );
        }
        near.sort_unstable();
        let mut seen = HashSet::new();
        near.retain(|(_, entry, _)| seen.insert(*entry));
        near.truncate(PAYLOADS.max(most));
        let live = features(&live_payload(request));
        let mut ranked: Vec<_> = near
            .into_iter()
            .map(|(distance, entry, which)| {
                let alike = if live.is_empty() { 0 } else { self.payload_similarity(entry, &live, payloads) };
                (distance, std::cmp::Reverse(alike), entry, which)
            })
            .collect();
        ranked.sort_unstable();
        let told = ranked.into_iter().take(most).map(|(.., entry, which)| {
            let url = urls.get(which).copied().unwrap_or(request.url);
            let stand_in = (which > 0).then(|| url.to_owned());
            NearMiss { stand_in, ..self.near_miss(entry, &LiveRequest { url, ..*request }, payloads) }
        });
        told.collect()
    }

    /// Puts the entries into the order in which the nearest is found; the first miss would do it otherwise.
    pub fn prepare_nearest(&self) -> &Nearby {
        self.nearby.get_or_init(|| Nearby::build(self))
    }

    fn payload_similarity(&self, entry: EntryRef, live: &[u64], payloads: &dyn PayloadSource) -> usize {
        let recorded = stored(self, entry, payloads).unwrap_or_default();
        let content_type = content_type(&self.entry(entry).request.fields);
        similarity(&features(&Payload { bytes: &recorded, content_type }), live)
    }

    /// What differs between a request and an entry, as far as the rules for the request's URL let it count.
    fn near_miss(&self, entry: EntryRef, request: &LiveRequest<'_>, payloads: &dyn PayloadSource) -> NearMiss {
        let recorded = self.entry(entry);
        let terms = self.rules.of(request.url);
        let mut differences = difference::of_heads(&recorded.request, request);
        let payload_counts = counts(recorded, request, terms.as_deref());
        let by_graphql = terms.as_ref().is_some_and(|terms| terms.match_body() == MatchBody::GraphQl);
        let asked = by_graphql.then(|| graphql_in_urls(recorded.request.url.as_str(), request.url)).flatten();
        if let Some((theirs, ours)) = &asked {
            let is_of_it = |name: &String| graphql::PARAMETERS.contains(&name.as_str());
            differences.retain(|one| !matches!(&one.what, DifferenceKind::QueryParameter(name) if is_of_it(name)));
            differences.extend(difference::of_json(theirs, ours));
        }
        if let Some(bytes) = stored(self, entry, payloads).filter(|_| payload_counts) {
            differences.extend(every_payload_difference(recorded, &bytes, request));
            if let Some(terms) = &terms {
                relaxed::drop_hidden(&mut differences, terms, &bytes, request.payload);
            }
        } else if let Some(terms) = &terms {
            let (theirs, ours) = asked.map(|(theirs, ours)| (theirs.to_string(), ours.to_string())).unwrap_or_default();
            relaxed::drop_hidden(&mut differences, terms, theirs.as_bytes(), ours.as_bytes());
        }
        let required = terms.iter().flat_map(|terms| &terms.match_headers);
        differences.extend(required.filter_map(|name| {
            let theirs = required_headers::recorded(recorded, name.value.as_str());
            let ours = required_headers::sent(request.fields, &name.value);
            (theirs != ours || ours.is_none()).then(|| {
                let what = DifferenceKind::Header(name.value.as_str().to_owned());
                Difference::new(what, &theirs.unwrap_or_default(), &ours.unwrap_or_default())
            })
        }));
        if !recorded.redacted.is_empty() {
            let stands = |text: &str| crate::message::redacted::whole(text.trim_matches('"').as_bytes()).is_some();
            // Any value would have done there, but none would not.
            differences.retain(|difference| difference.live.is_empty() || !stands(&difference.recorded));
        }
        NearMiss { entry, differences, payload_counts, stand_in: None }
    }
}

/// What two URLs ask of GraphQL in their parameters, as a payload would say it; none where one of them does not.
fn graphql_in_urls(recorded: &str, live: &str) -> Option<(Value, Value)> {
    let asked = |url| {
        let parameters: Vec<_> = parameters(query(url)).collect();
        let pairs = parameters.iter().map(|parameter| (&*parameter.name, &*parameter.value));
        let asked = Value::Object(graphql::of_parameters(pairs));
        graphql::operations(&asked).map(|_| asked)
    };
    Some((asked(recorded)?, asked(live)?))
}

/// Whether the payload could keep this entry from answering.
fn counts(recorded: &Entry, request: &LiveRequest<'_>, terms: Option<&Terms>) -> bool {
    let none = request.payload.is_empty();
    match (terms.map(Terms::match_body).unwrap_or_default(), &recorded.request.payload) {
        (_, RecordedPayload::Damaged) | (MatchBody::None | MatchBody::Closest, _) => false,
        // One that harmock saw without a payload answers no request that has one.
        (_, RecordedPayload::Absent) => recorded.recorded_by_harmock && !none,
        (MatchBody::All, _) => true,
        (MatchBody::Post | MatchBody::GraphQl, _) => request.method == "POST" && !none,
    }
}

fn live_payload<'a>(request: &LiveRequest<'a>) -> Payload<'a> {
    let content_type = request.fields.get(http::header::CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    Payload { bytes: request.payload, content_type }
}

/// What differs between two payloads, whether it counts or not.
pub(super) fn every_payload_difference(recorded: &Entry, stored: &[u8], request: &LiveRequest<'_>) -> Vec<Difference> {
    let live = live_payload(request);
    match &recorded.request.payload {
        RecordedPayload::Damaged => Vec::new(),
        RecordedPayload::Params(params) => difference::of_params(params, &live),
        RecordedPayload::Absent | RecordedPayload::Stored(_) => {
            let theirs = Payload { bytes: stored, content_type: content_type(&recorded.request.fields) };
            difference::of_payloads(&theirs, &live)
        }
    }
}

/// The bytes of a recorded payload, none where it has none; `None` where they cannot be read.
pub(super) fn stored(index: &Index, entry: EntryRef, payloads: &dyn PayloadSource) -> Option<bytes::Bytes> {
    match &index.entry(entry).request.payload {
        RecordedPayload::Stored(_) => payloads.request_payload(entry).ok(),
        _ => Some(bytes::Bytes::new()),
    }
}
