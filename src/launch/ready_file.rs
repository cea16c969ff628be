//! The file by which a proxy says that it listens, and where.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Error, trust_files::write_atomically};

/// What `--ready-file` holds: one JSON object, written once the proxy listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadyFile {
    /// The proxy's URL, such as `http://127.0.0.1:8899`.
    pub url: String,
    /// The port of that URL.
    pub port: u16,
    /// The CA certificate, PEM.
    pub ca: PathBuf,
    /// The proxy's process.
    pub pid: u32,
    /// Everywhere that it listens, that URL first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listeners: Vec<ReadyListener>,
    /// The origins that clients reach at the proxy's own addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<ReadyOrigin>,
}

/// An origin that clients reach at one of these places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadyOrigin {
    /// The base URL for clients.
    pub url: String,
    /// The base URL that it stands for.
    pub origin: String,
}

/// One place where a proxy listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadyListener {
    /// Its URL.
    pub url: String,
    /// The session of the clients that come there, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

impl ReadyFile {
    /// Writes the file by rename: whoever reads it sees all of it or none.
    ///
    /// # Errors
    /// [`Error::WriteReadyFile`] where the folder or the file cannot be written, or the CA's path is not UTF-8.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let failed = |source| Error::WriteReadyFile { path: path.to_owned(), source };
        let mut json = serde_json::to_vec(self).map_err(|error| failed(io::Error::other(error)))?;
        json.push(b'\n');
        write_atomically(path, &json).map_err(failed)
    }

    /// Reads the file; `None` where there is none yet.
    ///
    /// # Errors
    /// [`Error::ReadReadyFile`] and [`Error::ParseReadyFile`] where it is there and does not say what it should.
    pub fn read(path: &Path) -> Result<Option<Self>, Error> {
        let json = match fs::read(path) {
            Ok(json) => json,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::ReadReadyFile { path: path.to_owned(), source }),
        };
        serde_json::from_slice(&json)
            .map(Some)
            .map_err(|source| Error::ParseReadyFile { path: path.to_owned(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> ReadyFile {
        ReadyFile {
            url: "http://127.0.0.1:4321".into(),
            port: 4321,
            ca: "/a b/ca.pem".into(),
            pid: 7,
            listeners: Vec::new(),
            origins: Vec::new(),
        }
    }

    #[test]
    fn what_is_written_is_one_json_line_and_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/ready.json");
        sample().write(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, "{\"url\":\"http://127.0.0.1:4321\",\"port\":4321,\"ca\":\"/a b/ca.pem\",\"pid\":7}\n");
        assert_eq!(ReadyFile::read(&path).unwrap(), Some(sample()));
    }

    #[test]
    fn a_file_that_is_not_there_yet_is_no_error_and_a_wrong_one_names_itself() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ready.json");
        assert_eq!(ReadyFile::read(&path).unwrap(), None);
        fs::write(&path, "{\"url\":1}").unwrap();
        let message = ReadyFile::read(&path).unwrap_err().to_string();
        assert!(message.contains("ready.json is not a ready file"), "{message}");
    }
}
