//! A large body as a part of a file, from which it is sent piece by piece.

use std::io;
#[cfg(target_os = "linux")]
use std::os::fd::BorrowedFd;

use crate::archive::source::Source;

/// A body that lies in a file as it is sent.
///
/// The file stays open, so another one that takes its name does not mix with it. Who writes into the very file is
/// noticed at the end of the body at the latest: the last piece is an error then, so that no mixture is taken for whole.
#[derive(Debug, Clone)]
pub struct BodyFile {
    source: Source,
    start: u64,
    length: u64,
}

impl BodyFile {
    /// The whole of a file.
    pub(crate) fn whole(source: Source) -> io::Result<Self> {
        let length = source.len()?;
        Ok(Self { source, start: 0, length })
    }

    /// `length` bytes of a file, from byte `start` on; an error where the file ends before.
    pub(crate) fn part(source: Source, start: u64, length: u64) -> io::Result<Self> {
        let end = start.checked_add(length).ok_or(io::ErrorKind::UnexpectedEof)?;
        if end > source.len()? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Self { source, start, length })
    }

    /// Bytes of the body.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Reads some of what is at byte `at` of the body; 0 bytes are its end. Blocks on the disk.
    ///
    /// # Errors
    ///
    /// Nothing can be read there, or somebody has written to the file.
    pub fn read(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let room = self.room(at, buffer.len());
        let read = self.source.read_at(&mut buffer[..room], self.start + at)?;
        self.checked(at, room, read)
    }

    /// The same where it needs no waiting; `None` where it does.
    ///
    /// # Errors
    ///
    /// As [`BodyFile::read`].
    pub fn read_now(&self, at: u64, buffer: &mut [u8]) -> Option<io::Result<usize>> {
        let room = self.room(at, buffer.len());
        let read = self.source.read_now(&mut buffer[..room], self.start + at)?;
        Some(self.checked(at, room, read))
    }

    /// Whether the system may put it onto a socket from the file: what has been sent is not copied, so that writing into the
    /// file would still change it. Nobody else can write into a temporary file.
    pub fn is_steady(&self) -> bool {
        !self.source.is_users()
    }

    /// Has the system put some of what is at byte `at` of the body onto a socket, at most so many bytes. Blocks on the disk.
    ///
    /// # Errors
    ///
    /// The socket takes nothing, or there is nothing.
    #[cfg(target_os = "linux")]
    pub fn send(&self, at: u64, most: usize, socket: BorrowedFd<'_>) -> io::Result<usize> {
        let room = self.room(at, most);
        let sent = self.source.send(socket, self.start + at, room)?;
        self.checked(at, room, sent)
    }

    /// The same body in a temporary file. Blocks on the disk.
    ///
    /// # Errors
    ///
    /// There is no room, or somebody has written to the file.
    pub fn copied(&self) -> io::Result<Self> {
        let copy = Source::unpacked(&mut self.source.part(&(self.start..self.start + self.length)))?;
        if self.source.changed()? || copy.len()? != self.length {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Self::whole(copy)
    }

    fn room(&self, at: u64, most: usize) -> usize {
        usize::try_from(self.length.saturating_sub(at)).map_or(most, |left| left.min(most))
    }

    fn checked(&self, at: u64, room: usize, read: usize) -> io::Result<usize> {
        if read == 0 && room > 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter while it was sent"));
        }
        if at + read as u64 >= self.length && self.source.changed()? {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the file was written to while it was sent"));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File, OpenOptions};
    use std::io::Write;

    use super::*;

    fn opened(content: &str) -> (tempfile::TempDir, BodyFile) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("body");
        fs::write(&path, content).unwrap();
        let file = BodyFile::whole(Source::of_file(File::open(path).unwrap()).unwrap()).unwrap();
        (folder, file)
    }

    #[test]
    fn a_part_is_read_within_its_bounds() {
        let source = Source::unpacked(&mut &b"0123456789"[..]).unwrap();
        let part = BodyFile::part(source.clone(), 2, 5).unwrap();
        let mut buffer = [0; 4];
        assert_eq!((part.read(0, &mut buffer).unwrap(), &buffer), (4, b"2345"));
        assert_eq!((part.read(4, &mut buffer).unwrap(), &buffer[..1]), (1, &b"6"[..]));
        assert_eq!(part.read(5, &mut buffer).unwrap(), 0);
        assert!(BodyFile::part(source.clone(), 6, 5).is_err());
        assert!(BodyFile::part(source, 6, u64::MAX).is_err());
    }

    #[test]
    fn a_file_that_takes_the_name_does_not_mix_in() {
        let (folder, file) = opened("old!");
        fs::write(folder.path().join("new"), "new, and longer").unwrap();
        fs::rename(folder.path().join("new"), folder.path().join("body")).unwrap();
        let mut buffer = [0; 8];
        assert_eq!((file.read(0, &mut buffer).unwrap(), &buffer[..4]), (4, &b"old!"[..]));
    }

    #[test]
    fn what_was_written_into_meanwhile_is_never_whole() {
        let (folder, file) = opened("0123");
        let mut buffer = [0; 2];
        assert_eq!(file.read(0, &mut buffer).unwrap(), 2);
        OpenOptions::new().append(true).open(folder.path().join("body")).unwrap().write_all(b"x").unwrap();
        assert_eq!(file.read(2, &mut buffer).unwrap_err().kind(), io::ErrorKind::InvalidData);
        fs::write(folder.path().join("body"), "0").unwrap();
        assert_eq!(file.read(2, &mut buffer).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
