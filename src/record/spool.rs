//! The one thread that writes: body frames as they pass, and each exchange once it has ended.
//!
//! Small bodies wait in memory and go into the journal with their exchange; a body that grows past [`INLINE_MOST`], or
//! that finds [`HELD_MOST`] taken, moves to a spool file of its own. Frames come with a share of the recorder's buffer,
//! which is free again once they are taken. What has arrived together is written together, by one `write`, before
//! anybody who waits for it is answered.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::body_spool::BodySpool;
use super::exchange::ExchangeFacts;
use super::inbox::{Inbox, Notes, inbox};
use super::journal::{JournalBody, JournalWriter, spool_path};
use super::large_body::LargeBody;
use super::losses::{Losses, Tell};
use super::run_settings::RunSettings;
use super::sync::{SyncThread, Unsynced};
use super::verdicts::Verdict;

/// A larger body gets a file of its own.
const INLINE_MOST: usize = 64 << 10;

/// Bytes of all bodies that wait in memory for the end of their exchange.
const HELD_MOST: usize = 16 << 20;

/// Bytes of the buffer that large bodies keep until they can be written together.
const UNWRITTEN_MOST: usize = 8 << 20;

/// Bytes of records that are written at once.
const TOGETHER_MOST: usize = 1 << 20;

/// Which body of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Side {
    Request,
    Response,
}

/// What the proxy's tasks tell the writing thread.
#[derive(Debug)]
pub(super) enum Note {
    /// A piece of a body, with its share of the buffer.
    Frame { exchange: u64, side: Side, piece: Piece },
    /// The exchange has ended: append it, then say so, or nothing where it is lost. `response` is its response body,
    /// where that came whole.
    Finished { facts: Box<ExchangeFacts>, response: Option<Piece>, written: oneshot::Sender<()> },
    /// The exchange is not kept.
    Discarded { exchange: u64 },
    /// A session has decided about its exchanges; tells how many they were, once that is written.
    Decided { session: String, verdict: Verdict, written: oneshot::Sender<io::Result<u64>> },
    /// Somebody waits for room in the buffer.
    Room,
    /// The run is over; what comes later is not kept.
    Close,
}

/// Bytes of a body, with their share of the buffer.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) bytes: Bytes,
    pub(super) share: Option<OwnedSemaphorePermit>,
    /// Bytes of the body that come after these, where it has said so.
    pub(super) to_come: Option<u64>,
}

/// What became of the exchanges.
#[derive(Debug, Default, Clone)]
pub struct Spooled {
    /// Exchanges in the journal.
    pub exchanges: u64,
    /// Exchanges that could not be written.
    pub lost: u64,
    /// The first reason for a loss.
    pub first_error: Option<String>,
    /// What could not be synced first: a power loss would have taken it.
    pub unsynced: Option<String>,
    /// Exchanges that sessions have rolled back.
    pub rolled_back: u64,
    /// Exchanges of sessions that have not decided about them, by session: they are not kept.
    pub undecided: BTreeMap<String, u64>,
}

impl Spooled {
    /// An exchange is in the journal.
    fn written(&mut self, facts: &ExchangeFacts) {
        self.exchanges += 1;
        if let Some(session) = &facts.session {
            *self.undecided.entry(session.clone()).or_default() += 1;
        }
    }

    /// So has a session decided; gives about how many.
    fn decided(&mut self, session: &str, verdict: Verdict) -> u64 {
        let exchanges = self.undecided.remove(session).unwrap_or_default();
        if verdict == Verdict::Rollback {
            self.rolled_back += exchanges;
        }
        exchanges
    }

    /// Exchanges that are to be in the archive.
    pub(super) fn kept(&self) -> u64 {
        self.exchanges.saturating_sub(self.rolled_back + self.undecided.values().sum::<u64>())
    }
}

/// The writing thread, and the one that syncs what it has written.
#[derive(Debug)]
pub(super) struct Spool {
    thread: JoinHandle<Spooled>,
    sync: SyncThread,
}

impl Spool {
    /// Starts writing to `journal`; large bodies go beside it. What is lost is told at once.
    pub(super) fn start(journal: &Path, settings: &RunSettings, tell: Tell) -> io::Result<(Self, Notes<Note>)> {
        let folder = journal.parent().unwrap_or(Path::new(".")).to_owned();
        let journal = JournalWriter::create(journal, settings)?;
        let sync = SyncThread::start(folder.clone(), journal.file()?, tell.clone())?;
        let (sender, notes) = inbox();
        let writer = Writer {
            folder,
            journal,
            open: HashMap::new(),
            large: BTreeSet::new(),
            held: 0,
            unwritten: 0,
            next_file: 0,
            room_is_wanted: false,
            waiting: Vec::new(),
            unsynced: sync.unsynced(),
            losses: Losses::new(tell),
            spooled: Spooled::default(),
        };
        let thread = std::thread::Builder::new().name("harmock-spool".into()).spawn(move || writer.run(&notes))?;
        Ok((Self { thread, sync }, sender))
    }

    /// Waits until everything up to [`Note::Close`] is written. Blocks.
    pub(super) fn join(self) -> Spooled {
        let mut spooled = self.thread.join().unwrap_or_else(|_panic| Spooled {
            lost: 1,
            first_error: Some("the writing thread ended early".into()),
            ..Spooled::default()
        });
        spooled.unsynced = self.sync.stop();
        spooled
    }
}

#[derive(Debug)]
struct Writer {
    folder: PathBuf,
    journal: JournalWriter,
    open: HashMap<(u64, Side), BodySpool>,
    /// The open bodies that have files and may hold what is not written yet.
    large: BTreeSet<(u64, Side)>,
    /// Bytes of the open bodies that are in memory.
    held: usize,
    /// Bytes of the buffer that the large bodies keep.
    unwritten: usize,
    next_file: u64,
    room_is_wanted: bool,
    /// The exchanges of the records that the journal has not written yet, in their order.
    waiting: Vec<Waiting>,
    unsynced: Unsynced,
    losses: Losses,
    spooled: Spooled,
}

/// A record that is not written yet.
#[derive(Debug)]
enum Waiting {
    Exchange { facts: Box<ExchangeFacts>, bodies: [Option<u64>; 2], written: oneshot::Sender<()> },
    Verdict { session: String, verdict: Verdict, written: oneshot::Sender<io::Result<u64>> },
}

impl Writer {
    fn run(mut self, inbox: &Inbox<Note>) -> Spooled {
        let (mut open, mut notes) = (true, Vec::new());
        while open && inbox.take(&mut notes) {
            for note in notes.drain(..) {
                open = open && self.take(note);
                if self.journal.pending() >= TOGETHER_MOST {
                    self.write();
                }
            }
            self.write_bodies();
            self.write();
        }
        let left: Vec<u64> = self.open.keys().map(|(exchange, _)| *exchange).collect();
        left.into_iter().for_each(|exchange| self.discard(exchange));
        let (lost, first_error) = self.losses.end();
        Spooled { lost, first_error, ..self.spooled }
    }

    /// Whether more is to come.
    fn take(&mut self, note: Note) -> bool {
        match note {
            Note::Frame { exchange, side, piece } => self.frame(exchange, side, piece),
            Note::Finished { facts, response, written } => self.finished(facts, response, written),
            Note::Discarded { exchange } => self.discard(exchange),
            Note::Decided { session, verdict, written } => match self.journal.add_verdict(&session, verdict) {
                Ok(()) => self.waiting.push(Waiting::Verdict { session, verdict, written }),
                Err(error) => drop(written.send(Err(error))),
            },
            Note::Room => self.room_is_wanted = true,
            Note::Close => return false,
        }
        true
    }

    fn frame(&mut self, exchange: u64, side: Side, piece: Piece) {
        let body = self.open.entry((exchange, side)).or_insert_with(|| BodySpool::Memory(Vec::new()));
        self.held -= body.held();
        self.unwritten -= body.unwritten();
        let most = INLINE_MOST.min(HELD_MOST.saturating_sub(self.held));
        let added = body.add(piece, most, &self.folder, &mut self.next_file);
        self.held += body.held();
        self.unwritten += body.unwritten();
        if let BodySpool::File { number, .. } = body {
            self.unsynced.body(*number);
            self.large.insert((exchange, side));
        }
        if let Err(error) = added {
            self.fail(exchange, side, error);
        }
    }

    /// Writes what the large bodies still hold, where that is much or somebody waits for it.
    fn write_bodies(&mut self) {
        if !std::mem::take(&mut self.room_is_wanted) && self.unwritten <= UNWRITTEN_MOST {
            return;
        }
        for (exchange, side) in std::mem::take(&mut self.large) {
            let Some(BodySpool::File { number, body }) = self.open.get_mut(&(exchange, side)) else { continue };
            self.unsynced.body(*number);
            if let Err(error) = body.write() {
                self.fail(exchange, side, error);
            }
        }
        self.unwritten = 0;
    }

    /// A full disk has room again for the exchanges after this one.
    fn fail(&mut self, exchange: u64, side: Side, error: io::Error) {
        let failed = self.open.insert((exchange, side), BodySpool::Failed(error));
        self.held -= failed.as_ref().map_or(0, BodySpool::held);
        self.unwritten -= failed.as_ref().map_or(0, BodySpool::unwritten);
        if let Some(BodySpool::File { number, .. }) = failed {
            self.remove([Some(number), None]);
        }
    }

    fn finished(&mut self, facts: Box<ExchangeFacts>, whole: Option<Piece>, written: oneshot::Sender<()>) {
        match self.add(&facts, whole) {
            Ok(bodies) => self.waiting.push(Waiting::Exchange { facts, bodies, written }),
            Err(error) => {
                self.discard(facts.number);
                self.losses.lost(&facts, &error);
            }
        }
    }

    /// Adds an exchange to the journal; gives the numbers of its files, none of which is left after an error: where the
    /// disk is full, the exchanges after this one need their room.
    fn add(&mut self, facts: &ExchangeFacts, whole: Option<Piece>) -> io::Result<[Option<u64>; 2]> {
        let request = self.close(facts.number, Side::Request)?;
        let response = match whole {
            Some(Piece { bytes, share: _taken, .. }) if bytes.len() <= INLINE_MOST => Ok(JournalBody::Inline(bytes)),
            whole => {
                if let Some(piece) = whole {
                    self.frame(facts.number, Side::Response, piece);
                }
                self.close(facts.number, Side::Response)
            }
        };
        let response = response.inspect_err(|_| self.remove([request.number(), None]))?;
        let bodies = [request.number(), response.number()];
        let added = self.journal.add(facts, &request, &response);
        added.inspect_err(|_| self.remove(bodies)).map(|()| bodies)
    }

    fn remove(&self, bodies: [Option<u64>; 2]) {
        for number in bodies.into_iter().flatten() {
            let _ = std::fs::remove_file(spool_path(&self.folder, number));
        }
    }

    /// Writes the records that have been added, then answers those who wait for them. A client that went away does not
    /// hear it.
    fn write(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let mut waiting = self.waiting.drain(..);
        self.journal.write(|outcome| {
            let (facts, bodies, written) = match waiting.next() {
                None => return,
                Some(Waiting::Exchange { facts, bodies, written }) => (facts, bodies, written),
                Some(Waiting::Verdict { session, verdict, written }) => {
                    let _ = written.send(outcome.map(|()| self.spooled.decided(&session, verdict)));
                    return;
                }
            };
            match outcome {
                Ok(()) => {
                    self.spooled.written(&facts);
                    let _ = written.send(());
                }
                Err(error) => {
                    for number in bodies.into_iter().flatten() {
                        let _ = std::fs::remove_file(spool_path(&self.folder, number));
                    }
                    self.losses.lost(&facts, &error);
                }
            }
        });
        drop(waiting);
        self.unsynced.journal();
    }

    fn close(&mut self, exchange: u64, side: Side) -> io::Result<JournalBody> {
        let body = self.open.remove(&(exchange, side));
        self.large.remove(&(exchange, side));
        self.held -= body.as_ref().map_or(0, BodySpool::held);
        self.unwritten -= body.as_ref().map_or(0, BodySpool::unwritten);
        Ok(match body {
            None => JournalBody::None,
            Some(BodySpool::Memory(bytes)) => JournalBody::Inline(bytes.into()),
            Some(BodySpool::File { number, body }) => self.close_file(number, body)?,
            Some(BodySpool::Failed(error)) => return Err(error),
        })
    }

    fn close_file(&self, number: u64, body: LargeBody) -> io::Result<JournalBody> {
        self.unsynced.body(number);
        let length = body.close().inspect_err(|_| self.remove([Some(number), None]))?;
        Ok(JournalBody::Spooled { number, length })
    }

    fn discard(&mut self, exchange: u64) {
        for side in [Side::Request, Side::Response] {
            if let Ok(body) = self.close(exchange, side) {
                self.remove([body.number(), None]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::journal::JournalReader;
    use crate::record::recording::tests::facts;

    fn frame(exchange: u64, length: usize) -> Note {
        Note::Frame {
            exchange,
            side: Side::Response,
            piece: Piece { bytes: vec![7; length].into(), share: None, to_come: None },
        }
    }

    #[test]
    fn bodies_that_wait_for_their_end_take_a_bounded_part_of_the_memory() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("journal");
        let (spool, notes) = Spool::start(&journal, &RunSettings::default(), Tell::silent()).unwrap();
        let exchanges = (HELD_MOST / INLINE_MOST) as u64 + 10;
        (0..exchanges).for_each(|exchange| notes.send(frame(exchange, INLINE_MOST)));
        for exchange in 0..exchanges {
            let facts = Box::new(facts(exchange));
            notes.send(Note::Finished { facts, response: None, written: oneshot::channel().0 });
        }
        notes.send_at_once(Note::Close);
        assert_eq!(spool.join().exchanges, exchanges);
        let mut reader = JournalReader::open(&journal).unwrap();
        let records: Vec<_> = std::iter::from_fn(|| reader.next_record().unwrap()).collect();
        let spooled = records.iter().filter(|record| matches!(record.response, JournalBody::Spooled { .. })).count();
        assert_eq!((records.len() as u64, spooled), (exchanges, 10));
    }
}
