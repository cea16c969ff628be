//! What a line says of one exchange.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use crate::redact::{shown_text, shown_url};

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Who answered an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "by")]
pub enum Source<'a> {
    /// An entry of an archive.
    Entry {
        /// The archive's path.
        archive: &'a str,
        /// Its place in `log.entries`, from zero.
        entry: usize,
    },
    /// The upstream, and the exchange is kept.
    Recorded,
    /// The upstream, and the exchange is not kept.
    Upstream,
    /// Nothing matched.
    Miss,
    /// harmock itself: its own pages, a preflight, a request for a browser's housekeeping.
    Own,
    /// An error on the way.
    Error,
    /// Bytes passed unopened.
    Tunnel,
}

/// One exchange, once it has ended.
#[derive(Debug, Clone, Serialize)]
pub struct ExchangeLine<'a> {
    /// The method as sent.
    pub method: &'a str,
    /// The whole URL; `host:port` of a tunnel.
    #[serde(serialize_with = "without_secrets")]
    pub url: &'a str,
    /// The status that the client got; `None` where it got a reset.
    pub status: Option<u16>,
    /// Bytes of the body that the client got.
    pub size: u64,
    /// From the request head to the end of the response body.
    #[serde(rename = "ms", serialize_with = "milliseconds")]
    pub time: Duration,
    /// Who answered.
    pub source: Source<'a>,
    /// What people should know beside: why it failed, what came nearest.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "without_values")]
    pub note: Option<&'a str>,
}

impl ExchangeLine<'_> {
    /// Adds the line, without its end.
    pub(super) fn render(&self, format: Format, line: &mut String) {
        match format {
            Format::Json => line.push_str(&serde_json::to_string(self).unwrap_or_default()),
            Format::Text => self.text(line),
        }
    }

    fn text(&self, line: &mut String) {
        // Writing to a string cannot fail. Words are pushed, which is several times faster than formatting them.
        for word in [self.method, " ", &shown_url(self.url), " "] {
            line.push_str(word);
        }
        let _ = match self.status {
            Some(status) => write!(line, "{status}"),
            None => line.write_str("reset"),
        };
        let _ = write!(line, " {}B ", self.size);
        short(self.time, line);
        match self.source {
            Source::Entry { archive, entry } => {
                line.push_str(" <- ");
                line.push_str(archive);
                let _ = write!(line, "#{entry}");
            }
            Source::Recorded => line.push_str(" <- upstream, recorded"),
            Source::Upstream => line.push_str(" <- upstream"),
            Source::Miss => line.push_str(" MISS"),
            Source::Own => line.push_str(" <- harmock"),
            Source::Error => line.push_str(" ERROR"),
            Source::Tunnel => line.push_str(" <- tunnel"),
        }
        if let Some(note) = self.note {
            let _ = write!(line, " ({})", shown_text(note));
        }
    }
}

/// Milliseconds, below ten with one decimal.
fn short(time: Duration, line: &mut String) {
    let tenths = (time.as_micros() + 50) / 100;
    let _ = match tenths {
        ..100 => write!(line, "{}.{}ms", tenths / 10, tenths % 10),
        // From the time itself: what has been rounded once may not be rounded again.
        _ => write!(line, "{}ms", (time.as_micros() + 500) / 1000),
    };
}

fn without_secrets<S: serde::Serializer>(url: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&shown_url(url))
}

fn without_values<S: serde::Serializer>(note: &Option<&str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&shown_text(note.unwrap_or_default()))
}

fn milliseconds<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((time.as_micros() as f64) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: ExchangeLine<'_> = ExchangeLine {
        method: "GET",
        url: "https://a.example/x",
        status: Some(200),
        size: 12,
        time: Duration::from_micros(1500),
        source: Source::Entry { archive: "hars/a.har", entry: 3 },
        note: None,
    };

    fn rendered(format: Format) -> String {
        let mut line = String::new();
        LINE.render(format, &mut line);
        line
    }

    #[test]
    fn times_are_rounded_to_what_a_person_reads() {
        let in_words = |microseconds| {
            let mut words = String::new();
            short(Duration::from_micros(microseconds), &mut words);
            words
        };
        assert_eq!(
            [49, 50, 1_500, 9_949, 9_950, 12_499, 12_500].map(in_words),
            ["0.0ms", "0.1ms", "1.5ms", "9.9ms", "10ms", "12ms", "13ms"]
        );
    }

    #[test]
    fn a_line_names_the_entry_that_answered() {
        assert_eq!(rendered(Format::Text), "GET https://a.example/x 200 12B 1.5ms <- hars/a.har#3");
    }

    #[test]
    fn secrets_in_a_url_are_not_shown() {
        let secret = ExchangeLine { url: "https://a.example/x?access_token=s3cr3t&b=1", ..LINE };
        for format in [Format::Text, Format::Json] {
            let mut line = String::new();
            secret.render(format, &mut line);
            assert!(line.contains("https://a.example/x?access_token=redacted&b=1"), "{line}");
        }
    }

    #[test]
    fn json_has_the_same_facts_as_fields() {
        let json: serde_json::Value = serde_json::from_str(&rendered(Format::Json)).unwrap();
        assert_eq!(json["source"], serde_json::json!({"by": "entry", "archive": "hars/a.har", "entry": 3}));
        assert_eq!((&json["status"], &json["ms"]), (&200.into(), &1.5.into()));
    }
}
