//! `now(…)`: the time of an answer, moved and written as asked for.

use minijinja::value::{Kwargs, Value};
use minijinja::{Error, ErrorKind};
use time::format_description::{parse_strftime_borrowed, well_known::Rfc3339};
use time::macros::format_description;
use time::{Duration, Month, OffsetDateTime};

/// `now(days=1, format='%Y-%m-%d')`.
pub(super) fn now(at: OffsetDateTime, how: &Kwargs) -> Result<Value, Error> {
    let of = |unit: &str| Ok::<_, Error>(how.get::<Option<i64>>(unit)?.unwrap_or_default());
    let months = of("years")?.saturating_mul(12).saturating_add(of("months")?);
    let seconds = [("weeks", 604_800), ("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1)];
    let mut moved = later(at, months).ok_or_else(beyond)?;
    for (unit, length) in seconds {
        let by = Duration::seconds(of(unit)?.saturating_mul(length));
        moved = moved.checked_add(by).ok_or_else(beyond)?;
    }
    let format = how.get::<Option<&str>>("format")?;
    how.assert_all_used()?;
    written(moved, format)
}

fn beyond() -> Error {
    Error::new(ErrorKind::InvalidOperation, "that time is beyond the years that are counted")
}

/// The same time of another month, on its last day where that is shorter.
fn later(at: OffsetDateTime, months: i64) -> Option<OffsetDateTime> {
    let month = i64::from(at.year()) * 12 + i64::from(u8::from(at.month())) - 1;
    let month = month.checked_add(months)?;
    let year = i32::try_from(month.div_euclid(12)).ok()?;
    let month = Month::try_from(u8::try_from(month.rem_euclid(12) + 1).ok()?).ok()?;
    let day = at.day().min(month.length(year));
    Some(at.replace_date(time::Date::from_calendar_date(year, month, day).ok()?))
}

fn written(at: OffsetDateTime, format: Option<&str>) -> Result<Value, Error> {
    let text = match format {
        None => at.replace_nanosecond(0).map_err(|_| beyond())?.format(&Rfc3339),
        Some("unix") => return Ok(at.unix_timestamp().into()),
        Some("unix-ms") => return Ok(i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or_default().into()),
        Some("iso-ms") => {
            at.format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"))
        }
        Some("http") => return Ok(httpdate::fmt_http_date(at.into()).into()),
        Some(other) if !other.contains('%') => {
            let known = "expected `unix`, `unix-ms`, `iso-ms`, `http` or a pattern such as `%Y-%m-%d`";
            return Err(Error::new(ErrorKind::InvalidOperation, format!("format={other:?}: {known}")));
        }
        Some(pattern) => {
            let items = parse_strftime_borrowed(pattern)
                .map_err(|error| Error::new(ErrorKind::InvalidOperation, format!("format={pattern:?}: {error}")))?;
            at.format(&items)
        }
    };
    text.map(Value::from).map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn at(how: &[(&str, Value)]) -> Result<String, Error> {
        let how: Kwargs = how.iter().map(|(name, value)| (*name, value.clone())).collect();
        now(datetime!(2024-01-31 23:59:58.123 UTC), &how).map(|value| value.to_string())
    }

    #[test]
    fn a_time_is_moved_by_the_calendar_and_by_the_clock() {
        for (how, expected) in [
            (&[][..], "2024-01-31T23:59:58Z"),
            (&[("months", Value::from(1))], "2024-02-29T23:59:58Z"),
            (&[("years", Value::from(-1)), ("months", Value::from(1))], "2023-02-28T23:59:58Z"),
            (&[("days", Value::from(1)), ("seconds", Value::from(2))], "2024-02-02T00:00:00Z"),
            (&[("weeks", Value::from(-1)), ("hours", Value::from(-24))], "2024-01-23T23:59:58Z"),
        ] {
            assert_eq!(at(how).unwrap(), expected, "{how:?}");
        }
        assert!(at(&[("years", Value::from(i64::MAX))]).is_err());
        assert!(at(&[("fortnights", Value::from(1))]).unwrap_err().to_string().contains("fortnights"));
    }

    #[test]
    fn a_time_is_written_as_the_pattern_says() {
        for (format, expected) in [
            ("%Y-%m-%d", "2024-01-31"),
            ("%d/%m/%y %H:%M", "31/01/24 23:59"),
            ("unix", "1706745598"),
            ("unix-ms", "1706745598123"),
            ("iso-ms", "2024-01-31T23:59:58.123Z"),
            ("http", "Wed, 31 Jan 2024 23:59:58 GMT"),
        ] {
            assert_eq!(at(&[("format", Value::from(format))]).unwrap(), expected);
        }
        assert!(at(&[("format", Value::from("%!"))]).is_err());
        assert!(at(&[("format", Value::from("iso"))]).unwrap_err().to_string().contains("expected `unix`"));
    }
}
