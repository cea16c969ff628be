//! Either end of a connection, byte by byte: what the raw-socket tests speak and read.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use super::answer::{Answer, fields};
use super::tls::client_config;

/// A connection with what has been read of it and not yet used.
pub(crate) struct Wire {
    io: Box<dyn Io>,
    unread: Vec<u8>,
}

/// What a connection is made of.
pub(crate) trait Io: Read + Write + Send {}
impl<T: Read + Write + Send> Io for T {}

/// A start line and its fields, spelled as they came.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) line: String,
    pub(crate) fields: Vec<(String, String)>,
}

impl Wire {
    /// Connects; a read that waits longer than half a minute fails.
    pub(crate) fn connect(address: impl ToSocketAddrs) -> Self {
        Self::over(TcpStream::connect(address).unwrap())
    }

    pub(crate) fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { io: Box::new(stream), unread: Vec::new() }
    }

    /// Asks the proxy for a tunnel to `authority`, which it must grant.
    #[track_caller]
    pub(crate) fn tunnel(address: &str, authority: &str) -> Self {
        let mut wire = Self::connect(address);
        wire.send(format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n"));
        let head = wire.head();
        assert!(head.line.starts_with("HTTP/1.1 200"), "{head:?}");
        wire
    }

    /// Speaks TLS from here on, with webpki's checks and HTTP/1.1 by ALPN.
    pub(crate) fn tls(self, trusted: &Path, name: &str) -> Self {
        assert!(self.unread.is_empty());
        let name = rustls::pki_types::ServerName::try_from(name.to_owned()).unwrap();
        let session = rustls::ClientConnection::new(client_config(trusted, &["http/1.1"]), name).unwrap();
        Self { io: Box::new(rustls::StreamOwned::new(session, self.io)), unread: Vec::new() }
    }

    /// The connection itself, for a client that takes over from here.
    pub(crate) fn into_io(self) -> Box<dyn Io> {
        assert!(self.unread.is_empty());
        self.io
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.io.write_all(bytes.as_ref()).unwrap();
        self.io.flush().unwrap();
    }

    /// A request in absolute form without body, and its answer.
    pub(crate) fn get(&mut self, url: &str) -> Answer {
        let authority = url.split('/').nth(2).unwrap();
        self.send(format!("GET {url} HTTP/1.1\r\nHost: {authority}\r\n\r\n"));
        self.answer()
    }

    /// Up to the empty line.
    #[track_caller]
    pub(crate) fn head(&mut self) -> Head {
        self.try_head().unwrap_or_else(|error| panic!("no head: {error}; unread: {:?}", self.unread))
    }

    pub(crate) fn try_head(&mut self) -> io::Result<Head> {
        let text = String::from_utf8_lossy(&self.until(b"\r\n\r\n")?).into_owned();
        let mut lines = text.lines();
        Ok(Head { line: lines.next().unwrap_or_default().to_owned(), fields: fields(lines) })
    }

    /// A whole response with body and trailers; interim responses are passed over.
    #[track_caller]
    pub(crate) fn answer(&mut self) -> Answer {
        let mut head = self.head();
        while head.line.starts_with("HTTP/1.1 1") {
            head = self.head();
        }
        let Answer { version, status, reason, .. } = Answer::parse(&head.line);
        let mut answer = Answer::new(&version, status, &reason, head.fields.clone());
        if !matches!(status, 204 | 304) {
            answer.body = self.body(&head).unwrap();
        }
        answer
    }

    /// The body that this head announces.
    pub(crate) fn body(&mut self, head: &Head) -> io::Result<Vec<u8>> {
        if head.value("transfer-encoding").is_some() {
            let mut body = Vec::new();
            while let Some(chunk) = self.chunk()? {
                body.extend(chunk);
            }
            return Ok(body);
        }
        match head.value("content-length") {
            Some(length) => self.exactly(length.parse().unwrap()),
            None if head.line.starts_with("HTTP/") => self.rest(),
            None => Ok(Vec::new()),
        }
    }

    /// The next chunk; `None` after the last one and its trailers.
    pub(crate) fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let line = String::from_utf8_lossy(&self.until(b"\r\n")?).into_owned();
        let length = usize::from_str_radix(line.trim().split(';').next().unwrap_or_default(), 16);
        let length = length.map_err(|_| io::Error::other(format!("no chunk: {line:?}")))?;
        if length == 0 {
            while self.until(b"\r\n")? != b"\r\n" {}
            return Ok(None);
        }
        let chunk = self.exactly(length)?;
        self.exactly(2)?;
        Ok(Some(chunk))
    }

    /// Everything until the peer closes.
    pub(crate) fn rest(&mut self) -> io::Result<Vec<u8>> {
        while self.fill()? > 0 {}
        Ok(std::mem::take(&mut self.unread))
    }

    pub(crate) fn exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.unread.len() < length {
            if self.fill()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.unread.drain(..length).collect())
    }

    fn until(&mut self, end: &[u8]) -> io::Result<Vec<u8>> {
        loop {
            if let Some(at) = self.unread.windows(end.len()).position(|window| window == end) {
                return Ok(self.unread.drain(..at + end.len()).collect());
            }
            if self.fill()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn fill(&mut self) -> io::Result<usize> {
        let mut bytes = [0; 16 << 10];
        let length = match self.io.read(&mut bytes) {
            // A peer that ends TLS without its farewell has still ended.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
            other => other?,
        };
        self.unread.extend_from_slice(&bytes[..length]);
        Ok(length)
    }
}

impl Head {
    /// The first value of a field, whatever its spelling.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The names as they were spelled.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.fields.iter().map(|(name, _)| name.as_str()).collect()
    }
}
