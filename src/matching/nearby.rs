//! Entries in an order in which neighbours resemble each other, so that the nearest is found among few.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;

use super::index::{EntryRef, Index};

/// How many neighbours are looked at to each side.
const WINDOW: usize = 48;
/// How many entries of one place are looked at.
const OF_ONE_PLACE: usize = 256;

/// All entries, sorted by URL without scheme, and by path. Built at the first miss.
#[derive(Debug)]
pub struct Nearby {
    sorted: Vec<EntryRef>,
    /// All entries with the hash of their path, sorted by that: the same place on other hosts.
    by_path: Vec<(u64, EntryRef)>,
    hasher: RandomState,
}

impl Nearby {
    pub(super) fn build(index: &Index) -> Self {
        let mut sorted: Vec<EntryRef> = index.entries().collect();
        sorted.sort_by_key(|&entry| place(index.entry(entry).request.url.as_str()));
        let hasher = RandomState::default();
        let hashed = |entry| (hasher.hash_one(path(index.entry(entry).request.url.as_str())), entry);
        let mut by_path: Vec<_> = index.entries().map(hashed).collect();
        by_path.sort_unstable();
        Self { sorted, by_path, hasher }
    }

    /// Entries among which the nearest to a URL is, a bounded number; some may come twice.
    pub(super) fn around<'a>(&'a self, index: &'a Index, url: &'a str) -> impl Iterator<Item = EntryRef> + 'a {
        let before =
            |text: &str| self.sorted.partition_point(|&entry| place(index.entry(entry).request.url.as_str()) < text);
        let at = before(place(url));
        let window = at.saturating_sub(WINDOW)..(at + WINDOW).min(self.sorted.len());
        let same_path = place(url).split('?').next().unwrap_or_default();
        let start = before(same_path);
        let same_place = self.sorted[start..]
            .iter()
            .take_while(move |&&entry| place(index.entry(entry).request.url.as_str()).starts_with(same_path))
            .take(OF_ONE_PLACE);
        let hash = self.hasher.hash_one(path(url));
        let start = self.by_path.partition_point(|(other, _)| *other < hash);
        let elsewhere = self.by_path[start..].iter().take_while(move |(other, _)| *other == hash);
        let elsewhere = elsewhere.map(|(_, entry)| entry).take(OF_ONE_PLACE);
        self.sorted[window].iter().chain(same_place).chain(elsewhere).copied()
    }
}

/// A URL from its host on.
fn place(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, place)| place)
}

/// A URL's path.
fn path(url: &str) -> &str {
    let place = place(url);
    let path = place.find('/').map_or("", |at| &place[at..]);
    path.split('?').next().unwrap_or(path)
}
