//! Archives that change are swapped under the requests: each request keeps the state with which it began.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::engine::{Engine, EngineMode};
use crate::replay::{Look, Watcher};

/// Between two looks at the archives. An edit is taken at the second look that sees it.
const BETWEEN_LOOKS: Duration = Duration::from_millis(40);
/// Many archives are looked at less often, so that looking takes at most one part in so many of a processor.
const SHARE: u32 = 20;
/// Who may ask for a reload at a time.
const ASKING: usize = 16;

/// The way to whoever watches the archives.
#[derive(Debug)]
pub(super) struct Reloads(mpsc::Sender<oneshot::Sender<Reloaded>>);

/// The other end of it.
pub(super) type ReloadsAsked = mpsc::Receiver<oneshot::Sender<Reloaded>>;

/// What a reload that was asked for has led to.
#[derive(Debug, Default, Serialize)]
pub(super) struct Reloaded {
    /// What was read anew, is new, is odd or is gone, a sentence each.
    pub(super) changes: Vec<String>,
    /// What is broken on disk and not taken, a sentence each.
    pub(super) broken: Vec<String>,
}

impl Reloads {
    pub(super) fn new() -> (Self, ReloadsAsked) {
        let (ask, asked) = mpsc::channel(ASKING);
        (Self(ask), asked)
    }

    /// Has the archives looked at now; none when the run ends.
    pub(super) async fn ask(&self) -> Option<Reloaded> {
        let (answer, answered) = oneshot::channel();
        self.0.send(answer).await.ok()?;
        answered.await.ok()
    }
}

/// Looks at the archives until the run ends, and answers from what they are.
pub(super) async fn watch(engine: Arc<Engine>, paths: Vec<PathBuf>, strict: bool, mut asked: ReloadsAsked) {
    let EngineMode::Replay(state) = &engine.mode else { return };
    let replayer = state.replayer.load_full();
    let watching = spawn_blocking(move || {
        let watcher = Watcher::new(replayer, paths, strict);
        watcher.keep_texts();
        watcher
    });
    let Ok(mut watcher) = watching.await else { return };
    let mut pause = BETWEEN_LOOKS;
    let mut asking = Asking::default();
    loop {
        tokio::select! {
            () = engine.ending.cancelled() => return,
            Some(answer) = asked.recv() => asking.waiting.push(answer),
            () = sleep(pause) => {}
        }
        let looked = spawn_blocking(move || {
            let started = Instant::now();
            let look = watcher.look();
            (watcher, look, started.elapsed())
        });
        let Ok((looked, look, took)) = looked.await else { return };
        watcher = looked;
        // Reading is no part of what looking takes.
        pause = if look.is_quiet() { BETWEEN_LOOKS.max(took * SHARE) } else { BETWEEN_LOOKS };
        let unsettled = look.unsettled;
        let swapped = take(&engine, look, &mut asking);
        if !unsettled {
            asking.answer(&watcher);
        }
        if swapped {
            let kept = spawn_blocking(move || {
                watcher.keep_texts();
                watcher
            });
            let Ok(kept) = kept.await else { return };
            watcher = kept;
        }
    }
}

/// Answers from what a look found, and tells of it. Whether something else answers now.
fn take(engine: &Engine, look: Look, asking: &mut Asking) -> bool {
    let EngineMode::Replay(state) = &engine.mode else { return false };
    let swapped = look.replayer.is_some();
    if let Some(replayer) = look.replayer {
        let before = state.replayer.swap(Arc::clone(&replayer));
        let places = replayer.places_since(&before);
        state.sessions.follow(&places);
        engine.tally.follow(&places);
    }
    look.changes.iter().for_each(|change| engine.log.notice(change));
    look.broken.iter().for_each(|broken| engine.log.alert(broken));
    if !asking.waiting.is_empty() {
        asking.changes.extend(look.changes);
    }
    swapped
}

/// Those who wait for a reload that they asked for.
#[derive(Debug, Default)]
struct Asking {
    waiting: Vec<oneshot::Sender<Reloaded>>,
    changes: Vec<String>,
}

impl Asking {
    /// Everything is as it is on disk, but for what is broken there.
    fn answer(&mut self, watcher: &Watcher) {
        let changes = std::mem::take(&mut self.changes);
        for answer in self.waiting.drain(..) {
            let broken = watcher.broken().map(str::to_owned).collect();
            // Who asked may have gone.
            let _ = answer.send(Reloaded { changes: changes.clone(), broken });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::EDIT_SEEN_AFTER;

    #[test]
    fn enough_looks_fit_into_the_time_after_which_an_edit_is_seen() {
        assert!(BETWEEN_LOOKS * Watcher::LOOKS_MOST <= EDIT_SEEN_AFTER);
    }

    #[test]
    fn the_time_after_which_an_edit_is_seen_is_the_documented_one() {
        let documented = format!("{} ms after the edit", EDIT_SEEN_AFTER.as_millis());
        assert!(include_str!("../../docs/replay.md").contains(&documented), "docs/replay.md does not say {documented}");
    }
}
