//! What can be wrong with an archive as a whole, and with one of its bodies.

use std::io;
use std::path::PathBuf;

use crate::archive::payload_path::PayloadPathError;

/// Why an archive cannot be opened or found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Neither a file nor a folder.
    #[error("{}: there is no such file or folder; check the path, or record an archive there first", path.display())]
    Missing {
        /// As it was asked for.
        path: PathBuf,
    },
    /// A folder where one archive was asked for.
    #[error("{}: is a folder, not an archive; name a .har or .zip file in it", path.display())]
    Folder {
        /// As it was asked for.
        path: PathBuf,
    },
    /// A FIFO, a socket or a device.
    #[error("{}: is not a regular file; an archive is a .har or .zip file", path.display())]
    NotRegular {
        /// As it was asked for.
        path: PathBuf,
    },
    /// A folder without archives.
    #[error("{}: holds no archive (*.har, *.zip); record one there, or name another folder", path.display())]
    EmptyFolder {
        /// The folder that was searched.
        path: PathBuf,
    },
    /// The system does not let it be read.
    #[error("{}: cannot be read", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Not JSON.
    #[error("{}:{line}:{column}: not JSON at byte {byte}: {reason}; repair the line or take the file from its last good version", path.display())]
    NotJson {
        /// The archive.
        path: PathBuf,
        /// From one.
        line: usize,
        /// In bytes, from one.
        column: usize,
        /// Offset into the HAR text, from zero.
        byte: u64,
        /// What the parser found.
        reason: String,
    },
    /// JSON that breaks off.
    #[error("{}: ends in the middle of {place} (byte {byte}): the file is cut off; take it from its last good version or record it again", path.display())]
    Truncated {
        /// The archive.
        path: PathBuf,
        /// The part that is incomplete, such as `log.entries[3]`.
        place: String,
        /// Length of the HAR text.
        byte: u64,
    },
    /// JSON, but not a HAR.
    #[error("{}: not a HAR: {reason}; a HAR is {{\"log\": {{\"entries\": […]}}}}", path.display())]
    NotHar {
        /// The archive.
        path: PathBuf,
        /// What is missing or of another kind.
        reason: String,
    },
    /// Text in another encoding than UTF-8.
    #[error("{}: is UTF-16 text; a HAR is UTF-8: save it again in that encoding", path.display())]
    Utf16 {
        /// The archive.
        path: PathBuf,
    },
    /// A zip whose structure is damaged or unsupported.
    #[error("{}: not a usable zip: {reason}; take it from its last good version or pack it again", path.display())]
    Zip {
        /// The archive.
        path: PathBuf,
        /// What is wrong in it.
        reason: String,
    },
    /// A gzip or zlib stream that does not decompress.
    #[error("{}: the compressed HAR does not decompress; take it from its last good version", path.display())]
    Compressed {
        /// The archive.
        path: PathBuf,
        /// What the decoder found.
        source: io::Error,
    },
    /// More than the limits allow: a bomb, or an archive for which the limits are too small.
    #[error("{}: {what} is {problem}; refused to protect memory and disk", path.display())]
    TooLarge {
        /// The archive.
        path: PathBuf,
        /// `the HAR text`, or the name of a zip entry.
        what: String,
        /// The limit that is passed, in words.
        problem: String,
    },
    /// A `_file` that is no acceptable payload path.
    #[error("{}: entry {entry}: {field}: {source}; name a file in the archive's folder or below", path.display())]
    PayloadPath {
        /// The archive.
        path: PathBuf,
        /// Place in `log.entries`, from zero.
        entry: usize,
        /// `response.content._file` or `request.postData._file`.
        field: &'static str,
        /// What is wrong with it; it names the path.
        source: PayloadPathError,
    },
    /// A `_file` that leads out of the folder through a link, or names something else than a file.
    #[error("{}: entry {entry}: {field}: {source}", path.display())]
    RefusedPayload {
        /// The archive.
        path: PathBuf,
        /// Place in `log.entries`, from zero.
        entry: usize,
        /// `response.content._file` or `request.postData._file`.
        field: &'static str,
        /// What is wrong with it; it names the payload.
        source: PayloadError,
    },
    /// Somebody wrote to the file while it was being read.
    #[error("{}: changed on disk while it was loaded; try again", path.display())]
    ChangedWhileLoading {
        /// The archive.
        path: PathBuf,
    },
    /// There is no room for the decompressed HAR.
    #[error("{}: its HAR text cannot be unpacked into a temporary file", path.display())]
    Temporary {
        /// The archive.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Why one body cannot be read. The caller knows the entry and adds it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// The payload file, or the entry of the zip, is not there.
    #[error("payload {payload:?} of {} is missing; restore the file or record the entry again", archive.display())]
    Missing {
        /// The archive that names it.
        archive: PathBuf,
        /// The path in `_file`.
        payload: String,
    },
    /// Links lead out of the archive's folder.
    #[error("payload {payload:?} of {} leads out of the archive's folder through a link; put the file itself there", archive.display())]
    Escapes {
        /// The archive that names it.
        archive: PathBuf,
        /// The path in `_file`.
        payload: String,
    },
    /// A folder, FIFO, socket or device.
    #[error("payload {payload:?} of {} is not a regular file; put a file there or remove `_file`", archive.display())]
    NotRegular {
        /// The archive that names it.
        archive: PathBuf,
        /// The path in `_file`.
        payload: String,
    },
    /// `_file` is no acceptable payload path.
    #[error("{source}, in {}; name a file in the archive's folder or below", archive.display())]
    Path {
        /// The archive that names it.
        archive: PathBuf,
        /// What is wrong with it; it names the path.
        source: PayloadPathError,
    },
    /// More than the limits allow.
    #[error("{what} of {} is {problem}; refused to protect memory", archive.display())]
    TooLarge {
        /// The archive.
        archive: PathBuf,
        /// `payload "…"` or `an embedded body`.
        what: String,
        /// The limit that is passed, in words.
        problem: String,
    },
    /// The HAR text is not the one that was loaded any more.
    #[error("{} changed on disk since it was loaded; load it again", archive.display())]
    Changed {
        /// The archive.
        archive: PathBuf,
    },
    /// `encoding` says base64 and the text is not.
    #[error("a body in {} is marked base64 but is not, at character {at} (byte {byte} of the HAR text); correct the text or its encoding", archive.display())]
    Base64 {
        /// The archive.
        archive: PathBuf,
        /// Place in the text, from zero.
        at: usize,
        /// Where the text begins in the HAR.
        byte: u64,
    },
    /// The span does not hold a JSON string: it belongs to another archive.
    #[error("no body begins at byte {byte} of {}", archive.display())]
    NotAString {
        /// The archive.
        archive: PathBuf,
        /// Where a string was expected.
        byte: u64,
    },
    /// An entry of the zip that cannot be unpacked.
    #[error("payload {payload:?} of {} cannot be unpacked: {reason}; pack the archive again", archive.display())]
    Zip {
        /// The archive.
        archive: PathBuf,
        /// The path in `_file`.
        payload: String,
        /// What is wrong with the entry.
        reason: String,
    },
    /// The system does not let it be read.
    #[error("{what} of {} cannot be read", archive.display())]
    Unreadable {
        /// The archive.
        archive: PathBuf,
        /// `payload "…"` or `an embedded body`.
        what: String,
        /// What the system said.
        source: io::Error,
    },
}
