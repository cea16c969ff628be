//! The HAR text as a file that parts are read from, from any thread, for as long as the archive is open.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Take};
use std::ops::Range;
#[cfg(target_os = "linux")]
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::SystemTime;

/// An open file that is read by position, so that readers do not disturb each other.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    file: Arc<File>,
    /// What the file was like when it was opened; none for a temporary file that nobody else can reach.
    stamp: Option<Stamp>,
}

impl Source {
    /// A file of the user's, which may change.
    pub(crate) fn of_file(file: File) -> io::Result<Self> {
        let stamp = Some(Stamp::of(&file)?);
        Ok(Self { file: Arc::new(file), stamp })
    }

    /// A temporary file without a name, filled from `content`.
    pub(crate) fn unpacked(content: &mut dyn Read) -> io::Result<Self> {
        let mut file = tempfile::tempfile()?;
        io::copy(content, &mut file)?;
        Ok(Self::of_temporary(file))
    }

    /// A file that nobody else can reach.
    pub(crate) fn of_temporary(file: File) -> Self {
        Self { file: Arc::new(file), stamp: None }
    }

    /// Whether somebody wrote to the file since it was opened.
    pub(crate) fn changed(&self) -> io::Result<bool> {
        Ok(match self.stamp {
            Some(stamp) => Stamp::of(&self.file)? != stamp,
            None => false,
        })
    }

    /// Whether it is a file of the user's, which may change.
    pub(crate) fn is_users(&self) -> bool {
        self.stamp.is_some()
    }

    /// Length in bytes, now.
    pub(crate) fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// The bytes of `span`.
    pub(crate) fn read_span(&self, span: &Range<u64>) -> io::Result<Vec<u8>> {
        // Checked against the length first: a span is never a reason to reserve memory that no file can fill.
        if span.start > span.end || span.end > self.len()? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = vec![0; usize::try_from(span.end - span.start).map_err(io::Error::other)?];
        let mut filled = 0;
        while filled < bytes.len() {
            match self.read_at(&mut bytes[filled..], span.start + filled as u64)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => filled += read,
            }
        }
        Ok(bytes)
    }

    /// Some of the bytes at `offset`; none at the end of the file.
    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        loop {
            match read_at(&self.file, buffer, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }

    /// The same where it needs no waiting for a disk, as is the rule for a file that was read before; `None` where it
    /// does, or where the system cannot tell.
    pub(crate) fn read_now(&self, buffer: &mut [u8], offset: u64) -> Option<usize> {
        read_now(&self.file, buffer, offset)
    }

    /// Has the system put bytes at `offset` onto a socket by itself, as many as that takes; none at the end of the file.
    #[cfg(target_os = "linux")]
    pub(crate) fn send(&self, socket: BorrowedFd<'_>, offset: u64, most: usize) -> io::Result<usize> {
        let mut offset = offset;
        let send = || rustix::fs::sendfile(socket, &*self.file, Some(&mut offset), most);
        Ok(rustix::io::retry_on_intr(send)?)
    }

    /// The bytes of `span`, under the terms of [`Source::read_now`].
    pub(crate) fn read_span_now(&self, span: &Range<u64>) -> Option<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(span.end.checked_sub(span.start)?).ok()?];
        (self.read_now(&mut bytes, span.start)? == bytes.len()).then_some(bytes)
    }

    /// A reader from the beginning, with a position of its own.
    pub(crate) fn cursor(&self) -> SourceCursor {
        SourceCursor { source: self.clone(), position: 0 }
    }

    /// A reader of the bytes of `span`.
    pub(crate) fn part(&self, span: &Range<u64>) -> Take<SourceCursor> {
        SourceCursor { source: self.clone(), position: span.start }.take(span.end.saturating_sub(span.start))
    }
}

/// Reads a [`Source`] in order.
#[derive(Debug, Clone)]
pub(crate) struct SourceCursor {
    source: Source,
    position: u64,
}

impl Read for SourceCursor {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = read_at(&self.source.file, buffer, self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for SourceCursor {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
            SeekFrom::End(offset) => self.source.len()?.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

/// Length and time of the last change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self { length: metadata.len(), modified: metadata.modified().ok() })
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

/// Linux knows what it has in memory of a file, and reads that alone when asked to (`RWF_NOWAIT`).
#[cfg(target_os = "linux")]
fn read_now(file: &File, buffer: &mut [u8], offset: u64) -> Option<usize> {
    let mut buffers = [io::IoSliceMut::new(buffer)];
    rustix::io::preadv2(file, &mut buffers, offset, rustix::io::ReadWriteFlags::NOWAIT).ok()
}

#[cfg(not(target_os = "linux"))]
fn read_now(_file: &File, _buffer: &mut [u8], _offset: u64) -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_change_in_place_is_seen_and_a_replaced_file_stays_readable() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.har");
        std::fs::write(&path, "0123456789").unwrap();
        let source = Source::of_file(File::open(&path).unwrap()).unwrap();
        std::fs::write(folder.path().join("b.har"), "x").unwrap();
        std::fs::rename(folder.path().join("b.har"), &path).unwrap();
        assert!(!source.changed().unwrap());
        assert_eq!(source.read_span(&(2..5)).unwrap(), b"234");

        let source = Source::of_file(File::open(&path).unwrap()).unwrap();
        std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"y").unwrap();
        assert!(source.changed().unwrap());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_in_memory_is_read_at_once() {
        let source = Source::unpacked(&mut &b"abcdef"[..]).unwrap();
        // Not every file system can tell; where it can, the bytes are the same.
        if let Some(bytes) = source.read_span_now(&(1..4)) {
            assert_eq!(bytes, b"bcd");
            assert_eq!(source.read_span_now(&(4..9)), None);
        }
    }

    #[test]
    fn a_span_outside_the_file_is_an_error_and_reserves_nothing() {
        let source = Source::unpacked(&mut &b"abc"[..]).unwrap();
        assert_eq!(source.read_span(&(1..3)).unwrap(), b"bc");
        assert!(source.read_span(&(0..u64::MAX)).is_err());
        assert!(source.read_span(&Range { start: 3, end: 1 }).is_err());
    }
}
