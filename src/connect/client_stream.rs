//! The client's TCP connection, which can be made to end with a reset instead of a polite close.

use std::io;
use std::net::IpAddr;
#[cfg(target_os = "linux")]
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

#[cfg(target_os = "linux")]
use tokio::io::Interest;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::Prefixed;

/// Decides how a [`ClientStream`] ends: once thrown, its close is a TCP reset.
#[derive(Debug, Clone, Default)]
pub struct ResetSwitch(Arc<AtomicBool>);

impl ResetSwitch {
    /// From now on the stream ends with a reset.
    pub fn throw(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn thrown(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Counts how often bytes have moved on a [`ClientStream`], for one who looks for silence now and then.
#[derive(Debug, Clone, Default)]
pub struct Traffic(Arc<AtomicU32>);

impl Traffic {
    /// A number that is another one after each read or write.
    pub fn moved(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    fn count(&self, moved: bool) {
        // Only the stream's own task counts.
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(u32::from(moved)), Ordering::Relaxed);
    }
}

/// A client's TCP stream with a [`ResetSwitch`] and a count of its [`Traffic`].
///
/// The stream is owned by hyper, or by TLS inside hyper, when a handler decides to reset it; so the decision is left
/// here and carried out when the owner lets go.
#[derive(Debug)]
pub struct ClientStream {
    tcp: TcpStream,
    reset: ResetSwitch,
    traffic: Traffic,
}

impl ClientStream {
    /// Wraps an accepted connection.
    pub fn new(tcp: TcpStream) -> Self {
        Self { tcp, reset: ResetSwitch::default(), traffic: Traffic::default() }
    }

    /// The switch of this stream.
    pub fn reset_switch(&self) -> ResetSwitch {
        self.reset.clone()
    }

    /// The address of this machine at which the connection ends.
    pub fn local_ip(&self) -> Option<IpAddr> {
        self.tcp.local_addr().ok().map(|address| address.ip())
    }

    /// The count of what moves on this stream.
    pub fn traffic(&self) -> Traffic {
        self.traffic.clone()
    }
}

/// A stream to a client that may be its TCP connection itself.
pub trait ToClient {
    /// The connection, where what is written goes onto it as it is.
    fn plain(&self) -> Option<&ClientStream>;
}

impl ToClient for ClientStream {
    fn plain(&self) -> Option<&ClientStream> {
        Some(self)
    }
}

impl<S: ToClient> ToClient for Prefixed<S> {
    fn plain(&self) -> Option<&ClientStream> {
        self.stream().plain()
    }
}

impl<S> ToClient for TlsStream<S> {
    fn plain(&self) -> Option<&ClientStream> {
        None
    }
}

#[cfg(target_os = "linux")]
impl ClientStream {
    /// Waits until the connection takes bytes, and lets `send` put some onto it.
    ///
    /// # Errors
    ///
    /// Those of `send`.
    pub async fn send_with(&self, mut send: impl FnMut(BorrowedFd<'_>) -> io::Result<usize>) -> io::Result<usize> {
        let sent = self.tcp.async_io(Interest::WRITABLE, || send(self.tcp.as_fd())).await;
        self.traffic.count(true);
        sent
    }
}

impl Drop for ClientStream {
    fn drop(&mut self) {
        if self.reset.thrown() {
            // Linger 0 makes the close a reset; where it cannot be set the client sees a plain close.
            let _ = socket2::SockRef::from(&self.tcp).set_linger(Some(Duration::ZERO));
        }
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.tcp).poll_read(cx, buf);
        self.traffic.count(read.is_ready());
        read
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write(cx, buf);
        self.traffic.count(written.is_ready());
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write_vectored(cx, bufs);
        self.traffic.count(written.is_ready());
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.reset.thrown() {
            // A FIN before the reset would look like an orderly end.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
