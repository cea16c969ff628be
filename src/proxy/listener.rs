//! The accept loop: it outlives every bad accept, caps connections, and drains at the end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::connection;
use super::engine::Engine;
use crate::connect::ClientStream;

/// After an accept that failed for want of something (file descriptors, memory), before the next one.
const BACKOFF: Duration = Duration::from_millis(50);

/// Accepts until the run is told to end.
pub(super) async fn accept_loop(listener: TcpListener, engine: Arc<Engine>) {
    let places = Arc::new(Semaphore::new(engine.limits.connections));
    loop {
        let place = tokio::select! {
            () = engine.ending.cancelled() => return,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        let accepted = tokio::select! {
            () = engine.ending.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((tcp, _client)) => {
                let connection = serve(tcp, Arc::clone(&engine));
                engine.tasks.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(error) if concerns_one_client(&error) => {}
            Err(error) => {
                engine.log.notice(&format!("cannot accept a connection: {error}; trying again"));
                sleep(BACKOFF).await;
            }
        }
    }
}

async fn serve(tcp: TcpStream, engine: Arc<Engine>) {
    // Answers are written whole; waiting to fill a segment only delays them.
    let _ = tcp.set_nodelay(true);
    connection::serve_listener(ClientStream::new(tcp), engine).await;
}

fn concerns_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
