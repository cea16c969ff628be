//! Secrets that were replaced in their places and stand elsewhere too: in pages, scripts and URLs, in fields, and in
//! JSON under names that no list has.
//!
//! Which value may be replaced wherever it stands is decided by what it is like: a long one with letters and digits is
//! hit by nothing else. All values of a recording are looked for in one go, by their ends: tokens of one kind begin
//! alike. In memory there are the values and sixteen bytes of each; of a text with escapes, one word at a time.

use std::collections::HashMap;
use std::ops::Range;

use aho_corasick::AhoCorasick;

use super::listed;
use super::place::Place;
use super::spelled;

/// A shorter value stands in many a text by chance, and is not looked for.
const SHORTEST: usize = 8;
/// A shorter value is told where it stands, and stays.
const TELLING: usize = 16;
/// How much of a value's end is looked for.
const END: usize = 16;

/// Values to look for, and whether each is one that nothing else is like.
#[derive(Debug, Default)]
pub struct Sought(HashMap<Vec<u8>, bool>);

impl Sought {
    /// Notes the value of a place, if it is to be looked for elsewhere.
    pub fn note(&mut self, place: &Place) {
        if place.secret.len() >= SHORTEST && place.already().is_none() {
            let telling = self.0.entry(place.secret.clone()).or_default();
            *telling |= is_telling(place);
        }
    }
}

/// Finds all the values of a recording at once.
#[derive(Debug)]
pub struct Echoes {
    ends: AhoCorasick,
    /// For each end, the lengths of the values that end so, the longest first.
    lengths: Vec<Vec<usize>>,
    values: HashMap<Vec<u8>, bool>,
}

/// A value in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Echo {
    pub(super) span: Range<usize>,
    pub(super) value: Vec<u8>,
    /// It is replaced here too.
    pub(super) telling: bool,
}

impl Echoes {
    /// Of these values; none where there are none.
    pub fn of(Sought(values): Sought) -> Option<Self> {
        let mut by_end: HashMap<&[u8], Vec<usize>> = HashMap::new();
        for value in values.keys() {
            let lengths = by_end.entry(&value[value.len().saturating_sub(END)..]).or_default();
            if !lengths.contains(&value.len()) {
                lengths.push(value.len());
            }
        }
        by_end.values_mut().for_each(|lengths| lengths.sort_unstable_by(|one, other| other.cmp(one)));
        let (ends, lengths): (Vec<&[u8]>, Vec<Vec<usize>>) = by_end.into_iter().unzip();
        let ends = if ends.is_empty() { None } else { AhoCorasick::new(ends).ok() };
        ends.map(|ends| Self { ends, lengths, values })
    }

    /// Whether one that is replaced wherever it stands is in a text.
    pub fn stand_in(&self, text: &[u8]) -> bool {
        self.find(text).iter().any(|echo| echo.telling)
    }

    /// Whether any is in a text, also one that stays where it is.
    pub fn are_left_in(&self, text: &[u8]) -> bool {
        !self.find(text).is_empty()
    }

    /// The values in a text, in order and apart, however their characters are escaped there.
    pub(super) fn find(&self, text: &[u8]) -> Vec<Echo> {
        let mut found = Vec::new();
        self.each(text, |span, telling| found.push(Echo { value: text[span.clone()].to_vec(), span, telling }));
        spelled::each(text, &mut |word, decoded| {
            self.each(&decoded.bytes, |span, telling| {
                let value = decoded.bytes[span.clone()].to_vec();
                let span = word.start + decoded.origin(span.start)..word.start + decoded.origin(span.end);
                found.push(Echo { span, value, telling });
            });
        });
        found.sort_by_key(|echo| (echo.span.start, std::cmp::Reverse(echo.span.end)));
        let mut end = 0;
        found.retain(|echo| {
            let apart = echo.span.start >= end;
            end = if apart { echo.span.end } else { end };
            apart
        });
        found
    }

    /// The places of those that are replaced in a text, but for what lies in `known` places, which are in order; all of
    /// them in order.
    pub(super) fn beside(&self, known: Vec<Place>, text: &[u8], label: &str) -> Vec<Place> {
        let mut places = known;
        let free = |places: &[Place], span: &Range<usize>| {
            places.iter().all(|place| place.span.end <= span.start || span.end <= place.span.start)
        };
        let mut more: Vec<Place> =
            self.find(text).into_iter().filter(|echo| echo.telling).map(in_place(label)).collect();
        if more.is_empty() {
            return places;
        }
        more.retain(|place| free(&places, &place.span));
        places.append(&mut more);
        places.sort_by_key(|place| place.span.start);
        places
    }

    fn each(&self, text: &[u8], mut see: impl FnMut(Range<usize>, bool)) {
        for end in self.ends.find_overlapping_iter(text) {
            for &length in &self.lengths[end.pattern().as_usize()] {
                let Some(start) = end.end().checked_sub(length) else { continue };
                if let Some(telling) = self.values.get(&text[start..end.end()]) {
                    see(start..end.end(), *telling);
                }
            }
        }
    }
}

/// An echo as a place that is called so.
fn in_place(label: &str) -> impl Fn(Echo) -> Place {
    let name = label.rsplit(':').next().unwrap_or(label).to_owned();
    move |Echo { span, value, .. }| Place {
        span,
        name: name.clone(),
        label: label.to_owned(),
        secret: value,
        quote: String::new(),
    }
}

/// Words in the name of a cookie that holds a secret; others hold settings and identifiers as often.
const COOKIES: [&str; 9] = ["auth", "csrf", "jwt", "key", "secret", "sess", "sid", "token", "xsrf"];

/// Whether nothing else is like the value of a place: long, one word, of letters and digits. Where the name often means
/// something else, and in a cookie that no list has, they must alternate as in random text.
fn is_telling(place: &Place) -> bool {
    let value = &place.secret;
    let is_word = value.len() >= TELLING && value.iter().all(u8::is_ascii_graphic);
    let is_both = value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_alphabetic);
    let name = listed::folded(&place.name);
    let is_cookie = place.label.starts_with("cookie:") || place.label.starts_with("set-cookie:");
    let is_sure = listed::says_secret(&name, TELLING);
    let may_be = is_sure.is_some() || !is_cookie || COOKIES.iter().any(|word| name.contains(word));
    is_word && may_be && (alternates(value) || is_both && is_sure.unwrap_or(!is_cookie))
}

/// Whether upper case, lower case and digits follow each other as they do in random text, and not in words.
fn alternates(value: &[u8]) -> bool {
    let kind = |byte: u8| match byte {
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        b'0'..=b'9' => 3,
        _ => 0,
    };
    let (mut pairs, mut changes) = (0, 0);
    for pair in value.windows(2).map(|pair| (kind(pair[0]), kind(pair[1]))).filter(|pair| pair.0 > 0 && pair.1 > 0) {
        pairs += 1;
        changes += usize::from(pair.0 != pair.1);
    }
    changes >= 4 && changes * 4 >= pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(label: &str, secret: &str) -> Place {
        let name = label.split_once(':').unwrap().1.to_owned();
        Place { span: 0..0, name, label: label.to_owned(), secret: secret.as_bytes().to_vec(), quote: String::new() }
    }

    fn echoes(secrets: &[&str]) -> Echoes {
        let mut sought = Sought::default();
        secrets.iter().for_each(|secret| sought.note(&place("json:access_token", secret)));
        Echoes::of(sought).unwrap()
    }

    #[test]
    fn a_value_is_found_in_every_spelling_and_taken_whole() {
        let secret = "k3y+/Ab12cd34EF==";
        let echoes = echoes(&[secret, "other-0123456789abc"]);
        for spelled in [
            secret.to_owned(),
            r"k3y\u002b\/Ab12cd34EF\u003D=".to_owned(),
            "k3y%2b%2FAb12cd34EF%3D%3D".to_owned(),
            "k3y%252B%252FAb12cd34EF%253D%253D".to_owned(),
            "k3y&#x2B;&#47;Ab12cd34EF&#x3D;=".to_owned(),
            r"\\u006b3y+\\\/\u0041b12cd34EF==".to_owned(),
        ] {
            let text = format!("<p title=\"{spelled}\"> and {spelled}</p>");
            let found: Vec<_> =
                echoes.find(text.as_bytes()).into_iter().map(|echo| text[echo.span].to_owned()).collect();
            assert_eq!(found, [spelled.clone(), spelled.clone()], "{text}");
        }
        assert!(echoes.find(b"k3y+/Ab12cd34EF=").is_empty() && echoes.find(b"%zz \\u00 &# &#x;").is_empty());
    }

    #[test]
    fn of_values_that_end_alike_the_longest_is_found() {
        let (short, long) = ("0123456789abcdefg", "prefix-0123456789abcdefg");
        let found = echoes(&[short, long]).find(format!("{long} {short}").as_bytes());
        assert_eq!(found.iter().map(|echo| echo.span.len()).collect::<Vec<_>>(), [long.len(), short.len()]);
    }

    #[test]
    fn only_what_nothing_else_is_like_is_replaced_elsewhere() {
        for (label, value, telling) in [
            ("json:access_token", "tok-0123456789abcdef", true),
            ("header:authorization", "9f2c6b0d7e4a41f3", true),
            ("cookie:sid", "58e1f0c2a9b34d6788a1", true),
            ("query:key", "AIzaSyB3x9QmPq7RtL2", true),
            ("json:access_token", "tok-0123456789", false),
            ("json:password", "correct-horse-battery-staple", false),
            ("json:password", "a pass phrase with 4 blanks", false),
            ("json:secret", "01234567890123456789", false),
            ("cookie:user", "64f1c0a2b9d34e6788a10f2b", false),
            ("cookie:connect.sid", "s:kJ8s7Df6aL9qW2eR4tY1.x", true),
            ("cookie:last_session", "2026-11-26T18:20:10.000Z", false),
            ("cookie:back", "https://shop.test/products/12345", false),
            ("cookie:_ga", "GA1.2.1234567890.1700000000", false),
            ("query:key", "images/products/2024/shoe.png", false),
        ] {
            assert_eq!(is_telling(&place(label, value)), telling, "{label} {value}");
        }
    }
}
