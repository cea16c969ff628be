//! Bodies as they are served: small ones as bytes, large ones as files, and from memory what needs no waiting.

use std::ops::Range;

use bytes::Bytes;

use crate::archive::read::Payloads;
use crate::archive::source::Source;
use crate::archive::{Archive, BodyFile, PayloadError, embedded, embedded_stream};
use crate::har::{BodyText, StoredBody};

/// A body that was asked for.
#[derive(Debug)]
pub enum Fetched {
    /// Its bytes.
    Whole(Bytes),
    /// More of them than were to be read at once.
    Large(BodyFile),
}

impl Archive {
    /// The bytes of a body as [`Archive::read`] gives them, or its payload file where they are more than `whole`. Blocks
    /// on the disk.
    ///
    /// # Errors
    ///
    /// As [`Archive::read`].
    pub fn fetch(&self, body: &StoredBody, whole: u64) -> Result<Fetched, PayloadError> {
        match (body, &self.payloads) {
            (StoredBody::File(name), Payloads::Folder(folder)) => {
                folder.fetch(self.path(), &self.payload_path(name)?, whole)
            }
            _ => self.read(body).map(Fetched::Whole),
        }
    }

    /// Whether a body of more than `whole` bytes has to be gone through before it lies in a file as it is served.
    pub fn unpacks(&self, body: &StoredBody, whole: u64) -> bool {
        let stored = match (body, &self.payloads) {
            (StoredBody::Embedded { span, .. }, _) => span.end.saturating_sub(span.start),
            (StoredBody::File(name), Payloads::Zip(zip)) => {
                self.payload_path(name).ok().and_then(|path| zip.size(&path)).unwrap_or_default()
            }
            (StoredBody::File(_), Payloads::Folder(_)) => 0,
        };
        stored > whole
    }

    /// The file that holds a body of which [`Archive::unpacks`] is true: a temporary one, or the zip for more than `copied`
    /// bytes that are only stored in it, their checksum found right. Blocks on the disk.
    ///
    /// # Errors
    ///
    /// As [`Archive::read`]; also when there is no room for a temporary file.
    pub fn unpack(&self, body: &StoredBody, copied: u64) -> Result<BodyFile, PayloadError> {
        match (body, &self.payloads) {
            (StoredBody::File(name), Payloads::Zip(zip)) => zip.unpack(self.path(), &self.payload_path(name)?, copied),
            (StoredBody::Embedded { span, text }, _) => self.decode_to_file(body, span, *text),
            _ => self.spooled(&self.read(body)?),
        }
    }

    /// A body that is embedded in at most `whole` bytes and can be read without waiting for a disk.
    pub fn read_now(&self, body: &StoredBody, whole: u64) -> Option<Bytes> {
        let StoredBody::Embedded { span, text } = body else { return None };
        let literal = span.start.checked_sub(1)?..span.end.checked_add(1)?;
        if literal.end.checked_sub(literal.start)? > whole || self.text().changed().ok()? {
            return None;
        }
        let bytes = self.text().read_span_now(&literal)?;
        let unchanged = !self.text().changed().ok()?;
        // What is wrong is told by the reading that may wait.
        embedded::decode(bytes, *text).ok().filter(|_| unchanged)
    }

    fn decode_to_file(&self, body: &StoredBody, span: &Range<u64>, text: BodyText) -> Result<BodyFile, PayloadError> {
        let failed = |source| self.unreadable_text(source);
        let changed = || PayloadError::Changed { archive: self.path().to_path_buf() };
        if self.text().changed().map_err(failed)? {
            return Err(changed());
        }
        let mut file = tempfile::tempfile().map_err(failed)?;
        let decoded = embedded_stream::decode(&mut self.text().part(span), text, &mut file).map_err(failed)?;
        if self.text().changed().map_err(failed)? {
            return Err(changed());
        }
        let source = match decoded {
            true => Source::of_temporary(file),
            false => return self.spooled(&self.read(body)?),
        };
        BodyFile::whole(source).map_err(failed)
    }

    fn spooled(&self, bytes: &[u8]) -> Result<BodyFile, PayloadError> {
        let source = Source::unpacked(&mut &*bytes);
        source.and_then(BodyFile::whole).map_err(|source| self.unreadable_text(source))
    }
}
