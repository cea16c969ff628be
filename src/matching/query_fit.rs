//! How well the queries of entries of one place fit that of a request.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::digest::{Digest, of_pairs};
use super::reduced_url::{Parameter, parameters, query};
use super::rules::Terms;

/// The parameters of entries, by which those are found that fit a request best without comparing it with each.
#[derive(Debug, Default)]
pub(super) struct QueryFit {
    /// Positions by name and value.
    pairs: HashMap<Digest, Vec<u32>>,
    /// Positions by name.
    names: HashMap<Digest, Vec<u32>>,
    /// How many parameters each position has.
    counts: Vec<u32>,
}

/// How a query fits: most parameters that are equal, then most of the same name, then fewest that were not asked for.
type Fit = (u32, u32, Reverse<u32>);

impl QueryFit {
    /// Adds the entry of the next position.
    pub(super) fn add(&mut self, url: &str, terms: Option<&Terms>) {
        let position = self.counts.len() as u32;
        let mut count = 0;
        each(url, terms, |name, pair| {
            self.names.entry(name).or_default().push(position);
            self.pairs.entry(pair).or_default().push(position);
            count += 1;
        });
        self.counts.push(count);
    }

    /// The positions that fit best, sorted; `among` is sorted, `None` means all.
    pub(super) fn best(&self, url: &str, terms: Option<&Terms>, among: Option<&[u32]>) -> Vec<u32> {
        let (mut equal, mut named) = (vec![0_u32; self.counts.len()], vec![0_u32; self.counts.len()]);
        each(url, terms, |name, pair| {
            for (table, key, common) in [(&self.pairs, pair, &mut equal), (&self.names, name, &mut named)] {
                table.get(&key).into_iter().flatten().for_each(|&position| common[position as usize] += 1);
            }
        });
        let fit = |position: u32| -> Fit {
            let at = position as usize;
            (equal[at], named[at], Reverse(self.counts[at].saturating_sub(named[at])))
        };
        let all = 0..self.counts.len() as u32;
        let positions: Vec<u32> = among.map_or_else(|| all.collect(), <[u32]>::to_vec);
        let best = positions.iter().map(|&position| fit(position)).max();
        positions.into_iter().filter(|&position| Some(fit(position)) == best).collect()
    }
}

/// Gives the keys of each parameter that counts: of its name, and of its name and value. The second of equal ones is
/// another one than the first, so that repeats are told apart by their number.
fn each(url: &str, terms: Option<&Terms>, mut see: impl FnMut(Digest, Digest)) {
    let ignored = |parameter: &Parameter<'_>| {
        terms.is_some_and(|terms| terms.ignore_query.iter().any(|ruled| ruled.value.matches(&parameter.name)))
    };
    let mut seen: HashMap<Digest, u32> = HashMap::new();
    let mut numbered = |key: Digest, name: &str, value: &str| {
        let count = seen.entry(key).or_default();
        *count += 1;
        of_pairs([(name.as_bytes(), value.as_bytes()), (&count.to_le_bytes()[..], &b""[..])].into_iter())
    };
    for parameter in parameters(query(url)).filter(|parameter| !ignored(parameter)) {
        let (name, value) = (&*parameter.name, &*parameter.value);
        let of_name = of_pairs(std::iter::once((name.as_bytes(), &b""[..])));
        let of_pair = of_pairs([(name.as_bytes(), value.as_bytes()), (&b"="[..], &b""[..])].into_iter());
        see(numbered(of_name, name, ""), numbered(of_pair, name, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(recorded: &[&str], asked: &str) -> Vec<u32> {
        let mut fit = QueryFit::default();
        recorded.iter().for_each(|query| fit.add(&format!("http://h/p{query}"), None));
        fit.best(&format!("http://h/p{asked}"), None, None)
    }

    #[test]
    fn equal_parameters_count_before_names_and_names_before_what_nobody_asked_for() {
        let recorded = ["?id=1", "?id=5&page=1", "?id=5", "", "?page=1"];
        assert_eq!(best(&recorded, "?id=5"), [2]);
        assert_eq!(best(&recorded, "?id=5&page=2"), [1]);
        assert_eq!(best(&recorded, "?id=9"), [0, 2]);
        assert_eq!(best(&recorded, "?other"), [3]);
        assert_eq!(best(&recorded, ""), [3]);
    }

    #[test]
    fn repeats_count_as_often_as_they_are_there() {
        assert_eq!(best(&["?a=1", "?a=1&a=1", "?a=1&a=2"], "?a=1&a=1"), [1]);
        assert_eq!(best(&["?a=1", "?a=1&a=1"], "?a=1"), [0]);
    }

    #[test]
    fn only_the_positions_that_may_answer_are_compared() {
        let mut fit = QueryFit::default();
        ["?a=1", "?a=2", "?b"].iter().for_each(|query| fit.add(&format!("http://h/p{query}"), None));
        assert_eq!(fit.best("http://h/p?a=1", None, Some(&[1, 2])), [1]);
        assert_eq!(fit.best("http://h/p?a=1", None, Some(&[])), Vec::<u32>::new());
    }
}
