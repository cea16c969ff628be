//! The entry that came closest to a request without an answer, and what differs.

use crate::har::RecordedPayload;

use super::difference::{self, Difference, distance};
use super::index::{EntryRef, Index};
use super::multipart::is_form;
use super::nearby::Nearby;
use super::request::{LiveRequest, PayloadSource};

/// How many recorded payloads are read to find the nearest.
const PAYLOADS: usize = 32;

/// The entry that came closest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss {
    /// Which one.
    pub entry: EntryRef,
    /// What differs, the weightiest first. Empty only where the request would not have missed.
    pub differences: Vec<Difference>,
}

impl Index {
    /// The entry that comes closest to a request that missed; `None` where no entry shares its host or its path.
    ///
    /// After a redirect, ask for the URL and method where it leads. Only a bounded number of entries is compared,
    /// however many there are.
    pub fn nearest(&self, request: &LiveRequest<'_>, payloads: &dyn PayloadSource) -> Option<NearMiss> {
        let nearby = self.nearby.get_or_init(|| Nearby::build(self));
        let mut nearest: Vec<EntryRef> = Vec::new();
        let mut least = u32::MAX;
        for entry in nearby.around(self, request.url) {
            let recorded = &self.entry(entry).request;
            let Some(distance) = distance(recorded, request) else { continue };
            if distance < least {
                least = distance;
                nearest.clear();
            }
            if distance == least {
                nearest.push(entry);
            }
        }
        nearest.sort_unstable();
        nearest.dedup();
        let entry = self.nearest_payload(&nearest, request, payloads)?;
        let recorded = &self.entry(entry).request;
        let mut differences = difference::of_heads(recorded, request);
        differences.extend(self.payload_differences(entry, request, payloads));
        Some(NearMiss { entry, differences })
    }

    /// Of entries that are equally near by method and URL, the one whose payload shares most with the request's.
    fn nearest_payload(
        &self,
        entries: &[EntryRef],
        request: &LiveRequest<'_>,
        payloads: &dyn PayloadSource,
    ) -> Option<EntryRef> {
        if entries.len() < 2 || request.payload.is_empty() {
            return entries.first().copied();
        }
        let shared = |entry: EntryRef| {
            let recorded = stored(self, entry, payloads).unwrap_or_default();
            let ends = difference::shared_ends(&recorded, request.payload);
            (ends * 1000 / recorded.len().max(request.payload.len()).max(1), entry)
        };
        let scored = entries.iter().take(PAYLOADS).map(|&entry| shared(entry));
        scored.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, entry)| entry)
    }

    fn payload_differences(
        &self,
        entry: EntryRef,
        request: &LiveRequest<'_>,
        payloads: &dyn PayloadSource,
    ) -> Vec<Difference> {
        let recorded = &self.entry(entry);
        let form = request.fields.get(http::header::CONTENT_TYPE).is_some_and(|value| is_form(value.as_bytes()));
        match &recorded.request.payload {
            // It would have answered any payload.
            RecordedPayload::Damaged => Vec::new(),
            RecordedPayload::Absent if !recorded.recorded_by_harmock => Vec::new(),
            RecordedPayload::Params(params) => difference::of_form(params, request.payload),
            RecordedPayload::Absent | RecordedPayload::Stored(_) => match stored(self, entry, payloads) {
                // Without a payload, or with any method but POST, a stored one keeps no entry from answering.
                Some(bytes) if bytes.is_empty() || request.method == "POST" && !request.payload.is_empty() => {
                    difference::of_payloads(&bytes, request.payload, form)
                }
                _ => Vec::new(),
            },
        }
    }
}

/// The bytes of a recorded payload, none where it has none; `None` where they cannot be read.
fn stored(index: &Index, entry: EntryRef, payloads: &dyn PayloadSource) -> Option<bytes::Bytes> {
    match &index.entry(entry).request.payload {
        RecordedPayload::Stored(_) => payloads.request_payload(entry).ok(),
        _ => Some(bytes::Bytes::new()),
    }
}
