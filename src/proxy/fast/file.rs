//! Large bodies onto plain connections: from their file to the socket inside the system, where nothing speaks against it.

use std::io;

use tokio::io::AsyncWrite;
#[cfg(target_os = "linux")]
use tokio::{io::AsyncWriteExt, task::spawn_blocking};

use crate::archive::BodyFile;
#[cfg(target_os = "linux")]
use crate::connect::ClientStream;
use crate::connect::ToClient;
use crate::replay::Ready;

/// Bytes that are handed over at a time: so many are in memory, if their first one is.
#[cfg(target_os = "linux")]
const PIECE: usize = 256 << 10;

/// The file that goes through memory only because somebody could write into it while it is on its way.
pub(super) fn held_back<'r>(ready: &'r Ready, stream: &impl ToClient) -> Option<&'r BodyFile> {
    let file = ready.file().filter(|file| !file.is_steady());
    file.filter(|_| cfg!(target_os = "linux") && stream.plain().is_some())
}

/// Writes an answer to a stream.
pub(super) async fn write(ready: &Ready, stream: &mut (impl AsyncWrite + ToClient + Unpin)) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    if let Some(file) = ready.file().filter(|file| file.is_steady())
        && stream.plain().is_some()
    {
        stream.write_all(&ready.first).await?;
        stream.flush().await?;
        if let Some(client) = stream.plain() {
            // Boxed: it would make the future of every answer as large as its own.
            return Box::pin(send(file, client)).await;
        }
    }
    ready.write(stream).await
}

#[cfg(target_os = "linux")]
async fn send(file: &BodyFile, client: &ClientStream) -> io::Result<()> {
    let mut at = 0;
    while at < file.length() {
        if file.read_now(at, &mut [0]).is_none() {
            // Reading it elsewhere brings it into memory.
            let file = file.clone();
            spawn_blocking(move || file.read(at, &mut vec![0; PIECE])).await??;
        }
        at += client.send_with(|socket| file.send(at, PIECE, socket)).await? as u64;
    }
    Ok(())
}
