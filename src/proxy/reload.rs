//! Archives that change are swapped under the requests: each request keeps the state with which it began.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::engine::{Engine, EngineMode};
use crate::replay::{Look, Watcher};

/// Between two looks at the archives. An edit is taken at the second look that sees it.
const BETWEEN_LOOKS: Duration = Duration::from_millis(40);
/// Many archives are looked at less often, so that looking takes at most one part in so many of a processor.
const SHARE: u32 = 20;

/// Looks at the archives until the run ends, and answers from what they are.
pub(super) async fn watch(engine: Arc<Engine>, paths: Vec<PathBuf>, strict: bool) {
    let EngineMode::Replay(state) = &engine.mode else { return };
    let replayer = state.replayer.load_full();
    let watching = spawn_blocking(move || {
        let watcher = Watcher::new(replayer, paths, strict);
        watcher.keep_texts();
        watcher
    });
    let Ok(mut watcher) = watching.await else { return };
    let mut pause = BETWEEN_LOOKS;
    loop {
        tokio::select! {
            () = engine.ending.cancelled() => return,
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
        if take(&engine, look) {
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
fn take(engine: &Engine, look: Look) -> bool {
    let EngineMode::Replay(state) = &engine.mode else { return false };
    let swapped = look.replayer.map(|replayer| state.replayer.store(replayer)).is_some();
    look.changes.iter().for_each(|change| engine.log.notice(change));
    look.broken.iter().for_each(|broken| engine.log.alert(broken));
    swapped
}
