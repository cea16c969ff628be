//! Durations as people write them: `10s`, `500ms`, `1m30s`.

use std::time::Duration;

const EXPECTED: &str = "expected a duration such as `10s`, `500ms`, `2m` or `1m30s`";
/// Timers overflow long after this, and nobody waits longer.
pub const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Reads a duration; a number needs its unit, but for `0`.
///
/// # Errors
/// What was expected.
pub fn parse(text: &str) -> Result<Duration, String> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return Err(EXPECTED.to_owned());
    }
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len()));
        let (unit, after) = after.split_at(after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len()));
        let seconds = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            "d" => 86400.0,
            "" if number == "0" => 0.0,
            "" => return Err(format!("the unit is missing: {EXPECTED}")),
            _ => return Err(EXPECTED.to_owned()),
        };
        let count: f64 = number.parse().map_err(|_| EXPECTED.to_owned())?;
        let part = Duration::try_from_secs_f64(count * seconds).map_err(|_| too_long())?;
        total = total.checked_add(part).ok_or_else(too_long)?;
        rest = after;
    }
    if total > LONGEST { Err(too_long()) } else { Ok(total) }
}

/// What a value that is no text should have been.
pub fn expected() -> &'static str {
    EXPECTED
}

fn too_long() -> String {
    "a duration may be 365 days at most".to_owned()
}

/// The shortest whole form: `10s`, `2m`, `1500ms`.
pub fn text(duration: Duration) -> String {
    let millis = duration.as_millis();
    let units = [(3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")];
    match units.iter().find(|(unit, _)| millis.is_multiple_of(*unit)) {
        Some((unit, name)) if millis > 0 => format!("{}{name}", millis / unit),
        _ => "0s".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_take_every_unit_and_their_sums() {
        for (text, millis) in
            [("500ms", 500), ("10s", 10_000), ("2m", 120_000), ("1m30s", 90_000), ("1.5s", 1500), ("1h", 3_600_000)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(parse("0"), Ok(Duration::ZERO));
    }

    #[test]
    fn a_duration_without_a_unit_or_out_of_range_is_refused_with_a_reason() {
        assert!(parse("10").unwrap_err().starts_with("the unit is missing"));
        for text in ["", "s", "10 parsecs", "-1s", "1..5s", "10s5", "ten"] {
            assert!(parse(text).is_err(), "{text}");
        }
        for text in ["366d", "99999999999999999999999h"] {
            assert_eq!(parse(text), Err(too_long()), "{text}");
        }
    }

    #[test]
    fn a_duration_is_shown_in_its_shortest_whole_form() {
        for written in ["1h", "90s", "1500ms", "10m", "0s"] {
            assert_eq!(text(parse(written).unwrap()), written);
        }
    }
}
