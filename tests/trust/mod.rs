//! Strict verifiers of today against the certificates that the authority signs.
//!
//! Each test hands a real verifier a real handshake: OpenSSL, Python, Go and NSS have their own reading of RFC 5280.

mod chromium;
mod first_use;
mod go_verifier;
mod nss;
mod openssl;
mod python;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use harmock::ca::{Alpn, CertAuthority};
use rustls::{ServerConnection, StreamOwned};

use crate::support::has_program;

/// An authority in a folder that goes with it.
struct Authority {
    temp: tempfile::TempDir,
    ca: CertAuthority,
}

impl Authority {
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let ca = CertAuthority::load_or_create(Some(&temp.path().join("ca"))).unwrap();
        Self { temp, ca }
    }

    /// The leaf that a handshake for `host` presents, as a PEM file.
    fn leaf_file(&self, host: &str) -> PathBuf {
        let address = self.serve(host);
        let output = Command::new("openssl")
            .args(["s_client", "-connect", &address.to_string(), "-noservername"])
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let start = text.find("-----BEGIN CERTIFICATE-----").unwrap_or_else(|| panic!("no certificate: {output:?}"));
        let end = start + text[start..].find("-----END CERTIFICATE-----").unwrap();
        let path = self.temp.path().join("leaf.pem");
        std::fs::write(&path, format!("{}-----END CERTIFICATE-----\n", &text[start..end])).unwrap();
        path
    }

    /// Serves TLS as the proxy would inside a `CONNECT` to `host`: answers `ok` to anything, until the test ends.
    fn serve(&self, host: &str) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let config = self.ca.server_config(host, Alpn::Http1).unwrap();
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let Ok(socket) = socket else { return };
                let config = Arc::clone(&config);
                std::thread::spawn(move || {
                    let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), socket);
                    let mut request = [0; 1024];
                    if stream.read(&mut request).is_ok() {
                        let _ =
                            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
                        stream.conn.send_close_notify();
                        let _ = stream.flush();
                    }
                });
            }
        });
        address
    }
}

/// The hosts that every verifier is shown: names of each kind, addresses of both families.
fn hosts() -> Vec<String> {
    let long = format!("{}.{}.example", "a".repeat(60), "b".repeat(60));
    ["example.com", "127.0.0.1", "::1", "xn--bcher-kva.example", "localhost", &long].map(str::to_owned).into()
}

/// Whether a program is there; without it the test is named as skipped.
fn installed(program: &str) -> bool {
    has_program(program, "--help")
}
