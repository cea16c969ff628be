//! Origins that stand for each other (`[map]`), so that what was recorded in one environment answers in another.

use crate::message::rehome::{Move, Origin, Rehome};

/// One line of the map: an origin that clients ask for, and the one that was recorded.
///
/// The archives have the last word: where they hold the origin that is named as the asked one, it answers for the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginPair {
    /// Asked for.
    pub asked: Origin,
    /// Recorded.
    pub recorded: Origin,
}

/// All of them, in the order in which they count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OriginMap {
    pairs: Vec<OriginPair>,
}

/// A request for one origin is answered by what was recorded of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crossing {
    /// Where the client is.
    pub asked: Origin,
    /// Where the answer comes from.
    pub recorded: Origin,
}

impl OriginMap {
    /// The map of these lines.
    pub fn new(pairs: Vec<OriginPair>) -> Self {
        Self { pairs }
    }

    /// Whether every origin stands for itself alone.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The origins that may stand for one: those that its lines name, then those that these have in common with others.
    pub fn others(&self, origin: &str) -> Vec<&Origin> {
        let mut others: Vec<&Origin> = Vec::new();
        let beside = |origin: &str| {
            let recorded = self.pairs.iter().filter(|pair| pair.asked.as_str() == origin).map(|pair| &pair.recorded);
            let asked = self.pairs.iter().filter(|pair| pair.recorded.as_str() == origin).map(|pair| &pair.asked);
            recorded.chain(asked).collect::<Vec<_>>()
        };
        let mut next = beside(origin);
        while !next.is_empty() {
            next.retain(|other| other.as_str() != origin && !others.contains(other));
            others.extend(next.iter().copied());
            next = next.into_iter().flat_map(|other| beside(other.as_str())).collect();
            next.retain(|other| other.as_str() != origin && !others.contains(other));
            next.sort_unstable();
            next.dedup();
        }
        others
    }

    /// The URLs by which what a URL asks for may have been recorded, the likeliest first.
    pub fn stand_ins<'a>(&'a self, url: &'a str) -> impl Iterator<Item = String> + 'a {
        let origin = if self.is_empty() { url } else { Origin::part_of(url) };
        self.others(origin).into_iter().map(move |other| format!("{other}{}", &url[origin.len()..]))
    }

    /// How an answer that crossed from one origin to another is made to fit: with it goes every other origin of the map
    /// that it may name.
    pub fn rehome(&self, crossing: &Crossing) -> Rehome {
        let Crossing { asked, recorded } = crossing;
        // Which of the two columns the client is in.
        let as_written = self.pairs.iter().any(|pair| pair.asked == *asked);
        let mut others: Vec<Move> = Vec::new();
        for pair in &self.pairs {
            let (from, to) = match as_written {
                true => (&pair.recorded, self.likest(&pair.recorded, asked).unwrap_or(&pair.asked)),
                false => (&pair.asked, &pair.recorded),
            };
            if from != recorded && others.iter().all(|known| known.from() != from) {
                others.push(Move::new(from.clone(), to.clone()));
            }
        }
        Rehome::new(Move::new(recorded.clone(), asked.clone()), others)
    }

    /// Of the origins that are asked for what was recorded of one, that of the client's environment: it has most of its
    /// host's end in common with the client's.
    fn likest(&self, recorded: &Origin, asked: &Origin) -> Option<&Origin> {
        let alike = |origin: &Origin| {
            let labels = origin.host().rsplit('.').zip(asked.host().rsplit('.'));
            (origin.scheme() == asked.scheme(), labels.take_while(|(one, other)| one == other).count())
        };
        let candidates = self.pairs.iter().filter(|pair| pair.recorded == *recorded).map(|pair| &pair.asked);
        candidates.reduce(|best, next| if alike(next) > alike(best) { next } else { best })
    }
}

impl Crossing {
    /// From the origin of one URL to that of another.
    pub(super) fn between(asked: &str, recorded: &str) -> Option<Self> {
        let origin = |url: &str| Origin::part_of(url).parse().ok();
        Some(Self { asked: origin(asked)?, recorded: origin(recorded)? })
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http::header::LOCATION;

    use super::*;

    fn map(lines: &[(&str, &str)]) -> OriginMap {
        let pair = |(asked, recorded): &(&str, &str)| OriginPair {
            asked: asked.parse().unwrap(),
            recorded: recorded.parse().unwrap(),
        };
        OriginMap::new(lines.iter().map(pair).collect())
    }

    fn stand_ins(map: &OriginMap, url: &str) -> Vec<String> {
        map.stand_ins(url).collect()
    }

    fn location(map: &OriginMap, asked: &str, recorded: &str, value: &str) -> String {
        let mut fields = HeaderMap::from_iter([(LOCATION, value.parse().unwrap())]);
        map.rehome(&Crossing::between(asked, recorded).unwrap()).fields(&mut fields);
        fields[LOCATION].to_str().unwrap().to_owned()
    }

    #[test]
    fn either_origin_of_a_line_stands_for_the_other_and_all_that_share_one_for_each_other() {
        let map = map(&[
            ("https://api.staging.example", "http://localhost:8080"),
            ("https://api.example", "http://localhost:8080"),
        ]);
        assert_eq!(
            stand_ins(&map, "https://api.staging.example/a?b=http://localhost:8080/"),
            ["http://localhost:8080/a?b=http://localhost:8080/", "https://api.example/a?b=http://localhost:8080/"]
        );
        assert_eq!(
            stand_ins(&map, "http://localhost:8080/a"),
            ["https://api.staging.example/a", "https://api.example/a"]
        );
        for url in ["http://localhost:80801/a", "https://api.example.evil/", "http://api.example/"] {
            assert_eq!(stand_ins(&map, url), [""; 0], "{url}");
        }
        assert_eq!(stand_ins(&OriginMap::default(), "https://api.example/"), [""; 0]);
    }

    #[test]
    fn an_answer_names_the_other_origins_of_the_environment_that_asked() {
        let map = map(&[
            ("https://api.staging.example", "http://localhost:8080"),
            ("https://api.example.test", "http://localhost:8080"),
            ("https://login.staging.example", "http://localhost:9090"),
            ("https://login.example.test", "http://localhost:9090"),
        ]);
        let login = "http://localhost:9090/x";
        let from = "http://localhost:8080/";
        assert_eq!(location(&map, "https://api.staging.example/", from, login), "https://login.staging.example/x");
        assert_eq!(location(&map, "https://api.example.test/", from, login), "https://login.example.test/x");
        let back = location(&map, from, "https://api.example.test/", "https://login.example.test/x");
        assert_eq!(back, login);
    }
}
