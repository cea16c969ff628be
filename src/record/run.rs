//! What all recordings of a run share: the buffer, the way to the writing thread, and who outlives the run.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

use super::inbox::Notes;
use super::recording::Exchange;
use super::spool::{Note, Piece, Side};

/// Bytes of bodies that may wait for the disk, for the whole process.
pub(super) const ROOM: u32 = 32 << 20;

/// Bytes that a short frame may keep in memory, as a part of what was read with it.
const FRAME_LEAST: usize = 8 << 10;

/// What all recordings of a run share.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) notes: Notes<Note>,
    pub(super) room: Arc<Semaphore>,
    /// Microseconds that clients waited for the disk.
    pub(super) waited: AtomicU64,
    /// Clients that went away before the response head.
    pub(super) abandoned: AtomicU64,
    /// Exchanges that are kept even if the run ends first: answered in full while their request was still on its way,
    /// read on after their client had gone, or streams that have no end of their own.
    late: Mutex<Vec<Weak<Exchange>>>,
    /// Bodies that are read on without their client.
    pub(super) reading_on: TaskTracker,
    /// The frames of streamed bodies are noted, with their times.
    pub(super) keeps_frames: bool,
}

impl Run {
    pub(super) fn new(notes: Notes<Note>, keeps_frames: bool) -> Self {
        let room = Arc::new(Semaphore::new(ROOM as usize));
        Self {
            notes,
            room,
            waited: AtomicU64::new(0),
            abandoned: AtomicU64::new(0),
            late: Mutex::default(),
            reading_on: TaskTracker::new(),
            keeps_frames,
        }
    }

    /// A share of the buffer for a frame of this length, if there is one now. One frame larger than the whole buffer
    /// takes all of it.
    pub(super) fn try_room(&self, length: usize) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.room).try_acquire_many_owned(share(length)).ok()
    }

    /// The same once there is one; the client waits, which is counted.
    pub(super) async fn room(self: Arc<Self>, length: usize) -> Option<OwnedSemaphorePermit> {
        let since = Instant::now();
        let mut acquiring = pin!(Arc::clone(&self.room).acquire_many_owned(share(length)));
        let asking = poll_fn(|cx| {
            let room = acquiring.as_mut().poll(cx);
            if room.is_pending() {
                self.notes.send_at_once(Note::Room);
            }
            room
        });
        let room = asking.await.ok();
        self.waited.fetch_add(microseconds(since), Ordering::Relaxed);
        room
    }

    /// Hands a frame over. The writing thread looks at it when more has come together, when something else is to be
    /// written, or when somebody waits for room.
    pub(super) fn frame(&self, exchange: u64, side: Side, piece: Piece) {
        let weight = piece.bytes.len().max(FRAME_LEAST);
        self.notes.leave(Note::Frame { exchange, side, piece }, weight);
        // This frame may have what somebody else began to wait for meanwhile.
        if self.room.available_permits() == 0 {
            self.notes.send_at_once(Note::Room);
        }
    }

    pub(super) fn note_late(&self, exchange: &Arc<Exchange>) {
        let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        late.retain(|exchange| exchange.strong_count() > 0);
        late.push(Arc::downgrade(exchange));
    }

    /// Takes what came of exchanges that go on although the run does not.
    pub(super) fn finish_late(&self) {
        let late = std::mem::take(&mut *self.late.lock().unwrap_or_else(PoisonError::into_inner));
        for exchange in late.iter().filter_map(Weak::upgrade) {
            drop(exchange.finish(None, |_| {}));
        }
    }
}

/// A frame takes room for its note, too: very many of a byte each would fill the memory otherwise.
fn share(length: usize) -> u32 {
    let whole = length.saturating_add(size_of::<Note>());
    u32::try_from(whole).unwrap_or(ROOM).min(ROOM)
}

pub(super) fn milliseconds(since: Instant) -> f64 {
    microseconds(since) as f64 / 1000.0
}

/// Microseconds are what clocks and readers agree on.
pub(super) fn microseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::inbox::inbox;
    use crate::record::losses::Tell;
    use crate::record::run_settings::RunSettings;
    use crate::record::spool::Spool;

    #[tokio::test]
    async fn who_waits_for_room_gets_what_large_bodies_keep_until_there_is_more_to_write() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("journal");
        let (_spool, notes) = Spool::start(&journal, &RunSettings::default(), Tell::silent()).unwrap();
        let run = Arc::new(Run::new(notes, false));
        let length = 100 << 10;
        for exchange in 0..8 {
            let share = run.try_room(length);
            run.frame(exchange, Side::Response, Piece { bytes: vec![7; length].into(), share, to_come: None });
        }
        assert!(run.try_room(ROOM as usize).is_none());
        let all = Arc::clone(&run).room(ROOM as usize).await;
        assert_eq!(all.map(|room| room.num_permits()), Some(ROOM as usize));
        run.notes.send_at_once(Note::Close);
    }

    #[test]
    fn frames_of_a_byte_take_room_for_what_keeps_them() {
        let (notes, _disk) = inbox();
        let run = Run::new(notes, false);
        let taken: Vec<_> = std::iter::from_fn(|| run.try_room(1)).collect();
        assert!(taken.len() * size_of::<Note>() <= ROOM as usize, "{}", taken.len());
    }
}
