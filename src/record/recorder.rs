//! The recorder of a run: it starts the recording of each exchange and turns them all into the archive at the end.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
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
    spooled: OnceLock<Spooled>,
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
            spooled: OnceLock::new(),
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
    /// When the archive cannot be written; the journal then stays where it is, and this can be tried again.
    pub fn close(&self) -> Result<Recorded, Error> {
        self.run.finish_late();
        self.run.notes.send_at_once(Note::Close);
        let again = self.spooled.get().is_some();
        let mut spooled = self.spooled();
        let finished = self.finish(spooled.kept() == 0 || again).inspect_err(|_| self.tell_losses(&spooled))?;
        let abandoned = self.run.abandoned.load(Ordering::Relaxed);
        let ended = spooled.exchanges + spooled.lost + abandoned;
        note_lost_bodies(&mut spooled, finished.as_ref());
        let finished = finished.filter(|finished| finished.exchanges > 0);
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
    /// What went through the journal, once the writing thread has ended.
    fn spooled(&self) -> Spooled {
        let running = || self.spool.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.spooled.get_or_init(|| running().map(Spool::join).unwrap_or_default()).clone()
    }

    /// Turns the journal into the archive; none where there is nothing for it, as there may be. Then the journal itself is
    /// asked: a writing thread that ended early has not counted to its end.
    fn finish(&self, may_be_nothing: bool) -> Result<Option<finish::Finished>, Error> {
        let place = finish::Place::beside(&self.archive);
        if may_be_nothing && (!place.journal.exists() || finish::left(&self.archive, &place)? == 0) {
            return finish::discard(&self.journal).map(|()| None);
        }
        finish::finish(&self.archive, &self.journal, &self.progress).map(Some)
    }

    /// Where there is no archive, there is no summary that would name them again.
    fn tell_losses(&self, spooled: &Spooled) {
        if let Some(first) = &spooled.first_error {
            self.tell.line(&format!("LOST {} in all, the first one {first}", spooled.lost));
        }
    }
}

/// Bodies that were there when their exchange ended, and are not when the archive is written.
fn note_lost_bodies(spooled: &mut Spooled, finished: Option<&finish::Finished>) {
    let lost = finished.map_or(&[][..], |finished| &finished.bodies_lost);
    if let Some(first) = lost.first() {
        spooled.lost += lost.len() as u64;
        spooled.first_error.get_or_insert_with(|| format!("{first}: its body in .harmock was cut or removed"));
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::har::Field;
    use crate::record::Example;

    fn example() -> Example {
        Example {
            name: String::new(),
            method: "GET".to_owned(),
            url: CanonicalUrl::parse("http://a.test/").unwrap(),
            request_fields: Vec::new(),
            payload: Bytes::new(),
            status: 200,
            reason: "OK".to_owned(),
            fields: vec![Field { name: "content-type".into(), value: b"text/plain"[..].into() }],
            body: Bytes::from_static(b"a body"),
        }
    }

    async fn recorder(archive: &Path) -> Recorder {
        let recorder = Recorder::open(archive, &RunSettings::default(), Tell::silent()).unwrap();
        recorder.keep(&example()).await;
        recorder
    }

    #[tokio::test]
    async fn a_close_that_failed_can_be_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("a.har");
        let recorder = recorder(&archive).await;
        std::fs::create_dir(&archive).unwrap();
        assert!(matches!(recorder.close(), Err(Error::Write { .. })));
        std::fs::remove_dir(&archive).unwrap();
        assert_eq!(recorder.close().unwrap().finished.map(|finished| finished.exchanges), Some(1));
        assert!(archive.is_file());
    }

    #[tokio::test]
    async fn a_writing_thread_that_ended_early_takes_nothing_with_it_that_it_had_written() {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("a.har");
        let recorder = recorder(&archive).await;
        // What a thread that panicked leaves: no count of what it had written.
        recorder.run.notes.send_at_once(Note::Close);
        let _ = recorder.spool.lock().unwrap().take().map(Spool::join);
        assert_eq!(recorder.close().unwrap().finished.map(|finished| finished.exchanges), Some(1));
    }
}
