//! The recorder of a run: it starts the recording of each exchange and turns them all into the archive at the end.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use http::HeaderMap;
use tokio::sync::oneshot;

use super::exchange::{ExchangeFacts, PhaseTimes, ResponseFacts};
use super::lock::ArchiveLock;
use super::losses::Tell;
use super::progress::Progress;
use super::recording::Recording;
use super::run::Run;
use super::run_settings::RunSettings;
use super::spool::{Note, Spool, Spooled};
use super::verdicts::Verdict;
use super::{Error, finish};
use crate::har::cuts::Cuts;
use crate::har::{Detail, FailureCause};
use crate::message::CanonicalUrl;

/// Records the exchanges of one run into one archive.
#[derive(Debug)]
pub struct Recorder {
    archive: PathBuf,
    journal: PathBuf,
    pub(super) run: Arc<Run>,
    spool: Mutex<Option<Spool>>,
    tell: Tell,
    progress: Progress,
    pub(super) next: AtomicU64,
    recovered: Option<finish::Finished>,
    _lock: ArchiveLock,
}

impl Recorder {
    /// Takes the archive's lock, finishes what a killed run left in its journal, and starts the writing thread.
    ///
    /// What is lost later is told at once. Blocks.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written, another run holds the archive, or a left journal cannot be finished.
    pub fn open(archive: &Path, settings: &RunSettings, tell: Tell) -> Result<Self, Error> {
        let place = finish::Place::of(archive)?;
        let lock = ArchiveLock::take(&place.lock, archive)?;
        let recovered = finish::recover(archive, &place)?;
        let folder_error = |source| Error::Folder { path: place.journal.clone(), source };
        let (spool, notes) = Spool::start(&place.journal, settings, tell.clone()).map_err(folder_error)?;
        Ok(Self {
            archive: archive.to_owned(),
            journal: place.journal.clone(),
            run: Arc::new(Run::new(notes, settings.archive.detail == Detail::Full)),
            spool: Mutex::new(Some(spool)),
            tell,
            progress: Progress::default(),
            next: AtomicU64::new(0),
            recovered,
            _lock: lock,
        })
    }

    /// The archive that this run writes.
    pub fn archive(&self) -> &Path {
        &self.archive
    }

    /// What a killed run had left, when there was something.
    pub fn recovered(&self) -> Option<&finish::Finished> {
        self.recovered.as_ref()
    }

    /// How far [`Self::close`] has come.
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Starts the recording of one exchange: its fields as the client sent them, but for those of one hop.
    /// `session`: the one that has to commit it, where there is such.
    pub fn begin(
        &self,
        method: &http::Method,
        url: &CanonicalUrl,
        version: &'static str,
        fields: &HeaderMap,
        session: Option<&str>,
    ) -> Recording {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let facts = ExchangeFacts {
            number,
            method: method.as_str().to_owned(),
            url: url.as_str().to_owned(),
            http_version: version.into(),
            fields: fields.into(),
            started: i64::try_from(started.as_micros()).unwrap_or(i64::MAX),
            response: ResponseFacts::failed(FailureCause::Reset, ""),
            times: PhaseTimes::default(),
            server: None,
            connection: None,
            session: session.map(str::to_owned),
            frames: Cuts::default(),
            example: None,
            payload_cut: false,
        };
        Recording::start(facts, &self.run)
    }

    /// Keeps or drops what a session has had since it last decided, and says how many exchanges that is. What has not ended
    /// yet waits for the next verdict.
    ///
    /// # Errors
    ///
    /// When the verdict cannot be written; then nothing is decided.
    pub async fn decide(&self, session: &str, verdict: Verdict) -> io::Result<u64> {
        let (written, decided) = oneshot::channel();
        let note = Note::Decided { session: session.to_owned(), verdict, written };
        let over = || io::Error::other("the recording is over");
        self.run.notes.send(note);
        decided.await.map_err(|_| over())?
    }

    /// Waits for the bodies that are read on although their clients have gone.
    pub async fn settled(&self) {
        self.run.reading_on.close();
        self.run.reading_on.wait().await;
    }

    /// Ends the recording and writes the archive. Blocks; exchanges that are still open are not kept.
    ///
    /// # Errors
    ///
    /// When the archive cannot be written; the journal then stays where it is.
    pub fn close(&self) -> Result<Recorded, Error> {
        self.run.finish_late();
        self.run.notes.send_at_once(Note::Close);
        let spool = self.spool.lock().unwrap_or_else(PoisonError::into_inner).take();
        let spooled = spool.map(Spool::join).unwrap_or_default();
        let finished = if spooled.kept() == 0 {
            finish::discard(&self.journal)?;
            None
        } else {
            Some(
                finish::finish(&self.archive, &self.journal, &self.progress)
                    .inspect_err(|_| self.tell_losses(&spooled))?,
            )
        };
        let abandoned = self.run.abandoned.load(Ordering::Relaxed);
        let ended = spooled.exchanges + spooled.lost + abandoned;
        Ok(Recorded {
            finished,
            waited_ms: self.run.waited.load(Ordering::Relaxed) / 1000,
            abandoned,
            open: self.next.load(Ordering::Relaxed).saturating_sub(ended),
            spooled,
        })
    }
}

impl Recorder {
    /// Where there is no archive, there is no summary that would name them again.
    fn tell_losses(&self, spooled: &Spooled) {
        if let Some(first) = &spooled.first_error {
            self.tell.line(&format!("LOST {} in all, the first one {first}", spooled.lost));
        }
    }
}

/// What a run left behind.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The archive; `None` when nothing was recorded, and then the previous one is untouched.
    pub finished: Option<finish::Finished>,
    /// What went through the journal.
    pub spooled: Spooled,
    /// Milliseconds that clients waited because the buffer was full.
    pub waited_ms: u64,
    /// Clients that went away before the response head.
    pub abandoned: u64,
    /// Exchanges that had not ended when the run did, and are not kept.
    pub open: u64,
}
