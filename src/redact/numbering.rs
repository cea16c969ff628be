//! Which text stands for which secret in one archive.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use super::place::Place;
use crate::message::redacted;

/// A shorter value is told apart by the name of its place too: two cookies `1` have nothing to do with each other.
const TELLING: usize = 8;

/// Gives equal secrets equal text, numbered by first appearance. The secrets are in memory alone.
#[derive(Debug, Default)]
pub struct Numbering {
    known: HashMap<(Vec<u8>, String), String>,
    used: HashMap<String, Used>,
    /// Places whose values are to be numbered, in the order in which these appeared.
    noted: Vec<Place>,
    seen: HashSet<(Vec<u8>, String)>,
}

/// The numbers of one name that are taken.
#[derive(Debug, Default)]
struct Used {
    numbers: BTreeSet<u32>,
    /// All up to this one are.
    up_to: u32,
}

impl Used {
    /// Takes the lowest one that is free. None is ever given back, so what was passed over once stays taken.
    fn next(&mut self) -> u32 {
        let free = (self.up_to + 1..).find(|number| !self.numbers.remove(number)).unwrap_or(u32::MAX);
        self.up_to = free;
        free
    }

    fn take(&mut self, number: u32) {
        if number > self.up_to {
            self.numbers.insert(number);
        }
    }
}

impl Numbering {
    /// What stands for the value of a place.
    pub fn replacement(&mut self, place: &Place) -> String {
        if let Some(already) = place.already() {
            self.reserve(&already);
            return String::from_utf8_lossy(&place.secret).into_owned();
        }
        let key = key(place);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let text = redacted::text(&place.name, self.free_number(&place.name));
        let text = token(place, &text).unwrap_or(text);
        self.known.insert(key, text.clone());
        text
    }

    /// Notes a place, in the order of the archive, so that [`Self::number_noted`] gives its value a number.
    pub fn note(&mut self, place: &Place) {
        match place.already() {
            Some(there) => self.reserve(&there),
            None if self.seen.insert(key(place)) => self.noted.push(place.clone()),
            None => {}
        }
    }

    /// Numbers the values of the places that were noted: by what stands in places, before any value is replaced that
    /// stands elsewhere too.
    pub fn number_noted(&mut self) {
        self.seen = HashSet::new();
        for place in std::mem::take(&mut self.noted) {
            self.replacement(&place);
        }
    }

    /// Keeps the number of a replacement that is there already from being given again.
    pub fn reserve(&mut self, there: &redacted::Redacted) {
        self.used.entry(there.field.clone()).or_default().take(there.number);
    }

    /// Values at places that were redacted before keep the text that stood there. `earlier` are the places of the same
    /// exchange as they are in the archive; the first text that a value gets stays.
    pub fn keep(&mut self, places: &[Place], earlier: &[Place]) {
        let mut left: HashMap<&str, VecDeque<&Place>> = HashMap::new();
        for place in earlier {
            left.entry(&place.label).or_default().push_back(place);
        }
        for place in places {
            let Some(before) = left.get_mut(&*place.label).and_then(VecDeque::pop_front) else { continue };
            let Some(there) = before.already() else { continue };
            let text = String::from_utf8_lossy(&before.secret).into_owned();
            if place.already().is_none() && is_token(place) == (text != there.text()) {
                self.known.entry(key(place)).or_insert(text);
                self.reserve(&there);
            }
        }
    }

    fn free_number(&mut self, name: &str) -> u32 {
        self.used.entry(redacted::field(name)).or_default().next()
    }
}

fn key(place: &Place) -> (Vec<u8>, String) {
    let name = if place.secret.len() < TELLING { redacted::field(&place.name) } else { String::new() };
    (place.secret.clone(), name)
}

fn is_token(place: &Place) -> bool {
    std::str::from_utf8(&place.secret).is_ok_and(redacted::is_token)
}

fn token(place: &Place, text: &str) -> Option<String> {
    redacted::token(std::str::from_utf8(&place.secret).ok()?, text)
}

/// What an archive held before it is recorded anew: the redacted places of its exchanges.
#[derive(Debug, Default)]
pub struct Earlier(HashMap<Vec<u8>, VecDeque<Vec<Place>>>);

impl Earlier {
    /// Notes an exchange that is known by `exchange`, a text without any secret.
    pub fn add(&mut self, exchange: Vec<u8>, places: Vec<Place>) {
        self.0.entry(exchange).or_default().push_back(places);
    }

    /// The places of the next exchange that is known so.
    pub fn next(&mut self, exchange: &[u8]) -> Option<Vec<Place>> {
        self.0.get_mut(exchange)?.pop_front()
    }

    /// Whether nothing was redacted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(name: &str, secret: &str) -> Place {
        let (label, secret) = (format!("query:{name}"), secret.as_bytes().to_vec());
        Place { span: 0..secret.len(), name: name.to_owned(), label, secret, quote: String::new() }
    }

    #[test]
    fn equal_secrets_have_equal_text_wherever_they_are() {
        let mut numbering = Numbering::default();
        assert_eq!(numbering.replacement(&place("access_token", "tok-0123456")), "redacted-access_token-1");
        assert_eq!(numbering.replacement(&place("access_token", "tok-6543210")), "redacted-access_token-2");
        assert_eq!(numbering.replacement(&place("authorization", "tok-0123456")), "redacted-access_token-1");
        assert_eq!(numbering.replacement(&place("a", "1")), "redacted-a-1");
        assert_eq!(numbering.replacement(&place("b", "1")), "redacted-b-1");
    }

    #[test]
    fn numbers_are_the_lowest_that_nothing_has_and_very_many_take_no_longer_each() {
        let mut numbering = Numbering::default();
        for there in ["redacted-sid-2", "redacted-sid-4", "redacted-sid-3", "redacted-sid-300001"] {
            numbering.replacement(&place("sid", there));
        }
        let numbers = (1..=300_000).filter(|number| !(2..=4).contains(number)).chain([300_002]);
        for number in numbers {
            let secret = format!("secret-{number:08}");
            assert_eq!(numbering.replacement(&place("sid", &secret)), format!("redacted-sid-{number}"));
        }
    }

    #[test]
    fn what_is_redacted_already_stays_and_its_number_is_taken() {
        let mut numbering = Numbering::default();
        assert_eq!(numbering.replacement(&place("sid", "redacted-sid-1")), "redacted-sid-1");
        assert_eq!(numbering.replacement(&place("sid", "new-secret")), "redacted-sid-2");
    }

    #[test]
    fn a_place_keeps_the_text_that_stood_there_and_other_values_get_free_numbers() {
        let mut numbering = Numbering::default();
        let earlier = [place("sid", "redacted-sid-2"), place("token", "redacted-token-1")];
        numbering.keep(&[place("sid", "fresh-secret")], &earlier);
        assert_eq!(numbering.replacement(&place("sid", "other-secret")), "redacted-sid-1");
        assert_eq!(numbering.replacement(&place("x", "fresh-secret")), "redacted-sid-2");
        assert_eq!(numbering.replacement(&place("sid", "third-secret")), "redacted-sid-3");
    }
}
