//! What waits for the writing thread, and when that is woken.
//!
//! Exchanges that end in the same turn of the runtime reach the thread together: it is woken once the tasks that were
//! ready have run, so that one `write` serves them all. Waking it for each would cost more than writing.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::thread::Thread;

use tokio::runtime::Handle;
use tokio::sync::Notify;

/// Notes that can wait weigh at least as much together when the thread is woken for them: in bytes, for bodies.
const WORTH_WAKING: usize = 1 << 20;

/// The end that the proxy's tasks have. When it goes, the other end is told.
#[derive(Debug)]
pub(super) struct Notes<N>(Arc<Shared<N>>);

/// The end that the writing thread has. What is left in it when it goes, and what comes later, is dropped.
#[derive(Debug)]
pub(super) struct Inbox<N>(Arc<Shared<N>>);

#[derive(Debug)]
struct Shared<N> {
    state: Mutex<State<N>>,
    /// The one that takes the notes, once it does.
    thread: OnceLock<Thread>,
    /// Rung once for all notes of a turn; none outside a runtime.
    bell: OnceLock<Option<Arc<Notify>>>,
}

#[derive(Debug)]
struct State<N> {
    notes: Vec<N>,
    /// What the notes weigh that nobody was woken for.
    weight: usize,
    /// One of the two ends is gone.
    closed: bool,
}

/// Two ends of one way.
pub(super) fn inbox<N>() -> (Notes<N>, Inbox<N>) {
    let state = Mutex::new(State { notes: Vec::new(), weight: 0, closed: false });
    let shared = Arc::new(Shared { state, thread: OnceLock::new(), bell: OnceLock::new() });
    (Notes(Arc::clone(&shared)), Inbox(shared))
}

impl<N> Shared<N> {
    fn state(&self) -> MutexGuard<'_, State<N>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives what the notes weigh by now.
    fn push(&self, note: N, weight: usize) -> usize {
        let mut state = self.state();
        if !state.closed {
            state.notes.push(note);
            state.weight += weight;
        }
        state.weight
    }

    fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }
}

impl<N: Send + 'static> Notes<N> {
    /// Leaves a note, which is dropped where nobody takes it any more.
    pub(super) fn send(&self, note: N) {
        self.0.push(note, 0);
        match self.0.bell.get_or_init(|| bell(&self.0)) {
            Some(bell) => bell.notify_one(),
            None => self.0.wake(),
        }
    }

    /// Leaves a note that can wait until such notes weigh enough together, or until the thread is woken for another.
    pub(super) fn leave(&self, note: N, weight: usize) {
        if self.0.push(note, weight) >= WORTH_WAKING {
            self.0.wake();
        }
    }

    /// Leaves a note and wakes the thread, whoever else may have something for it.
    pub(super) fn send_at_once(&self, note: N) {
        self.0.push(note, 0);
        self.0.wake();
    }
}

impl<N> Drop for Notes<N> {
    fn drop(&mut self) {
        self.0.state().closed = true;
        self.0.wake();
        if let Some(Some(bell)) = self.0.bell.get() {
            bell.notify_one();
        }
    }
}

/// The task that wakes the thread after the others of a turn.
fn bell<N: Send + 'static>(shared: &Arc<Shared<N>>) -> Option<Arc<Notify>> {
    let runtime = Handle::try_current().ok()?;
    let (bell, shared) = (Arc::new(Notify::new()), Arc::downgrade(shared));
    runtime.spawn({
        let bell = Arc::clone(&bell);
        async move {
            loop {
                bell.notified().await;
                // Behind every task that is ready now.
                tokio::task::yield_now().await;
                let Some(shared) = Weak::upgrade(&shared) else { return };
                shared.wake();
            }
        }
    });
    Some(bell)
}

impl<N> Inbox<N> {
    /// Waits for notes, and adds all that there are to `taken`; `false` when none will come.
    pub(super) fn take(&self, taken: &mut Vec<N>) -> bool {
        self.0.thread.get_or_init(std::thread::current);
        loop {
            let mut state = self.0.state();
            if !state.notes.is_empty() {
                taken.append(&mut state.notes);
                state.weight = 0;
                return true;
            }
            if state.closed {
                return false;
            }
            drop(state);
            std::thread::park();
        }
    }
}

impl<N> Drop for Inbox<N> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.closed = true;
        let left = std::mem::take(&mut state.notes);
        drop(state);
        drop(left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn notes_arrive_in_order_and_the_end_is_told() {
        let (notes, inbox) = inbox();
        let taking = std::thread::spawn(move || {
            let mut taken = Vec::new();
            while inbox.take(&mut taken) {}
            taken
        });
        for number in 0..100 {
            notes.send(number);
            if number % 7 == 0 {
                tokio::task::yield_now().await;
            }
        }
        drop(notes);
        let taken = tokio::task::spawn_blocking(|| taking.join().unwrap()).await.unwrap();
        assert_eq!(taken, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn a_note_that_nobody_takes_is_dropped() {
        let (notes, inbox) = inbox();
        let (held, watched) = (Arc::new(()), Arc::new(()));
        notes.send(Arc::clone(&held));
        drop(inbox);
        notes.send(Arc::clone(&watched));
        assert_eq!((Arc::strong_count(&held), Arc::strong_count(&watched)), (1, 1));
    }
}
