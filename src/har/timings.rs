//! How long an exchange took, as an entry tells it, and how long its answer is to wait.

use super::json::Json;
use super::raw::RawTimings;
use crate::treatment::{Delay, Took};

/// The recorded times; none where the entry does not tell how long its server let wait. A negative number tells nothing.
pub(super) fn took(timings: &RawTimings<'_>) -> Option<Took> {
    let told = |time: Json<'_>| time.number().filter(|time| *time >= 0.0);
    let wait = told(timings.wait)?;
    let before = [timings.blocked, timings.dns, timings.connect, timings.send].map(|time| told(time).unwrap_or(0.0));
    let head = before.iter().sum::<f64>() + wait;
    Some(Took { head: head as f32, body: told(timings.receive).unwrap_or(0.0) as f32 })
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
