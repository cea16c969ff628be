//! Asking a proxy itself, not through it, for one of its own pages.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// A page that is longer is none of ours.
const LONGEST: usize = 1 << 20;

/// What a proxy answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// `HTTP/1.1 200 OK`
    pub(crate) status_line: String,
    /// As far as it came.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Whether the status is a 2xx.
    pub(crate) fn is_good(&self) -> bool {
        self.status_line.starts_with("HTTP/1.1 2") || self.status_line.starts_with("HTTP/1.0 2")
    }
}

/// The answer to a GET of `path`. Each step may take as long as `patience`.
pub(crate) fn page(host: &str, port: u16, path: &str, patience: Duration) -> io::Result<Answer> {
    let address = (host, port).to_socket_addrs()?.next().ok_or(io::ErrorKind::AddrNotAvailable)?;
    let mut stream = TcpStream::connect_timeout(&address, patience)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while answer.len() < LONGEST {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => answer.extend_from_slice(&buffer[..count]),
            // Another server may keep the connection; what it said is enough to know it by.
            Err(_) if answer.contains(&b'\n') => break,
            Err(error) => return Err(error),
        }
    }
    if answer.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
    let body = answer.split_off(end);
    let status_line = String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().trim_end().to_owned();
    Ok(Answer { status_line, body })
}
