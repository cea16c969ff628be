//! Origins that stand for each other: `ASKED=RECORDED`, or the lines of the table `[map]`.

use std::ffi::OsStr;

use toml::de::{DeTable, DeValue};

use super::file::scalar;
use super::value::{Scalar, Value, utf8};
use crate::matching::OriginPair;
use crate::message::rehome::Origin;

impl Value for OriginPair {
    fn parse(text: &OsStr) -> Result<Self, String> {
        let Some((asked, recorded)) = utf8(text)?.split_once('=') else {
            return Err("expected the origin that is asked for, `=`, and the recorded one, such as \
                        `http://localhost:8080=https://api.example.com`"
                .to_owned());
        };
        let origin = |text: &str| text.parse::<Origin>().map_err(|error| format!("{:?} is {error}", text.trim()));
        let pair = Self { asked: origin(asked)?, recorded: origin(recorded)? };
        if pair.asked == pair.recorded { Err("an origin stands for itself already".to_owned()) } else { Ok(pair) }
    }

    fn to_scalar(&self) -> Scalar {
        Scalar::Text(format!("{}={}", self.asked, self.recorded))
    }
}

/// The lines of the table in the order in which they stand, each as a flag would have it, and where.
pub(super) fn lines(table: &DeTable<'_>) -> Vec<(Scalar, usize)> {
    let mut lines: Vec<_> = table
        .iter()
        .map(|(asked, recorded)| {
            let line = match recorded.get_ref() {
                DeValue::String(recorded) => Scalar::Text(format!("{}={recorded}", asked.get_ref())),
                other => scalar(other),
            };
            (line, asked.span().start)
        })
        .collect();
    lines.sort_by_key(|(_, at)| *at);
    lines
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::file::ConfigFile;
    use super::super::keys;
    use super::*;

    fn read(text: &str) -> Result<Vec<String>, Vec<String>> {
        let file =
            ConfigFile::parse(Path::new("harmock.toml"), text).map_err(|found| found.lines().collect::<Vec<_>>())?;
        let (items, _) = file.list::<OriginPair>(keys::find("map").unwrap()).unwrap();
        Ok(items.into_iter().map(|item| format!("{} <- {}", item.value.asked, item.value.recorded)).collect())
    }

    #[test]
    fn the_table_says_for_which_origin_which_recorded_one_answers_in_order() {
        let text = "[map]\n\"http://localhost:8080/\" = \"https://API.example.com:443\"\n\"http://a\" = \"http://b\"";
        let lines = ["http://localhost:8080 <- https://api.example.com", "http://a <- http://b"];
        assert_eq!(read(text).unwrap(), lines);
        assert_eq!(read("map = [\"http://a=http://b\"]").unwrap(), ["http://a <- http://b"]);
    }

    #[test]
    fn what_is_no_origin_is_told_with_its_line() {
        for (text, start) in [
            (
                "[map]\n\"localhost:8080\" = \"http://b\"",
                "harmock.toml:2:1: map = \"localhost:8080=http://b\": \"localhost:8080\" is not an origin",
            ),
            (
                "[map]\n\"http://a/x\" = \"http://b\"",
                "harmock.toml:2:1: map = \"http://a/x=http://b\": \"http://a/x\" is not an origin",
            ),
            ("[map]\n\"http://a\" = 1", "harmock.toml:2:1: map = 1: expected a string, found an integer"),
            (
                "[map]\n\"http://a\" = \"http://A:80\"",
                "harmock.toml:2:1: map = \"http://a=http://A:80\": an origin stands for itself already",
            ),
            ("map = \"http://a\"", "harmock.toml:1:7: map = \"http://a\": expected the origin that is asked for"),
        ] {
            let told = read(text).unwrap_err().join("\n");
            assert!(told.starts_with(start), "{told}");
        }
    }
}
