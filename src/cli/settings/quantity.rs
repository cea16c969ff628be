//! Settings that count something: time, bytes, connections, misses.

use std::ffi::OsStr;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use super::value::{Scalar, Value, utf8};
use crate::message::duration;
use crate::proxy::StreamSpeed;
use crate::treatment::{Bandwidth, Delay, RateLimit};

/// A time limit; never zero, because a limit of nothing fails every exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeLimit(pub(crate) Duration);

impl Value for TimeLimit {
    fn parse(text: &OsStr) -> Result<Self, String> {
        match Duration::parse(text)? {
            Duration::ZERO => Err("a time limit must be longer than zero".to_owned()),
            limit => Ok(Self(limit)),
        }
    }

    fn from_file(value: &Scalar, _folder: &Path) -> Result<Self, String> {
        Self::parse(duration_string(value)?)
    }

    fn to_scalar(&self) -> Scalar {
        self.0.to_scalar()
    }
}

impl Value for Duration {
    fn parse(text: &OsStr) -> Result<Self, String> {
        duration::parse(utf8(text)?)
    }

    fn from_file(value: &Scalar, _folder: &Path) -> Result<Self, String> {
        Self::parse(duration_string(value)?)
    }

    fn to_scalar(&self) -> Scalar {
        Scalar::Text(duration::text(*self))
    }
}

fn duration_string(value: &Scalar) -> Result<&OsStr, String> {
    match value {
        Scalar::Text(text) => Ok(OsStr::new(text)),
        other => Err(format!("{}, found {}", duration::expected(), other.kind())),
    }
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByteSize(pub(crate) u64);

impl Value for ByteSize {
    fn parse(text: &OsStr) -> Result<Self, String> {
        byte_size(utf8(text)?).map(Self)
    }

    fn from_file(value: &Scalar, _folder: &Path) -> Result<Self, String> {
        match value {
            Scalar::Text(text) => byte_size(text).map(Self),
            Scalar::Integer(number) => u64::try_from(*number).map(Self).map_err(|_| SIZE.to_owned()),
            other => Err(format!("{SIZE}, found {}", other.kind())),
        }
    }

    fn to_scalar(&self) -> Scalar {
        for (shift, unit) in [(30, "GiB"), (20, "MiB"), (10, "KiB")] {
            if self.0 != 0 && self.0.is_multiple_of(1 << shift) {
                return Scalar::Text(format!("{}{unit}", self.0 >> shift));
            }
        }
        integer(self.0)
    }
}

const SIZE: &str = "expected a number of bytes such as `64MiB`, `64mb` or `1048576`";

/// `MiB` and a lone `M` are powers of 1024, `MB` is a power of 1000, in any case.
fn byte_size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "kb" => 1000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => return Err(SIZE.to_owned()),
    };
    let count: u64 = number.parse().map_err(|_| SIZE.to_owned())?;
    count.checked_mul(factor).ok_or_else(|| format!("too large: {SIZE}"))
}

impl Value for Bandwidth {
    fn parse(text: &OsStr) -> Result<Self, String> {
        let text = utf8(text)?.trim();
        positive(byte_size(text.strip_suffix("/s").unwrap_or(text))?)
    }

    fn from_file(value: &Scalar, folder: &Path) -> Result<Self, String> {
        match value {
            Scalar::Text(text) => Self::parse(OsStr::new(text)),
            other => positive(ByteSize::from_file(other, folder)?.0),
        }
    }

    fn to_scalar(&self) -> Scalar {
        ByteSize(self.bytes()).to_scalar()
    }
}

fn positive(bytes: u64) -> Result<Bandwidth, String> {
    Bandwidth::new(bytes).ok_or_else(|| "a bandwidth is at least one byte per second".to_owned())
}

impl Value for RateLimit {
    fn parse(text: &OsStr) -> Result<Self, String> {
        Self::parse(utf8(text)?)
    }

    fn to_scalar(&self) -> Scalar {
        Scalar::Text(self.to_string())
    }
}

/// Milliseconds, in the file as a number.
impl Value for Delay {
    fn parse(text: &OsStr) -> Result<Self, String> {
        Self::parse(utf8(text)?)
    }

    fn from_file(value: &Scalar, _folder: &Path) -> Result<Self, String> {
        match value {
            Scalar::Text(text) => Self::parse(text),
            Scalar::Integer(number) => Self::parse(&number.to_string()),
            other => Err(format!("expected a delay as a string or a number, found {}", other.kind())),
        }
    }

    fn to_scalar(&self) -> Scalar {
        Scalar::Text(self.to_string())
    }
}

impl Value for StreamSpeed {
    fn parse(text: &OsStr) -> Result<Self, String> {
        utf8(text)?.trim().parse().ok().and_then(Self::new).ok_or_else(|| SPEED.to_owned())
    }

    fn from_file(value: &Scalar, _folder: &Path) -> Result<Self, String> {
        match value {
            Scalar::Integer(number) => Self::new(*number as f64),
            Scalar::Float(number) => number.replace('_', "").parse().ok().and_then(Self::new),
            other => return Err(format!("{SPEED}, found {}", other.kind())),
        }
        .ok_or_else(|| SPEED.to_owned())
    }

    fn to_scalar(&self) -> Scalar {
        match self.factor() {
            whole if whole.fract() == 0.0 && whole < 1e15 => Scalar::Integer(whole as i64),
            factor => Scalar::Float(factor.to_string()),
        }
    }
}

const SPEED: &str = "expected a number such as `0`, `1` or `2.5`";

impl Value for NonZeroUsize {
    fn parse(text: &OsStr) -> Result<Self, String> {
        utf8(text)?.parse().map_err(|_| "expected a whole number of at least 1".to_owned())
    }

    fn from_file(value: &Scalar, _folder: &Path) -> Result<Self, String> {
        match value {
            Scalar::Integer(number) => usize::try_from(*number).ok().and_then(Self::new),
            _ => None,
        }
        .ok_or_else(|| format!("expected a whole number of at least 1, found {}", found(value)))
    }

    fn to_scalar(&self) -> Scalar {
        integer(self.get() as u64)
    }
}

impl Value for u64 {
    fn parse(text: &OsStr) -> Result<Self, String> {
        utf8(text)?.parse().map_err(|_| "expected a whole number".to_owned())
    }

    fn from_file(value: &Scalar, _folder: &Path) -> Result<Self, String> {
        match value {
            Scalar::Integer(number) => Self::try_from(*number).ok(),
            _ => None,
        }
        .ok_or_else(|| format!("expected a whole number, found {}", found(value)))
    }

    fn to_scalar(&self) -> Scalar {
        integer(*self)
    }
}

/// How often `-v` or `-q` was given; `true` counts as once.
impl Value for u8 {
    fn parse(text: &OsStr) -> Result<Self, String> {
        match (bool::parse(text), utf8(text)?.parse::<Self>()) {
            (_, Ok(times)) => level(times),
            (Ok(yes), _) => Ok(yes.into()),
            _ => Err(LEVEL.to_owned()),
        }
    }

    fn from_file(value: &Scalar, _folder: &Path) -> Result<Self, String> {
        match value {
            Scalar::Bool(yes) => Ok((*yes).into()),
            Scalar::Integer(times) => level(Self::try_from(*times).map_err(|_| LEVEL.to_owned())?),
            other => Err(format!("{LEVEL}, found {}", other.kind())),
        }
    }

    fn to_scalar(&self) -> Scalar {
        integer((*self).into())
    }
}

const LEVEL: &str = "expected true, false or a number from 0 to 9";

fn level(times: u8) -> Result<u8, String> {
    if times <= 9 { Ok(times) } else { Err(LEVEL.to_owned()) }
}

fn found(value: &Scalar) -> String {
    match value {
        Scalar::Integer(number) => number.to_string(),
        other => other.kind().to_owned(),
    }
}

/// A number beyond what TOML can hold becomes text.
fn integer(number: u64) -> Scalar {
    i64::try_from(number).map_or_else(|_| Scalar::Text(number.to_string()), Scalar::Integer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_limit_is_longer_than_zero() {
        assert!(TimeLimit::parse(OsStr::new("0s")).is_err());
        assert_eq!(TimeLimit::parse(OsStr::new("2s")), Ok(TimeLimit(Duration::from_secs(2))));
    }

    #[test]
    fn sizes_tell_binary_from_decimal_units() {
        for (text, bytes) in [("64MiB", 64 << 20), ("64mb", 64_000_000), ("64m", 64 << 20), ("1 KiB", 1024), ("0", 0)] {
            assert_eq!(byte_size(text), Ok(bytes), "{text}");
        }
        for text in ["", "MiB", "-1", "1.5MiB", "1 parsec", "99999999999GiB"] {
            assert!(byte_size(text).is_err(), "{text}");
        }
        assert_eq!(ByteSize(64 << 20).to_scalar(), Scalar::Text("64MiB".to_owned()));
        assert_eq!(ByteSize(1000).to_scalar(), Scalar::Integer(1000));
    }

    #[test]
    fn a_speed_is_any_number_that_is_not_negative() {
        let read = |text: &str| StreamSpeed::parse(OsStr::new(text)).map(StreamSpeed::factor);
        assert_eq!((read("0"), read("10"), read("2.5")), (Ok(0.0), Ok(10.0), Ok(2.5)));
        for text in ["", "-1", "inf", "NaN", "fast"] {
            assert!(read(text).is_err(), "{text}");
        }
        let written = |scalar: Scalar| StreamSpeed::from_file(&scalar, Path::new("")).map(|speed| speed.to_scalar());
        assert_eq!(written(Scalar::Integer(3)), Ok(Scalar::Integer(3)));
        assert_eq!(written(Scalar::Float("0.50".to_owned())), Ok(Scalar::Float("0.5".to_owned())));
        for wrong in [Scalar::Integer(-1), Scalar::Float("inf".to_owned()), Scalar::Text("1".to_owned())] {
            assert!(written(wrong).is_err());
        }
    }

    #[test]
    fn the_file_says_numbers_as_numbers() {
        let folder = Path::new("");
        assert_eq!(u64::from_file(&Scalar::Integer(3), folder), Ok(3));
        assert_eq!(u64::from_file(&Scalar::Integer(-3), folder).unwrap_err(), "expected a whole number, found -3");
        assert!(NonZeroUsize::from_file(&Scalar::Integer(0), folder).is_err());
        assert_eq!(u8::from_file(&Scalar::Bool(true), folder), Ok(1));
        assert!(u8::parse(OsStr::new("10")).is_err());
    }
}
