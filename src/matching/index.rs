//! The index over all archives: entries in groups of one method and URL.

use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, OnceLock};

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Slot;

use crate::har::{Entry, Outcome, RecordedPayload};

use super::candidates::Candidates;
use super::chosen::Places;
use super::closest::Closest;
use super::kin::Kin;
use super::nearby::Nearby;
use super::origins::OriginMap;
use super::rules::{Repeat, Rules, Terms};

/// All entries of all archives, found by method and URL at one hash lookup whatever their number.
///
/// What a lookup needs beyond that (digests of payloads, a table of the header fields that tell entries apart) is made
/// for a group the first time it is asked for. It reflects the payload files as they were then: build a new index when
/// they change.
pub struct Index {
    archives: Vec<Arc<Vec<Entry>>>,
    groups: HashTable<Group>,
    hasher: RandomState,
    pub(super) nearby: OnceLock<Nearby>,
    /// Made for the first request that chooses its answer.
    pub(super) places: OnceLock<Places>,
    pub(super) rules: Arc<Rules>,
    pub(super) kin: Kin,
    pub(super) closest: Closest,
}

/// One entry: which archive, and where in that archive's entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryRef {
    /// In the order in which the archives were given.
    pub archive: u32,
    /// Index into that archive's entries (not [`Entry::ordinal`], which counts unusable ones too).
    pub entry: u32,
}

/// The entries of one method and URL.
#[derive(Debug)]
pub(super) enum Group {
    /// The usual case: one, with no payload to compare.
    One(EntryRef),
    /// Several, or one whose payload decides.
    Several(Box<Several>),
}

/// Entries that compete, in the order in which they count.
#[derive(Debug, Default)]
pub(super) struct Several {
    pub(super) answered: Candidates,
    /// Used only when no answered entry matches.
    pub(super) failed: Candidates,
    /// One of them is a redirect.
    pub(super) redirects: bool,
    /// What holds for its URL.
    pub(super) terms: Option<Arc<Terms>>,
}

impl Index {
    /// Builds the index without rules.
    pub fn build(archives: Vec<Arc<Vec<Entry>>>) -> Self {
        Self::with_rules(archives, Arc::default())
    }

    /// Builds the index; archives in the order in which they count. Entries whose response is only informational (1xx,
    /// such as a WebSocket handshake) answer nothing and are left out.
    pub fn with_rules(archives: Vec<Arc<Vec<Entry>>>, rules: Arc<Rules>) -> Self {
        let count = archives.iter().map(|entries| entries.len()).sum();
        let hasher = RandomState::default();
        let (groups, kin, closest) = (HashTable::new(), Kin::default(), Closest::default());
        let (nearby, places) = (OnceLock::new(), OnceLock::new());
        let mut index = Self { archives, groups, hasher, nearby, places, rules, kin, closest };
        let mut groups = HashTable::with_capacity(count);
        for entry in index.entries() {
            index.insert(&mut groups, entry);
        }
        groups.shrink_to_fit(|group| index.hash_of_group(group));
        index.groups = groups;
        let rules = Arc::clone(&index.rules);
        index.kin = Kin::build(&index, &rules);
        index.closest = Closest::build(&index, &rules);
        index
    }

    /// An entry that a lookup named.
    ///
    /// # Panics
    /// With an [`EntryRef`] of another index.
    pub fn entry(&self, entry: EntryRef) -> &Entry {
        &self.archives[entry.archive as usize][entry.entry as usize]
    }

    /// Every entry that can answer, in the order in which they count.
    pub fn entries(&self) -> impl Iterator<Item = EntryRef> + '_ {
        let places = |archive: usize, entries: usize| {
            (0..entries).map(move |entry| EntryRef { archive: archive as u32, entry: entry as u32 })
        };
        self.archives
            .iter()
            .enumerate()
            .flat_map(move |(archive, entries)| places(archive, entries.len()))
            .filter(|&entry| answers(self.entry(entry)))
    }

    /// The rules under which it was built.
    pub fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules)
    }

    /// The origins that stand for each other.
    pub fn origins(&self) -> &OriginMap {
        self.rules.origins()
    }

    /// What rules say about a URL.
    pub fn terms(&self, url: &str) -> Option<Arc<Terms>> {
        self.rules.of(url)
    }

    /// How many archives it was built from.
    pub fn archives(&self) -> usize {
        self.archives.len()
    }

    pub(super) fn group(&self, method: &str, url: &str) -> Option<&Group> {
        self.groups.find(self.hash(method, url), |group| self.is_group_of(group, method, url))
    }

    fn insert(&self, groups: &mut HashTable<Group>, entry: EntryRef) {
        let request = &self.entry(entry).request;
        let (method, url) = (&*request.method, request.url.as_str());
        let slot = groups.entry(
            self.hash(method, url),
            |group| self.is_group_of(group, method, url),
            |group| self.hash_of_group(group),
        );
        match slot {
            Slot::Vacant(slot) => {
                let plain = matches!(request.payload, RecordedPayload::Absent | RecordedPayload::Damaged);
                let terms = self.rules.of(url);
                let alone = plain && terms.as_ref().is_none_or(|terms| terms.leaves_alone());
                let several = || Group::Several(self.several(&[entry], terms.clone()));
                slot.insert(if alone { Group::One(entry) } else { several() });
            }
            Slot::Occupied(mut slot) => match slot.get_mut() {
                Group::One(first) => {
                    let both = self.several(&[*first, entry], self.rules.of(url));
                    *slot.get_mut() = Group::Several(both);
                }
                Group::Several(several) => self.add(several, entry),
            },
        }
    }

    fn several(&self, entries: &[EntryRef], terms: Option<Arc<Terms>>) -> Box<Several> {
        let mut several = Box::new(Several::under(terms));
        entries.iter().for_each(|&entry| self.add(&mut several, entry));
        several
    }

    pub(super) fn add(&self, several: &mut Several, entry: EntryRef) {
        let recorded = self.entry(entry);
        let candidates = match recorded.outcome {
            Outcome::Answered(_) => &mut several.answered,
            // In a sequence a failure has its place.
            Outcome::Failed(_) if several.terms.as_ref().is_some_and(|terms| terms.repeat != Repeat::First) => {
                &mut several.answered
            }
            Outcome::Failed(_) => &mut several.failed,
        };
        candidates.add(entry, recorded);
        several.redirects |= self.redirect(entry).is_some();
    }

    fn is_group_of(&self, group: &Group, method: &str, url: &str) -> bool {
        let request = &self.entry(group.first()).request;
        request.url.as_str() == url && &*request.method == method
    }

    fn hash_of_group(&self, group: &Group) -> u64 {
        let request = &self.entry(group.first()).request;
        self.hash(&request.method, request.url.as_str())
    }

    fn hash(&self, method: &str, url: &str) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(method.as_bytes());
        hasher.write_u8(0xff);
        hasher.write(url.as_bytes());
        hasher.finish()
    }
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index").field("archives", &self.archives.len()).field("groups", &self.groups.len()).finish()
    }
}

impl Several {
    /// None yet, under these terms.
    pub(super) fn under(terms: Option<Arc<Terms>>) -> Self {
        Self { terms, ..Self::default() }
    }

    /// Neither a rule nor a redacted place has a say.
    pub(super) fn is_plain(&self) -> bool {
        self.terms.is_none() && !self.answered.redacted && !self.failed.redacted
    }
}

impl Group {
    /// All entries of a group have its method and URL, so any names it.
    fn first(&self) -> EntryRef {
        match self {
            Self::One(entry) => *entry,
            Self::Several(several) => several.answered.first().or(several.failed.first()).unwrap_or(EntryRef::NONE),
        }
    }
}

impl EntryRef {
    /// No group is ever empty; this stands where the type cannot say so.
    const NONE: Self = Self { archive: 0, entry: 0 };
}

fn answers(entry: &Entry) -> bool {
    match &entry.outcome {
        Outcome::Answered(answer) => answer.status >= 200,
        Outcome::Failed(_) => true,
    }
}
