//! The lookup: which entry answers a request, and the recorded redirects on the way to it.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::har::{Answer, Outcome, RecordedPayload};

use super::candidates::Asked;
use super::index::{EntryRef, Group, Index};
use super::memory::Memory;
use super::request::{LiveRequest, PayloadFailure, PayloadSource};

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

impl Index {
    /// Finds the entry that answers a request.
    ///
    /// Method and URL are equal. An equal payload counts before all, then the number of the entry's header fields that
    /// the request has too, then the order of archives and entries.
    pub fn lookup(&self, request: &LiveRequest<'_>, payloads: &dyn PayloadSource, memory: &Memory) -> Lookup {
        let _ = memory;
        let (mut method, mut url, mut payload) = (request.method, Cow::Borrowed(request.url), request.payload);
        let mut hops = Vec::new();
        let mut followed = HashSet::new();
        loop {
            let asked = Asked { method, fields: request.fields, payload };
            let entry = match self.select(&asked, &url, payloads) {
                Ok(Some(entry)) => entry,
                Ok(None) => {
                    let reason = hops.last().map_or(MissReason::NoEntry, |&from| MissReason::RedirectTarget {
                        from,
                        url: url.into_owned(),
                        method: method.to_owned(),
                    });
                    return Lookup::Miss(Miss { reason, hops });
                }
                Err(unreadable) => return Lookup::Error(unreadable),
            };
            let Some((answer, location)) = self.redirect(entry).filter(|_| request.follow_redirects) else {
                return Lookup::Hit(Hit { entry, hops });
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
        let redirects = |entry: EntryRef| request.follow_redirects && self.redirect(entry).is_some();
        match self.group(request.method, request.url) {
            None => false,
            Some(&Group::One(entry)) => redirects(entry),
            Some(Group::Several(several)) => {
                let asked = Asked { method: request.method, fields: request.fields, payload: request.payload };
                several.answered.may_read(self, &asked)
                    || several.failed.may_read(self, &asked)
                    || request.follow_redirects && several.redirects
            }
        }
    }

    /// The best entry of one method and URL.
    fn select(
        &self,
        asked: &Asked<'_>,
        url: &str,
        payloads: &dyn PayloadSource,
    ) -> Result<Option<EntryRef>, PayloadUnreadable> {
        match self.group(asked.method, url) {
            None => Ok(None),
            Some(&Group::One(entry)) => {
                let recorded = self.entry(entry);
                let known_bare = recorded.recorded_by_harmock && recorded.request.payload == RecordedPayload::Absent;
                Ok((asked.payload.is_empty() || !known_bare).then_some(entry))
            }
            Some(Group::Several(several)) => match several.answered.best(self, asked, payloads)? {
                Some(entry) => Ok(Some(entry)),
                None => several.failed.best(self, asked, payloads),
            },
        }
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
