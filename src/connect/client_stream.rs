//! The client's TCP connection, which can be made to end with a reset instead of a polite close.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

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

/// A client's TCP stream with a [`ResetSwitch`].
///
/// The stream is owned by hyper, or by TLS inside hyper, when a handler decides to reset it; so the decision is left
/// here and carried out when the owner lets go.
#[derive(Debug)]
pub struct ClientStream {
    tcp: TcpStream,
    reset: ResetSwitch,
}

impl ClientStream {
    /// Wraps an accepted connection.
    pub fn new(tcp: TcpStream) -> Self {
        Self { tcp, reset: ResetSwitch::default() }
    }

    /// The switch of this stream.
    pub fn reset_switch(&self) -> ResetSwitch {
        self.reset.clone()
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
        Pin::new(&mut self.tcp).poll_read(cx, buf)
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write_vectored(cx, bufs)
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
