//! Another archive's text, entry by entry and unchanged: for carrying entries over and for finding payload names.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::payload_path::PayloadPath;
use super::write_error::WriteError;
use crate::har::json::Text;
use crate::har::raw::RawEntry;

/// What a log has beside its entries, as JSON text, in order.
#[derive(Debug, Default)]
pub(crate) struct LogFrame {
    /// Fields of `log` but `entries`.
    pub(crate) log: Vec<(String, Box<RawValue>)>,
    /// Fields beside `log`.
    pub(crate) root: Vec<(String, Box<RawValue>)>,
}

impl LogFrame {
    /// Marks the log as one of requests that are to be sent, unless it has a mark.
    pub(crate) fn mark_outgoing(&mut self) {
        let mark = RawValue::from_string("{\n      \"kind\": \"outgoing\"\n    }".to_owned());
        if self.log.iter().all(|(name, _)| name != "_harmock") {
            self.log.extend(mark.ok().map(|mark| ("_harmock".to_owned(), mark)));
        }
    }
}

/// Reads a HAR text of any size and hands each entry over; a byte order mark is passed over.
pub(crate) fn read_log(
    path: &Path,
    text: impl Read,
    each: &mut dyn FnMut(&RawValue) -> Result<(), WriteError>,
) -> Result<LogFrame, WriteError> {
    let mut text = BufReader::with_capacity(64 << 10, text);
    if text.fill_buf().map_err(WriteError::io("read", path))?.starts_with(b"\xef\xbb\xbf") {
        text.consume(3);
    }
    let state = RefCell::new(State { frame: LogFrame::default(), has_entries: false, each, refused: None });
    let mut deserializer = serde_json::Deserializer::from_reader(text);
    let read = Level::Root.with(&state).deserialize(&mut deserializer).and_then(|()| deserializer.end());
    let state = state.into_inner();
    match (read, state.refused) {
        (_, Some(error)) => Err(error),
        (Err(error), None) => Err(WriteError::Existing { path: path.to_path_buf(), reason: error.to_string() }),
        (Ok(()), None) if !state.has_entries => {
            Err(WriteError::Existing { path: path.to_path_buf(), reason: "it has no log.entries".to_owned() })
        }
        (Ok(()), None) => Ok(state.frame),
    }
}

/// The payloads that a `.har` file names, those with a path that replay would refuse left out.
pub(crate) fn payloads_of(har: &Path) -> Result<BTreeSet<PayloadPath>, WriteError> {
    payloads_in(har, File::open(har).map_err(WriteError::io("read", har))?)
}

/// The same of a HAR text.
pub(crate) fn payloads_in(har: &Path, text: impl Read) -> Result<BTreeSet<PayloadPath>, WriteError> {
    let mut names = BTreeSet::new();
    read_log(har, text, &mut |entry| {
        names.extend(payload_names(entry).iter().filter_map(|name| PayloadPath::parse(name).ok()));
        Ok(())
    })?;
    Ok(names)
}

/// The `_file` of an entry's request and response, as written.
pub(crate) fn payload_names(entry: &RawValue) -> Vec<String> {
    let Ok(raw) = serde_json::from_str::<RawEntry<'_>>(entry.get()) else { return Vec::new() };
    let names = [raw.request.post_data.file, raw.response.content.file];
    names.into_iter().filter_map(|name| Some(name.non_empty()?.into_owned())).collect()
}

struct State<'a> {
    frame: LogFrame,
    has_entries: bool,
    each: &'a mut dyn FnMut(&RawValue) -> Result<(), WriteError>,
    refused: Option<WriteError>,
}

/// How deep reading is.
#[derive(Debug, Clone, Copy)]
enum Level {
    Root,
    Log,
    Entries,
}

impl Level {
    fn with<'s, 'a>(self, state: &'s RefCell<State<'a>>) -> At<'s, 'a> {
        At { level: self, state }
    }
}

struct At<'s, 'a> {
    level: Level,
    state: &'s RefCell<State<'a>>,
}

impl<'de> DeserializeSeed<'de> for At<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.level {
            Level::Entries => deserializer.deserialize_seq(self),
            Level::Root | Level::Log => deserializer.deserialize_map(self),
        }
    }
}

impl<'de> Visitor<'de> for At<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.level {
            Level::Root => "a HAR object",
            Level::Log => "an object in `log`",
            Level::Entries => "a list in `log.entries`",
        })
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(key) = map.next_key::<Text<'_>>()? {
            match (self.level, &*key.0) {
                (Level::Root, "log") => map.next_value_seed(Level::Log.with(self.state))?,
                (Level::Log, "entries") => map.next_value_seed(Level::Entries.with(self.state))?,
                (level, key) => {
                    let field = (key.to_owned(), map.next_value::<Box<RawValue>>()?);
                    let frame = &mut self.state.borrow_mut().frame;
                    if matches!(level, Level::Root) { &mut frame.root } else { &mut frame.log }.push(field);
                }
            }
        }
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut items: S) -> Result<(), S::Error> {
        self.state.borrow_mut().has_entries = true;
        while let Some(entry) = items.next_element::<Box<RawValue>>()? {
            let mut state = self.state.borrow_mut();
            if let Err(error) = (state.each)(&entry) {
                state.refused = Some(error);
                return Err(S::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}
