//! A limit of requests per window of time, as APIs have them.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::By;
use crate::message::duration;

const EXPECTED: &str = "expected a number of requests and a window such as `10/1s` or `100/1m`";

/// So many requests in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    requests: u64,
    window: Duration,
}

impl RateLimit {
    /// Reads `10/1s`; the number of a unit alone may be left out: `10/s`.
    ///
    /// # Errors
    /// What was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |_| EXPECTED.to_owned();
        let (requests, window) = text.split_once('/').ok_or_else(|| EXPECTED.to_owned())?;
        let requests = requests.trim().parse().map_err(|_| EXPECTED.to_owned())?;
        let window = window.trim();
        let unit = window.starts_with(|c: char| c.is_ascii_alphabetic());
        let window = duration::parse(&if unit { format!("1{window}") } else { window.to_owned() }).map_err(wrong)?;
        if window.is_zero() { Err(EXPECTED.to_owned()) } else { Ok(Self { requests, window }) }
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.requests, duration::text(self.window))
    }
}

/// A limit and how much of it is used. A window begins with its first request.
#[derive(Debug)]
pub struct Limiter {
    by: By,
    limit: RateLimit,
    used: Mutex<Option<(Instant, u64)>>,
}

impl Limiter {
    pub(super) fn new(limit: RateLimit, by: By) -> Self {
        Self { by, limit, used: Mutex::default() }
    }

    /// What is told of it.
    pub fn name(&self) -> String {
        self.by.name(&format!("rate-limit {}", self.limit))
    }

    /// Counts a request. After the last one that is allowed: how long its window still is.
    pub fn exceeded(&self) -> Option<Duration> {
        let now = Instant::now();
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let (begin, count) = match *used {
            Some((begin, count)) if now < begin + self.limit.window => (begin, count),
            _ => (now, 0),
        };
        *used = Some((begin, count.saturating_add(1)));
        (count >= self.limit.requests).then(|| (begin + self.limit.window).saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number_and_a_window() {
        for (text, shown) in [("10/1s", "10/1s"), ("100 / 1m", "100/1m"), ("5/s", "5/1s"), ("0/2h", "0/2h")] {
            assert_eq!(RateLimit::parse(text).map(|limit| limit.to_string()).as_deref(), Ok(shown));
        }
        for text in ["", "10", "10/", "x/1s", "10/0s", "10/1", "-1/1s"] {
            assert_eq!(RateLimit::parse(text), Err(EXPECTED.to_owned()), "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_window_begins_with_its_first_request_and_then_anew() {
        let limiter = Limiter::new(RateLimit::parse("2/10s").unwrap(), By::Rule(1));
        assert_eq!((limiter.exceeded(), limiter.exceeded()), (None, None));
        tokio::time::advance(Duration::from_secs(4)).await;
        assert_eq!(limiter.exceeded(), Some(Duration::from_secs(6)));
        tokio::time::advance(Duration::from_secs(6)).await;
        assert_eq!((limiter.exceeded(), limiter.exceeded()), (None, None));
        assert!(limiter.exceeded().is_some());
    }
}
