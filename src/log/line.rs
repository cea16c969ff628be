//! What a line says of one exchange.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'a str>,
}

impl ExchangeLine<'_> {
    pub(super) fn render(&self, format: Format) -> String {
        match format {
            Format::Json => serde_json::to_string(self).unwrap_or_default(),
            Format::Text => self.text(),
        }
    }

    fn text(&self) -> String {
        let mut line = String::with_capacity(128);
        let status = self.status.map_or_else(|| "reset".to_owned(), |status| status.to_string());
        // Writing to a string cannot fail.
        let _ = write!(line, "{} {} {status} {}B {}", self.method, self.url, self.size, short(self.time));
        let _ = match self.source {
            Source::Entry { archive, entry } => write!(line, " <- {archive}#{entry}"),
            Source::Recorded => write!(line, " <- upstream, recorded"),
            Source::Upstream => write!(line, " <- upstream"),
            Source::Miss => write!(line, " MISS"),
            Source::Own => write!(line, " <- harmock"),
            Source::Error => write!(line, " ERROR"),
            Source::Tunnel => write!(line, " <- tunnel"),
        };
        if let Some(note) = self.note {
            let _ = write!(line, " ({note})");
        }
        line
    }
}

fn short(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1000.0;
    if milliseconds < 10.0 { format!("{milliseconds:.1}ms") } else { format!("{milliseconds:.0}ms") }
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

    #[test]
    fn a_line_names_the_entry_that_answered() {
        assert_eq!(LINE.render(Format::Text), "GET https://a.example/x 200 12B 1.5ms <- hars/a.har#3");
    }

    #[test]
    fn json_has_the_same_facts_as_fields() {
        let json: serde_json::Value = serde_json::from_str(&LINE.render(Format::Json)).unwrap();
        assert_eq!(json["source"], serde_json::json!({"by": "entry", "archive": "hars/a.har", "entry": 3}));
        assert_eq!((&json["status"], &json["ms"]), (&200.into(), &1.5.into()));
    }
}
