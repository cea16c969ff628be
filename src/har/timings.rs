//! How long an exchange took, as an entry tells it, and how long its answer is to wait.

use super::json::Json;
use super::raw::RawEntry;
use crate::treatment::{Delay, Took};

/// In the place of the start, where an archive keeps no times.
const NO_START: &str = "1970-01-01T00:00:00";

/// The recorded times; none where the entry does not tell how long its server let wait. A negative number tells nothing,
/// nor do zeros in an entry that does not tell its start either.
pub(super) fn took(entry: &RawEntry<'_>) -> Option<Took> {
    let timings = &entry.timings;
    let told = |time: Json<'_>| time.number().filter(|time| *time >= 0.0);
    let wait = told(timings.wait)?;
    let before = [timings.blocked, timings.dns, timings.connect, timings.send].map(|time| told(time).unwrap_or(0.0));
    let head = before.iter().sum::<f64>() + wait;
    let body = told(timings.receive).unwrap_or(0.0);
    let started = entry.started.text().is_some_and(|start| !start.starts_with(NO_START));
    (started || head + body > 0.0).then_some(Took { head: head as f32, body: body as f32 })
}

/// `_harmock.delay`: a number of milliseconds, or what a rule may say.
pub(super) fn delay(value: Json<'_>) -> Result<Option<Box<Delay>>, String> {
    let text = match value.number() {
        Some(number) => number.to_string(),
        None if value.is_there() => value.text().unwrap_or_default().into_owned(),
        None => return Ok(None),
    };
    Delay::parse(&text).map(|delay| Some(Box::new(delay)))
}
