//! The lookup: which entry answers a request, and the recorded redirects on the way to it.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use http::HeaderMap;

use crate::har::{Answer, Outcome, RecordedPayload};

use super::candidates::{Asked, Candidates};
use super::index::{EntryRef, Group, Index, Several};
use super::judged::{Court, Verdict};
use super::memory::Memory;
use super::near_miss;
use super::origins::Crossing;
use super::relaxed::{self, Relaxed};
use super::request::{LiveRequest, PayloadFailure, PayloadSource};
use super::rules::Terms;

/// What a lookup found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// An entry answers.
    Hit(Hit),
    /// None does.
    Miss(Miss),
    /// The answer hangs on a recorded payload that cannot be read.
    Error(PayloadUnreadable),
}

/// The entry that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The end of the chain.
    pub entry: EntryRef,
    /// The redirects that were followed, in order.
    pub hops: Vec<EntryRef>,
    /// The differences that rules hid, on the way there too.
    pub relaxed: Vec<Relaxed>,
    /// The recorded origin is another one than the one asked for, which the map allows.
    pub crossing: Option<Box<Crossing>>,
}

impl Hit {
    /// An entry that matches strictly and leads nowhere else.
    pub fn strict(entry: EntryRef) -> Self {
        Self { entry, hops: Vec::new(), relaxed: Vec::new(), crossing: None }
    }
}

/// No entry answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Miss {
    /// Why.
    pub reason: MissReason,
    /// The redirects that were followed before, in order.
    pub hops: Vec<EntryRef>,
}

/// Why no entry answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MissReason {
    /// Nothing recorded matches the request.
    NoEntry,
    /// What is recorded matches, and has all been given (`exhausted = "miss"`).
    Exhausted {
        /// The first of it.
        first: EntryRef,
    },
    /// A recorded redirect leads to what is not recorded.
    RedirectTarget {
        /// The redirect.
        from: EntryRef,
        /// Where it leads; the raw `Location` where that is no URL.
        url: String,
        /// The method after the redirect.
        method: String,
    },
    /// Recorded redirects lead back to one that was followed already.
    RedirectCycle {
        /// That one.
        at: EntryRef,
    },
}

/// An entry whose request payload decides and cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayloadUnreadable {
    /// Whose payload.
    pub entry: EntryRef,
    /// Why.
    pub failure: PayloadFailure,
}

/// What answers one step of a lookup.
enum Selected {
    /// As recorded.
    Entry(EntryRef),
    /// Because of rules.
    ByRules(EntryRef, Arc<Terms>),
    /// Because a rule takes the closest of its method and path.
    Closest(EntryRef, Arc<Terms>),
    /// A sequence that is over, by its first entry.
    Exhausted(EntryRef),
    Nothing,
}

/// Why there is nothing to answer with.
enum Stopped {
    Missing(MissReason),
    Unreadable(PayloadUnreadable),
}

impl From<PayloadUnreadable> for Stopped {
    fn from(unreadable: PayloadUnreadable) -> Self {
        Self::Unreadable(unreadable)
    }
}

/// What is asked for now, and what has led there.
struct Way<'a> {
    method: &'a str,
    url: Cow<'a, str>,
    payload: &'a [u8],
    hops: Vec<EntryRef>,
    relaxed: Vec<Relaxed>,
    crossing: Option<Box<Crossing>>,
}

impl<'a> Way<'a> {
    fn of(request: &LiveRequest<'a>) -> Self {
        let LiveRequest { method, url, payload, .. } = *request;
        Self { method, url: Cow::Borrowed(url), payload, hops: Vec::new(), relaxed: Vec::new(), crossing: None }
    }

    /// Nothing is recorded here.
    fn dead_end(&self) -> MissReason {
        self.hops.last().map_or(MissReason::NoEntry, |&from| MissReason::RedirectTarget {
            from,
            url: self.url.clone().into_owned(),
            method: self.method.to_owned(),
        })
    }
}

impl Selected {
    fn is_something(&self) -> bool {
        !matches!(self, Self::Nothing)
    }
}

impl Several {
    /// `by_rules`: it was found because of rules.
    fn judge(&self, asked: &Asked<'_>, court: &Court<'_>, by_rules: bool) -> Result<Selected, PayloadUnreadable> {
        let court = Court { terms: self.terms.as_deref(), ..*court };
        let mut verdict = self.answered.judge(asked, &court)?;
        if verdict == Verdict::Nothing {
            verdict = self.failed.judge(asked, &court)?;
        }
        Ok(match (verdict, &self.terms) {
            (Verdict::Nothing, _) => Selected::Nothing,
            (Verdict::Exhausted(first), _) => Selected::Exhausted(first),
            (Verdict::Answer { entry, by_rules: payload_by_rules }, Some(terms)) if by_rules || payload_by_rules => {
                Selected::ByRules(entry, Arc::clone(terms))
            }
            (Verdict::Answer { entry, .. }, _) => Selected::Entry(entry),
        })
    }
}

impl Index {
    /// Finds the entry that answers a request.
    ///
    /// Method and URL are equal. An equal payload counts before all, then the number of the entry's header fields that
    /// the request has too, then the order of archives and entries. What rules hide or redacted places leave open counts
    /// only where nothing is equal.
    pub fn lookup(&self, request: &LiveRequest<'_>, payloads: &dyn PayloadSource, memory: &Memory) -> Lookup {
        let mut way = Way::of(request);
        match self.follow(&mut way, request, payloads, memory) {
            Ok(entry) => Lookup::Hit(Hit { entry, hops: way.hops, relaxed: way.relaxed, crossing: way.crossing }),
            Err(Stopped::Missing(reason)) => Lookup::Miss(Miss { reason, hops: way.hops }),
            Err(Stopped::Unreadable(unreadable)) => Lookup::Error(unreadable),
        }
    }

    /// The entry at the end of the recorded redirects.
    fn follow(
        &self,
        way: &mut Way<'_>,
        request: &LiveRequest<'_>,
        payloads: &dyn PayloadSource,
        memory: &Memory,
    ) -> Result<EntryRef, Stopped> {
        let mut followed = HashSet::new();
        loop {
            let entry = self.step(way, request.fields, payloads, memory)?;
            let Some((answer, location)) = self.redirect(entry).filter(|_| request.follow_redirects) else {
                return Ok(entry);
            };
            if !followed.insert(entry) {
                return Err(Stopped::Missing(MissReason::RedirectCycle { at: entry }));
            }
            way.hops.push(entry);
            let location = String::from_utf8_lossy(location);
            let next = method_after(answer.status, way.method);
            let Some(target) = self.entry(entry).request.url.join(&location) else {
                let (url, method) = (location.into_owned(), next.to_owned());
                return Err(Stopped::Missing(MissReason::RedirectTarget { from: entry, url, method }));
            };
            if next != way.method {
                (way.method, way.payload) = (next, &[]);
            }
            way.url = Cow::Owned(target.as_str().to_owned());
        }
    }

    /// The entry that answers what is asked for now.
    fn step(
        &self,
        way: &mut Way<'_>,
        fields: &HeaderMap,
        payloads: &dyn PayloadSource,
        memory: &Memory,
    ) -> Result<EntryRef, Stopped> {
        let asked = Asked { method: way.method, fields, payload: way.payload };
        let (selected, stand_in) = self.select_across(&asked, &way.url, payloads, memory)?;
        if let Some(crossed) = stand_in.as_deref().and_then(|recorded| Crossing::between(&way.url, recorded)) {
            way.relaxed.push(Relaxed::from(&crossed));
            way.crossing.get_or_insert(Box::new(crossed));
        }
        let (entry, terms, because) = match selected {
            Selected::Entry(entry) => return Ok(entry),
            Selected::ByRules(entry, terms) => (entry, terms, relaxed::Because::Equal),
            Selected::Closest(entry, terms) => (entry, terms, relaxed::Because::Closest),
            Selected::Exhausted(first) => return Err(Stopped::Missing(MissReason::Exhausted { first })),
            Selected::Nothing => return Err(Stopped::Missing(way.dead_end())),
        };
        let compared = stand_in.as_deref().unwrap_or(&way.url);
        let relaxed = self.relaxed(entry, &asked, compared, &terms, payloads, because);
        way.relaxed.extend(relaxed);
        Ok(entry)
    }

    /// The entry that answers every request of this method and URL that has no payload: nothing competes with it, and
    /// it leads nowhere else. A request that gets it needs no further look.
    pub fn only_answer(&self, method: &str, url: &str) -> Option<EntryRef> {
        match self.group(method, url) {
            Some(&Group::One(entry)) if self.redirect(entry).is_none() => Some(entry),
            _ => None,
        }
    }

    /// Whether a lookup may ask for recorded payloads, which a caller that must not wait for the disk does elsewhere.
    ///
    /// It does so once for each group of entries that have payloads. What lies behind a redirect is not looked at: one
    /// that would be followed counts as yes.
    pub fn may_read_payloads(&self, request: &LiveRequest<'_>) -> bool {
        let mut stand_ins = self.rules.origins().stand_ins(request.url);
        self.may_read_at(request) || stand_ins.any(|url| self.may_read_at(&LiveRequest { url: &url, ..*request }))
    }

    /// The same for the URL as it is.
    fn may_read_at(&self, request: &LiveRequest<'_>) -> bool {
        let redirects = |entry: EntryRef| request.follow_redirects && self.redirect(entry).is_some();
        let beside = !self.kin.is_empty() || !self.closest.is_empty();
        match self.group(request.method, request.url) {
            None => beside,
            Some(&Group::One(entry)) => redirects(entry) || beside && !request.payload.is_empty(),
            Some(Group::Several(several)) => {
                let asked = Asked { method: request.method, fields: request.fields, payload: request.payload };
                let may_read = |candidates: &Candidates| match several.is_plain() {
                    true => candidates.may_read(self, &asked),
                    false => candidates.judging_may_read(&asked),
                };
                may_read(&several.answered)
                    || may_read(&several.failed)
                    || request.follow_redirects && several.redirects
                    || beside && !request.payload.is_empty()
            }
        }
    }

    /// What answers under the URL itself, or else under one that the map lets stand for it, which is given then. The
    /// closest entry answers where neither has an equal one.
    fn select_across(
        &self,
        asked: &Asked<'_>,
        url: &str,
        payloads: &dyn PayloadSource,
        memory: &Memory,
    ) -> Result<(Selected, Option<String>), PayloadUnreadable> {
        let court = Court { index: self, payloads, memory, terms: None, url, tier: 0 };
        let own = self.select(asked, &court)?;
        if own.is_something() || self.rules.origins().is_empty() && self.closest.is_empty() {
            return Ok((own, None));
        }
        let stand_ins: Vec<_> = self.rules.origins().stand_ins(url).collect();
        for stand_in in &stand_ins {
            let selected = self.select(asked, &Court { url: stand_in, ..court })?;
            if selected.is_something() {
                return Ok((selected, Some(stand_in.clone())));
            }
        }
        for stand_in in std::iter::once(None).chain(stand_ins.iter().map(Some)) {
            let url = stand_in.map_or(url, |stand_in| stand_in);
            let selected = self.select_closest(asked, &Court { url, ..court })?;
            if selected.is_something() {
                return Ok((selected, stand_in.cloned()));
            }
        }
        Ok((Selected::Nothing, None))
    }

    /// The closest entry of a URL, where a rule lets it answer.
    fn select_closest(&self, asked: &Asked<'_>, court: &Court<'_>) -> Result<Selected, PayloadUnreadable> {
        let terms = if self.closest.is_empty() { None } else { self.rules.of(court.url) };
        let Some(terms) = terms else { return Ok(Selected::Nothing) };
        Ok(match self.closest.judge(asked, court, &terms)? {
            Verdict::Answer { entry, .. } => Selected::Closest(entry, terms),
            Verdict::Exhausted(first) => Selected::Exhausted(first),
            Verdict::Nothing => Selected::Nothing,
        })
    }

    /// The best entry of one method and URL; where there is none, that of a URL that is equal but for redacted places
    /// or for what rules hide.
    fn select(&self, asked: &Asked<'_>, court: &Court<'_>) -> Result<Selected, PayloadUnreadable> {
        let url = court.url;
        let strict = match self.group(asked.method, url) {
            None => Selected::Nothing,
            Some(&Group::One(entry)) => {
                let recorded = self.entry(entry);
                let known_bare = recorded.recorded_by_harmock && recorded.request.payload == RecordedPayload::Absent;
                match asked.payload.is_empty() || !known_bare {
                    true => Selected::Entry(entry),
                    false => Selected::Nothing,
                }
            }
            Some(Group::Several(several)) if several.is_plain() => {
                let found = match several.answered.best(self, asked, court.payloads)? {
                    Some(entry) => Some(entry),
                    None => several.failed.best(self, asked, court.payloads)?,
                };
                found.map_or(Selected::Nothing, Selected::Entry)
            }
            Some(Group::Several(several)) => several.judge(asked, court, false)?,
        };
        if strict.is_something() || self.kin.is_empty() {
            return Ok(strict);
        }
        let terms = self.rules.of(url);
        for (relatives, tier) in self.kin.of(asked.method, url, terms.as_ref()).zip(1..) {
            let selected = relatives.several.judge(asked, &Court { tier, ..*court }, relatives.by_rules)?;
            if selected.is_something() {
                return Ok(selected);
            }
        }
        Ok(Selected::Nothing)
    }

    fn relaxed(
        &self,
        entry: EntryRef,
        asked: &Asked<'_>,
        url: &str,
        terms: &Terms,
        payloads: &dyn PayloadSource,
        because: relaxed::Because,
    ) -> Vec<Relaxed> {
        let recorded = self.entry(entry);
        let Asked { method, fields, payload } = *asked;
        let live = LiveRequest { method, url, fields, payload, follow_redirects: false };
        let stored = near_miss::stored(self, entry, payloads).unwrap_or_default();
        let mut differences = super::difference::of_heads(&recorded.request, &live);
        differences.extend(near_miss::every_payload_difference(recorded, &stored, &live));
        if !recorded.redacted.is_empty() {
            differences
                .retain(|difference| crate::message::redacted::find(difference.recorded.as_bytes()).next().is_none());
        }
        relaxed::attribute(differences, terms, &stored, payload, because)
    }

    /// The answer and its `Location`, if it is a redirect that fetch follows.
    pub(super) fn redirect(&self, entry: EntryRef) -> Option<(&Answer, &[u8])> {
        let Outcome::Answered(answer) = &self.entry(entry).outcome else { return None };
        let followed = matches!(answer.status, 301 | 302 | 303 | 307 | 308);
        followed.then(|| answer.field("location")).flatten().map(|location| (answer, location))
    }
}

/// The method of the next request of a redirect (Fetch standard, HTTP-redirect fetch). It loses its payload exactly
/// when the method changes.
fn method_after(status: u16, method: &str) -> &str {
    match status {
        301 | 302 if method == "POST" => "GET",
        303 if method != "GET" && method != "HEAD" => "GET",
        _ => method,
    }
}
