//! Exchanges that could not be written: named at once, counted for the end.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::exchange::ExchangeFacts;
use crate::redact::shown_url;

/// After this a cause that goes on is told again.
const TOLD_AGAIN: Duration = Duration::from_secs(10);

/// Where lines go that people must see at once.
#[derive(Clone)]
pub struct Tell(Arc<dyn Fn(&str) + Send + Sync>);

impl Tell {
    /// Calls this with each line.
    pub fn new(line: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(line))
    }

    /// Tells nobody.
    pub fn silent() -> Self {
        Self::new(|_line| {})
    }

    pub(super) fn line(&self, text: &str) {
        (self.0)(text);
    }
}

impl std::fmt::Debug for Tell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tell")
    }
}

/// The losses of a run. Each cause is told with its first exchange, and again while it goes on.
#[derive(Debug)]
pub(super) struct Losses {
    tell: Tell,
    lost: u64,
    first: Option<String>,
    /// By cause: when it was told, and what has been lost since.
    told: HashMap<String, (Instant, u64)>,
}

impl Losses {
    pub(super) fn new(tell: Tell) -> Self {
        Self { tell, lost: 0, first: None, told: HashMap::new() }
    }

    pub(super) fn lost(&mut self, facts: &ExchangeFacts, error: &io::Error) {
        self.lost += 1;
        let cause = error.to_string();
        let reason = format!("{} {}: {cause}", facts.method, shown_url(&facts.url));
        self.first.get_or_insert_with(|| reason.clone());
        let more = match self.told.get_mut(&cause) {
            Some((at, since)) if at.elapsed() < TOLD_AGAIN => return *since += 1,
            Some((_, 0)) | None => String::new(),
            Some((_, since)) => format!(" and {since} more since the last such line"),
        };
        self.tell.line(&format!("LOST {reason}{more}; the traffic goes on, and so does the recording when it can"));
        self.told.insert(cause, (Instant::now(), 0));
    }

    /// How many there were, and the first one.
    pub(super) fn end(self) -> (u64, Option<String>) {
        (self.lost, self.first)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::record::recording::tests::facts;

    #[test]
    fn a_loss_is_named_without_the_secrets_of_its_url() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let mut losses = Losses::new(Tell::new(move |line| sink.lock().unwrap().push(line.to_owned())));
        let facts = ExchangeFacts { url: "http://a/?access_token=s3cr3t&b=1".to_owned(), ..facts(0) };
        losses.lost(&facts, &io::Error::from(io::ErrorKind::StorageFull));
        let told = lines.lock().unwrap().join("") + &losses.end().1.unwrap();
        assert!(told.contains("access_token=redacted&b=1") && !told.contains("s3cr3t"), "{told}");
    }

    #[test]
    fn each_cause_is_told_once_at_first_and_every_loss_is_counted() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let mut losses = Losses::new(Tell::new(move |line| sink.lock().unwrap().push(line.to_owned())));
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        losses.lost(&facts(0), &full());
        losses.lost(&facts(1), &full());
        losses.lost(&facts(2), &io::Error::from(io::ErrorKind::ReadOnlyFilesystem));
        assert_eq!(lines.lock().unwrap().len(), 2);
        assert!(lines.lock().unwrap()[0].starts_with("LOST GET http://a/: "), "{lines:?}");
        let (lost, first) = losses.end();
        assert_eq!((lost, first.unwrap().starts_with("GET http://a/")), (3, true));
    }
}
