//! HAR times: ISO 8601 in UTC with milliseconds, as `Date.toISOString` writes them.

use std::time::SystemTime;

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

const ISO: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// An instant as text; one outside the years 0 to 9999 becomes the epoch.
pub(crate) fn iso(instant: SystemTime) -> String {
    let nanoseconds = match instant.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i128::try_from(after.as_nanos()).unwrap_or(0),
        Err(before) => -i128::try_from(before.duration().as_nanos()).unwrap_or(0),
    };
    let instant = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds)
        .ok()
        .filter(|instant| (0..=9999).contains(&instant.year()))
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    instant.format(ISO).unwrap_or_else(|_| "1970-01-01T00:00:00.000Z".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn instants_have_milliseconds_and_z() {
        assert_eq!(iso(SystemTime::UNIX_EPOCH), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso(SystemTime::UNIX_EPOCH + Duration::from_millis(1_792_567_680_042)), "2026-10-21T07:28:00.042Z");
    }

    #[test]
    fn an_instant_that_no_reader_takes_becomes_the_epoch() {
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(400_000_000_000);
        assert_eq!(iso(far), "1970-01-01T00:00:00.000Z");
    }
}
