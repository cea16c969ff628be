//! A body on its way to disk: in memory while it is small, then in a file of its own.

use std::io;
use std::path::Path;

use super::journal::spool_path;
use super::large_body::LargeBody;
use super::spool::Piece;

/// A body on its way to disk.
#[derive(Debug)]
pub(super) enum BodySpool {
    Memory(Vec<u8>),
    File {
        number: u64,
        body: LargeBody,
    },
    /// A write failed: the exchange is lost, the traffic goes on.
    Failed(io::Error),
}

impl BodySpool {
    /// Bytes in memory, for the journal.
    pub(super) fn held(&self) -> usize {
        if let Self::Memory(bytes) = self { bytes.len() } else { 0 }
    }

    /// Bytes in memory, for a file.
    pub(super) fn unwritten(&self) -> usize {
        if let Self::File { body, .. } = self { body.waiting_bytes() } else { 0 }
    }

    /// Adds a piece to a body, which stays in memory up to `most` bytes.
    pub(super) fn add(&mut self, piece: Piece, most: usize, folder: &Path, next_file: &mut u64) -> io::Result<()> {
        match self {
            Self::Memory(held) if held.len() + piece.bytes.len() <= most => held.extend_from_slice(&piece.bytes),
            Self::Memory(held) => {
                let number = *next_file;
                *next_file += 1;
                let body = LargeBody::create(&spool_path(folder, number))?;
                let held = Piece { bytes: std::mem::take(held).into(), share: None, to_come: None };
                *self = Self::File { number, body };
                self.add(held, most, folder, next_file)?;
                return self.add(piece, most, folder, next_file);
            }
            Self::File { body, .. } => return body.add(piece),
            Self::Failed(_) => {}
        }
        Ok(())
    }
}
