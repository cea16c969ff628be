//! A body that is too large for the journal, on its way to a file of its own.
//!
//! Its pieces wait until many of them can be written by one call that begins and ends where the system's large pages
//! do, and the file gets its room ahead. For pieces that are written one by one, finding room takes the system as long
//! as copying them does.

use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::path::Path;

use super::spool::Piece;

/// Writes begin and end at multiples of as many bytes.
const TOGETHER: u64 = 512 << 10;

/// Pieces that wait at most, however short: each keeps the memory that it was read into.
const PIECES_MOST: usize = 256;

/// Bytes of room ahead for what the body says is to come. What it says may be wrong.
const ANNOUNCED_MOST: u64 = 64 << 20;

/// Bytes of room ahead, at most a quarter of the body, where it does not say what is to come. The file keeps what was not
/// needed until the run ends: giving it back would wait for the disk.
const GUESSED_MOST: u64 = 8 << 20;

/// A spool file, and what waits to be written to it.
#[derive(Debug)]
pub(super) struct LargeBody {
    file: File,
    written: u64,
    /// Where the room of the file ends; `None` where the system gives none ahead.
    room: Option<u64>,
    waiting: Vec<Piece>,
    waiting_bytes: usize,
    /// As the last piece had it.
    to_come: Option<u64>,
}

impl LargeBody {
    /// A new file that its owner alone can read: bodies hold secrets.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let mut options = File::options();
        options.create(true).write(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        Ok(Self { file, written: 0, room: Some(0), waiting: Vec::new(), waiting_bytes: 0, to_come: None })
    }

    /// Bytes that are not written yet.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    /// Adds a piece, which may wait for more.
    pub(super) fn add(&mut self, piece: Piece) -> io::Result<()> {
        self.waiting_bytes += piece.bytes.len();
        self.to_come = piece.to_come;
        self.waiting.push(piece);
        let length = self.length();
        let boundary = length - length % TOGETHER;
        if boundary > self.written {
            let rest = usize::try_from(length - boundary).unwrap_or_default();
            self.write_but(rest)
        } else if self.waiting.len() >= PIECES_MOST {
            self.write()
        } else {
            Ok(())
        }
    }

    /// Writes all that waits.
    pub(super) fn write(&mut self) -> io::Result<()> {
        self.write_but(0)
    }

    /// Writes what waits but for the last bytes, which are part of the last piece.
    fn write_but(&mut self, rest: usize) -> io::Result<()> {
        let mut pieces = std::mem::take(&mut self.waiting);
        let end = self.length() - rest as u64;
        if let Some(last) = pieces.last_mut().filter(|_| rest > 0) {
            let bytes = last.bytes.split_off(last.bytes.len().saturating_sub(rest));
            self.waiting.push(Piece { bytes, share: last.share.take(), to_come: self.to_come });
        }
        self.make_room(end);
        self.waiting_bytes = rest;
        let mut slices: Vec<_> = pieces.iter().map(|piece| IoSlice::new(&piece.bytes)).collect();
        write_all(&mut self.file, &mut slices)?;
        self.written = end;
        Ok(())
    }

    /// Writes what waits; gives the length.
    pub(super) fn close(mut self) -> io::Result<u64> {
        self.write()?;
        Ok(self.written)
    }

    fn length(&self) -> u64 {
        self.written + self.waiting_bytes as u64
    }

    /// Room for everything up to `end`, and for what comes then. A body that one call writes needs none ahead.
    fn make_room(&mut self, end: u64) {
        let Some(room) = self.room.filter(|room| end > *room && end > TOGETHER) else { return };
        let until = match self.to_come {
            Some(to_come) => self.length().saturating_add(to_come).min(end + ANNOUNCED_MOST),
            None => end + (end / 4).min(GUESSED_MOST),
        };
        // Where there is no room, writing says so.
        let made = allocate(&self.file, room, until - room);
        self.room = made.is_ok().then_some(until);
    }
}

/// Makes room in a file, whose length stays that of what is written.
#[cfg(target_os = "linux")]
fn allocate(file: &File, from: u64, length: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    Ok(fallocate(file, FallocateFlags::KEEP_SIZE, from, length)?)
}

#[cfg(not(target_os = "linux"))]
fn allocate(_file: &File, _from: u64, _length: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn write_all(file: &mut File, mut slices: &mut [IoSlice<'_>]) -> io::Result<()> {
    IoSlice::advance_slices(&mut slices, 0);
    while !slices.is_empty() {
        match file.write_vectored(slices) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut slices, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;

    #[test]
    fn pieces_of_any_length_make_up_the_body_and_are_written_many_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("body");
        let mut body = LargeBody::create(&path).unwrap();
        let room = Arc::new(Semaphore::new(64 << 20));
        let mut whole = Vec::new();
        for length in [1, 300_000, 299_999, 70_000, 1_700_001, 0, 524_288, 5] {
            let bytes: Vec<u8> = (whole.len()..whole.len() + length).map(|at| (at % 251) as u8).collect();
            whole.extend_from_slice(&bytes);
            let share = Arc::clone(&room).try_acquire_many_owned(length as u32).ok();
            // What a body says of itself may be wrong.
            body.add(Piece { bytes: bytes.into(), share, to_come: (length % 2 == 0).then_some(u64::MAX) }).unwrap();
            let written = std::fs::metadata(&path).unwrap().len();
            assert_eq!(written, whole.len() as u64 / TOGETHER * TOGETHER);
            assert_eq!(written + body.waiting_bytes() as u64, whole.len() as u64);
            assert!(room.available_permits() + body.waiting_bytes() <= 64 << 20, "what waits has its share");
        }
        assert_eq!(body.close().unwrap(), whole.len() as u64);
        assert!(std::fs::read(&path).unwrap() == whole);
        assert_eq!(room.available_permits(), 64 << 20);
    }

    #[test]
    fn short_pieces_do_not_pile_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("body");
        let mut body = LargeBody::create(&path).unwrap();
        for _ in 0..PIECES_MOST {
            body.add(Piece { bytes: "x".into(), share: None, to_come: None }).unwrap();
        }
        assert_eq!((body.waiting_bytes(), std::fs::metadata(&path).unwrap().len()), (0, PIECES_MOST as u64));
    }
}
