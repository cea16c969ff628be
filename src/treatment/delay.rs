//! How long an answer waits before its head: fixed, as recorded, by chance, or for good.

use std::fmt;
use std::time::Duration;

use super::chance::Chance;
use crate::message::duration::{self, LONGEST};

/// What a delay may be, as it is written.
const EXPECTED: &str = "expected a number of milliseconds, a duration such as `1.5s`, `recorded`, `recorded*2`, \
                        `uniform(100ms, 500ms)`, `lognormal(200ms, 0.5)` (median and sigma) or `stall`";

/// How long an answer waits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Delay {
    /// Always the same.
    Fixed(Duration),
    /// As long as it took when it was recorded, this many times.
    Recorded(f64),
    /// Anything between these.
    Uniform(Duration, Duration),
    /// Mostly around the median, now and then much longer: as networks and servers are.
    LogNormal {
        /// Half of the delays are shorter.
        median: Duration,
        /// The deviation of the delay's logarithm.
        sigma: f64,
    },
    /// Until the client leaves, or the run ends.
    Stall,
}

/// How long one answer waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// This long.
    For(Duration),
    /// Until the client leaves.
    ForGood,
}

/// How long an answer took when it was recorded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Took {
    /// Milliseconds until its head had come.
    pub head: f32,
    /// Milliseconds from then until its body had come.
    pub body: f32,
}

impl Delay {
    /// Reads a delay; a number alone is milliseconds.
    ///
    /// # Errors
    /// What was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let wrong = || EXPECTED.to_owned();
        if let Some((name, arguments)) = text.split_once('(') {
            let arguments = arguments.trim_end().strip_suffix(')').and_then(|inside| inside.split_once(','));
            let (one, other) = arguments.ok_or_else(wrong)?;
            return match name.trim() {
                "uniform" => Self::uniform(time(one)?, time(other)?),
                "lognormal" => Self::log_normal(time(one)?, other.trim()),
                _ => Err(wrong()),
            };
        }
        match text.split_once('*').map_or((text, None), |(word, factor)| (word.trim(), Some(factor.trim()))) {
            ("recorded", factor) => {
                let factor = factor.map_or(Ok(1.0), str::parse).map_err(|_| wrong())?;
                if (0.0..=1e6).contains(&factor) { Ok(Self::Recorded(factor)) } else { Err(wrong()) }
            }
            ("stall", None) => Ok(Self::Stall),
            (text, None) => time(text).map(Self::Fixed),
            _ => Err(wrong()),
        }
    }

    fn uniform(least: Duration, most: Duration) -> Result<Self, String> {
        if least > most {
            return Err("the first duration of `uniform` is the shorter one".to_owned());
        }
        Ok(Self::Uniform(least, most))
    }

    fn log_normal(median: Duration, sigma: &str) -> Result<Self, String> {
        match sigma.parse() {
            Ok(sigma) if (0.0..=10.0).contains(&sigma) => Ok(Self::LogNormal { median, sigma }),
            _ => Err("the sigma of `lognormal` is a number from 0 to 10".to_owned()),
        }
    }

    /// How long the next answer waits. One whose recording tells no times does not wait for them.
    pub fn draw(self, took: Option<Took>, chance: &Chance) -> Wait {
        Wait::For(match self {
            Self::Stall => return Wait::ForGood,
            Self::Fixed(duration) => duration,
            Self::Recorded(factor) => took.map_or(Duration::ZERO, |took| milliseconds(f64::from(took.head) * factor)),
            Self::Uniform(least, most) => least + (most - least).mul_f64(chance.fraction()),
            Self::LogNormal { median, sigma } => {
                milliseconds(median.as_secs_f64() * 1000.0 * (sigma * chance.normal()).exp())
            }
        })
    }

    /// The bytes per second at which a body of this length came when it was recorded, where its recorded time counts.
    pub fn recorded_pace(self, took: Option<Took>, length: u64) -> Option<f64> {
        let (Self::Recorded(factor), Some(took)) = (self, took) else { return None };
        let seconds = f64::from(took.body) * factor / 1000.0;
        (seconds > 0.0 && length > 0).then(|| length as f64 / seconds)
    }
}

fn milliseconds(count: f64) -> Duration {
    Duration::try_from_secs_f64(count / 1000.0).map_or(LONGEST, |duration| duration.min(LONGEST))
}

/// A number alone is milliseconds.
fn time(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return duration::parse(&format!("{text}ms"));
    }
    duration::parse(text).map_err(|_| EXPECTED.to_owned())
}

impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(duration) => f.write_str(&duration::text(*duration)),
            Self::Recorded(1.0) => f.write_str("recorded"),
            Self::Recorded(factor) => write!(f, "recorded*{factor}"),
            Self::Uniform(least, most) => write!(f, "uniform({}, {})", duration::text(*least), duration::text(*most)),
            Self::LogNormal { median, sigma } => write!(f, "lognormal({}, {sigma})", duration::text(*median)),
            Self::Stall => f.write_str("stall"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_reads_back_as_it_is_shown() {
        for text in ["1500ms", "2s", "recorded", "recorded*0.5", "uniform(100ms, 2s)", "lognormal(200ms, 0.5)", "stall"]
        {
            assert_eq!(Delay::parse(text).map(|delay| delay.to_string()).as_deref(), Ok(text));
        }
        assert_eq!(Delay::parse("2000"), Ok(Delay::Fixed(Duration::from_secs(2))));
        assert_eq!(Delay::parse(" uniform( 1 ,2s ) "), Delay::parse("uniform(1ms, 2s)"));
    }

    #[test]
    fn what_is_no_delay_is_told_in_one_line() {
        for text in ["", "soon", "-1", "recorded*x", "recorded*-1", "stall*2", "2s*2", "normal(1ms, 1)", "uniform(1ms)"]
        {
            assert_eq!(Delay::parse(text), Err(EXPECTED.to_owned()), "{text}");
        }
        assert!(Delay::parse("uniform(2s, 1s)").unwrap_err().contains("the shorter one"));
        assert!(Delay::parse("lognormal(1s, NaN)").unwrap_err().contains("from 0 to 10"));
    }

    fn drawn(text: &str, seed: u64) -> Vec<Duration> {
        let (delay, chance) = (Delay::parse(text).unwrap(), Chance::new(seed, "delay"));
        let drawn = (0..1000).map(|_| match delay.draw(Some(Took { head: 30.0, body: 70.0 }), &chance) {
            Wait::For(duration) => duration,
            Wait::ForGood => panic!("{text} ends"),
        });
        drawn.collect()
    }

    #[test]
    fn delays_by_chance_lie_where_they_should_and_are_the_same_for_the_same_seed() {
        let uniform = drawn("uniform(100ms, 500ms)", 1);
        assert!(uniform.iter().all(|delay| (100..500).contains(&delay.as_millis())));
        assert!(uniform.iter().any(|delay| delay.as_millis() < 140) && uniform.iter().any(|d| d.as_millis() > 460));
        assert_eq!(uniform, drawn("uniform(100ms, 500ms)", 1));
        assert_ne!(uniform, drawn("uniform(100ms, 500ms)", 2));
        let shorter = drawn("lognormal(200ms, 0.5)", 1).iter().filter(|delay| delay.as_millis() < 200).count();
        assert!((430..570).contains(&shorter), "half of them is below the median: {shorter}");
    }

    #[test]
    fn the_recorded_time_is_that_of_the_head_and_sets_the_pace_of_the_body() {
        assert_eq!(drawn("recorded*2", 1)[0], Duration::from_millis(60));
        let pace = |text: &str, body| {
            let took = Some(Took { head: 1.0, body });
            Delay::parse(text).unwrap().recorded_pace(took, 700).map(f64::round)
        };
        assert_eq!(pace("recorded", 70.0), Some(10_000.0));
        assert_eq!((pace("recorded*0", 70.0), pace("recorded", 0.0), pace("1s", 70.0)), (None, None, None));
        assert_eq!(Delay::Recorded(1.0).draw(None, &Chance::new(1, "")), Wait::For(Duration::ZERO));
    }
}
