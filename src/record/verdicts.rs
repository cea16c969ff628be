//! Sessions whose exchanges are kept only when the session says so.

use std::collections::{BTreeMap, HashMap};

/// What a session decides about the exchanges that it has had since it last decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// They are kept.
    Commit,
    /// They are not.
    Rollback,
}

/// The verdicts of a journal, in the order in which they stand between its exchanges.
#[derive(Debug, Default)]
pub struct Verdicts(HashMap<String, Vec<(usize, Verdict)>>);

impl Verdicts {
    /// One that stands behind so many exchanges.
    pub(super) fn add(&mut self, behind: usize, session: String, verdict: Verdict) {
        self.0.entry(session).or_default().push((behind, verdict));
    }

    /// What was decided about the exchange at a place, counted from zero; `None` while nothing was.
    pub fn on(&self, place: usize, session: &str) -> Option<Verdict> {
        let verdicts = self.0.get(session)?;
        let first = verdicts.partition_point(|(behind, _)| *behind <= place);
        verdicts.get(first).map(|(_, verdict)| *verdict)
    }

    /// Takes out what is not kept: what a session has rolled back, and what it has not decided about. Items come with
    /// the session of the exchange at their place in the journal, where that has to decide. Gives how many nobody
    /// decided about, by session.
    pub(super) fn keep<T>(&self, items: Vec<(T, usize, Option<String>)>) -> (Vec<T>, BTreeMap<String, u64>) {
        let mut undecided = BTreeMap::new();
        let mut kept = Vec::with_capacity(items.len());
        for (item, place, session) in items {
            let Some(session) = session else {
                kept.push(item);
                continue;
            };
            match self.on(place, &session) {
                Some(Verdict::Commit) => kept.push(item),
                Some(Verdict::Rollback) => {}
                None => *undecided.entry(session).or_default() += 1,
            }
        }
        (kept, undecided)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_about_what_its_session_has_had_since_the_last_one() {
        let mut verdicts = Verdicts::default();
        verdicts.add(2, "a".into(), Verdict::Commit);
        verdicts.add(4, "a".into(), Verdict::Rollback);
        verdicts.add(5, "b".into(), Verdict::Commit);
        let sessions = [Some("a"), None, Some("a"), Some("b"), Some("a"), Some("c")];
        let items = (0..).zip(sessions).map(|(place, session)| (place, place, session.map(str::to_owned)));
        let (kept, undecided) = verdicts.keep(items.collect());
        assert_eq!(kept, [0, 1, 3]);
        assert_eq!(undecided, BTreeMap::from([("a".to_owned(), 1), ("c".to_owned(), 1)]));
    }
}
