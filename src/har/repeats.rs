//! What was made of a text that comes again and again, such as the header list of a client.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;

/// Texts that are remembered: what differs from entry to entry soon takes their places.
const PLACES: usize = 256;
/// A longer text is not kept, so that all of them together stay small.
const LONGEST: usize = 8 << 10;

/// What was made of texts. Only the second time that a text comes is it kept: most that come once never come again.
#[derive(Debug)]
pub(crate) struct Repeats<T> {
    hasher: RandomState,
    places: Box<[Place<T>]>,
}

#[derive(Debug)]
struct Place<T> {
    hash: u64,
    kept: Option<(Box<str>, T)>,
}

impl<T> Default for Place<T> {
    fn default() -> Self {
        Self { hash: 0, kept: None }
    }
}

impl<T> Default for Repeats<T> {
    fn default() -> Self {
        let places = std::iter::repeat_with(Place::default).take(PLACES).collect();
        Self { hasher: RandomState::default(), places }
    }
}

impl<T: Clone> Repeats<T> {
    /// Where a text belongs: its hash.
    pub(crate) fn place(&self, text: &str) -> u64 {
        self.hasher.hash_one(text)
    }

    /// What was made of this very text.
    pub(crate) fn find(&self, hash: u64, text: &str) -> Option<T> {
        let (kept, made) = self.places[slot(hash)].kept.as_ref()?;
        (**kept == *text).then(|| made.clone())
    }

    /// Something was made of a text.
    pub(crate) fn saw(&mut self, hash: u64, text: &str, made: &T) {
        let place = &mut self.places[slot(hash)];
        let comes_again = place.hash == hash && text.len() <= LONGEST;
        *place = Place { hash, kept: comes_again.then(|| (text.into(), made.clone())) };
    }
}

fn slot(hash: u64) -> usize {
    hash as usize % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_when_it_comes_again_and_until_another_takes_its_place() {
        let mut repeats = Repeats::default();
        let mut come = |text: &str, made: u32| {
            let hash = repeats.place(text);
            let found = repeats.find(hash, text);
            if found.is_none() {
                repeats.saw(hash, text, &made);
            }
            found
        };
        assert_eq!([come("a", 1), come("a", 2), come("a", 3), come("a", 4)], [None, None, Some(2), Some(2)]);
        (0..10_000).for_each(|n| assert_eq!(come(&n.to_string(), n), None));
        assert_eq!(come("a", 5), None);
        let long = "x".repeat(LONGEST + 1);
        (0..3).for_each(|n| assert_eq!(come(&long, n), None));
    }
}
