//! Sessions: clients that share a proxy and each have their own place in repeated requests.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::matching::{EntryRef, Memory};

/// Sessions kept at a time, beside the default one.
const MOST: usize = 10_000;

/// One client's place in what is replayed.
#[derive(Debug)]
pub struct Session {
    name: Box<str>,
    memory: Memory,
}

impl Session {
    /// The name of the session of requests that name none.
    pub const DEFAULT: &str = "default";

    /// A session that has asked for nothing yet.
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), memory: Memory::default() }
    }

    /// How the client calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Begins anew: sequences at their first answer, redacted values bound to nothing.
    pub fn reset(&self) {
        self.memory.reset();
    }

    pub(super) fn memory(&self) -> &Memory {
        &self.memory
    }
}

/// The sessions of a run, each made when it is first named.
#[derive(Debug)]
pub struct Sessions {
    default: Arc<Session>,
    named: Mutex<Named>,
}

#[derive(Debug, Default)]
struct Named {
    sessions: HashMap<Box<str>, Seen>,
    /// Counts what was asked for, as a clock.
    asked: u64,
}

#[derive(Debug)]
struct Seen {
    session: Arc<Session>,
    last: u64,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { default: Arc::new(Session::new(Session::DEFAULT)), named: Mutex::default() }
    }
}

impl Sessions {
    /// The session of requests that name none.
    pub fn unnamed(&self) -> &Arc<Session> {
        &self.default
    }

    /// The session of this name; `default` and an empty name are that of requests that name none.
    ///
    /// There are at most 10,000 others. Beyond that the one that has not been asked for longest makes room, and begins
    /// anew when it comes back.
    pub fn get(&self, name: &str) -> Arc<Session> {
        if name.is_empty() || name == Session::DEFAULT {
            return Arc::clone(&self.default);
        }
        let mut named = self.named();
        named.asked += 1;
        let now = named.asked;
        if named.sessions.len() >= MOST && !named.sessions.contains_key(name) {
            named.make_room();
        }
        match named.sessions.entry(name.into()) {
            Entry::Occupied(mut seen) => {
                seen.get_mut().last = now;
                Arc::clone(&seen.get().session)
            }
            Entry::Vacant(place) => {
                Arc::clone(&place.insert(Seen { session: Arc::new(Session::new(name)), last: now }).session)
            }
        }
    }

    /// The session of this name, if it has been asked for.
    pub fn find(&self, name: &str) -> Option<Arc<Session>> {
        if name.is_empty() || name == Session::DEFAULT {
            return Some(Arc::clone(&self.default));
        }
        self.named().sessions.get(name).map(|seen| Arc::clone(&seen.session))
    }

    /// After a reload: every session goes on where it was.
    pub fn follow(&self, places: &HashMap<EntryRef, EntryRef>) {
        self.all().iter().for_each(|session| session.memory.follow(places));
    }

    /// All of them: the default one, then the others by name.
    pub fn all(&self) -> Vec<Arc<Session>> {
        let named = self.named();
        let mut others: Vec<_> = named.sessions.values().map(|seen| Arc::clone(&seen.session)).collect();
        drop(named);
        others.sort_by(|one, other| one.name.cmp(&other.name));
        others.insert(0, Arc::clone(&self.default));
        others
    }

    fn named(&self) -> MutexGuard<'_, Named> {
        self.named.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Named {
    fn make_room(&mut self) {
        let longest = self.sessions.iter().min_by_key(|(_, seen)| seen.last).map(|(name, _)| name.clone());
        if let Some(name) = longest {
            self.sessions.remove(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_gets_the_same_session_again_and_none_is_the_default_one() {
        let sessions = Sessions::default();
        assert!(Arc::ptr_eq(&sessions.get("a"), &sessions.get("a")));
        assert!(!Arc::ptr_eq(&sessions.get("a"), &sessions.get("b")));
        for name in ["", "default"] {
            assert!(Arc::ptr_eq(&sessions.get(name), sessions.unnamed()));
        }
        let names: Vec<_> = sessions.all().iter().map(|session| session.name().to_owned()).collect();
        assert_eq!(names, ["default", "a", "b"]);
        assert!(sessions.find("c").is_none());
    }

    #[test]
    fn beyond_the_limit_the_session_that_was_idle_longest_makes_room() {
        let sessions = Sessions::default();
        let kept = sessions.get("0");
        for name in 1..MOST {
            sessions.get(&name.to_string());
        }
        sessions.get("0");
        sessions.get("one more");
        assert_eq!(sessions.all().len(), MOST + 1);
        assert!(sessions.find("1").is_none());
        assert!(Arc::ptr_eq(&sessions.get("0"), &kept));
    }
}
