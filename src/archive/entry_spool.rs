//! Composed entries on disk until their order is known; in memory there is only what sorts them.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::raw_log::LogFrame;
use super::sort_key::SortKey;
use super::write_error::WriteError;
use crate::har::Detail;
use crate::har::json_text::quoted;

/// The entries of an archive in the making.
#[derive(Debug)]
pub(crate) struct EntrySpool {
    path: PathBuf,
    file: BufWriter<File>,
    length: u64,
    carried: Vec<Span>,
    new: Vec<(SortKey, Span)>,
}

/// Where an entry's text is in the spool.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: u64,
    length: u64,
}

impl EntrySpool {
    /// An empty spool in a new file.
    pub(crate) fn create(path: PathBuf) -> Result<Self, WriteError> {
        let file = File::create_new(&path).map_err(WriteError::io("create", &path))?;
        Ok(Self {
            file: BufWriter::with_capacity(64 << 10, file),
            path,
            length: 0,
            carried: Vec::new(),
            new: Vec::new(),
        })
    }

    /// The number of entries.
    pub(crate) fn len(&self) -> usize {
        self.carried.len() + self.new.len()
    }

    /// Permissions of a new file as this process makes them.
    pub(crate) fn permissions(&self) -> Result<std::fs::Permissions, WriteError> {
        let metadata = self.file.get_ref().metadata().map_err(WriteError::io("read", &self.path))?;
        Ok(metadata.permissions())
    }

    /// Keeps an entry of another archive, in front of all new ones.
    pub(crate) fn carry(&mut self, entry: &str) -> Result<(), WriteError> {
        let span = self.append(|out| out.write_all(entry.as_bytes()))?;
        self.carried.push(span);
        Ok(())
    }

    /// Keeps a new entry, which `compose` writes.
    pub(crate) fn add(
        &mut self,
        key: SortKey,
        compose: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), WriteError> {
        let span = self.append(compose)?;
        self.new.push((key, span));
        Ok(())
    }

    /// Writes the whole HAR text: `frame` around the carried entries and the new ones in their order.
    pub(crate) fn assemble(mut self, frame: &LogFrame, detail: Detail, har: &Path) -> Result<u64, WriteError> {
        self.file.flush().map_err(WriteError::io("write", &self.path))?;
        self.new.sort_by(|(a, _), (b, _)| a.compare(b, detail));
        let file = File::create_new(har).map_err(WriteError::io("create", har))?;
        let mut out = BufWriter::with_capacity(64 << 10, file);
        self.write_log(frame, &mut out).map_err(WriteError::io("write", har))?;
        let file = out.into_inner().map_err(|error| WriteError::io("write", har)(error.into_error()))?;
        file.sync_all().map_err(WriteError::io("write", har))?;
        Ok(file.metadata().map_err(WriteError::io("read", har))?.len())
    }

    fn write_log(&self, frame: &LogFrame, out: &mut impl Write) -> io::Result<()> {
        out.write_all(b"{\n  \"log\": {\n")?;
        for (name, value) in &frame.log {
            writeln!(out, "    {}: {},", quoted(name), value.get())?;
        }
        out.write_all(b"    \"entries\": [")?;
        let mut spool = File::open(&self.path)?;
        let spans = self.carried.iter().chain(self.new.iter().map(|(_, span)| span));
        for (ordinal, span) in spans.enumerate() {
            out.write_all(if ordinal == 0 { b"\n      " } else { b",\n      " })?;
            spool.seek(SeekFrom::Start(span.start))?;
            io::copy(&mut (&spool).take(span.length), out)?;
        }
        out.write_all(if self.len() == 0 { b"]\n  }" } else { b"\n    ]\n  }" })?;
        for (name, value) in &frame.root {
            write!(out, ",\n  {}: {}", quoted(name), value.get())?;
        }
        out.write_all(b"\n}\n")
    }

    fn append(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<Span, WriteError> {
        let mut counted = Counted { out: &mut self.file, count: 0 };
        let written = write(&mut counted);
        let span = Span { start: self.length, length: counted.count };
        if let Err(error) = written {
            // The next entry takes the place of what there is of this one.
            let rewound = self.file.seek(SeekFrom::Start(self.length));
            return Err(WriteError::io("write", &self.path)(rewound.err().unwrap_or(error)));
        }
        self.length += span.length;
        Ok(span)
    }
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
