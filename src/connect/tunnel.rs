//! Passing a stream on, unopened, in both directions.

use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional_with_sizes};

/// Copied at a time in each direction.
const BUFFER: usize = 32 << 10;

/// What went through a tunnel, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Passed {
    /// From the client to the upstream.
    pub sent: u64,
    /// From the upstream to the client.
    pub received: u64,
}

/// Copies both ways until both sides have ended, keeping half-closed connections open.
///
/// A side that breaks ends the tunnel; what passed until then is unknown and counted as nothing.
pub async fn tunnel<C, U>(client: &mut C, upstream: &mut U) -> Passed
where
    C: AsyncRead + AsyncWrite + Unpin + ?Sized,
    U: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    match copy_bidirectional_with_sizes(client, upstream, BUFFER, BUFFER).await {
        Ok((sent, received)) => Passed { sent, received },
        Err(_broken) => Passed::default(),
    }
}
