//! The one thread that writes: body frames as they pass, and each exchange once it has ended.
//!
//! Small bodies wait in memory and go into the journal with their exchange; a body that grows past [`INLINE_MOST`]
//! moves to a spool file of its own. Frames come with a share of the recorder's buffer, which is free again once they
//! are written.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::exchange::ExchangeFacts;
use super::journal::{JournalBody, JournalWriter, spool_path};
use super::run_settings::RunSettings;

/// A larger body gets a file of its own.
const INLINE_MOST: usize = 64 << 10;

/// Which body of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Side {
    Request,
    Response,
}

/// What the proxy's tasks tell the writing thread.
#[derive(Debug)]
pub(super) enum Note {
    /// A piece of a body, with its share of the buffer.
    Frame { exchange: u64, side: Side, bytes: Bytes, _share: Option<OwnedSemaphorePermit> },
    /// The exchange has ended: append it, then say so.
    Finished { facts: Box<ExchangeFacts>, written: oneshot::Sender<()> },
    /// The exchange is not kept.
    Discarded { exchange: u64 },
    /// The run is over; what comes later is not kept.
    Close,
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
}

/// The writing thread.
#[derive(Debug)]
pub(super) struct Spool {
    thread: JoinHandle<Spooled>,
}

impl Spool {
    /// Starts writing to `journal`; large bodies go beside it.
    pub(super) fn start(journal: &Path, settings: &RunSettings) -> io::Result<(Self, Sender<Note>)> {
        let folder = journal.parent().unwrap_or(Path::new(".")).to_owned();
        let journal = JournalWriter::create(journal, settings)?;
        let (sender, notes) = channel();
        let writer = Writer { folder, journal, open: HashMap::new(), next_file: 0, outcome: Spooled::default() };
        let thread = std::thread::Builder::new().name("harmock-spool".into()).spawn(move || writer.run(&notes))?;
        Ok((Self { thread }, sender))
    }

    /// Waits until everything up to [`Note::Close`] is written. Blocks.
    pub(super) fn join(self) -> Spooled {
        self.thread.join().unwrap_or_else(|_panic| Spooled {
            lost: 1,
            first_error: Some("the writing thread ended early".into()),
            ..Spooled::default()
        })
    }
}

#[derive(Debug)]
struct Writer {
    folder: PathBuf,
    journal: JournalWriter,
    open: HashMap<(u64, Side), BodySpool>,
    next_file: u64,
    outcome: Spooled,
}

/// A body on its way to disk.
#[derive(Debug)]
enum BodySpool {
    Memory(Vec<u8>),
    File {
        file: File,
        number: u64,
        length: u64,
    },
    /// A write failed: the exchange is lost, the traffic goes on.
    Failed(io::Error),
}

impl Writer {
    fn run(mut self, notes: &Receiver<Note>) -> Spooled {
        while let Ok(note) = notes.recv() {
            match note {
                Note::Frame { exchange, side, bytes, _share } => self.frame(exchange, side, &bytes),
                Note::Finished { facts, written } => {
                    self.finished(&facts);
                    // A client that went away does not wait for the answer.
                    let _ = written.send(());
                }
                Note::Discarded { exchange } => self.discard(exchange),
                Note::Close => break,
            }
        }
        let left: Vec<u64> = self.open.keys().map(|(exchange, _)| *exchange).collect();
        left.into_iter().for_each(|exchange| self.discard(exchange));
        self.outcome
    }

    fn frame(&mut self, exchange: u64, side: Side, bytes: &[u8]) {
        let body = self.open.entry((exchange, side)).or_insert_with(|| BodySpool::Memory(Vec::new()));
        if let Err(error) = append(body, bytes, &self.folder, &mut self.next_file) {
            if let BodySpool::File { number, .. } = body {
                // A full disk has room again for the exchanges after this one.
                let _ = std::fs::remove_file(spool_path(&self.folder, *number));
            }
            *body = BodySpool::Failed(error);
        }
    }

    fn finished(&mut self, facts: &ExchangeFacts) {
        let bodies = self.close(facts.number, Side::Request).and_then(|request| {
            let response = self.close(facts.number, Side::Response)?;
            Ok((request, response))
        });
        match bodies.and_then(|(request, response)| self.journal.append(facts, &request, &response)) {
            Ok(()) => self.outcome.exchanges += 1,
            Err(error) => {
                self.discard(facts.number);
                self.outcome.lost += 1;
                let reason = format!("{} {}: {error}", facts.method, facts.url);
                self.outcome.first_error.get_or_insert(reason);
            }
        }
    }

    fn close(&mut self, exchange: u64, side: Side) -> io::Result<JournalBody> {
        Ok(match self.open.remove(&(exchange, side)) {
            None => JournalBody::None,
            Some(BodySpool::Memory(bytes)) => JournalBody::Inline(bytes),
            Some(BodySpool::File { number, length, .. }) => JournalBody::Spooled { number, length },
            Some(BodySpool::Failed(error)) => return Err(error),
        })
    }

    fn discard(&mut self, exchange: u64) {
        for side in [Side::Request, Side::Response] {
            if let Some(BodySpool::File { number, .. }) = self.open.remove(&(exchange, side)) {
                let _ = std::fs::remove_file(spool_path(&self.folder, number));
            }
        }
    }
}

fn append(body: &mut BodySpool, bytes: &[u8], folder: &Path, next_file: &mut u64) -> io::Result<()> {
    match body {
        BodySpool::Memory(held) if held.len() + bytes.len() <= INLINE_MOST => held.extend_from_slice(bytes),
        BodySpool::Memory(held) => {
            let number = *next_file;
            *next_file += 1;
            let mut file = private_file(&spool_path(folder, number))?;
            let written = file.write_all(held).and_then(|()| file.write_all(bytes));
            *body = BodySpool::File { file, number, length: (held.len() + bytes.len()) as u64 };
            written?;
        }
        BodySpool::File { file, length, .. } => {
            file.write_all(bytes)?;
            *length += bytes.len() as u64;
        }
        BodySpool::Failed(_) => {}
    }
    Ok(())
}

/// A new file that its owner alone can read: bodies hold secrets.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.create(true).write(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
