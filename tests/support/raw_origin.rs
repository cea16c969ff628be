//! An origin that a test scripts byte by byte, for what no HTTP library would send.

use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use super::Wire;

/// Accepts connections and hands each to the next script.
pub(crate) struct RawOrigin<T> {
    address: SocketAddr,
    results: Receiver<T>,
}

impl<T: Send + 'static> RawOrigin<T> {
    /// Takes one connection, plays the script on it, and keeps what it gives.
    pub(crate) fn once(script: impl FnOnce(Wire) -> T + Send + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, results) = channel();
        thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let _ = sender.send(script(Wire::over(stream)));
        });
        Self { address, results }
    }

    pub(crate) fn authority(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What the script gave; fails if it never came to its end.
    #[track_caller]
    pub(crate) fn outcome(&self) -> T {
        self.results.recv_timeout(Duration::from_secs(30)).expect("the origin's script did not come to its end")
    }
}
