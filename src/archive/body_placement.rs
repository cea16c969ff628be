//! From a body as it was recorded to its place in the archive: a payload file, the HAR text, or nowhere.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::BodyStorage;
use super::body_scan::{BodyScan, scan};
use super::media_types::extension;
use super::payload_store::PayloadStore;
use super::write_error::WriteError;
use crate::har::compose::{Place, PlacedBody};
use crate::har::content_type;
use crate::har::{Field, NewBody};

/// Which message a body belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Request,
    Response,
}

/// SHA-256 of a body; none if it is empty.
pub(crate) fn payload_hash(body: &NewBody<'_>) -> Result<Option<[u8; 32]>, WriteError> {
    Ok(Incoming::new(Side::Request, &[], body)?.hash())
}

/// A body that was looked at and not stored yet.
pub(crate) struct Incoming<'a> {
    side: Side,
    body: NewBody<'a>,
    scan: BodyScan,
    media_type: String,
}

impl<'a> Incoming<'a> {
    /// Reads the body of a message once.
    pub(crate) fn new(side: Side, fields: &[Field], body: &NewBody<'a>) -> Result<Self, WriteError> {
        let scan = scan(body).map_err(WriteError::io("read the body in", file_of(body)))?;
        let media_type = content_type::of(fields).unwrap_or_default().into_owned();
        Ok(Self { side, body: *body, scan, media_type })
    }

    /// SHA-256 of the body; none if it is empty.
    pub(crate) fn hash(&self) -> Option<[u8; 32]> {
        (self.scan.size > 0).then_some(self.scan.hash)
    }

    /// Decides where the body goes, and puts it there if that is a file.
    pub(crate) fn store(self, storage: BodyStorage, payloads: &mut PayloadStore) -> Result<Stored<'a>, WriteError> {
        let place = match storage {
            _ if matches!(self.body, NewBody::Omitted) => StoredPlace::Omitted,
            _ if self.scan.size == 0 => StoredPlace::Nothing,
            BodyStorage::Omit => StoredPlace::Omitted,
            BodyStorage::Attach => {
                let name = payloads.add(&self.body, &self.scan, extension(&self.media_type))?;
                StoredPlace::File(name, self.scan.hash)
            }
            BodyStorage::Embed if self.is_text() => StoredPlace::Text(open(&self.body)?),
            BodyStorage::Embed => StoredPlace::Base64(open(&self.body)?),
        };
        Ok(Stored { size: self.scan.size, place, form: self.form()? })
    }

    /// Whether the same bytes come back from text: in a request, U+FFFD would be read as damage, and in a response a
    /// reader may apply the charset.
    fn is_text(&self) -> bool {
        self.scan.utf8
            && match self.side {
                Side::Request => !self.scan.replacement,
                Side::Response => content_type::declares_utf8(&self.media_type),
            }
    }

    /// The bytes of a form whose fields are to be listed: of a moderate size, and text.
    fn form(&self) -> Result<Option<Vec<u8>>, WriteError> {
        const LARGEST_FORM: u64 = 1 << 20;
        let listed = self.side == Side::Request && content_type::is_form(&self.media_type) && self.scan.utf8;
        if !listed || self.scan.size == 0 || self.scan.size > LARGEST_FORM {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let read = open(&self.body)?.read_to_end(&mut bytes);
        read.map_err(WriteError::io("read the body in", file_of(&self.body)))?;
        Ok(Some(bytes))
    }
}

/// A body that has its place, and what is needed to write it there.
pub(crate) struct Stored<'a> {
    size: u64,
    place: StoredPlace<'a>,
    form: Option<Vec<u8>>,
}

enum StoredPlace<'a> {
    Nothing,
    Omitted,
    File(Box<str>, [u8; 32]),
    Text(Box<dyn Read + 'a>),
    Base64(Box<dyn Read + 'a>),
}

impl Stored<'_> {
    /// The name of its payload file.
    pub(crate) fn payload(&self) -> Option<&str> {
        if let StoredPlace::File(name, _) = &self.place { Some(name) } else { None }
    }

    /// What goes into the entry.
    pub(crate) fn placed(&mut self) -> PlacedBody<'_> {
        let place = match &mut self.place {
            StoredPlace::Nothing => Place::Nothing,
            StoredPlace::Omitted => Place::Omitted,
            StoredPlace::File(name, hash) => Place::File { name, hash: *hash },
            StoredPlace::Text(source) => Place::Text(&mut **source),
            StoredPlace::Base64(source) => Place::Base64(&mut **source),
        };
        PlacedBody { size: self.size, place, form: self.form.as_deref().map(Into::into) }
    }
}

fn open<'a>(body: &NewBody<'a>) -> Result<Box<dyn Read + 'a>, WriteError> {
    match *body {
        NewBody::None | NewBody::Omitted => Ok(Box::new(io::empty())),
        NewBody::Bytes(bytes) => Ok(Box::new(bytes)),
        NewBody::File(path) => {
            let file = File::open(path).map_err(WriteError::io("read the body in", path))?;
            Ok(Box::new(file))
        }
    }
}

fn file_of<'a>(body: &NewBody<'a>) -> &'a Path {
    if let NewBody::File(path) = body { path } else { Path::new("") }
}
