//! Composed entries on disk until their order is known; in memory there is only what sorts them.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::arrangement::Piece;
use super::previous::Previous;
use super::raw_log::LogFrame;
use super::sort_key::{Asked, SortKey};
use super::write_error::WriteError;
use crate::har::Detail;
use crate::har::json_text::quoted;

/// The entries of an archive in the making.
#[derive(Debug)]
pub(crate) struct EntrySpool {
    path: PathBuf,
    file: BufWriter<File>,
    length: u64,
    /// What a failed write has left behind could not be passed over.
    torn: bool,
    carried: Vec<Spooled>,
    new: Vec<New>,
}

/// A new entry: what sorts it, and what was asked as it is written.
#[derive(Debug)]
struct New {
    key: SortKey,
    asked: Asked,
    spooled: Spooled,
}

/// An entry in the spool: where its text is, and which payloads it names.
#[derive(Debug)]
struct Spooled {
    start: u64,
    length: u64,
    payloads: Box<[Box<str>]>,
}

impl EntrySpool {
    /// An empty spool in a new file.
    pub(crate) fn create(path: PathBuf) -> Result<Self, WriteError> {
        let file = File::create_new(&path).map_err(WriteError::io("create", &path))?;
        Ok(Self {
            file: BufWriter::with_capacity(64 << 10, file),
            path,
            length: 0,
            torn: false,
            carried: Vec::new(),
            new: Vec::new(),
        })
    }

    /// The number of carried entries.
    pub(crate) fn carried(&self) -> usize {
        self.carried.len()
    }

    /// The number of new entries.
    pub(crate) fn added(&self) -> usize {
        self.new.len()
    }

    /// What a new entry was asked with.
    pub(crate) fn asked(&self, new: usize) -> &Asked {
        &self.new[new].asked
    }

    /// Bytes of a new entry's text.
    pub(crate) fn length(&self, new: usize) -> u64 {
        self.new[new].spooled.length
    }

    /// The text of a new entry, once all are there.
    pub(crate) fn text(&self, new: usize) -> Result<String, WriteError> {
        let mut text = String::new();
        let read = File::open(&self.path)
            .and_then(|mut file| copy(&mut file, &self.new[new].spooled, |part| part.read_to_string(&mut text)));
        read.map_err(WriteError::io("read", &self.path))?;
        Ok(text)
    }

    /// The payloads that an entry names.
    pub(crate) fn payloads(&self, piece: Piece) -> impl Iterator<Item = &str> {
        let spooled = match piece {
            Piece::Carried(at) => &self.carried[at],
            Piece::New(new) | Piece::Unchanged { new, .. } => &self.new[new].spooled,
        };
        spooled.payloads.iter().map(|name| &**name)
    }

    /// Permissions of a new file as this process makes them.
    pub(crate) fn permissions(&self) -> Result<std::fs::Permissions, WriteError> {
        let metadata = self.file.get_ref().metadata().map_err(WriteError::io("read", &self.path))?;
        Ok(metadata.permissions())
    }

    /// Keeps an entry of another archive, and the names of its payloads.
    pub(crate) fn carry(&mut self, entry: &str, payloads: Vec<String>) -> Result<(), WriteError> {
        let payloads = payloads.into_iter().map(Into::into).collect();
        let spooled = self.append(payloads, |out| out.write_all(entry.as_bytes()))?;
        self.carried.push(spooled);
        Ok(())
    }

    /// Keeps a new entry, which `compose` writes, and the names of its payloads.
    pub(crate) fn add(
        &mut self,
        key: SortKey,
        asked: Asked,
        payloads: Box<[Box<str>]>,
        compose: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), WriteError> {
        let spooled = self.append(payloads, compose)?;
        self.new.push(New { key, asked, spooled });
        Ok(())
    }

    /// Ends the adding.
    pub(crate) fn end(&mut self) -> Result<(), WriteError> {
        self.file.flush().map_err(WriteError::io("write", &self.path))
    }

    /// Puts the new entries in their order.
    pub(crate) fn sort(&mut self, detail: Detail) {
        self.new.sort_by(|a, b| a.key.compare(&b.key, detail));
    }

    /// Writes the whole HAR text: `frame` around these entries.
    pub(crate) fn assemble(
        &self,
        frame: &LogFrame,
        pieces: &[Piece],
        previous: Option<&Previous>,
        har: &Path,
    ) -> Result<u64, WriteError> {
        let file = File::create_new(har).map_err(WriteError::io("create", har))?;
        let mut out = BufWriter::with_capacity(64 << 10, file);
        let mut spool = File::open(&self.path).map_err(WriteError::io("read", &self.path))?;
        begin(frame, &mut out).map_err(WriteError::io("write", har))?;
        for (ordinal, piece) in pieces.iter().enumerate() {
            let before = if ordinal == 0 { "\n      " } else { ",\n      " };
            out.write_all(before.as_bytes()).map_err(WriteError::io("write", har))?;
            let written = match (*piece, previous) {
                (Piece::Unchanged { previous: at, .. }, Some(previous)) => out.write_all(previous.text(at)?.as_bytes()),
                (Piece::Carried(at), _) => copy(&mut spool, &self.carried[at], |part| io::copy(part, &mut out)),
                (Piece::New(new) | Piece::Unchanged { new, .. }, _) => {
                    copy(&mut spool, &self.new[new].spooled, |part| io::copy(part, &mut out))
                }
            };
            written.map_err(WriteError::io("write", har))?;
        }
        end(frame, pieces.is_empty(), &mut out).map_err(WriteError::io("write", har))?;
        let file = out.into_inner().map_err(|error| WriteError::io("write", har)(error.into_error()))?;
        file.sync_all().map_err(WriteError::io("write", har))?;
        Ok(file.metadata().map_err(WriteError::io("read", har))?.len())
    }

    fn append(
        &mut self,
        payloads: Box<[Box<str>]>,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<Spooled, WriteError> {
        if self.torn {
            return Err(WriteError::io("write", &self.path)(io::Error::other(
                "an entry before it was not written whole",
            )));
        }
        let mut counted = Counted { out: &mut self.file, count: 0 };
        let written = write(&mut counted);
        let spooled = Spooled { start: self.length, length: counted.count, payloads };
        if let Err(error) = written {
            // The next entry takes the place of what there is of this one.
            let rewound = self.file.seek(SeekFrom::Start(self.length));
            self.torn = rewound.is_err();
            return Err(WriteError::io("write", &self.path)(rewound.err().unwrap_or(error)));
        }
        self.length += spooled.length;
        Ok(spooled)
    }
}

/// Hands an entry's text to `take`.
fn copy<T>(spool: &mut File, entry: &Spooled, take: impl FnOnce(&mut dyn Read) -> io::Result<T>) -> io::Result<()> {
    spool.seek(SeekFrom::Start(entry.start))?;
    take(&mut spool.take(entry.length)).map(drop)
}

fn begin(frame: &LogFrame, out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"{\n  \"log\": {\n")?;
    for (name, value) in &frame.log {
        writeln!(out, "    {}: {},", quoted(name), value.get())?;
    }
    out.write_all(b"    \"entries\": [")
}

fn end(frame: &LogFrame, empty: bool, out: &mut impl Write) -> io::Result<()> {
    out.write_all(if empty { b"]\n  }" } else { b"\n    ]\n  }" })?;
    for (name, value) in &frame.root {
        write!(out, ",\n  {}: {}", quoted(name), value.get())?;
    }
    out.write_all(b"\n}\n")
}

struct Counted<'a, W> {
    out: &'a mut W,
    count: u64,
}

impl<W: Write> Write for Counted<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.count += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn behind_an_entry_that_a_full_disk_has_torn_none_is_taken() {
        let path = PathBuf::from("/dev/full");
        let file = BufWriter::with_capacity(64, File::options().write(true).open(&path).unwrap());
        let mut spool = EntrySpool { path, file, length: 0, torn: false, carried: Vec::new(), new: Vec::new() };
        spool.carry("{}", Vec::new()).unwrap();
        assert!(spool.carry(&" ".repeat(100), Vec::new()).is_err());
        assert!(spool.carry("{}", Vec::new()).is_err(), "it would be looked for in another place than where it is");
    }
}
