//! The lookup: which entry answers a request, and the recorded redirects on the way to it.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

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
        let (mut method, mut url, mut payload) = (request.method, Cow::Borrowed(request.url), request.payload);
        let (mut hops, mut relaxed, mut crossing) = (Vec::new(), Vec::new(), None);
        let mut followed = HashSet::new();
        loop {
            let asked = Asked { method, fields: request.fields, payload };
            let (selected, stand_in) = match self.select_across(&asked, &url, payloads, memory) {
                Ok(selected) => selected,
                Err(unreadable) => return Lookup::Error(unreadable),
            };
            if let Some(crossed) = stand_in.as_deref().and_then(|recorded| Crossing::between(&url, recorded)) {
                relaxed.push(Relaxed::from(&crossed));
                crossing.get_or_insert(Box::new(crossed));
            }
            let compared = stand_in.as_deref().unwrap_or(&url);
            let entry = match selected {
                Selected::Entry(entry) => entry,
                Selected::ByRules(entry, terms) => {
                    relaxed.extend(self.relaxed(entry, &asked, compared, &terms, payloads, relaxed::Because::Equal));
                    entry
                }
                Selected::Closest(entry, terms) => {
                    relaxed.extend(self.relaxed(entry, &asked, compared, &terms, payloads, relaxed::Because::Closest));
                    entry
                }
                Selected::Exhausted(first) => {
                    return Lookup::Miss(Miss { reason: MissReason::Exhausted { first }, hops });
                }
                Selected::Nothing => {
                    let reason = hops.last().map_or(MissReason::NoEntry, |&from| MissReason::RedirectTarget {
                        from,
                        url: url.into_owned(),
                        method: method.to_owned(),
                    });
                    return Lookup::Miss(Miss { reason, hops });
                }
            };
            let Some((answer, location)) = self.redirect(entry).filter(|_| request.follow_redirects) else {
                return Lookup::Hit(Hit { entry, hops, relaxed, crossing });
            };
            if !followed.insert(entry) {
                return Lookup::Miss(Miss { reason: MissReason::RedirectCycle { at: entry }, hops });
            }
            hops.push(entry);
            let location = String::from_utf8_lossy(location);
            let next = method_after(answer.status, method);
            let Some(target) = self.entry(entry).request.url.join(&location) else {
                let (url, method) = (location.into_owned(), next.to_owned());
                return Lookup::Miss(Miss { reason: MissReason::RedirectTarget { from: entry, url, method }, hops });
            };
            if next != method {
                (method, payload) = (next, &[]);
            }
            url = Cow::Owned(target.as_str().to_owned());
        }
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
        let own = self.select(asked, url, payloads, memory)?;
        if own.is_something() || self.rules.origins().is_empty() && self.closest.is_empty() {
            return Ok((own, None));
        }
        for stand_in in self.rules.origins().stand_ins(url) {
            let selected = self.select(asked, &stand_in, payloads, memory)?;
            if selected.is_something() {
                return Ok((selected, Some(stand_in)));
            }
        }
        let own = self.select_closest(asked, url, payloads, memory)?;
        if own.is_something() {
            return Ok((own, None));
        }
        for stand_in in self.rules.origins().stand_ins(url) {
            let selected = self.select_closest(asked, &stand_in, payloads, memory)?;
            if selected.is_something() {
                return Ok((selected, Some(stand_in)));
            }
        }
        Ok((Selected::Nothing, None))
    }

    /// The closest entry of a URL, where a rule lets it answer.
    fn select_closest(
        &self,
        asked: &Asked<'_>,
        url: &str,
        payloads: &dyn PayloadSource,
        memory: &Memory,
    ) -> Result<Selected, PayloadUnreadable> {
        let terms = if self.closest.is_empty() { None } else { self.rules.of(url) };
        let Some(terms) = terms else { return Ok(Selected::Nothing) };
        let court = Court { index: self, payloads, memory, terms: None, url, tier: 0 };
        Ok(match self.closest.judge(asked, &court, &terms)? {
            Verdict::Answer { entry, .. } => Selected::Closest(entry, terms),
            Verdict::Exhausted(first) => Selected::Exhausted(first),
            Verdict::Nothing => Selected::Nothing,
        })
    }

    /// The best entry of one method and URL; where there is none, that of a URL that is equal but for redacted places
    /// or for what rules hide.
    fn select(
        &self,
        asked: &Asked<'_>,
        url: &str,
        payloads: &dyn PayloadSource,
        memory: &Memory,
    ) -> Result<Selected, PayloadUnreadable> {
        let court = Court { index: self, payloads, memory, terms: None, url, tier: 0 };
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
                let found = match several.answered.best(self, asked, payloads)? {
                    Some(entry) => Some(entry),
                    None => several.failed.best(self, asked, payloads)?,
                };
                found.map_or(Selected::Nothing, Selected::Entry)
            }
            Some(Group::Several(several)) => several.judge(asked, &court, false)?,
        };
        if strict.is_something() || self.kin.is_empty() {
            return Ok(strict);
        }
        let terms = self.rules.of(url);
        for (relatives, tier) in self.kin.of(asked.method, url, terms.as_ref()).zip(1..) {
            let selected = relatives.several.judge(asked, &Court { tier, ..court }, relatives.by_rules)?;
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
